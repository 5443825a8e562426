"""The admin API without a socket: who may, how bad input is answered, where a change is said to come from."""

import json
import re
from collections.abc import Callable, Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openapi_schema_validator import OAS31Validator
from starlette.testclient import TestClient
from tests.unit.server.conftest import World, open_world

from yuefu.access.admin_key import RATE, AdminKeyNameTaken, NewAdminKey, Role
from yuefu.access.app import BadAppName
from yuefu.access.audit import Author, verify
from yuefu.server.admin_keys import create_key, revoke_key
from yuefu.server.http.admin.description import admin_paths, admin_schemas
from yuefu.server.http.admin.edge import MAX_BODY_BYTES
from yuefu.server.http.admin.endpoint import PREFIX
from yuefu.server.http.admin.shapes import PATTERNS
from yuefu.server.http.admin.table import ENDPOINTS
from yuefu.server.http.front import TrustedProxies
from yuefu.server.http.openapi import describe_api
from yuefu.server.http.site import Site
from yuefu.units import SECOND_MS
from yuefu.wire.vendor import documented_profiles

MEI = Author(actor="cli:mei", origin="host")
DOCUMENT = json.loads(json.dumps(describe_api(documented_profiles())))


class Desk:
    """Somebody with an admin key."""

    def __init__(self, world: World, role: Role = Role.OPERATOR, name: str = "") -> None:
        self.world = world
        self.new: NewAdminKey = create_key(world.centre, name or role.value, role, MEI)
        self.http = world.http()

    def call(self, method: str, path: str, body: Any = None, **options: Any) -> httpx2.Response:
        """The answer, as the document describes it; each call comes a second after the last."""
        self.world.wait(SECOND_MS)
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        headers = {"authorization": f"Bearer {self.new.secret}"}
        return self.http.request(method, f"{PREFIX}{path}", content=content, headers=headers, **options)

    def refused(self, status: int, method: str, path: str, body: Any = None) -> str:
        """The detail of a call that is refused with problem details."""
        reply = self.call(method, path, body)
        assert reply.status_code == status, reply.text
        assert reply.headers["content-type"] == "application/problem+json"
        problem: dict[str, Any] = reply.json()
        OAS31Validator({"$ref": "#/components/schemas/Problem", **DOCUMENT}).validate(problem)
        assert (problem["status"], problem["request_id"]) == (status, reply.headers["x-request-id"])
        return str(problem["detail"])

    def actions(self) -> list[str]:
        """What the audit has, after the key itself."""
        return [written.entry.action for written in self.world.centre.audit.entries()][1:]


@pytest.fixture
def desk(world: World) -> Desk:
    return Desk(world)


@pytest.fixture(scope="module")
def still_desk(still_world: World) -> Desk:
    return Desk(still_world)


@pytest.fixture(scope="module")
def fuzzed_desk(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """In a centre that nobody minds."""
    with open_world(template, tmp_path_factory.mktemp("fuzzed")) as world:
        yield Desk(world)


@pytest.mark.parametrize(
    ("headers", "detail"),
    [
        ({}, "an admin key is needed"),
        ({"authorization": "Bearer "}, "an admin key is needed"),
        ({"authorization": "Basic eDp5"}, "an admin key is needed"),
        ({"authorization": "Bearer yuefu_admin_nobody"}, "no such admin key"),
        ({"authorization": b"Bearer \xff\x00"}, "no such admin key"),
        ({"authorization": "Bearer " + "x" * 50_000}, "no such admin key"),
    ],
)
@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.name)
def test_nobody_without_a_good_key_gets_anywhere(
    still_world: World, endpoint: Any, headers: dict[str, Any], detail: str
) -> None:
    path = endpoint.path.format(song_id="100000001", case="1", app_id="12345", grant_id="1")
    reply = still_world.http().request(endpoint.method, path, headers=headers)
    assert (reply.status_code, reply.headers["www-authenticate"]) == (401, 'Bearer realm="yuefu admin"')
    assert detail in reply.json()["detail"]


def test_an_apps_secret_is_no_admin_key(still_world: World) -> None:
    for secret in (
        still_world.login_token(),
        still_world.init()["data"]["session"],
        "fa94dd0f974cf2e293728a526b028271",
    ):
        reply = still_world.http().get(f"{PREFIX}/songs", headers={"authorization": f"Bearer {secret}"})
        assert reply.status_code == 401


