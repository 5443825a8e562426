"""What every store of charts and tags keeps: the operator's order, whole lists, and counts that end on the instant."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from yuefu.catalogue.chart import Chart, ChartEntry, ChartRule, Tag, TagGroup
from yuefu.catalogue.song import PublishedSong
from yuefu.ids import SongId, VendorId
from yuefu.units import Span

SongMaker = Callable[..., PublishedSong]
ONE, TWO = VendorId(1), VendorId(2)
NOW_MS = 1_700_000_000_000
STUDY, DRIVE = Tag(tag_id="587", name="学习"), Tag(tag_id="12", name="驾车")
RULE = ChartRule(days=7, threshold=3, cut_off_hour=5, time_zone="Asia/Shanghai", size=20)


class Changed(Exception):
    """What a job raises that has changed its mind."""


def at_desk(store: Any, job: Callable[[Any], Any]) -> Any:
    return store.work.run(lambda transaction: job(transaction.programme))


@pytest.fixture
def songs(store: Any, song_maker: SongMaker) -> list[SongId]:
    """Three songs of vendor 1 and two of vendor 2."""
    made = [song_maker(str(place), vendor_id=ONE if place < 3 else TWO) for place in range(5)]
    return [store.publish(song).song_id for song in made]


def put_groups(store: Any, *groups: TagGroup) -> None:
    def job(desk: Any) -> None:
        for place, group in enumerate(groups):
            desk.put_tag_group(group, place=place)

    at_desk(store, job)


def put_chart(store: Any, *entries: ChartEntry, **changes: Any) -> Chart:
    plain = Chart(vendor_id=ONE, top_id="8888", name="热门", as_of_ms=NOW_MS)
    chart = msgspec.structs.replace(plain, **changes)
    at_desk(store, lambda desk: desk.put_chart(chart, entries))
    return chart


def grant(store: Any, song_id: SongId, *at_ms: int, vendor_id: VendorId = ONE) -> None:
    session = store.open_session(f"session of {song_id} {at_ms}")
    for granted_at_ms in at_ms:
        store.issue_grant(session, song_id, granted_at_ms=granted_at_ms, vendor_id=vendor_id)


def test_groups_and_tags_are_in_the_operators_order(store: Any, other: Any) -> None:
    groups = [
        TagGroup(group_id="9", name="场景", tags=(STUDY, DRIVE)),
        TagGroup(group_id="1", name="心情", tags=()),
        TagGroup(group_id="5", name="年代", tags=(Tag(tag_id="3", name="九零"),)),
    ]
    put_groups(store, *groups)
    assert store.programme.tag_groups() == other.programme.tag_groups() == groups
    put_groups(store, *reversed(groups))
    assert other.programme.tag_groups() == groups[::-1]


def test_a_tag_may_move_and_be_named_anew(store: Any) -> None:
    put_groups(
        store, TagGroup(group_id="1", name="场景", tags=(STUDY, DRIVE)), TagGroup(group_id="2", name="心情", tags=())
    )
    moved = Tag(tag_id="587", name="用功")
    put_groups(
        store, TagGroup(group_id="1", name="场合", tags=(DRIVE,)), TagGroup(group_id="2", name="心情", tags=(moved,))
    )
    assert [(group.name, group.tags) for group in store.programme.tag_groups()] == [
        ("场合", (DRIVE,)),
        ("心情", (moved,)),
    ]


def test_a_tags_songs_are_in_order_and_by_vendor(store: Any, songs: list[SongId]) -> None:
    put_groups(store, TagGroup(group_id="1", name="场景", tags=(STUDY, DRIVE)))
    assert store.programme.tagged("587", ONE) == []
    order = [songs[4], songs[2], songs[0], songs[3]]
    at_desk(store, lambda desk: desk.tag_songs("587", order))
    assert store.programme.tagged("587", None) == order
    assert store.programme.tagged("587", ONE) == [songs[2], songs[0]]
    assert store.programme.tagged("587", TWO) == [songs[4], songs[3]]
    assert store.programme.tagged("12", None) == []
    at_desk(store, lambda desk: desk.tag_songs("587", [songs[1]]))
    assert store.programme.tagged("587", None) == [songs[1]]


def test_there_is_no_tag_that_was_not_made(store: Any) -> None:
    assert store.programme.tagged("587", ONE) is None
    assert store.programme.tagged("587", None) is None


def test_a_removed_tag_is_gone_from_its_songs(store: Any, songs: list[SongId]) -> None:
    put_groups(store, TagGroup(group_id="1", name="场景", tags=(STUDY, DRIVE)))
    at_desk(store, lambda desk: desk.tag_songs("587", songs))
    at_desk(store, lambda desk: desk.remove_tag("587"))
    assert store.programme.tagged("587", None) is None
    put_groups(store, TagGroup(group_id="1", name="场景", tags=(STUDY,)))
    assert store.programme.tagged("587", None) == []


def test_a_group_without_tags_may_go(store: Any) -> None:
    put_groups(store, TagGroup(group_id="1", name="场景", tags=()), TagGroup(group_id="2", name="心情", tags=()))
    at_desk(store, lambda desk: desk.remove_tag_group("1"))
    assert [group.group_id for group in store.programme.tag_groups()] == ["2"]


def test_a_chart_is_read_as_it_was_written(store: Any, other: Any, songs: list[SongId]) -> None:
    entries = [ChartEntry(songs[2], 9), ChartEntry(songs[0], 9), ChartEntry(songs[1], 3)]
    chart = put_chart(store, *entries, rule=RULE)
    assert other.programme.chart("8888", ONE) == chart
    assert other.programme.charted("8888", ONE) == entries
    by_hand = put_chart(store, ChartEntry(songs[1]), name="精选", rule=None)
    assert other.programme.chart("8888", ONE) == by_hand
    assert other.programme.charted("8888", ONE) == [ChartEntry(songs[1], 0)]


def test_vendors_have_charts_of_their_own(store: Any, songs: list[SongId]) -> None:
    second = put_chart(store, ChartEntry(songs[3]), vendor_id=TWO)
    first = put_chart(store, ChartEntry(songs[0]))
    own = put_chart(store, top_id="我们的榜")
    assert store.programme.charts() == [first, own, second]
    assert store.programme.charted("8888", TWO) == [ChartEntry(songs[3])]
    assert store.programme.charted("我们的榜", ONE) == []
    assert store.programme.charted("我们的榜", TWO) is None
    assert store.programme.chart("我们的榜", TWO) is None


def test_a_removed_chart_is_gone(store: Any, songs: list[SongId]) -> None:
    put_chart(store, ChartEntry(songs[0]))
    kept = put_chart(store, ChartEntry(songs[3]), vendor_id=TWO)
    at_desk(store, lambda desk: desk.remove_chart("8888", ONE))
    assert store.programme.charted("8888", ONE) is None
    assert store.programme.charts() == [kept]


def test_a_change_that_fails_leaves_the_old_list(store: Any, songs: list[SongId]) -> None:
    chart = put_chart(store, ChartEntry(songs[0]), ChartEntry(songs[1]))

    def job(desk: Any) -> None:
        desk.put_chart(chart, [ChartEntry(songs[2])])
        assert desk.charted("8888", ONE) == [ChartEntry(songs[2])]
        raise Changed

    with pytest.raises(Changed):
        at_desk(store, job)
    assert store.programme.charted("8888", ONE) == [ChartEntry(songs[0]), ChartEntry(songs[1])]


def test_uses_are_counted_from_the_first_instant_to_before_the_last(store: Any, songs: list[SongId]) -> None:
    grant(store, songs[0], 999, 1_000, 1_999, 2_000)
    grant(store, songs[1], 1_000, 1_500, 1_999)
    grant(store, songs[2], 999, 2_000)
    grant(store, songs[3], 1_500, 1_500, 1_500, 1_500, vendor_id=TWO)

    def uses(threshold: int = 1, size: int = 10, begin_ms: int = 1_000) -> Any:
        span = Span(begin_ms=begin_ms, end_ms=2_000)
        return at_desk(store, lambda desk: desk.uses(ONE, span, counted="grants", threshold=threshold, size=size))

    assert uses() == [ChartEntry(songs[1], 3), ChartEntry(songs[0], 2)]
    assert uses(threshold=3) == [ChartEntry(songs[1], 3)]
    assert uses(size=1) == [ChartEntry(songs[1], 3)]
    assert uses(begin_ms=0) == [ChartEntry(songs[0], 3), ChartEntry(songs[1], 3), ChartEntry(songs[2], 1)]
    assert uses(begin_ms=2_000) == []


def test_a_song_that_was_taken_out_keeps_its_owner_and_its_place(store: Any, songs: list[SongId]) -> None:
    put_chart(store, ChartEntry(songs[0]), ChartEntry(songs[1]))
    store.remove(songs[0])
    unknown = SongId(songs[4] + 1)
    owners = at_desk(store, lambda desk: desk.owners([*songs, unknown, songs[0]]))
    assert owners == dict(zip(songs, [ONE, ONE, ONE, TWO, TWO], strict=True))
    assert store.programme.charted("8888", ONE) == [ChartEntry(songs[0]), ChartEntry(songs[1])]
