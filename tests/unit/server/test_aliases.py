"""The plain aliases: the same questions as `/?Action=…` and the commands, under HTTP's own rules."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.server.conftest import APP, World, open_world

from yuefu.catalogue.chart import Chart, ChartEntry, Tag, TagGroup
from yuefu.errors import YuefuError
from yuefu.ids import VendorId
from yuefu.server.actions import ACTIONS
from yuefu.server.http import aliases
from yuefu.wire.codes import Code
from yuefu.wire.dialect import pascal_name
from yuefu.wire.http_signature import HttpMessage, Target, sign_message
from yuefu.wire.operations import OPERATIONS
from yuefu.wire.problem import KINDS

BATCH = {"SongsId": ["whole", "ended"]}
Facts = dict[str, Any]

QUESTIONS: tuple[tuple[str, Facts], ...] = (
    ("DescribeTags", {}),
    ("DescribeTagSongs", {"TagId": "t1", "Page": 1}),
    ("DescribeTagSongs", {"TagId": "t1", "Page": 1, "Filter": [1, 3]}),
    ("DescribeTagSongs", {"TagId": "t1", "Page": 1, "VendorId": 2}),
    ("DescribeTagSongs", {"TagId": "t1", "Page": 9}),
    ("QueryTips", {"Keyword": "o"}),
    ("QuerySong", {"Keyword": "only", "Page": 1, "Filter": [1]}),
    ("QuerySongPlus", {"Keyword": "o", "Page": 1, "VendorsId": [1, 2], "Items": [1, 2], "KeepVendor": 1}),
    ("DescribeTopSongs", {"TopId": "hits", "Page": 1}),
    ("QuerySongsInfo", BATCH),
    ("QuerySongsInfo", {"SongsId": ["of vendor 2"], "VendorId": 2}),
    ("QuerySongsCopyright", BATCH),
    ("DescribeSongLyric", {"SongId": "whole"}),
    ("DescribeKrcSegment", {"SongId": "whole"}),
    ("DescribeAccompanyClipInfo", {"SongId": "whole"}),
    ("DescribeAccompanyClipInfo", {"SongId": "of vendor 2", "VendorId": 2}),
    ("DescribeAccompanyClipStatus", {"SongId": "whole"}),
    ("DescribeSongExtra", {"SongId": "whole"}),
)
REFUSED: tuple[tuple[str, Facts, Code], ...] = (
    ("DescribeTagSongs", {"Page": 1}, Code.ILLEGAL_PARAMETER),
    ("DescribeTagSongs", {"TagId": "nothing", "Page": 1}, Code.ILLEGAL_PARAMETER),
    ("DescribeTagSongs", {"TagId": "t1", "Page": 0}, Code.PAGE_INVALID),
    ("DescribeTagSongs", {"TagId": "t1", "Page": 1, "Filter": [2]}, Code.ILLEGAL_PARAMETER),
    ("DescribeTagSongs", {"TagId": "t1", "Page": 1, "VendorId": 3}, Code.VENDOR_INVALID),
    ("DescribeTagSongs", {"TagId": "t1", "Page": 1, "VendorId": 4}, Code.VENDOR_NOT_GRANTED),
    ("QuerySongsCopyright", {"SongsId": ["whole"], "VendorId": 2}, Code.VENDOR_UNSUPPORTED),
    ("QuerySongsCopyright", {"SongsId": ["1"] * 21}, Code.ILLEGAL_PARAMETER),
    ("QuerySongsInfo", {"SongsId": []}, Code.ILLEGAL_PARAMETER),
    ("DescribeTopSongs", {"TopId": "nothing", "Page": 1}, Code.CHART_INVALID),
    ("DescribeSongLyric", {"SongId": "9"}, Code.SONG_INVALID),
    ("DescribeSongLyric", {"SongId": "nothing allowed"}, Code.NO_LYRIC),
)


@pytest.fixture(scope="module")
def busy_world(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A centre with tags and a chart, shared by the module."""
    with open_world(template, tmp_path_factory.mktemp("busy")) as world:

        def fill(transaction: Any) -> None:
            desk = transaction.programme
            desk.put_tag_group(TagGroup(group_id="g1", name="心情", tags=(Tag(tag_id="t1", name="欢快"),)), place=0)
            desk.tag_songs("t1", [world.songs[name] for name in ("sung only", "whole", "ended", "of vendor 2")])
            chart = Chart(vendor_id=VendorId(1), top_id="hits", name="热歌", as_of_ms=1)
            desk.put_chart(chart, [ChartEntry(world.songs["whole"]), ChartEntry(world.songs["mix only"])])

        world.centre.work.run(fill)
        yield world


def with_ids(world: World, facts: Facts) -> Facts:
    """The facts with the songs' ids in place of their names."""
    found = dict(facts)
    if "SongId" in found:
        found["SongId"] = str(world.songs.get(found["SongId"], found["SongId"]))
    if "SongsId" in found:
        found["SongsId"] = [str(world.songs.get(name, name)) for name in found["SongsId"]]
    return found


