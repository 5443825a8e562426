"""QueryTips, QuerySong and QuerySongPlus in process."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from yuefu.catalogue.song import PartKind, PublishedSong, SongFacts, SongState
from yuefu.ids import VendorId
from yuefu.rights.deal import Chain, Deal, Terms, TermSheet
from yuefu.units import SECOND_MS

ILLEGAL, PAGE_INVALID, NOT_GRANTED, UNKNOWN_VENDOR = 320000004, 320040005, 320010013, 320040001
BOTH = (Chain.RECORDING, Chain.WORK)
BASE_FIELDS = {
    "SongId", "SongName", "SingerName", "SingerImg", "AlbumName", "AlbumImg", "AlbumImgMini", "AlbumImgSmall",
    "AlbumImgMedium", "Duration", "VendorId", "Copyright", "SingerId", "AlbumId",
}  # fmt: skip


class Library:
    """A world's own songs, published as a test needs them."""

    def __init__(self, world: Any, song_maker: Callable[..., PublishedSong], part_maker: Callable[..., Any]) -> None:
        self.world = world
        self._song_maker = song_maker
        self._part_maker = part_maker

    def add(
        self,
        title: str,
        *singers: str,
        vendor: int = 1,
        chains: Sequence[Chain] = BOTH,
        parts: Sequence[PartKind] = (),
        states: tuple[SongState, ...] = (),
        **facts: Any,
    ) -> str:
        """Publish a song that may be used as `chains` say; its id."""
        song = self._song_maker(
            f"{title} {facts} {len(self.world.songs)}",
            vendor_id=VendorId(vendor),
            facts=SongFacts(title=title, singers=singers, **facts),
            parts=tuple(self._part_maker(kind) for kind in parts),
            states=states,
        )

        def job(transaction: Any) -> Any:
            song_id = transaction.publish(song, at_ms=1).song_id
            if chains:
                deal = Deal(song_id=song_id, chains=tuple(chains), sheet=TermSheet(terms=(Terms(),)))
                transaction.record_deal(deal, at_ms=1)
            return song_id

        song_id = self.world.centre.work.run(job)
        self.world.songs[song.source_key] = song_id
        return str(song_id)

    def ask(self, action: str, keyword: str | None, **changes: Any) -> Any:
        page = None if action == "QueryTips" else 1
        return self.world.ask(**{"Action": action, "SongsId[]": None, "Keyword": keyword, "Page": page} | changes)

    def rows(self, keyword: str, *filters: int, action: str = "QuerySong", **changes: Any) -> list[Any]:
        answer = self.ask(action, keyword, **{"Filter[]": list(filters) or None} | changes)
        assert answer["Code"] == 0, answer
        found: list[Any] = answer["Data"]["Songs"]
        return found

    def ids(self, keyword: str, *filters: int, **changes: Any) -> list[str]:
        return [row["SongId"] for row in self.rows(keyword, *filters, **changes)]

    def plus(self, keyword: str, vendors: Sequence[int] | None = None, **changes: Any) -> list[str]:
        """The ids that QuerySongPlus answers."""
        named = None if vendors is None else list(vendors)
        return self.ids(keyword, action="QuerySongPlus", **{"VendorsId[]": named} | changes)

    def tips(self, keyword: str, **changes: Any) -> list[str]:
        answer = self.ask("QueryTips", keyword, **changes)
        assert answer["Code"] == 0, answer
        assert answer["Data"].keys() == {"Tips"}
        found: list[str] = answer["Data"]["Tips"]
        return found


@pytest.fixture
def library(world: Any, song_maker: Callable[..., PublishedSong], part_maker: Callable[..., Any]) -> Library:
    return Library(world, song_maker, part_maker)


# QuerySong


def test_a_row_has_exactly_the_documented_fields(library: Library) -> None:
    library.add("茉莉花", "甲", "乙")
    library.add("茉莉花", "甲", vendor=2)
    (row,) = library.rows("茉莉花")
    assert row.keys() == BASE_FIELDS
    assert (row["SongName"], row["SingerName"], row["VendorId"]) == ("茉莉花", "甲/乙", 1)
    (row,) = library.rows("茉莉花", VendorId=2)
    assert row.keys() == BASE_FIELDS | {"PitchAbility", "HasShortSegment"}


def test_only_songs_with_a_right_are_shown(library: Library) -> None:
    shown = [library.add("茉莉花", chains=chains) for chains in (BOTH, BOTH[:1], BOTH[1:])]
    library.add("茉莉花", chains=())
    assert library.ids("茉莉花") == shown
    assert library.ids("ended") == library.ids("coming") == []


