"""The admin API and the audit through a real server of two workers: every endpoint, by every role."""

import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from click.testing import CliRunner
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from tests.system.conftest import Server, serving
from tests.unit.server import conftest as centres

from yuefu.client import CopyrightedMusicError, CopyrightedMusicSync, mint_login_token
from yuefu.ids import AppId
from yuefu.server.cli import commands
from yuefu.server.http.admin.table import ENDPOINTS
from yuefu.server.settings import Settings
from yuefu.server.wiring import open_installation

template = centres.template
ROLES = ("operator", "finance", "viewer")
APP_ID, SECRET = centres.APP.app_id, centres.SECRET
DEADLINE_S = 20


def command_line(*arguments: str | Path, exit_code: int = 0) -> str:
    """What a `yuefu` command says, run in this process: not the server's, and ready sooner than one of its own."""
    done = CliRunner().invoke(commands, [*map(str, arguments)])
    said = done.output if done.exception is None else f"{done.output}{done.exception}"
    assert done.exit_code == exit_code, said
    return said


@dataclass(frozen=True)
class Centre:
    """A running server, its songs by name, and a key of each role."""

    server: Server
    songs: dict[str, str]
    keys: dict[str, dict[str, Any]]
    document: dict[str, Any]

    def call(self, method: str, path: str, body: Any = None, *, role: str = "operator") -> httpx2.Response:
        """The answer of an endpoint, checked against the OpenAPI document of the server that gave it."""
        headers = {"authorization": f"Bearer {self.keys[role]['key']}"}
        url = f"{self.server.base_url}/admin/v1{path}"
        reply = httpx2.request(method, url, json=body, headers=headers, timeout=30)
        self.check(method, path, reply)
        return reply

    def check(self, method: str, path: str, reply: httpx2.Response) -> None:
        described = self.document["paths"][self.described(path)][method.lower()]["responses"][str(reply.status_code)]
        if "content" not in described:
            assert reply.content == b""
            return
        ((media_type, content),) = described["content"].items()
        assert reply.headers["content-type"] == media_type
        schema = {**content["schema"], "components": self.document["components"]}
        OAS31Validator(schema).validate(reply.json())

    def described(self, path: str) -> str:
        """The path of the document that stands for a path; the plain ones first."""
        steps = f"/admin/v1{path.partition('?')[0]}".split("/")
        for candidate in sorted(self.document["paths"]):
            parts = candidate.split("/")
            if len(parts) == len(steps) and all(
                part == step or part.startswith("{") for part, step in zip(parts, steps, strict=True)
            ):
                found = str(candidate)
                if "{" not in candidate:
                    break
        return found

    def audit(self, *options: str) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = json.loads(
            command_line("audit", "list", "--json", "--data", self.server.data, *options)
        )
        return entries


@pytest.fixture(scope="module")
def centre(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Centre]:
    data = tmp_path_factory.mktemp("admin") / "data"
    shutil.copytree(template, data)
    with open_installation(Settings(data=str(data))) as installation:
        songs = {song.published.source_key: str(song.song_id) for song in installation.centre.songs.songs()}
        assert installation.centre.apps.app(AppId(APP_ID)) is not None
    keys = {role: make_key(data, role, role) for role in ROLES}
    with serving(data, YUEFU_WORKERS="2") as server:
        document = httpx2.get(f"{server.base_url}/openapi.json").json()
        yield Centre(server, songs, keys, document)


def make_key(data: Path, role: str, name: str) -> dict[str, Any]:
    arguments = ("admin", "key", "create", "--role", role, "--name", name, "--data", data, "--json")
    made: dict[str, Any] = json.loads(command_line(*arguments))
    return made


def test_the_document_is_valid_openapi(centre: Centre) -> None:
    OpenAPIV31SpecValidator(centre.document).validate()


def deal(song_id: str) -> dict[str, Any]:
    terms = {"uses": ["listen", "sing"], "territories": ["CN"], "valid_until": "2099-01-01T00:00:00+08:00"}
    return {"song_id": song_id, "chains": ["recording", "work"], "terms": [terms]}


NEW_APP = {"name": "新应用", "vendors": [2, 1], "home_territory": "SG", "quotas": {"QuerySong": 5}}


@dataclass
class Asked:
    """A call of one endpoint that an operator is to be granted, and the entry the audit has of it from then on."""

    name: str
    path: Callable[[Centre], str]
    body: Callable[[Centre], Any] = lambda _: None
    action: str = ""
    status: int = 200


def song(name: str) -> Callable[[Centre], str]:
    return lambda centre: f"/songs/{centre.songs[name]}"


def case(centre: Centre) -> str:
    """The latest takedown."""
    listed = centre.call("GET", "/takedowns").json()["takedowns"]
    return f"/takedowns/{listed[0]['case']}"


def app(centre: Centre) -> str:
    """The app that was made over the API."""
    return next(
        f"/apps/{app['app_id']}" for app in centre.call("GET", "/apps").json()["apps"] if app["name"] == "新应用"
    )


def said(value: Any) -> Callable[[Centre], Any]:
    return lambda _: value