def test_a_revoked_key_is_good_no_more(world: World) -> None:
    desk, other = Desk(world, name="one"), Desk(world, name="other")
    assert desk.call("GET", "/songs").status_code == 200
    revoke_key(world.centre, desk.new.key.key_id, MEI)
    assert "revoked" in desk.refused(401, "GET", "/songs")
    assert other.call("GET", "/songs").status_code == 200


def test_two_live_keys_never_have_one_name(world: World) -> None:
    Desk(world, name="ci")
    with pytest.raises(AdminKeyNameTaken):
        Desk(world, name="ci")
    for name in ("", " ci", "c\ni", "x" * 201):
        with pytest.raises(BadAppName):
            create_key(world.centre, name, Role.VIEWER, MEI)
    assert [written.entry.action for written in world.centre.audit.entries()] == ["admin-key.create"]


def test_a_key_over_its_rate_waits_and_others_do_not(world: World) -> None:
    busy, other = Desk(world, name="busy"), Desk(world, name="other")
    path, headers = f"{PREFIX}/apps", {"authorization": f"Bearer {busy.new.secret}"}
    statuses = [busy.http.get(path, headers=headers).status_code for _ in range(RATE.burst + 1)]
    assert statuses == [200] * RATE.burst + [429]
    assert busy.http.get(path, headers=headers).headers["retry-after"] == "1"
    assert other.call("GET", "/apps").status_code == 200  # and a second has passed
    assert busy.call("GET", "/apps").status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "detail"),
    [
        ("PATCH", "/songs/100000001", b"", 400, "body: not JSON"),
        ("PATCH", "/songs/100000001", b"{", 400, "body: not JSON"),
        ("PATCH", "/songs/100000001", b"\xff\xfe{}", 400, "body: not JSON"),
        ("PATCH", "/songs/100000001", b'{"title": "\\ud800"}', 400, "body: not JSON"),
        ("PATCH", "/songs/100000001", b'{"title": ' + b"[" * 100_000, 422, "title: must be text"),
        ("PATCH", "/songs/100000001", b" " * (MAX_BODY_BYTES + 1), 413, "body: larger than 8000000 bytes"),
        ("PATCH", "/songs/100000001", [], 422, "body: must be an object"),
        ("PATCH", "/songs/100000001", {}, 422, "body: says nothing to change; there are title"),
        ("PATCH", "/songs/100000001", {"titel": "x"}, 422, "titel: there is no such field; there are title, aliases"),
        ("PATCH", "/songs/100000001", {"song_id": "5"}, 422, "song_id: there is no such field"),
        ("PATCH", "/songs/100000001", {"title": None}, 422, "title: must be text"),
        ("PATCH", "/songs/100000001", {"title": " "}, 422, "title: a song needs a title"),
        ("PATCH", "/songs/100000001", {"title": "a\x00b"}, 422, "title: "),
        ("PATCH", "/songs/100000001", {"bpm": 1_000}, 422, "bpm: '1000' is no number from 1 to 999"),
        ("PATCH", "/songs/100000001", {"genres": [28]}, 422, "genres: '28' is no genre"),
        ("PATCH", "/songs/100000001", {"isrc": "x"}, 422, "isrc: "),
        ("PATCH", "/songs/100000001", {"version": "demo"}, 422, "version: 'demo' is no version; there are studio"),
        ("PATCH", "/songs/100000001", {"restore": ["colour"]}, 422, "restore: there is no field 'colour'"),
        ("PATCH", "/songs/100000001", {"restore": ["bpm"], "bpm": 1}, 422, "restore: bpm has another value"),
        ("PATCH", "/songs/7", {"title": "x"}, 404, "no such song"),
        ("DELETE", "/songs/7", None, 404, "no such song"),
        ("DELETE", "/songs/100000001", {"sure": True}, 422, "sure: there is no such field here"),
        ("GET", "/songs/0", None, 404, "no such song"),
        ("GET", "/songs/007", None, 404, "no such song"),
        ("GET", "/songs/99999999999999999999", None, 404, "no such song"),
        ("GET", "/songs/%F0%9F%8E%A4", None, 404, "no such song"),
        ("GET", "/songs?vendor=9", None, 422, "there is no vendor 9; there are 1, 2, 4"),
        ("GET", "/songs?vendor=a", None, 422, "vendor: must be a whole number"),
        ("GET", "/songs?limit=1001", None, 422, "limit: must be at most 1000"),
        ("GET", "/songs?limit=99999999999999999999", None, 422, "limit: "),
        ("GET", "/songs?limit=1&limit=2", None, 422, "limit: is there twice"),
        ("GET", "/songs?page=1", None, 422, "page: there is no such field; there are vendor, after, limit"),
        ("GET", "/songs?after=-1", None, 422, "after: "),
        ("GET", "/songs/7/rights", None, 404, "no such song"),
        ("GET", "/songs/7/rights?known_at=2026-01-01T00:00:00Z", None, 404, "no such song"),
        ("GET", "/songs/100000001/rights?known_at=2026-01-01T00:00:00", None, 422, "known_at: "),
        ("GET", "/songs/100000001/rights?known_at=9999-12-31T23:59:59-01:00", None, 422, "known_at: "),
        ("GET", "/deals/expiring", None, 422, "within: missing"),
        ("GET", "/deals/expiring?within=month", None, 422, "within: "),
        ("POST", "/deals", {"deals": []}, 422, "deals: must have at least 1 item"),
        ("POST", "/deals", {"deals": [{}]}, 422, "deals[0].song_id: missing"),
        ("POST", "/takedowns", {"songs": ["100000001"]}, 422, "reason: missing"),
        ("POST", "/takedowns", {"reason": "x"}, 422, "body: say what is taken down"),
        ("POST", "/takedowns", {"reason": " ", "vendor_id": 1}, 422, "body: a takedown needs a reason"),
        ("POST", "/takedowns", {"reason": "x", "songs": ["7"]}, 422, "body: there is no such song"),
        ("POST", "/takedowns", {"reason": "x", "songs": [7]}, 422, "songs[0]: must be text"),
        ("POST", "/takedowns", {"reason": "x", "recording": "x"}, 422, "body: 'x' is no ISRC"),
        ("POST", "/takedowns", {"reason": "x", "singer": "甲", "work": "T0345246801"}, 422, "body: a case is about"),
        ("POST", "/takedowns", {"reason": "x", "vendor_id": 1, "singer": "  "}, 422, "singer: is blank"),
        ("POST", "/takedowns", {"reason": "x", "vendor_id": 1, "singer": ""}, 422, "singer: must have at least 1"),
        ("POST", "/takedowns", {"reason": "x", "vendor_id": 2, "songs": []}, 422, "songs: must have at least 1 item"),
        ("POST", "/takedowns", {"reason": "x", "vendor_id": 1, "work": ""}, 422, "work: must have at least 1"),
        ("POST", "/takedowns", {"reason": "x", "vendor_id": 1, "work": " "}, 422, "body: ' ' is no ISWC"),
        ("POST", "/takedowns", {"reason": "x", "vendor_id": 1, "recording": ""}, 422, "recording: must have at least"),
        ("POST", "/takedowns", {"reason": "x", "singer": "甲", "vendor_id": None}, 422, "vendor_id: must be a whole"),
        ("POST", "/takedowns", {"reason": "a\x1bb", "vendor_id": 1}, 422, "reason: must be on one line"),
        ("POST", "/takedowns", {"reason": "a\n", "vendor_id": 1}, 422, "reason: must be on one line"),
        ("POST", "/takedowns", {"reason": "a\u2028b", "vendor_id": 1}, 422, "reason: must be on one line"),
        ("POST", "/takedowns", {"reason": "x", "songs": ["07"]}, 422, "songs[0]: must be a song's id, a number from 1"),
        ("GET", "/deals/expiring?within=0d", None, 422, "within: must be hours, days or weeks, as 12h, 30d or 8w"),
        ("GET", "/songs?after=x", None, 422, "after: must be a song's id"),
        ("GET", "/takedowns/1", None, 404, "no such case"),
        ("GET", "/takedowns/x", None, 404, "no such case"),
        ("POST", "/takedowns/99999999999999999/undo", None, 404, "no such case"),
        ("POST", "/apps", {"name": "x"}, 422, "vendors: missing"),
        (
            "POST",
            "/apps",
            {"name": "x", "vendors": [], "home_territory": "CN"},
            422,
            "vendors: must have at least 1 item",
        ),
        ("POST", "/apps", {"name": "x", "vendors": [7], "home_territory": "CN"}, 422, "there is no vendor 7"),
        ("POST", "/apps", {"name": "x", "vendors": [1], "home_territory": "EU"}, 422, "home_territory: 'EU'"),
        ("POST", "/apps", {"name": "\u200b", "vendors": [1], "home_territory": "CN"}, 422, "cannot name an app"),
        ("POST", "/apps", {"name": "x", "vendors": [1], "home_territory": "CN", "app_id": 12345}, 409, "12345"),
        ("POST", "/apps", {"name": "x", "vendors": [1], "home_territory": "CN", "app_id": 2**32}, 422, "app_id: "),
        (
            "POST",
            "/apps",
            {"name": "x", "vendors": [1], "home_territory": "CN", "live_secrets": ["x"]},
            422,
            "live_secr",
        ),
        ("POST", "/apps", {"name": "x", "vendors": [True], "home_territory": "CN"}, 422, "vendors[0]: must be a whole"),
        ("PATCH", "/apps/12345", {}, 422, "body: says nothing to change"),
        ("PATCH", "/apps/12345", {"live_secrets": 1}, 422, "live_secrets: there is no such field"),
        ("PATCH", "/apps/12345", {"vendors": [2], "default_vendor": 1}, 422, "the default vendor 1 is not among"),
        ("PATCH", "/apps/12345", {"quotas": {"Nothing": 1}}, 422, "quotas: 'Nothing' is no Action; there are Desc"),
        ("PATCH", "/apps/12345", {"quotas": {"QuerySong": 0}}, 422, "quotas"),
        ("PATCH", "/apps/12345", {"scenes": [5]}, 422, "scenes[0]: must be at most 4"),
        ("PATCH", "/apps/7", {"name": "x"}, 404, "no such app"),
        ("GET", "/apps/4294967296", None, 404, "no such app"),
        ("POST", "/apps/7/secrets", None, 404, "no such app"),
        ("POST", "/apps/12345/secrets/finish", None, 409, "no rotation of app 12345 is under way"),
        ("GET", "/audit?after=-1", None, 422, "after: must be at least 0"),
        ("GET", "/audit?since=yesterday", None, 422, "since: "),
        ("PUT", "/apps", None, 405, ""),
        ("GET", "/nothing", None, 404, ""),
    ],
)
def test_bad_input_is_told_what_is_wrong_and_changes_nothing(
    still_desk: Desk, method: str, path: str, body: Any, *, status: int, detail: str
) -> None:
    before = still_desk.actions()
    assert detail in still_desk.refused(status, method, path, body)
    assert still_desk.actions() == before


