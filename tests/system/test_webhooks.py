"""A running server tells a receiver in a process of its own what changed, whatever happens to either."""

import base64
import hashlib
import hmac
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.system.calls import Client, login
from tests.system.conftest import Server, free_port, run_yuefu, serving

from yuefu.client import SignedClientSync, iterate_changes_sync
from yuefu.ids import SongId
from yuefu.rights.deal import Chain, Deal, Terms, TermSheet
from yuefu.server.settings import load_settings
from yuefu.server.wiring import open_installation
from yuefu.units import format_instant

RECEIVER = Path(__file__).with_name("receiver.py")
PRIVATE = {"YUEFU_WEBHOOK_ALLOW_PRIVATE": "true"}
SONGS = 8
FIRST_SONG = 100_000_001
WAIT_LIMIT_S = 90


@dataclass(frozen=True)
class Installation:
    """A data folder with songs that may be used, and an app."""

    data: Path
    app: dict[str, Any]

    def yuefu(self, *arguments: str, ok: bool = True, env: dict[str, str] | None = None) -> Any:
        said = run_yuefu(*arguments, "--data", self.data, "--json", ok=ok, env=PRIVATE if env is None else env)
        return json.loads(said) if ok else said

    def deal(self, *songs: int, for_ms: int | None = None) -> tuple[list[str], int]:
        """A deal for both chains of songs, by their place, from another process than the server; their ids and when it
        ends, that long from now.
        """
        ids = [SongId(FIRST_SONG + song) for song in songs]
        with open_installation(load_settings({"data": str(self.data)}, {})) as installation:
            at_ms = installation.centre.now_ms()
            until_ms = None if for_ms is None else at_ms + for_ms
            sheet = TermSheet(terms=(Terms(valid_until_ms=until_ms),))
            deals = [Deal(song_id=song_id, chains=tuple(Chain), sheet=sheet) for song_id in ids]
            installation.centre.work.run(
                lambda transaction: [transaction.record_deal(each, at_ms=at_ms) for each in deals]
            )
        return [str(song_id) for song_id in ids], until_ms or 0

    def asking(self, base_url: str) -> SignedClientSync:
        facts = {"app_id": self.app["app_id"], "server_secret": self.app["server_secret"]}
        return SignedClientSync(base_url, **facts, user_id="back-end")


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    data = tmp_path / "data"
    run_yuefu("bench", "catalogue", "--songs", str(SONGS), "--data", data)
    app = json.loads(run_yuefu("app", "create", "tests", "--vendor", "1", "--data", data, "--json"))
    return Installation(data, app)


@dataclass(frozen=True)
class Receiver:
    """What the receiver's process was sent."""

    url: str
    folder: Path

    def plan(self, *answers: str) -> None:
        (self.folder / "plan").write_text("\n".join(answers))

    def requests(self) -> list[dict[str, Any]]:
        log = self.folder / "log"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    def rows(self) -> list[dict[str, Any]]:
        """Every change in every request."""
        bodies = [json.loads(base64.b64decode(request["body"])) for request in self.requests()]
        return [row for body in bodies for row in body["data"]["changes"]]

    def wait_for(self, count: int) -> list[dict[str, Any]]:
        """The requests, once there are that many."""
        self._wait_until(lambda: len(self.requests()) >= count)
        return self.requests()

    def wait_for_song(self, song_id: str, kind: str) -> None:
        """Return once that was told of a song."""
        self._wait_until(lambda: any((row["song_id"], row["kind"]) == (song_id, kind) for row in self.rows()))

    def _wait_until(self, is_done: Callable[[], bool]) -> None:
        deadline = time.monotonic() + WAIT_LIMIT_S
        while not is_done():
            assert time.monotonic() < deadline, f"only {len(self.requests())} requests came in {WAIT_LIMIT_S} s"
            time.sleep(0.05)


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    folder = tmp_path / "receiver"
    folder.mkdir()
    port = free_port()
    receiver = Receiver(f"http://127.0.0.1:{port}/hook", folder)
    receiver.plan()
    process = subprocess.Popen([sys.executable, RECEIVER, str(port), folder])
    try:
        yield receiver
    finally:
        process.kill()
        process.wait(10)


def check_signature(request: dict[str, Any], secret: str, kind: str = "yuefu.catalogue.changed") -> Any:
    """The event, if it is signed as Standard Webhooks 1.0.0 says; written down here apart from the code under test."""
    headers, body = request["headers"], base64.b64decode(request["body"])
    event_id, timestamp = headers["webhook-id"], headers["webhook-timestamp"]
    key = base64.b64decode(secret.removeprefix("whsec_"))
    expected = base64.b64encode(hmac.digest(key, f"{event_id}.{timestamp}.".encode() + body, hashlib.sha256)).decode()
    assert f"v1,{expected}" in headers["webhook-signature"].split(" ")
    assert abs(time.time() - int(timestamp)) < 300
    assert headers["content-type"] == "application/cloudevents+json"
    event = json.loads(body)
    assert event["id"] == event_id
    assert (event["specversion"], event["type"]) == ("1.0", kind)
    return event