def test_a_song_is_shown_from_the_instant_of_its_right(library: Library) -> None:
    assert library.ids("coming") == []
    library.world.wait(SECOND_MS)
    assert library.ids("coming") == library.world.ids("coming")
    assert library.ids("ending") == []


def test_each_filter_leaves_out_what_it_names_and_all_apply(library: Library) -> None:
    sung = (PartKind.LYRICS, PartKind.PITCH_LINE)
    whole = library.add("花", parts=sung)
    played = library.add("花", parts=sung, chains=BOTH[:1])
    pure = library.add("花 (纯音乐)", parts=sung)
    lines_only = library.add("花", parts=sung, states=(SongState.NEEDS_WORD_LYRICS,))
    flat = library.add("花", parts=(PartKind.LYRICS,))
    everything = [whole, played, lines_only, flat, pure]
    assert library.ids("花") == everything
    for number, left_out in ((1, {played}), (2, {pure}), (3, {lines_only}), (4, {flat})):
        assert library.ids("花", number) == [song for song in everything if song not in left_out]
    assert library.ids("花", 1, 4) == [whole, lines_only, pure]
    assert library.ids("花", 1, 2, 3, 4) == [whole]


def test_pages_of_twenty_are_disjoint_and_together_the_list(library: Library) -> None:
    usable = [library.add("花开", chains=() if number % 5 == 0 else BOTH) for number in range(70)]
    expected = [song for number, song in enumerate(usable) if number % 5]
    pages = [library.ids("花", Page=page) for page in range(1, 6)]
    assert [len(page) for page in pages] == [20, 20, 16, 0, 0]
    assert [song for page in pages for song in page] == expected


def test_a_title_that_is_the_keyword_comes_first(library: Library) -> None:
    middle, longer, exact = (library.add(title) for title in ("好花", "花开", "花"))
    assert library.ids("花") == [exact, longer, middle]


@pytest.mark.parametrize("action", ["QuerySong", "QuerySongPlus"])
@pytest.mark.parametrize("keyword", ["?!", " ", "*", '"', "🎤", "花" * 128, "\x01", "' OR '1'='1", "NEAR(", "a AND"])
def test_an_odd_keyword_finds_nothing_and_is_no_error(library: Library, action: str, keyword: str) -> None:
    library.add("花")
    assert library.ids(keyword, action=action) == []


@pytest.mark.parametrize("action", ["QuerySong", "QuerySongPlus", "QueryTips"])
@pytest.mark.parametrize("keyword", [None, "", "花" * 129])
def test_a_keyword_is_required_and_of_128_characters_at_most(library: Library, action: str, keyword: str) -> None:
    answer = library.ask(action, keyword)
    assert (answer["Code"], answer["Message"][:8]) == (ILLEGAL, "Keyword:")


@pytest.mark.parametrize("action", ["QuerySong", "QuerySongPlus"])
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"Page": 0}, PAGE_INVALID),
        ({"Page": -1}, PAGE_INVALID),
        ({"Page": "x"}, PAGE_INVALID),
        ({"Page": None}, ILLEGAL),
        ({"Filter[]": [5]}, ILLEGAL),
        ({"Filter[]": ["x"]}, ILLEGAL),
    ],
)
def test_bad_parameters_have_their_documented_codes(
    library: Library, action: str, changes: dict[str, Any], code: int
) -> None:
    assert library.ask(action, "花", **changes)["Code"] == code


def test_a_page_far_beyond_the_end_is_empty(library: Library) -> None:
    library.add("花")
    assert library.ids("花", Page=10**9) == library.plus("花", Page=10**9) == []


# QuerySongPlus


def test_vendors_take_turns_in_their_order(library: Library) -> None:
    one = [library.add(f"花 {number}") for number in range(3)]
    two = [library.add(f"花 {number}{number}", vendor=2) for number in range(3)]
    by_turns = [song for pair in zip(one, two, strict=True) for song in pair]
    assert library.plus("花") == library.plus("花", (1, 2)) == by_turns
    assert library.plus("花", (2, 1))[:3] == [two[0], one[0], two[1]]
    assert library.plus("花", (1,)) == one