@pytest.mark.parametrize(
    ("terms", "detail"),
    [
        (
            {"uses": ["dance"]},
            ".uses[0]: Invalid enum value 'dance'; there are listen, sing, clip, background, live_room",
        ),
        ({"models": ["gift"]}, ".models[0]: Invalid enum value 'gift'; there are per_use, user_month"),
        ({"territories": ["XX"]}, ": 'XX' is no territory"),
        ({"territories": ["CN"], "excluded_territories": ["JP"]}, ": a deal names the territories it is for, or"),
        ({"valid_until": "2030-01-01"}, ".valid_until: '2030-01-01' has no time zone"),
        ({"valid_until": "9999-12-31T23:59:59-01:00"}, ".valid_until: "),
        ({"valid_from": "0001-01-01T00:00:00+01:00"}, ".valid_from: "),
        ({"valid_from": "2030-01-01T00:00:00Z", "valid_until": "2030-01-01T00:00:00Z"}, ": the deal ends before it"),
        ({"valid_from_ms": 5}, ".valid_from_ms: there is no such field; there are uses"),
        ({"max_uses": -1}, ".max_uses: must be at least 0"),
        ({"channel": 1.5}, ".channel: must be a whole number"),
        ({"tier": "a\nb"}, ": 'a\\nb' is no name of a tier"),
    ],
)
def test_one_deal_that_cannot_be_meant_keeps_out_all(still_desk: Desk, terms: dict[str, Any], detail: str) -> None:
    good = {"song_id": still_desk.world.ids("whole")[0], "chains": ["work"], "terms": [{}]}
    rights = still_desk.call("GET", f"/songs/{good['song_id']}/rights").json()["rights"]
    bad = {**good, "terms": [{}, terms]}
    said = still_desk.refused(422, "POST", "/deals", {"deals": [good, bad]})
    assert said.startswith(f"deals[1].terms[1]{detail}"), said
    unknown = {**good, "song_id": "7"}
    assert (
        still_desk.refused(422, "POST", "/deals", {"deals": [good, unknown]}) == "deals[1].song_id: there is no song 7"
    )
    assert still_desk.call("GET", f"/songs/{good['song_id']}/rights").json()["rights"] == rights


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
WRITES = [each for each in ENDPOINTS if each.is_write]