def songs_in(requests: list[dict[str, Any]], secret: str) -> list[tuple[str, str]]:
    """Which songs became what, in order, each event once."""
    events = {request["headers"]["webhook-id"]: check_signature(request, secret) for request in requests}
    return [(row["song_id"], row["kind"]) for event in events.values() for row in event["data"]["changes"]]


def test_every_change_arrives_signed_and_in_order_through_failures_and_a_kill(
    installation: Installation, receiver: Receiver
) -> None:
    """Answers of 500 and 503, a server that is killed between two attempts, one that never answers."""
    with serving(installation.data, **PRIVATE) as server:
        added = installation.yuefu("webhook", "add", "--app", str(installation.app["app_id"]), "--url", receiver.url)
        receiver.plan("500", "503", "500", "hang")
        first, _ = installation.deal(0, 1)
        receiver.wait_for(2)
        server.kill()
    then, _ = installation.deal(2)
    with serving(installation.data, **PRIVATE):
        requests = receiver.wait_for(6)
    failed, delivered = requests[:5], requests[5:]
    assert [request["answer"] for request in requests[:6]] == ["500", "503", "500", "hang", "204", "204"]
    assert len({(request["headers"]["webhook-id"], request["body"]) for request in failed}) == 1
    assert len({request["headers"]["webhook-timestamp"] for request in failed}) > 1
    kind = "changed"
    assert songs_in(failed, added["secret"]) == [(song_id, kind) for song_id in first]
    assert songs_in(delivered, added["secret"]) == [(song_id, kind) for song_id in then]


def test_a_deal_that_ends_is_told_of_by_itself_and_a_takedown_at_once(
    installation: Installation, receiver: Receiver
) -> None:
    with serving(installation.data, **PRIVATE) as server, installation.asking(server.base_url) as client:
        full = list(iterate_changes_sync(client.changes, limit=3))
        known = {change.song_id: change.right for page in full for change in page.changes}
        assert known == {str(FIRST_SONG + place): 1 for place in range(SONGS)}
        added = installation.yuefu("webhook", "add", "--app", str(installation.app["app_id"]), "--url", receiver.url)
        (ending,), until_ms = installation.deal(3, for_ms=2_000)
        receiver.wait_for_song(ending, "withdrawn")
        taken = str(FIRST_SONG + 4)
        installation.yuefu("takedown", "--song", taken, "--reason", "a dispute")
        receiver.wait_for_song(taken, "withdrawn")
        requests = receiver.requests()
        told = songs_in(requests, added["secret"])
        assert told[-2:] == [(ending, "withdrawn"), (taken, "withdrawn")]
        assert told[:-2] in ([(ending, "changed")], []), "unless all was over before anybody looked"
        ends = [row["at"] for row in receiver.rows() if (row["song_id"], row["kind"]) == (ending, "withdrawn")]
        assert ends == [format_instant(until_ms)]
        since = client.changes(full[-1].next)
        assert [(change.song_id, change.kind, change.right) for change in since.changes] == [
            (ending, "withdrawn", 0),
            (taken, "withdrawn", 0),
        ]
        assert client.changes(check_signature(requests[-1], added["secret"])["data"]["next"]).changes == []


def test_a_receiver_that_is_gone_is_told_nothing_more_until_it_is_switched_on_again(
    installation: Installation, receiver: Receiver
) -> None:
    with serving(installation.data, **PRIVATE):
        added = installation.yuefu("webhook", "add", "--app", str(installation.app["app_id"]), "--url", receiver.url)
        receiver.plan("410")
        changed, _ = installation.deal(0)
        receiver.wait_for(1)
        deadline = time.monotonic() + 10
        while installation.yuefu("webhook", "list")[0]["is_enabled"] and time.monotonic() < deadline:
            time.sleep(0.1)
        (listed,) = installation.yuefu("webhook", "list")
        assert (listed["is_enabled"], listed["failure"]) == (False, "HTTP status 410")
        installation.yuefu("webhook", "enable", str(added["webhook_id"]))
        requests = receiver.wait_for(2)
        assert requests[0]["body"] == requests[1]["body"]
        assert songs_in(requests, added["secret"]) == [(song_id, "changed") for song_id in changed]


def test_several_workers_send_every_event_once(installation: Installation, receiver: Receiver) -> None:
    with serving(installation.data, YUEFU_WORKERS="3", **PRIVATE):
        added = installation.yuefu("webhook", "add", "--app", str(installation.app["app_id"]), "--url", receiver.url)
        changed = []
        for place in range(4):
            changed += installation.deal(place)[0]
            requests = receiver.wait_for(place + 1)
        time.sleep(2.5)
        assert receiver.requests() == requests, "nobody sent anything twice"
        assert songs_in(requests, added["secret"]) == [(song_id, "changed") for song_id in changed]