def test_items_are_the_ratio_of_every_round(library: Library) -> None:
    one = [library.add(f"花 {number}") for number in range(3)]
    two = [library.add(f"花 {number}{number}", vendor=2) for number in range(5)]
    found = library.plus("花", (1, 2), **{"Items[]": [1, 2]})
    assert found == [one[0], *two[:2], one[1], *two[2:4], one[2], two[4]]


def test_a_vendor_that_has_run_dry_leaves_the_rest_to_the_others(library: Library) -> None:
    one = [library.add("花")]
    two = [library.add(f"花 {number}", vendor=2) for number in range(10, 55)]
    pages = [library.plus("花", (1, 2), Page=page) for page in (1, 2, 3, 4)]
    assert [song for page in pages for song in page] == [*one, *two]
    assert [len(page) for page in pages] == [20, 20, 6, 0]


def test_vendor_0_is_the_apps_default_vendor(library: Library) -> None:
    one, two = library.add("花"), library.add("花开", vendor=2)
    assert library.plus("花", (0,)) == [one]
    assert library.plus("花", (2, 0)) == [two, one]


def test_a_vendor_named_twice_has_two_turns_and_shows_no_song_twice(library: Library) -> None:
    one = [library.add(f"花 {number}") for number in range(4)]
    two = [library.add(f"花 {number}{number}", vendor=2) for number in range(2)]
    assert library.plus("花", (1, 2, 0)) == [one[0], two[0], one[1], one[2], two[1], one[3]]
    assert library.plus("花", (1, 1), **{"Items[]": [1, 2]}) == one


@pytest.mark.parametrize(
    ("facts", "twin_facts"),
    [
        ({"title": "茉莉花", "singers": ("甲", "乙")}, {"title": "茉莉花", "singers": ("乙", "甲")}),
        ({"title": "Jasmine", "isrc": "A"}, {"title": "ＪＡＳＭＩＮＥ", "isrc": "B"}),
        ({"title": "Jasmine", "isrc": "A"}, {"title": "jasmine"}),
        ({"title": "Jasmine", "isrc": "A"}, {"title": "Jasmine (Album Version)", "isrc": "A"}),
    ],
    ids=["singers in another order", "name in spite of the ISRC", "name without an ISRC", "ISRC in spite of the name"],
)
def test_a_recording_at_two_vendors_is_shown_once(
    library: Library, facts: dict[str, Any], twin_facts: dict[str, Any]
) -> None:
    one, two = (
        library.add(given.pop("title"), *given.pop("singers", ("甲",)), vendor=vendor, **given)
        for vendor, given in ((1, dict(facts)), (2, dict(twin_facts)))
    )
    keyword = facts["title"]
    assert library.plus(keyword) == library.plus(keyword, KeepVendor=1) == [one]
    assert library.plus(keyword, (2, 1)) == library.plus(keyword, KeepVendor=2) == [two]
    assert library.plus(keyword, (2, 1), KeepVendor=0) == [one]


def test_songs_that_differ_in_singer_or_version_are_not_the_same(library: Library) -> None:
    found = [library.add("茉莉花", "甲"), library.add("茉莉花", "乙", vendor=2), library.add("茉莉花 (Live)", "甲")]
    assert sorted(library.plus("茉莉花")) == sorted(found)


def test_a_duplicate_takes_nobodys_place(library: Library) -> None:
    for vendor in (1, 2):
        for number in range(6):
            library.add(f"花 {number}", "甲", vendor=vendor)
    rows = library.rows("花", action="QuerySongPlus", **{"VendorsId[]": [1, 2], "Items[]": [1, 2]})
    assert [row["VendorId"] for row in rows] == [1, 2, 2, 1, 2, 2]
    assert [row["SongName"] for row in rows] == [f"花 {number}" for number in range(6)]


def test_the_kept_vendors_row_waits_for_its_turn(library: Library) -> None:
    for number in range(4):
        library.add(f"花 {number}", "甲")
    kept = [library.add(f"花 {number}", "甲", vendor=2) for number in (0, 2)]
    rows = library.rows("花", action="QuerySongPlus", KeepVendor=2)
    assert [(row["SongName"], row["VendorId"]) for row in rows] == [("花 1", 1), ("花 0", 2), ("花 3", 1), ("花 2", 2)]
    assert [row["SongId"] for row in rows if row["VendorId"] == 2] == kept


def test_the_kept_vendors_row_is_found_by_the_others_name(library: Library) -> None:
    library.add("Jasmine", "甲", isrc="A")
    kept = library.add("茉莉花", "甲", vendor=2, isrc="A")
    assert library.plus("jasmine", KeepVendor=2) == [kept]