@st.composite
def bodies(draw: Callable[..., Any]) -> tuple[Any, Any]:
    """A write, and a body of its fields with anything in them."""
    endpoint = draw(st.sampled_from(WRITES))
    names = [field.encode_name for field in msgspec.structs.fields(endpoint.body)]
    fields = st.dictionaries(st.sampled_from(names), JSON_VALUES, max_size=5) if names else st.just({})
    return endpoint, draw(fields | JSON_VALUES)


@settings(max_examples=300, deadline=None)
@given(bodies(), st.sampled_from(["100000001", "100000002", "7", "x"]))
def test_no_body_is_answered_with_a_fault_of_ours(fuzzed_desk: Desk, asked: tuple[Any, Any], place: str) -> None:
    endpoint, body = asked
    path = endpoint.path.removeprefix(PREFIX).format(song_id=place, case=place, app_id=place, grant_id=place)
    reply = fuzzed_desk.call(endpoint.method, path, json.dumps(body).encode())
    assert reply.status_code in {200, 201, 204, 400, 404, 409, 422}, (endpoint.name, body, reply.text)


def test_a_change_is_said_to_come_from_where_the_caller_is(world: World) -> None:
    desk = Desk(world)
    site = TrustedProxies(Site(world.centre), [ip_network("10.0.0.0/8")])
    headers = {"authorization": f"Bearer {desk.new.secret}", "x-forwarded-for": "198.51.100.7, 203.0.113.5, 10.0.0.2"}
    path = f"{PREFIX}/songs/{world.songs['whole']}"
    for peer, title in (("10.0.0.1", "经过代理"), ("192.0.2.9", "不经过代理")):
        http = TestClient(site, client=(peer, 5))
        assert http.patch(path, json={"title": title}, headers=headers).status_code == 200
    entries = [written.entry for written in world.centre.audit.entries()][1:]
    assert [(entry.actor, entry.origin) for entry in entries] == [
        ("key:operator", "203.0.113.5"),
        ("key:operator", "192.0.2.9"),
    ]
    assert [entry.detail["title"]["after"] for entry in entries] == ["经过代理", "不经过代理"]
    assert [(entry.before_revision, entry.after_revision) for entry in entries] == [(1, 2), (2, 3)]


