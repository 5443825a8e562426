"""QuerySongsCopyright in process, against the field table of its page."""

from typing import Any

import pytest

from yuefu.ids import VendorId
from yuefu.rights.deal import Chain, Terms
from yuefu.units import SECOND_MS

ILLEGAL = 320000004


def rows(answer: Any) -> list[Any]:
    assert answer["Code"] == 0, answer
    found: list[Any] = answer["Data"]["Copyright"]
    return found


def ids_of(answer: Any) -> list[str]:
    return [row["SongId"] for row in rows(answer)]


def rights(world: Any, song: str) -> tuple[int, int, int, int]:
    """SongLyric, Recording, Channel and Right."""
    (row,) = rows(world.ask(**{"SongsId[]": world.ids(song)}))
    return *(row["Subright"][name] for name in ("SongLyric", "Recording", "Channel")), row["Right"]


def test_an_answer_has_exactly_the_documented_fields(still_world: Any) -> None:
    answer = still_world.ask(**{"SongsId[]": still_world.ids("whole", "nothing allowed")})
    assert answer.keys() == {"Code", "Message", "RequestId", "Data"}
    assert (type(answer["Code"]), answer["Message"], type(answer["RequestId"])) == (int, "succeed", str)
    assert answer["Data"].keys() == {"Copyright"}
    assert len(answer["Data"]["Copyright"]) == 2
    for row in answer["Data"]["Copyright"]:
        assert row.keys() == {"Subright", "Right", "SongId"}
        assert row["Subright"].keys() == {"SongLyric", "Recording", "Channel"}
        assert isinstance(row["SongId"], str)
        assert {type(number) for number in (row["Right"], *row["Subright"].values())} == {int}


@pytest.mark.parametrize(
    ("song", "expected"),
    [
        ("whole", (1, 1, 0, 1)),
        ("sung only", (1, 0, 3, 1)),
        ("played only", (0, 1, 2, 1)),
        ("nothing allowed", (0, 0, 0, 0)),
        ("ended", (0, 0, 0, 0)),
        ("coming", (0, 0, 0, 0)),
        ("ending", (1, 1, 0, 1)),
    ],
)
def test_each_right_is_told_as_it_is_held(still_world: Any, song: str, expected: tuple[int, int, int, int]) -> None:
    assert rights(still_world, song) == expected


def test_rights_begin_and_end_on_their_instant(world: Any) -> None:
    world.wait(SECOND_MS - 1)
    assert (rights(world, "coming")[3], rights(world, "ending")[3]) == (0, 1)
    world.wait(1)
    assert (rights(world, "coming")[3], rights(world, "ending")[3]) == (1, 0)


def test_a_deal_counts_from_the_next_question_on(world: Any) -> None:
    assert rights(world, "nothing allowed") == (0, 0, 0, 0)
    world.record_deal("nothing allowed", Chain.WORK, terms=(Terms(channel=5),))
    assert rights(world, "nothing allowed") == (1, 0, 5, 1)
    world.record_deal("nothing allowed", Chain.WORK, terms=())
    assert rights(world, "nothing allowed") == (0, 0, 0, 0)


def test_songs_are_answered_in_the_order_asked(still_world: Any) -> None:
    asked = still_world.ids("coming", "whole", "nothing allowed", "ended", "sung only")
    for order in (asked, asked[::-1], asked[2:] + asked[:2]):
        assert ids_of(still_world.ask(**{"SongsId[]": order})) == order


def test_a_song_asked_for_twice_is_answered_once_at_its_first_place(still_world: Any) -> None:
    one, two, three = still_world.ids("whole", "ended", "coming")
    assert ids_of(still_world.ask(**{"SongsId[]": [two, one, two, three, one, two]})) == [two, one, three]


UNKNOWN = ["1", "999999999", "0", "-1", "abc", "茉莉花", "1e9", "9" * 40, "' OR 1=1 --", " ", "x" * 1_000]


def test_unknown_songs_are_left_out(still_world: Any) -> None:
    (known,) = still_world.ids("whole")
    assert ids_of(still_world.ask(**{"SongsId[]": [*UNKNOWN, known, f"0{known}", f" {known}", f"+{known}"]})) == [known]


def test_when_no_song_is_known_the_answer_is_empty_and_no_error(still_world: Any) -> None:
    assert still_world.ask(**{"SongsId[]": UNKNOWN})["Data"] == {"Copyright": []}


def test_a_song_of_another_vendor_is_left_out(still_world: Any) -> None:
    ours, theirs = still_world.ids("whole", "of vendor 2")
    assert ids_of(still_world.ask(**{"SongsId[]": [theirs, ours], "VendorId": 1})) == [ours]