def test_what_may_not_be_used_at_the_kept_vendor_is_shown_from_another(library: Library) -> None:
    one = library.add("花", "甲")
    library.add("花", "甲", vendor=2, chains=())
    assert library.plus("花", KeepVendor=2) == [one]


def test_a_kept_vendor_that_is_not_searched_keeps_nothing(library: Library) -> None:
    one = library.add("花", "甲")
    library.add("花", "甲", vendor=2)
    assert library.plus("花", (1,), KeepVendor=2) == [one]


@pytest.mark.parametrize(
    ("changes", "code", "parameter"),
    [
        ({"VendorsId[]": [1, 2], "Items[]": [1]}, ILLEGAL, "Items"),
        ({"VendorsId[]": [1], "Items[]": [1, 2]}, ILLEGAL, "Items"),
        ({"Items[]": [1]}, ILLEGAL, "Items"),
        ({"VendorsId[]": [1], "Items[]": [0]}, ILLEGAL, "Items"),
        ({"VendorsId[]": [1], "Items[]": [-1]}, ILLEGAL, "Items"),
        ({"VendorsId[]": [1], "Items[]": ["x"]}, ILLEGAL, "Items"),
        ({"VendorsId[]": ["x"]}, ILLEGAL, "VendorsId"),
        ({"VendorsId[]": [1, 3]}, UNKNOWN_VENDOR, "VendorsId"),
        ({"VendorsId[]": [1, 4]}, NOT_GRANTED, "VendorsId"),
        ({"KeepVendor": 3}, UNKNOWN_VENDOR, "KeepVendor"),
        ({"KeepVendor": 4}, NOT_GRANTED, "KeepVendor"),
        ({"KeepVendor": "x"}, ILLEGAL, "KeepVendor"),
    ],
)
def test_a_bad_choice_of_vendors_is_refused(
    library: Library, changes: dict[str, Any], code: int, parameter: str
) -> None:
    answer = library.ask("QuerySongPlus", "花", **changes)
    assert (answer["Code"], answer["Message"].split(":")[0]) == (code, parameter), answer


def test_plus_filters_as_a_search_does(library: Library) -> None:
    one = library.add("花", parts=(PartKind.LYRICS,))
    library.add("花 (纯音乐)", vendor=2)
    assert library.plus("花", **{"Filter[]": [2, 3]}) == [one]


# QueryTips


def test_tips_are_titles_and_singers_that_the_keyword_finds(library: Library) -> None:
    library.add("茉莉花", "花花")
    library.add("送别", "李叔同")
    assert sorted(library.tips("花")) == ["花花", "茉莉花"]
    assert library.tips("mlh") == ["茉莉花"]
    assert library.tips("送") == ["送别"]
    assert library.tips("无") == library.tips("?!") == []


@pytest.mark.parametrize("vendor", [1, 2])
def test_the_keyword_itself_comes_first_when_it_is_a_title_or_a_singer(library: Library, vendor: int) -> None:
    library.add("王菲之歌", "甲", vendor=vendor)
    library.add("红豆", "王菲", vendor=vendor)
    library.add("再见王菲", "王菲菲", vendor=vendor)
    tips = library.tips("王菲", VendorId=vendor)
    assert tips[0] == "王菲"
    assert sorted(tips) == sorted(["王菲", "王菲之歌", "再见王菲", "王菲菲"])
    library.add("Let It Be", "The Beatles", vendor=vendor)
    assert library.tips("ＬＥＴ it be", VendorId=vendor) == ["Let It Be"]


def test_a_singer_named_so_comes_first_behind_hundreds_of_songs(library: Library) -> None:
    for number in range(250):
        library.add(f"花 {number}")
    library.add("送别", "花")
    tips = library.tips("花")
    assert (tips[0], len(tips)) == ("花", 10)


def test_there_are_ten_tips_at_most_and_none_twice(library: Library) -> None:
    for number in range(15):
        library.add(f"花 {number}", "花花")
        library.add(f"花 {number}!", "花·花")
    tips = library.tips("花")
    assert len(tips) == len(set(tips)) == 10


def test_tips_are_of_songs_that_may_be_used_at_that_vendor(library: Library) -> None:
    library.add("茉莉花", "花子", chains=())
    library.add("花月", "甲", vendor=2)
    assert library.tips("花") == []
    assert library.tips("花", VendorId=2) == ["花月"]