def test_a_change_that_changes_nothing_is_not_in_the_audit(desk: Desk) -> None:
    path = f"/songs/{desk.world.songs['whole']}"
    assert desk.call("PATCH", path, {"title": "whole"}).json()["changes"] == []
    assert desk.actions() == []


def test_no_secret_is_in_the_audit_nor_in_any_answer_but_the_one_that_makes_it(desk: Desk) -> None:
    made = desk.call("POST", "/apps", {"name": "新", "vendors": [1], "home_territory": "CN"}).json()
    app_id = made["app"]["app_id"]
    rotated = desk.call("POST", f"/apps/{app_id}/secrets").json()
    assert made["server_secret"] != rotated["server_secret"]
    assert desk.world.centre.apps.app(app_id).live_secrets == (rotated["server_secret"], made["server_secret"])  # type: ignore[union-attr]
    shown = [desk.call("GET", path).text for path in ("/apps", f"/apps/{app_id}", "/audit")]
    shown.append(desk.call("PATCH", f"/apps/{app_id}", {"name": "旧"}).text)
    shown.append(desk.call("POST", f"/apps/{app_id}/secrets/finish").text)
    for text in shown:
        assert "新" in text or "旧" in text
        for secret in (made["server_secret"], rotated["server_secret"], desk.new.secret):
            assert secret not in text
    assert desk.actions() == ["app.create", "app.rotate-secret", "app.grant", "app.finish-rotation"]
    assert verify(desk.world.centre.audit.entries()).count == 5


