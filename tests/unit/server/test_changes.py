"""`GET /v1/changes` as an app's back end meets it."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from tests.unit.server.conftest import APP, BOTH, START_MS, World

from yuefu.access.app import App
from yuefu.rights.deal import Terms
from yuefu.server.changes import follow_clock
from yuefu.units import SECOND_MS, format_instant
from yuefu.wire.changes import CALLS_PER_S
from yuefu.wire.codes import Code
from yuefu.wire.http_signature import HttpMessage, Target, sign_message

PATH = "/v1/changes"
USABLE = {"whole", "sung only", "played only", "mix only", "backing only", "no highlight", "no words", "ending"}
Proof = Callable[..., httpx2.Response]


def by_query(world: World, app: App = APP, **params: Any) -> httpx2.Response:
    """Asked with signature 2.0."""
    fields = world.fields(app, **{"Action": None, "UserId": None, "SongsId[]": None, **params})
    return world.http().get(PATH, params=fields)


def by_message(world: World, app: App = APP, **params: Any) -> httpx2.Response:
    """Asked with an HTTP message signature."""
    query = str(httpx2.QueryParams(params))
    message = HttpMessage(method="GET", targets=(Target("testserver", PATH),), query=query)
    headers = sign_message(
        message,
        app_id=app.app_id,
        secret=app.live_secrets[0],
        nonce=f"nonce-{next(world.nonces)}",
        created_s=world.now_s,
    )
    return world.http().get(f"{PATH}?{query}" if query else PATH, headers=headers)


def changes(world: World, **params: Any) -> Any:
    answer = by_query(world, **params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def told(world: World, page: Any) -> dict[str, str]:
    names = {str(song_id): name for name, song_id in world.songs.items()}
    return {names[row["song_id"]]: row["kind"] for row in page["changes"]}


@pytest.mark.parametrize("ask", [by_query, by_message])
def test_the_full_list_comes_first_and_then_what_changed(world: World, ask: Proof) -> None:
    full = ask(world).json()
    assert told(world, full) == dict.fromkeys([*USABLE, "of vendor 2"], "added")
    assert full["more"] is False
    world.wait(500)
    world.record_deal("whole", *BOTH, terms=())
    assert ask(world, after=full["next"]).json()["changes"] == [
        {
            "song_id": str(world.songs["whole"]),
            "vendor_id": 1,
            "kind": "withdrawn",
            "at": format_instant(START_MS + 500),
            "right": 0,
            "song_lyric": 0,
            "recording": 0,
            "channel": 0,
            "rights_revision": 2,
        }
    ]


def test_a_cursor_of_the_last_page_stays_good_when_nothing_happens(world: World) -> None:
    first = changes(world)
    second = changes(world, after=first["next"])
    assert second == {"changes": [], "next": first["next"], "more": False}


def test_rights_are_those_of_the_territory_asked(world: World) -> None:
    world.record_deal("whole", *BOTH, terms=(Terms(territories=("JP",), channel=3),))
    song_id = str(world.songs["whole"])

    def row(**params: Any) -> Any:
        (found,) = [row for row in changes(world, **params)["changes"] if row["song_id"] == song_id]
        return found["right"], found["song_lyric"], found["recording"], found["channel"]

    assert row() == (0, 0, 0, 0)
    assert row(territory="JP") == (1, 1, 1, 3)
    assert row(territory="CN") == (0, 0, 0, 0)


def test_partial_rights_are_told_apart(world: World) -> None:
    rows = {row["song_id"]: row for row in changes(world)["changes"]}
    sung, played = (rows[str(world.songs[name])] for name in ("sung only", "played only"))
    assert (sung["right"], sung["song_lyric"], sung["recording"], sung["channel"]) == (1, 1, 0, 3)
    assert (played["right"], played["song_lyric"], played["recording"], played["channel"]) == (1, 0, 1, 2)


def test_a_deal_that_ran_out_by_itself_is_in_the_answer_though_nobody_followed_the_clock(world: World) -> None:
    before = changes(world)
    world.wait(3_000)
    after = changes(world, after=before["next"])
    assert told(world, after) == {"coming": "added", "ending": "withdrawn"}
    assert {row["at"] for row in after["changes"]} == {format_instant(START_MS + SECOND_MS)}


def test_following_writes_nothing_while_nothing_passes(world: World) -> None:
    asyncio.run(follow_clock(world.centre))
    before = world.rows("feed_clock"), world.centre.feed.latest()
    world.wait(500)
    asyncio.run(follow_clock(world.centre))
    assert (world.rows("feed_clock"), world.centre.feed.latest()) == before


def test_a_removed_song_is_withdrawn(world: World) -> None:
    before = changes(world)
    world.remove("whole")
    assert told(world, changes(world, after=before["next"])) == {"whole": "withdrawn"}


def test_pages_are_as_long_as_asked(world: World) -> None:
    found: list[str] = []
    page: Any = {"next": "", "more": True}
    while page["more"]:
        page = changes(world, after=page["next"], limit=4)
        assert len(page["changes"]) <= 4
        found += told(world, page)
    assert sorted(found) == sorted([*USABLE, "of vendor 2"])


def test_an_app_is_told_of_the_vendors_it_was_granted(world: World) -> None:
    app = world.add_app(77, vendors=frozenset({2}), default_vendor=2)
    assert told(world, by_query(world, app).json()) == {"of vendor 2": "added"}


@pytest.mark.parametrize(
    ("params", "names"),
    [
        ({"after": "nonsense"}, "after"),
        ({"after": "AQAAAP______"}, "after"),
        ({"after": ["AQAAAAAAAAAB", "AQAAAAAAAAAC"]}, "after"),
        ({"limit": "0"}, "limit"),
        ({"limit": "1001"}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"territory": "XX"}, "territory"),
        ({"territory": "cn"}, "territory"),
        ({"Page": "1"}, "Page"),
        ({"VendorId": "1"}, "VendorId"),
    ],
)
def test_what_is_wrong_is_refused_by_name(still_world: World, params: dict[str, Any], names: str) -> None:
    answer = by_query(still_world, **params)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == Code.ILLEGAL_PARAMETER
    assert answer.json()["detail"].startswith(f"{names}: ")


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"Signature": "0" * 32}, 401, Code.SIGNATURE_WRONG),
        ({"Timestamp": "1600000000"}, 401, Code.SIGNATURE_EXPIRED),
        ({"AppId": "999"}, 404, Code.APP_INVALID),
        ({"Signature": None}, 400, Code.ILLEGAL_PARAMETER),
    ],
)
def test_strangers_are_told_nothing(still_world: World, changed: dict[str, Any], status: int, code: Code) -> None:
    answer = by_query(still_world, **changed)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_an_app_that_is_switched_off_is_told_nothing(world: World) -> None:
    app = world.add_app(78, is_enabled=False)
    assert by_query(world, app).json()["code"] == Code.APP_NOT_USABLE


def test_a_signed_call_is_good_once(world: World) -> None:
    fields = world.fields(APP, **{"Action": None, "UserId": None, "SongsId[]": None})
    assert world.http().get(PATH, params=fields).status_code == 200
    assert world.http().get(PATH, params=fields).status_code == 401


def test_calls_are_counted(world: World) -> None:
    statuses = [by_query(world).status_code for _ in range(CALLS_PER_S + 1)]
    assert statuses == [*[200] * CALLS_PER_S, 429]


def test_a_cursor_hides_nothing_that_a_signature_covers(still_world: World) -> None:
    answer = by_message(still_world, limit=1)
    assert answer.status_code == 200
    query = str(httpx2.QueryParams({"limit": 1}))
    message = HttpMessage(method="GET", targets=(Target("testserver", PATH),), query=query)
    headers = sign_message(
        message, app_id=APP.app_id, secret=APP.live_secrets[0], nonce="other", created_s=still_world.now_s
    )
    assert still_world.http().get(f"{PATH}?limit=2", headers=headers).status_code == 401