def granted(centre: Centre) -> str:
    """A grant that was just charged."""
    token = mint_login_token(app_id=APP_ID, server_secret=SECRET, user_id="茉莉", life_s=60, at_s=int(time.time()))
    with CopyrightedMusicSync(centre.server.base_url) as music:
        music.init(app_id=APP_ID, user_id="茉莉", token=token)
        music.request_resource(centre.songs["whole"])
    (row,) = centre.call("GET", f"/reports/usage?app={APP_ID}").json()["rows"]
    traced = centre.call("GET", f"/reports/trace?key={row['key']}").json()["rows"]
    return f"/reports/grants/{traced[-1]['grant_id']}"


SPLIT = {"vendor": 1, "shares": [{"chain": "work", "holder": "音著协", "percent": "33.3333"}]}
FOR_AUDITORS = {
    *("list_audit", "list_splits", "trace_grant", "report_usage"),
    *("report_statement", "report_invoice", "report_trace"),
}


IN_TURN = (
    Asked("list_songs", said("/songs?vendor=1&limit=3")),
    Asked("list_blocked_songs", said("/songs/blocked")),
    Asked("check_songs", said("/songs/check?vendor=1")),
    Asked("show_song", song("whole")),
    Asked("check_song", lambda centre: f"{song('whole')(centre)}/check"),
    Asked("edit_song", song("no words"), said({"title": "没有词", "bpm": 90, "genres": [1]}), "song.edit"),
    Asked("show_song_rights", lambda centre: f"{song('ending')(centre)}/rights"),
    Asked("record_deals", said("/deals"), lambda centre: {"deals": [deal(centre.songs["ended"])]}, "deal.record"),
    Asked("list_expiring_deals", said("/deals/expiring?within=9999w")),
    Asked(
        "take_down",
        said("/takedowns"),
        lambda centre: {"songs": [centre.songs["ended"], "7"], "reason": "信函"},
        "takedown",
        201,
    ),
    Asked("list_takedowns", said("/takedowns")),
    Asked("show_takedown", case),
    Asked("undo_takedown", lambda centre: f"{case(centre)}/undo", action="takedown.undo"),
    Asked("create_app", said("/apps"), said(NEW_APP), "app.create", 201),
    Asked("list_apps", said("/apps")),
    Asked("show_app", app),
    Asked("change_app", app, said({"scenes": [1], "is_enabled": False}), "app.grant"),
    Asked("rotate_app_secret", lambda centre: f"{app(centre)}/secrets", action="app.rotate-secret", status=201),
    Asked("finish_app_rotation", lambda centre: f"{app(centre)}/secrets/finish", action="app.finish-rotation"),
    Asked("set_split", said("/splits"), said(SPLIT), "split.set", 201),
    Asked("list_splits", said("/splits?vendor=1")),
    Asked("report_usage", said("/reports/usage?by=song")),
    Asked("report_statement", said("/reports/statement?vendor=1")),
    Asked("report_invoice", said(f"/reports/invoice?app={APP_ID}")),
    Asked("report_trace", said(f"/reports/trace?key=2026-11/app={APP_ID}")),
    Asked("trace_grant", granted),
    Asked("forget_user", lambda centre: f"{app(centre)}/users/forget", said({"user_id": "顾客"}), "user.forget"),
    Asked("list_audit", said("/audit?limit=5")),
    Asked("remove_song", song("mix only"), action="song.remove", status=204),
)


def test_each_role_may_do_what_is_its_own_and_every_write_is_in_the_audit(centre: Centre) -> None:
    """The others first, so that what they are refused would be seen to be done."""
    endpoints = {endpoint.name: endpoint for endpoint in ENDPOINTS}
    assert {asked.name for asked in IN_TURN} == endpoints.keys()
    for asked in IN_TURN:
        endpoint = endpoints[asked.name]
        before = centre.audit()
        for role in ("viewer", "finance"):
            reply = centre.call(endpoint.method, asked.path(centre), asked.body(centre), role=role)
            is_refused = endpoint.method != "GET" or (asked.name in FOR_AUDITORS and role == "viewer")
            assert reply.status_code == (403 if is_refused else asked.status), (asked.name, role, reply.text)
            if is_refused:
                assert f"yours is {role}" in reply.json()["detail"]
        assert centre.audit() == before
        reply = centre.call(endpoint.method, asked.path(centre), asked.body(centre))
        assert reply.status_code == asked.status, reply.text
        written = centre.audit("--after", str(len(before)))
        actions = [entry["action"] for entry in written if not entry["action"].startswith("takedown.l")]  # song by song
        assert actions == ([asked.action] if asked.action else [])
        assert all((entry["actor"], entry["origin"]) == ("key:operator", "127.0.0.1") for entry in written)
    assert json.loads(command_line("audit", "verify", "--data", centre.server.data, "--json"))["ok"]


def test_what_the_audit_tells_over_http_is_what_the_command_tells(centre: Centre) -> None:
    entries = centre.call("GET", "/audit?limit=1000", role="finance").json()["entries"]
    assert entries == centre.audit()
    one = entries[0]
    assert one["subject"].startswith("admin key ")
    assert centre.call("GET", f"/audit?subject={one['subject']}").json()["entries"] == centre.audit(
        "--subject", one["subject"]
    )
    assert {entry["action"] for entry in entries} >= {"admin-key.create"}