def signature(world: World, **changes: Any) -> str:
    """The five fields that sign a call."""
    fields = world.query(**{"Action": None, "UserId": None, "SongsId[]": None, **changes})
    return fields.decode()


def call(world: World, action: str, body: Any, *, query: str | None = None, **options: Any) -> httpx2.Response:
    signed = signature(world) if query is None else query
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return world.http().post(f"/v1/actions/{action}?{signed}", content=content, **options)


def dispatch(world: World, action: str, facts: Facts) -> Any:
    """What `/?Action=…` says to the same question."""
    lists = {name: f"{name}[]" for name, value in facts.items() if isinstance(value, list)}
    named = {lists.get(name, name): value for name, value in facts.items()}
    query = world.query(**{"SongsId[]": None, "Action": action, **named}).decode()
    return world.http().get(f"/?{query}").json()


def in_pascal(value: Any) -> Any:
    """A client's answer in the server's spelling."""
    if isinstance(value, dict):
        return {pascal_name(name): in_pascal(held) for name, held in value.items()}
    return [in_pascal(item) for item in value] if isinstance(value, list) else value


def in_snake(world: World, action: str, facts: Facts) -> Facts:
    spelled = {pascal_name(name): name for name in ACTIONS[action].operation.params.__struct_fields__}
    return {spelled.get(name, "vendor_id"): value for name, value in facts.items()}


def check_problem(reply: httpx2.Response, code: Code) -> Any:
    """A well-formed refusal of that code."""
    problem = reply.json()
    assert problem.keys() == {"type", "title", "status", "detail", "code", "request_id"}, problem
    assert (problem["code"], problem["status"]) == (code, KINDS[code].status), problem
    assert reply.status_code == problem["status"]
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.headers["x-request-id"] == problem["request_id"]
    assert problem["type"].startswith("http://testserver/problems/")
    return problem


@pytest.mark.parametrize(("action", "facts"), QUESTIONS)
def test_alias_dispatch_and_command_give_the_same_data(busy_world: World, action: str, facts: Facts) -> None:
    facts = with_ids(busy_world, facts)
    reply = call(busy_world, action, facts)
    assert reply.status_code == 200, reply.text
    assert reply.headers["content-type"] == "application/json"
    assert reply.headers["x-request-id"].startswith("00000000-0000-4000-8000-")
    dispatched = dispatch(busy_world, action, facts)
    assert reply.json() == dispatched["Data"]
    command = ACTIONS[action].operation.command
    if command:
        params = in_snake(busy_world, action, facts) or {"vendor_id": 0}
        answer = busy_world.member().call("send_extended_request", command=command, params=params)
        assert in_pascal(answer["data"]) == dispatched["Data"]


def test_every_operation_is_compared_and_most_answers_say_something(busy_world: World) -> None:
    assert {action for action, _ in QUESTIONS} == set(ACTIONS)
    answers = [call(busy_world, action, with_ids(busy_world, facts)).json() for action, facts in QUESTIONS]
    filled = [answer for answer in answers if any(answer.values())]
    assert len(filled) >= len(answers) - 3


@pytest.mark.parametrize(("action", "facts", "code"), REFUSED)
def test_alias_and_dispatch_refuse_alike(busy_world: World, action: str, facts: Facts, code: Code) -> None:
    facts = with_ids(busy_world, facts)
    problem = check_problem(call(busy_world, action, facts), code)
    refusal = dispatch(busy_world, action, {name: value for name, value in facts.items() if value != []})
    assert refusal["Code"] == problem["code"]
    assert refusal["Message"].partition(":")[0] == problem["detail"].partition(":")[0]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"AppId": 999}, Code.APP_INVALID),
        ({"Timestamp": 1_600_000_000}, Code.SIGNATURE_EXPIRED),
        ({"Signature": "0" * 32}, Code.SIGNATURE_WRONG),
        ({"Signature": None}, Code.ILLEGAL_PARAMETER),
        ({"SignatureVersion": "1.0"}, Code.ILLEGAL_PARAMETER),
        ({"VendorId": 2}, Code.ILLEGAL_PARAMETER),
        ({"Action": "DescribeTags"}, Code.ILLEGAL_PARAMETER),
    ],
)
def test_a_call_that_is_not_well_signed_is_refused(still_world: World, changes: Facts, code: Code) -> None:
    reply = call(still_world, "DescribeTags", {}, query=signature(still_world, **changes))
    check_problem(reply, code)
    assert ("www-authenticate" in reply.headers) == (reply.status_code == 401)


def test_a_nonce_is_good_once(world: World) -> None:
    query = signature(world)
    assert call(world, "DescribeTags", {}, query=query).status_code == 200
    assert (
        "SignatureNonce" in check_problem(call(world, "DescribeTags", {}, query=query), Code.SIGNATURE_WRONG)["detail"]
    )