def test_lists_come_page_by_page(still_desk: Desk) -> None:
    every = still_desk.call("GET", "/songs").json()["songs"]
    assert [song["song_id"] for song in every] == sorted(still_desk.world.ids(*still_desk.world.songs))
    for path, rows in (("/songs", "songs"), ("/songs/blocked", "songs"), ("/audit", "entries")):
        whole = still_desk.call("GET", f"{path}?limit=1000").json()
        assert whole["next_after"] is None
        gathered: list[Any] = []
        after = ""
        while True:
            page = still_desk.call("GET", f"{path}?limit=2{after}").json()
            gathered += page[rows]
            if page["next_after"] is None:
                break
            assert len(page[rows]) == 2
            after = f"&after={page['next_after']}"
        assert gathered == whole[rows]
    of_two = still_desk.call("GET", "/songs?vendor=2").json()["songs"]
    assert [song["vendor_id"] for song in of_two] == [2]


def test_what_was_on_record_can_be_asked_again(desk: Desk) -> None:
    song_id = desk.world.ids("whole")[0]
    instant = "2023-11-14T22:13:25+00:00"  # five seconds after the template was made
    before = desk.call("GET", f"/songs/{song_id}/rights").json()
    desk.world.wait(60 * SECOND_MS)
    terms = {"uses": ["sing"], "territories": ["CN"], "valid_until": "2030-01-01T00:00:00+08:00", "tier": "甲"}
    desk.call(
        "POST", "/deals", {"deals": [{"song_id": song_id, "chains": ["work"], "terms": [terms]}], "source": "电话"}
    )
    now = desk.call("GET", f"/songs/{song_id}/rights").json()
    assert now["rights"]["revision"] == before["rights"]["revision"] + 1
    assert now["rights"]["recording"] == before["rights"]["recording"]
    (held,) = now["rights"]["work"]["terms"]
    assert held == {
        "uses": ["sing"],
        "models": [],
        "territories": ["CN"],
        "excluded_territories": [],
        "valid_from": None,
        "valid_until": "2029-12-31T16:00:00.000Z",
        "max_uses": None,
        "tier": "甲",
        "channel": 0,
    }
    assert (now["revisions"][-1]["cause"], now["revisions"][-1]["source"]) == ("deal", "电话")
    then = desk.call("GET", f"/songs/{song_id}/rights?known_at={instant.replace('+', '%2B')}").json()
    assert (then["rights"], then["revisions"]) == (before["rights"], before["revisions"])


def test_deals_that_contradict_each_other_are_reported_and_the_last_holds(desk: Desk) -> None:
    (song_id,) = desk.world.ids("whole")
    sung, tiers = {"uses": ["sing"]}, [{"tier": "A"}, {"tier": "B"}]
    deals = [
        {"song_id": song_id, "chains": ["work", "recording"], "terms": [sung]},
        {"song_id": song_id, "chains": ["work"], "terms": tiers},
    ]
    done = desk.call("POST", "/deals", {"deals": deals}).json()
    said = [
        (each["chain"], [terms["tier"] for terms in each["dropped"]["terms"]], each["kept"]["words"])
        for each in done["conflicts"]
    ]
    held = "for any use, everywhere, tier B, channel 0"
    assert said == [("work", ["A"], held), ("work", [""], held)]
    now = desk.call("GET", f"/songs/{song_id}/rights").json()["rights"]
    assert (now["work"]["words"], now["recording"]["words"]) == (held, "for sing, everywhere, channel 0")


def test_a_deal_says_which_takedowns_it_lifted_and_a_case_what_is_left_of_it(desk: Desk) -> None:
    songs = desk.world.ids("whole", "mix only")
    case = desk.call("POST", "/takedowns", {"songs": songs, "reason": "x"}).json()["case"]
    deals = [{"song_id": songs[0], "chains": ["work", "recording"], "terms": [{}]}]
    (recorded,) = desk.call("POST", "/deals", {"deals": deals}).json()["recorded"]
    assert recorded["lifted_cases"] == [case]
    shown = desk.call("GET", f"/takedowns/{case}").json()
    assert (shown["songs"], shown["blocked_songs"]) == (2, 1)