def test_refusals_are_problem_details_as_described(centre: Centre) -> None:
    """What is wrong in each way: the unit tests have the words."""
    for method, path, body, status in (
        ("GET", "/songs/7", None, 404),
        ("GET", "/songs?limit=0", None, 422),
        ("PATCH", song("whole")(centre), {"colour": "red"}, 422),
        ("POST", "/deals", {"deals": "all"}, 422),
        ("POST", "/apps", {**NEW_APP, "app_id": APP_ID}, 409),
        ("POST", "/takedowns", {"reason": "x" * 8_000_000}, 413),
        ("POST", "/takedowns/99/undo", None, 404),
    ):
        assert centre.call(method, path, body).status_code == status
    for headers in ({}, {"authorization": "Bearer nobody"}):
        reply = httpx2.get(f"{centre.server.base_url}/admin/v1/songs", headers=headers)
        assert (reply.status_code, reply.headers["www-authenticate"]) == (401, 'Bearer realm="yuefu admin"')
        centre.check("GET", "/songs", reply)


def test_a_revoked_key_stops_working_at_once(centre: Centre) -> None:
    """Each call on a connection of its own, so both workers have them."""
    for number in range(3):
        made = make_key(centre.server.data, "viewer", f"short-lived {number}")
        other = Centre(centre.server, centre.songs, {**centre.keys, "viewer": made}, centre.document)
        assert [other.call("GET", "/apps", role="viewer").status_code for _ in range(8)] == [200] * 8
        shown = command_line("admin", "key", "list", "--data", centre.server.data, "--json")
        assert made["key"] not in shown
        command_line("admin", "key", "revoke", made["key_id"], "--data", centre.server.data)
        assert [other.call("GET", "/apps", role="viewer").status_code for _ in range(8)] == [401] * 8
    assert centre.call("GET", "/apps", role="viewer").status_code == 200
    assert "revoked before" in command_line(
        "admin", "key", "revoke", made["key_id"], "--data", centre.server.data, exit_code=1
    )


def test_a_takedown_over_the_api_holds_while_requests_run(centre: Centre) -> None:
    """When it has answered, nothing that is asked from then on is granted, on either worker; after its undo it is."""
    song_id, other_id = centre.songs["whole"], centre.songs["no highlight"]
    askers = [Asker(centre, number, song_id, other_id) for number in range(4)]
    try:
        for asker in askers:
            asker.wait_for(lambda outcomes: outcomes[-1] == "granted")
        for _ in range(3):
            report = centre.call("POST", "/takedowns", {"songs": [song_id], "reason": "信函"}).json()
            begun = [asker.answered() for asker in askers]
            assert (report["songs"], report["unknown"]) == ([song_id], [])
            assert report["grants_revoked"] >= 4
            for asker, number in zip(askers, begun, strict=True):
                # the call under way may have been asked before; the ones after it were not
                asker.wait_for(has_more_than(number + 4))
                assert set(asker.outcomes[number + 1 : number + 4]) == {"refused"}
            assert centre.call("POST", f"/takedowns/{report['case']}/undo").json()["songs"] == 1
            for asker in askers:
                asker.wait_for(lambda outcomes: outcomes[-1] == "granted")
    finally:
        for asker in askers:
            asker.stop()
    assert all(asker.outcomes.count("other song refused") == 0 for asker in askers)


def has_more_than(number: int) -> Callable[[list[str]], bool]:
    return lambda outcomes: len(outcomes) > number


class Asker:
    """A user who asks for a song again and again, and for another one in between."""

    def __init__(self, centre: Centre, number: int, song_id: str, other_id: str) -> None:
        self.outcomes: list[str] = []
        self._changed = threading.Condition()
        self._stopping = threading.Event()
        self._centre, self._user = centre, f"user {number}"
        self._song_id, self._other_id = song_id, other_id
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self._thread.start()

    def answered(self) -> int:
        return len(self.outcomes)

    def wait_for(self, is_so: Callable[[list[str]], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: bool(self.outcomes) and is_so(self.outcomes), DEADLINE_S), (
                self.outcomes
            )

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(DEADLINE_S)

    def _ask(self) -> None:
        base_url = self._centre.server.base_url
        token = mint_login_token(
            app_id=APP_ID, server_secret=SECRET, user_id=self._user, life_s=3_600, at_s=int(time.time())
        )
        with CopyrightedMusicSync(base_url) as music:
            music.init(app_id=APP_ID, user_id=self._user, token=token)
            while not self._stopping.is_set():
                self._note(self._outcome(music, self._song_id))
                if self._outcome(music, self._other_id) != "granted":
                    self._note("other song refused")

    def _outcome(self, music: CopyrightedMusicSync, song_id: str) -> str:
        try:
            music.request_resource(song_id)
        except CopyrightedMusicError:
            return "refused"
        return "granted"

    def _note(self, outcome: str) -> None:
        with self._changed:
            self.outcomes.append(outcome)
            self._changed.notify_all()