def test_a_removed_song_is_left_out(world: Any) -> None:
    world.remove("ended")
    assert ids_of(world.ask(**{"SongsId[]": world.ids("ended", "whole")})) == world.ids("whole")


@pytest.mark.parametrize("vendor", [None, 0, 1])
def test_no_vendor_and_vendor_0_mean_the_apps_default(still_world: Any, vendor: int | None) -> None:
    assert ids_of(still_world.ask(VendorId=vendor)) == still_world.ids("whole")


def test_the_default_vendor_is_the_apps_own(world: Any) -> None:
    app = world.add_app(99, default_vendor=VendorId(2))
    asked = {"SongsId[]": world.ids("whole", "of vendor 2")}
    assert ids_of(world.ask(app, **asked, VendorId=0)) == world.ids("of vendor 2")
    assert ids_of(world.ask(app, **asked, VendorId=1)) == world.ids("whole")


@pytest.mark.parametrize(
    ("vendor", "code"),
    [(3, 320040001), (99, 320040001), (-1, 320040001), (2, 320010014), (4, 320010014)],
)
def test_a_vendor_that_cannot_be_asked_is_refused_with_its_own_code(still_world: Any, vendor: int, code: int) -> None:
    answer = still_world.ask(VendorId=vendor)
    assert answer["Code"] == code
    assert answer["Message"].startswith("VendorId: ")
    assert "Data" not in answer


def test_a_vendor_the_app_was_not_granted_is_refused(world: Any) -> None:
    app = world.add_app(99, vendors=frozenset({2}), default_vendor=VendorId(2))
    assert world.ask(app, VendorId=1)["Code"] == 320010013


@pytest.mark.parametrize("count", [1, 19, 20])
def test_up_to_twenty_ids_are_answered(still_world: Any, count: int) -> None:
    asked = (still_world.ids(*still_world.songs) * 2)[:count]
    assert len(rows(still_world.ask(**{"SongsId[]": asked}))) == len(
        {song_id for song_id in asked if song_id not in still_world.ids("of vendor 2")}
    )


@pytest.mark.parametrize("same", [True, False])
def test_ids_are_counted_as_sent(still_world: Any, *, same: bool) -> None:
    asked = still_world.ids("whole") * 21 if same else [str(number) for number in range(21)]
    answer = still_world.ask(**{"SongsId[]": asked})
    assert answer["Code"] == ILLEGAL
    assert answer["Message"].startswith("SongsId: ")
    assert "20" in answer["Message"]


@pytest.mark.parametrize(
    "names",
    [
        ("SongsId[]", "SongsId[]"),
        ("SongsId%5B%5D", "SongsId%5B%5D"),
        ("SongsId%5b%5d", "SongsId%5b%5d"),
        ("SongsId[0]", "SongsId[1]"),
        ("SongsId%5B0%5D", "SongsId%5B1%5D"),
        ("SongsId", "SongsId"),
        ("SongsId[]", "SongsId[1]"),
    ],
    ids=str,
)
def test_the_list_may_be_spelled_in_every_accepted_way(still_world: Any, names: tuple[str, str]) -> None:
    asked = still_world.ids("ended", "whole")
    spelled = "&".join(f"{name}={song_id}" for name, song_id in zip(names, asked, strict=True))
    raw = still_world.query(**{"SongsId[]": None}) + f"&{spelled}".encode()
    assert ids_of(still_world.answer(raw)) == asked


def test_commas_do_not_separate_ids(still_world: Any) -> None:
    assert ids_of(still_world.ask(**{"SongsId[]": [",".join(still_world.ids("whole", "ended"))]})) == []


@pytest.mark.parametrize("given", [None, []])
def test_a_list_is_needed(still_world: Any, given: Any) -> None:
    answer = still_world.ask(**{"SongsId[]": given})
    assert (answer["Code"], answer["Message"].split(":")[0]) == (ILLEGAL, "SongsId")


def test_an_empty_id_is_nobodys(still_world: Any) -> None:
    assert ids_of(still_world.ask(**{"SongsId[]": ["", *still_world.ids("whole")]})) == still_world.ids("whole")


def test_the_same_question_is_answered_the_same(still_world: Any) -> None:
    asked = {"SongsId[]": [*still_world.ids(*still_world.songs), "1"]}
    one, other = still_world.ask(**asked), still_world.ask(**asked)
    assert one.pop("RequestId") != other.pop("RequestId")
    assert one == other