def test_every_charge_share_and_reversal_arrives_through_failures_and_a_kill(
    demo_folder: Path, tmp_path: Path, receiver: Receiver
) -> None:
    """Answers of 500 and none, a server that is killed in between; what was told comes to what the app owes."""
    data = tmp_path / "data"
    shutil.copytree(demo_folder, data)
    demo = json.loads((data / "demo.json").read_text(encoding="utf-8"))
    installation = Installation(data, demo)
    installation.yuefu("price", "set", "--mode", "0", "--amount", "150", "--currency", "CNY")
    song, room = demo["songs"][0], {"room_id": "包厢", "resource_type": 1}
    named = {"song_id": song["song_id"], "vendor_id": song["vendor_id"]}

    def enter(server: Server, user_id: str) -> Client:
        member = login(server.base_url, demo, user_id, at_s=int(time.time()))
        assert member.call("join_room", room_id="包厢")["code"] == 0
        return member

    with serving(data, **PRIVATE) as server:
        with enter(server, "茉莉") as payer, enter(server, "客人") as guest:
            payer.granted(**named)
            add = ("webhook", "add", "--app", str(demo["app_id"]), "--url", receiver.url, "--tells", "usage")
            added = installation.yuefu(*add)
            receiver.plan("500", "hang")
            payer.granted(**named, **room)
            assert guest.call("get_shared_resource", **named, **room)["code"] == 0
            receiver.wait_for(2)
            payer.granted(**named)
        server.kill()
    last = installation.yuefu("charge", "list")[-1]
    installation.yuefu("charge", "reverse", str(last["charge_id"]), "--reason", "试唱")
    with serving(data, **PRIVATE):
        wanted = ["grant-2", "grant-3", "grant-4", "posting-4"]
        told: dict[str, Any] = {}
        deadline = time.monotonic() + WAIT_LIMIT_S
        while set(told) != set(wanted):
            assert time.monotonic() < deadline, f"only {list(told)} came in {WAIT_LIMIT_S} s"
            time.sleep(0.1)
            for request in receiver.requests():
                event = check_signature(request, added["secret"], "yuefu.usage.recorded")
                told |= {each["usage_id"]: each for each in event["data"]["usage"]}
    assert list(told) == wanted, "in order, and nothing from before the webhook was added"
    assert [each["kind"] for each in told.values()] == ["charged", "shared", "charged", "reversed"]
    assert [each.get("of") for each in told.values()] == [None, "grant-2", None, "grant-4"]
    assert [each["amount_minor"] for each in told.values()] == [150, 0, 150, -150]
    assert told["grant-3"]["user_id"] == "客人"
    requests = receiver.requests()
    assert len({request["body"] for request in requests[:3]}) == 1, "the same event until it arrived"
    assert [request["answer"] for request in requests[:3]] == ["500", "hang", "204"]


def test_private_addresses_are_refused_unless_the_operator_allows_them(
    installation: Installation, receiver: Receiver
) -> None:
    add = ("webhook", "add", "--app", str(installation.app["app_id"]), "--url")
    for url in (receiver.url, "https://localhost/hook", "https://2130706433/", "https://[::ffff:169.254.169.254]/"):
        assert "private" in installation.yuefu(*add, url, ok=False, env={})
    assert installation.yuefu("webhook", "list") == []
    added = installation.yuefu(*add, receiver.url)
    refused = run_yuefu("webhook", "test", str(added["webhook_id"]), "--data", installation.data, ok=False)
    assert "private" in refused, "the setting counts when it is sent, too"
    assert receiver.requests() == []


def test_a_webhook_is_tried_listed_and_removed_by_its_operator(installation: Installation, receiver: Receiver) -> None:
    added = installation.yuefu("webhook", "add", "--app", str(installation.app["app_id"]), "--url", receiver.url)
    number = str(added["webhook_id"])
    assert installation.yuefu("webhook", "test", number) == {"is_delivered": True, "failure": ""}
    assert json.loads(base64.b64decode(receiver.requests()[0]["body"]))["type"] == "yuefu.webhook.test"
    listed = installation.yuefu("webhook", "list")
    assert listed == [{name: value for name, value in added.items() if name != "secret"}]
    receiver.plan("204", "500")
    assert "HTTP status 500" in run_yuefu("webhook", "test", number, "--data", installation.data, ok=False, env=PRIVATE)
    installation.yuefu("webhook", "remove", number)
    assert installation.yuefu("webhook", "list") == []
    assert "there is no webhook" in installation.yuefu("webhook", "enable", number, ok=False)