def test_a_source_with_control_characters_is_refused_by_name(desk: Desk) -> None:
    deals = [{"song_id": desk.world.ids("whole")[0], "chains": ["work"], "terms": [{}]}]
    said = desk.refused(422, "POST", "/deals", {"deals": deals, "source": "a\x1b[2J"})
    assert said == "source: must be on one line, without control characters"
    assert desk.call("POST", "/deals", {"deals": deals, "source": "电话　3 号"}).status_code == 200


def test_the_page_names_every_endpoint_and_the_least_role_for_it() -> None:
    page = (Path(__file__).parents[3] / "docs/admin.md").read_text("utf-8")
    least = (Role.VIEWER, Role.FINANCE, Role.OPERATOR)
    for endpoint in ENDPOINTS:
        role = next(role for role in least if role in endpoint.roles)
        assert f"| `{endpoint.method} {endpoint.path}` | {role.value} |" in page


def test_every_pattern_of_a_text_is_told_in_words() -> None:
    patterns = set(re.findall(r'"pattern":"((?:[^"\\]|\\.)*)"', msgspec.json.encode(admin_schemas()).decode()))
    parameters = msgspec.json.encode(admin_paths()).decode()
    patterns |= set(re.findall(r'"pattern":"((?:[^"\\]|\\.)*)"', parameters))
    assert {json.loads(f'"{pattern}"') for pattern in patterns} == set(PATTERNS)


# Reports and splits.


def test_reports_and_splits_are_told_as_on_the_command_line(desk: Desk) -> None:
    world = desk.world
    world.member().granted("whole")
    shares = [{"chain": "work", "holder": "音著协", "percent": "33.3333"}]
    told = desk.call("POST", "/splits", {"vendor": 1, "from_period": "2023-11", "shares": shares})
    assert (told.status_code, told.json()["shares"]) == (201, shares)
    assert desk.call("GET", "/splits?vendor=1").json()["splits"] == [told.json()]
    assert desk.call("GET", "/splits?vendor=2").json()["splits"] == []
    for report in ("usage", "statement", "invoice"):
        rows = desk.call("GET", f"/reports/{report}?period=2023-11&app=12345").json()["rows"]
        assert sum(row["requests"] for row in rows[:1]) == 1
        traced = desk.call("GET", f"/reports/trace?key={rows[0]['key']}").json()
        assert [each["entry"] for each in traced["rows"]] == ["charge"]
    of_grant = desk.call("GET", f"/reports/grants/{traced['rows'][0]['grant_id']}").json()
    assert rows[0]["key"] in of_grant["rows"][0]["keys"].values()


@pytest.mark.parametrize(
    ("path", "body", "problem"),
    [
        ("/reports/usage?period=2023-13", None, "period: '2023-13' is no month"),
        ("/reports/usage?app=7", None, "there is no app 7"),
        ("/reports/statement?vendor=9", None, "there is no vendor 9"),
        ("/reports/usage?by=singer", None, "by: Invalid enum value 'singer'"),
        ("/reports/trace?key=x", None, "key: 'x' is no line's key"),
        ("/reports/trace", None, "key"),
        ("/reports/grants/99", None, "no such grant"),
        ("/reports/grants/" + "9" * 40, None, "no such grant"),
        ("/splits", {"vendor": 1, "shares": "all"}, "shares"),
        ("/splits", {"vendor": 9, "shares": []}, "there is no vendor 9"),
        ("/splits", {"vendor": 1, "song_id": "7", "shares": []}, "no song 7"),
        (
            "/splits",
            {"vendor": 1, "shares": [{"chain": "work", "holder": "甲", "percent": "101"}]},
            "shares: 甲: a share is more than 0 and at most 100 %",
        ),
    ],
)
def test_what_cannot_be_reported_is_refused_with_its_reason(desk: Desk, path: str, body: Any, problem: str) -> None:
    status = 404 if "/grants/" in path else 422
    assert problem in desk.refused(status, "GET" if body is None else "POST", path, body)
    assert desk.world.rows("splits") == []