def test_the_client_api_answers_the_same_in_its_own_spelling(world: Any) -> None:
    asked = world.ids("sung only", "whole", "nothing allowed", "of vendor 2")
    answer = world.member().call(
        "send_extended_request", command="/song/copyright", params={"songs_id": asked, "vendor_id": 1}
    )
    assert answer.keys() == {"code", "message", "request_id", "data"}
    assert answer["data"] == {
        "copyright": [
            {"song_id": asked[0], "right": 1, "subright": {"song_lyric": 1, "recording": 0, "channel": 3}},
            {"song_id": asked[1], "right": 1, "subright": {"song_lyric": 1, "recording": 1, "channel": 0}},
            {"song_id": asked[2], "right": 0, "subright": {"song_lyric": 0, "recording": 0, "channel": 0}},
        ]
    }


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, 1017000),
        ({"command": "", "params": {"songs_id": ["1"]}}, 1017000),
        ({"command": "/song/copyright"}, 1017001),
        ({"command": "/song/copyright", "params": {}}, 1017001),
        ({"command": "/song/nothing", "params": {"songs_id": ["1"]}}, 1017040),
        ({"command": "/song/copyright", "params": {"vendor_id": 1}}, 1017040),
        ({"command": "/song/copyright", "params": {"songs_id": "1"}}, 1017040),
        ({"command": "/song/copyright", "params": {"songs_id": [1]}}, 1017040),
        ({"command": "/song/copyright", "params": {"songs_id": []}}, 1017040),
        ({"command": "/song/copyright", "params": {"songs_id": ["1"] * 21}}, 1017040),
        ({"command": "/song/copyright", "params": {"songs_id": ["1"], "vendor_id": "1"}}, 1017040),
        ({"command": "/song/copyright", "params": {"songs_id": ["1"], "vendor_id": True}}, 1017040),
        ({"command": "/song/copyright", "params": {"songs_id": ["1"], "vendor_id": None}}, 1017040),
        ({"command": "/song/copyright", "params": {"songs_id": ["1"], "vendor_id": 3}}, 1017071),
        ({"command": "/song/copyright", "params": {"songs_id": ["1"], "vendor_id": 2}}, 1017053),
        ({"command": "/song/copyright", "params": [1]}, 1017040),
        ({"command": 7, "params": {"songs_id": ["1"]}}, 1017040),
    ],
    ids=str,
)
def test_the_client_api_refuses_with_its_own_codes(world: Any, body: dict[str, Any], code: int) -> None:
    answer = world.member().call("send_extended_request", **body)
    assert answer["code"] == code
    assert answer.keys() == {"code", "message", "request_id"}


def test_a_users_commands_have_a_quota_of_their_own(world: Any) -> None:
    member, other = world.member(), world.member(user_id="another")
    command = {"command": "/song/copyright", "params": {"songs_id": ["1"]}}
    assert {member.call("send_extended_request", **command)["code"] for _ in range(200)} == {0}
    assert member.call("send_extended_request", **command)["code"] == 1017097
    assert other.call("send_extended_request", **command)["code"] == 0
    assert world.ask()["Code"] == 0, "no phone spends what the back end lives on"
    world.wait(SECOND_MS)
    assert member.call("send_extended_request", **command)["code"] == 0


def test_a_command_may_spell_its_list_with_brackets(world: Any) -> None:
    params = {"songs_id[]": [str(next(iter(world.songs.values())))]}
    answer = world.member().call("send_extended_request", command="/song/copyright", params=params)
    assert len(answer["data"]["copyright"]) == 1


def test_a_list_of_nothing_but_an_empty_id_is_refused(world: Any) -> None:
    answer = world.ask(**{"SongsId[]": [""]})
    assert (answer["Code"], answer["Message"]) == (320000004, "SongsId: empty")


def test_an_app_that_was_not_granted_the_vendor_is_told_so_on_the_client_api(world: Any) -> None:
    app = world.add_app(99, vendors=frozenset({2}), default_vendor=VendorId(2))
    params = {"songs_id": ["1"], "vendor_id": 1}
    answer = world.member(app).call("send_extended_request", command="/song/copyright", params=params)
    assert answer["code"] == 1017052


@pytest.mark.parametrize("vendor", [2, 3, "1"])
def test_the_client_api_names_the_vendor_in_its_own_spelling(world: Any, vendor: Any) -> None:
    params = {"songs_id": ["1"], "vendor_id": vendor}
    answer = world.member().call("send_extended_request", command="/song/copyright", params=params)
    assert answer["message"].startswith("vendor_id: ")