def test_a_message_signature_will_do(world: World) -> None:
    body = json.dumps({"SongsId": world.ids("whole"), "UserId": "茉莉"}).encode()
    path = "/v1/actions/QuerySongsCopyright"
    message = HttpMessage(method="POST", targets=(Target("testserver", path),), query="", body=body)
    headers = sign_message(message, app_id=APP.app_id, secret=APP.live_secrets[0], nonce="n1", created_s=world.now_s)
    assert world.http().post(path, content=body, headers=headers).status_code == 200
    check_problem(world.http().post(path, content=body + b" ", headers=headers), Code.SIGNATURE_WRONG)


def test_too_many_calls_are_told_when_to_come_back(world: World) -> None:
    replies = [call(world, "DescribeTags", {}) for _ in range(201)]
    assert [reply.status_code for reply in replies] == [200] * 200 + [429]
    check_problem(replies[-1], Code.RATE_EXCEEDED)
    assert replies[-1].headers["retry-after"] == "1"


def test_an_app_that_may_not_is_refused_with_403(world: World) -> None:
    disabled = world.add_app(2, is_enabled=False)
    unbilled = world.add_app(3, billing_modes=frozenset())
    for app, code in ((disabled, Code.APP_NOT_USABLE), (unbilled, Code.BILLING_UNSUPPORTED)):
        fields = world.query(app, **{"Action": None, "UserId": None, "SongsId[]": None}).decode()
        check_problem(call(world, "DescribeTags", {}, query=fields), code)


def test_an_app_billed_by_room_says_which(world: World) -> None:
    app = world.add_app(2, billing_modes=frozenset({2}))

    def ask(body: Facts) -> httpx2.Response:
        fields = world.query(app, **{"Action": None, "UserId": None, "SongsId[]": None}).decode()
        return call(world, "DescribeTags", body, query=fields)

    assert check_problem(ask({}), Code.ILLEGAL_PARAMETER)["detail"].startswith("RoomId")
    assert ask({"RoomId": "9"}).status_code == 200


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b"{", "body"),
        (b"[]", "body"),
        (b"SongsId=1", "body"),
        (b"\xff", "body"),
        (b'{"a":' * 5_000, "body"),
        (b" " * 65_537, "body"),
        ({"SongsId": "1"}, "SongsId"),
        ({"SongsId": [1]}, "SongsId"),
        ({"SongsId": None}, "SongsId"),
        ({}, "SongsId"),
        (b"", "SongsId"),
        ({"SongsId": ["1"], "VendorId": "1"}, "VendorId"),
        ({"SongsId": ["1"], "UserId": "a\nb"}, "UserId"),
        ({"SongsId": ["1"], "UserId": "b\n"}, "UserId"),
        ({"SongsId": ["1"], "RoomId": "x" * 257}, "RoomId"),
        ({"SongsId": ["1"], "VendorId": 10**30}, "VendorId"),
    ],
    ids=str,
)
def test_a_bad_body_is_refused_by_name(still_world: World, body: Any, named: str) -> None:
    problem = call(still_world, "QuerySongsCopyright", body).json()
    assert (problem["status"], problem["detail"].partition(":")[0]) == (400, named), problem


@given(st.dictionaries(st.text(), st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists)))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_body_is_answered_with_a_fault_of_ours(still_world: World, body: Facts) -> None:
    still_world.wait(1_000)
    for operation in OPERATIONS:
        reply = call(still_world, operation.action, body)
        assert reply.status_code in {200, 400, 404}, reply.text


def test_an_unknown_operation_is_not_found(still_world: World) -> None:
    for path in ("Nothing", "describetags", "%00", "DescribeTags%20"):
        reply = call(still_world, path, {})
        assert (reply.status_code, reply.headers["content-type"]) == (404, "application/problem+json")


def test_an_alias_takes_nothing_but_post(still_world: World) -> None:
    reply = still_world.http().get(f"/v1/actions/DescribeTags?{signature(still_world)}")
    assert (reply.status_code, reply.headers["allow"]) == (405, "POST")
    assert reply.headers["content-type"] == "application/problem+json"


class Broken(YuefuError):
    """What an engine may say."""


@pytest.mark.parametrize(
    ("fault", "code"),
    [(Broken(), Code.ENGINE_ERROR), (OSError(), Code.ENGINE_UNDEFINED), (ZeroDivisionError(), Code.SYSTEM_ERROR)],
    ids=repr,
)
def test_a_fault_of_ours_is_told_without_its_details(
    world: World, monkeypatch: pytest.MonkeyPatch, fault: Exception, code: Code
) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise fault

    monkeypatch.setattr(aliases, "settle", fail)
    problem = check_problem(call(world, "DescribeTags", {}), code)
    assert "Traceback" not in problem["detail"]


def test_every_code_is_a_problem_of_its_own(still_world: World) -> None:
    assert set(KINDS) == set(Code) - {Code.OK}
    for code, kind in KINDS.items():
        page = still_world.http().get(f"/problems/{code.name.lower().replace('_', '-')}")
        assert page.status_code == 200
        assert str(int(code)) in page.text
        assert kind.cure in page.text
    assert still_world.http().get("/problems/nothing").status_code == 404
