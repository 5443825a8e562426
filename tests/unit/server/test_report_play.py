"""`report_play`: what a session sang under its grants, and reports of what it did not."""

from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.server.conftest import APP
from tests.unit.server.test_rights_commands import Shell

from yuefu.access.audit import Author
from yuefu.ids import UserId
from yuefu.rights.play import MOST_PLAYS
from yuefu.rights.takedown import NewCase, Scope
from yuefu.server.actions.plays import CALLS_PER_S
from yuefu.server.keeping import forget_user
from yuefu.server.takedowns import take_down
from yuefu.units import DAY_MS, HOUR_MS, SECOND_MS

EMPTY, NOT_HELD, MISSING, ILLEGAL, TOO_MANY, STRANGER, BUSY = (
    1017004,
    1017018,
    1017034,
    1017040,
    1017043,
    1017096,
    1017097,
)
ACCOMPANIMENT, SEGMENT = 1, 3


@pytest.fixture
def member(world: Any) -> Any:
    return world.member()


@pytest.fixture
def resource_id(member: Any) -> str:
    held: str = member.resource_id("whole", ACCOMPANIMENT)
    return held


def report(member: Any, resource_id: Any, play_id: Any = "one", **sung: Any) -> Any:
    return member.call("report_play", resource_id=resource_id, play_id=play_id, **sung)


def on_record(answer: Any) -> Any:
    assert answer.keys() == {"code", "message", "request_id", "data"}, answer
    assert answer["code"] == 0
    return answer["data"]


def refusal(answer: Any) -> tuple[int, str]:
    """The code and what the message names."""
    assert answer.keys() == {"code", "message", "request_id"}, answer
    return answer["code"], answer["message"].partition(":")[0]


def test_a_play_is_told_of_as_it_is_sung_and_is_one_play(world: Any, member: Any, resource_id: str) -> None:
    assert on_record(report(member, resource_id, started=1)) == {
        "play_id": "one",
        "seconds": 0,
        "completed": 0,
        "defined": 0,
    }
    world.wait(29 * SECOND_MS)
    assert on_record(report(member, resource_id, seconds=29, score=80))["defined"] == 0
    world.wait(SECOND_MS)
    for _ in range(2):
        told = on_record(report(member, resource_id, seconds=200, completed=True, score=91))
        assert told == {"play_id": "one", "seconds": 200, "completed": 1, "defined": 1, "score": 91}
    assert on_record(report(member, resource_id, seconds=29, score=80)) == told, "a late report changes nothing"
    (play,) = world.rows("plays")
    assert (play["started_at_ms"], play["defined_at_ms"]) == (1, world.now_us // 1_000)
    assert play["reported_at_ms"] == play["defined_at_ms"] - 30 * SECOND_MS


def test_a_play_is_apart_from_charges_and_has_what_it_was_granted_for(world: Any, member: Any) -> None:
    resource_id = member.resource_id("whole", SEGMENT, room_id="包厢", scene_id=4)
    before = [world.rows(table) for table in ("grants", "charges", "postings")]
    on_record(report(member, resource_id, seconds=20))
    assert [world.rows(table) for table in ("grants", "charges", "postings")] == before
    (play,) = world.rows("plays")
    (grant,) = world.rows("grants")
    for column in ("app_id", "user_id", "room_id", "song_id", "vendor_id", "resource_type", "scene_id", "billing_mode"):
        assert play[column] == grant[column]
    assert (play["grant_id"], play["territory"], play["room_id"], play["scene_id"]) == (1, "CN", "包厢", 4)
    assert play["rights_revision"] == grant["rights_revision"] == 1


def test_an_empty_resource_id_has_a_code_of_its_own(member: Any) -> None:
    for body in ({}, {"resource_id": ""}, {"play_id": "one"}):
        assert refusal(member.call("report_play", **body)) == (EMPTY, "resource_id")


@pytest.mark.parametrize("other", ["z_100000001_1", "z_999999999_2", "z_1", "别的", "z_100000001_99", "x" * 512])
def test_what_the_session_does_not_hold_is_refused(member: Any, resource_id: str, other: str) -> None:
    assert refusal(report(member, other))[0] in {NOT_HELD, MISSING}
    assert refusal(report(member, "z_100000001_1")) == (NOT_HELD, "resource_id")


def test_what_another_user_holds_is_refused_and_so_is_nobody(world: Any, resource_id: str) -> None:
    assert refusal(report(world.member(user_id="别人"), resource_id)) == (NOT_HELD, "resource_id")
    assert refusal(world.post("report_play", {"resource_id": resource_id, "play_id": "one"}))[0] == STRANGER
    assert world.rows("plays") == []


@pytest.mark.parametrize(
    ("sung", "field"),
    [
        ({"seconds": -1}, "seconds"),
        ({"seconds": 330}, None),
        ({"seconds": 331}, "seconds"),
        ({"seconds": 10**40}, "seconds"),
        ({"seconds": 1.5}, "seconds"),
        ({"seconds": "30"}, "seconds"),
        ({"seconds": True}, "seconds"),
        ({"seconds": None}, "seconds"),
        ({"score": 101}, "score"),
        ({"score": -1}, "score"),
        ({"score": [90]}, "score"),
        ({"started": -1}, "started"),
        ({"started": 2**63}, "started"),
        ({"started": "2026-11-20"}, "started"),
        ({"completed": 1}, "completed"),
        ({"play_id": ""}, "play_id"),
        ({"play_id": "一"}, "play_id"),
        ({"play_id": "a\u0000b"}, "play_id"),
        ({"play_id": "x" * 65}, "play_id"),
        ({"play_id": 7}, "play_id"),
        ({"resource_id": "x" * 513}, "resource_id"),
        ({"resource_id": 7}, "resource_id"),
        ({"score": None, "started": None, "unknown": {}}, None),
    ],
    ids=str,
)
def test_what_cannot_have_been_is_refused_by_name(
    world: Any, member: Any, resource_id: str, sung: dict[str, Any], field: str | None
) -> None:
    answer = member.call("report_play", **{"resource_id": resource_id, "play_id": "one", **sung})
    if field is None:
        on_record(answer)
    else:
        assert refusal(answer) == (ILLEGAL, field)
    assert len(world.rows("plays")) == (field is None)


def test_a_name_is_good_for_one_resource(member: Any, resource_id: str) -> None:
    other = member.resource_id("no words", ACCOMPANIMENT)
    on_record(report(member, resource_id))
    assert refusal(report(member, other)) == (ILLEGAL, "play_id")
    on_record(report(member, other, "two"))


def test_what_was_taken_down_or_has_run_out_was_sung_all_the_same(world: Any, member: Any, resource_id: str) -> None:
    ending = member.resource_id("ending", ACCOMPANIMENT)
    case = NewCase(
        scope=Scope(songs=(world.songs["whole"],)), reason="争议", is_banned=False, from_ms=world.now_us // 1_000
    )
    take_down(world.centre, case, Author(actor="cli:mei", origin="here"))
    world.wait(2 * SECOND_MS)
    assert on_record(report(member, ending, "late", seconds=40))["defined"] == 1
    assert member.download(resource_id).status_code == member.download(ending).status_code == 410
    world.wait(DAY_MS - HOUR_MS)
    on_record(report(member, resource_id, seconds=40))


def test_a_song_out_of_the_catalogue_goes_on_being_told_of_but_is_begun_no_more(
    world: Any, member: Any, resource_id: str
) -> None:
    on_record(report(member, resource_id, seconds=1))
    world.remove("whole")
    assert on_record(report(member, resource_id, seconds=40))["defined"] == 1
    assert refusal(report(member, resource_id, "two", seconds=40)) == (MISSING, "resource_id")


def test_a_shared_song_that_was_fetched_is_reported_too(world: Any, member: Any) -> None:
    guest = world.member(user_id="客人")
    for each in (member, guest):
        each.call("join_room", room_id="包厢")
    member.granted("whole", ACCOMPANIMENT, room_id="包厢")
    fetched = guest.call(
        "get_shared_resource", song_id=str(world.songs["whole"]), resource_type=ACCOMPANIMENT, room_id="包厢"
    )
    on_record(report(guest, fetched["data"]["resources"][0]["resource_id"], seconds=30))
    (play,) = world.rows("plays")
    assert (play["grant_id"], play["user_id"]) == (2, "客人")


def test_a_grant_has_only_so_many_plays(world: Any, member: Any, resource_id: str) -> None:
    for number in range(MOST_PLAYS):
        world.wait(SECOND_MS)
        on_record(report(member, resource_id, f"play-{number}"))
    world.wait(SECOND_MS)
    assert refusal(report(member, resource_id, "one more")) == (ILLEGAL, "play_id")
    assert refusal(report(member, resource_id, "one-more")) == (TOO_MANY, "play_id")


def test_calls_are_counted(world: Any, member: Any, resource_id: str) -> None:
    codes = {report(member, resource_id)["code"] for _ in range(3 * CALLS_PER_S)}
    assert codes == {0, BUSY}
    world.wait(SECOND_MS)
    on_record(report(member, resource_id))


hostile = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.dictionaries(
        st.sampled_from(["resource_id", "play_id", "started", "seconds", "completed", "score", "extra"]), hostile
    ),
    keeps_resource=st.booleans(),
)
def test_whatever_is_sent_is_answered_with_a_documented_code(
    world: Any, member: Any, resource_id: str, body: dict[str, Any], *, keeps_resource: bool
) -> None:
    world.wait(SECOND_MS // 4)
    sent = {**body, "resource_id": resource_id} if keeps_resource else body
    raw = msgspec.json.encode(sent)
    answer = world.post("report_play", msgspec.json.decode(raw), bearer=member.session)
    assert answer["code"] in {0, EMPTY, NOT_HELD, MISSING, ILLEGAL, TOO_MANY, STRANGER}, answer


def test_the_command_line_lists_plays(world: Any, member: Any, resource_id: str) -> None:
    report(member, resource_id, "one", seconds=2)
    report(member, resource_id, "two", seconds=31, score=90, started=1_700_000_000_000)
    shell, app_id = Shell(world), APP.app_id
    assert [each["name"] for each in shell.json("play", "list", "--app", app_id)] == ["one", "two"]
    (told,) = shell.json("play", "list", "--app", app_id, "--user", "茉莉", "--song", world.songs["whole"], "--defined")
    assert (told["seconds"], told["score"], told["is_completed"], told["resource_id"]) == (31, 90, False, resource_id)
    assert told["started_at"] == "2023-11-14T22:13:20.000Z"
    (row,) = [line for line in shell.run("play", "list", "--after", 1).splitlines() if "defined" in line]
    assert "茉莉" in row
    assert "--app" in shell.refused("play", "list", "--user", "茉莉")
    forget_user(world.centre, app_id, UserId("茉莉"), Author(actor="cli:mei", origin="host"))
    assert shell.json("play", "list", "--app", app_id, "--user", "茉莉") == []
    assert [(each["user_id"], each["name"]) for each in shell.json("play", "list")] == [("", "")] * 2
