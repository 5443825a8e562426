"""Money through a real server of two workers, with the commands that operators have for it."""

import json
import shutil
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.system.calls import login
from tests.system.conftest import Server, run_yuefu, serving

from yuefu.client import CopyrightedMusicSync, NotFound, mint_login_token
from yuefu.wire.vendor import ResourceType

TWINS = 64
DEADLINE_S = 60
ILLEGAL, NO_MEMBERSHIP, UNREASONABLE = 1017040, 1017032, 1017043


@pytest.fixture(scope="module")
def server(demo_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data = tmp_path_factory.mktemp("metering") / "data"
    shutil.copytree(demo_folder, data)
    with serving(data, YUEFU_WORKERS="2") as server:
        yield server


@pytest.fixture(scope="module")
def demo(server: Server) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads((server.data / "demo.json").read_text("utf-8"))
    return facts


@pytest.fixture(scope="module")
def song_id(demo: dict[str, Any]) -> str:
    found: str = next(song["song_id"] for song in demo["songs"] if song["vendor_id"] == demo["vendor_id"])
    return found


def yuefu(server: Server, *arguments: str | int) -> Any:
    return json.loads(run_yuefu(*map(str, arguments), "--data", server.data, "--json"))


def post(server: Server, session: str, key: str, body: dict[str, Any]) -> dict[str, Any]:
    """One request on a connection of its own, so that either worker may get it."""
    headers = {"Authorization": f"Bearer {session}", "Idempotency-Key": key}
    answer = httpx2.post(
        f"{server.base_url}/client/v1/request_resource", json=body, headers=headers, timeout=DEADLINE_S
    )
    assert answer.status_code == 200
    content: dict[str, Any] = answer.json()
    return content


def session_of(server: Server, demo: dict[str, Any], user_id: str) -> str:
    with login(server.base_url, demo, user_id, at_s=int(time.time())) as client:
        bearer: str = client._http.headers["authorization"]
    return bearer.removeprefix("Bearer ")


def test_parallel_twins_at_two_workers_get_one_answer_and_one_charge(
    server: Server, demo: dict[str, Any], song_id: str
) -> None:
    yuefu(server, "price", "set", "--mode", 0, "--amount", 150, "--app", demo["app_id"])
    session = session_of(server, demo, "双胞胎")
    start = threading.Barrier(TWINS)

    def ask(_: int) -> str:
        start.wait(DEADLINE_S)
        answer = post(server, session, "twin", {"song_id": song_id, "resource_type": 1})
        assert answer["code"] == 0, answer
        return json.dumps(answer, sort_keys=True)

    before = len(yuefu(server, "charge", "list", "--limit", 10_000))
    with ThreadPoolExecutor(TWINS) as pool:
        answers = set(pool.map(ask, range(TWINS)))
    assert len(answers) == 1
    charges = yuefu(server, "charge", "list", "--limit", 10_000)[before:]
    assert [(charge["amount_minor"], charge["is_unpriced"]) for charge in charges] == [(150, False)]
    refused = post(server, session, "twin", {"song_id": song_id, "resource_type": 0})
    assert (refused["code"], "Idempotency-Key" in refused["message"]) == (ILLEGAL, True)


def test_the_sdk_asks_the_price_first(server: Server, demo: dict[str, Any], song_id: str) -> None:
    app, secret = demo["app_id"], demo["server_secret"]
    yuefu(server, "price", "set", "--mode", 0, "--amount", 150, "--app", app)
    yuefu(server, "price", "set", "--mode", 0, "--amount", 275, "--app", app, "--type", 0)
    before = yuefu(server, "charge", "list", "--limit", 10_000)
    token = mint_login_token(app_id=app, server_secret=secret, user_id="小明", life_s=60, at_s=int(time.time()))
    with CopyrightedMusicSync(server.base_url) as music:
        music.init(app_id=app, user_id="小明", token=token)
        kinds = (ResourceType.SONG, ResourceType.ACCOMPANIMENT)
        told = [music.request_resource(song_id, resource_type=kind, dry_run=True) for kind in kinds]
        assert [quote.amount_minor for quote in told] == [275, 150]
        with pytest.raises(NotFound):
            music.request_resource("7", dry_run=True)
    assert yuefu(server, "charge", "list", "--limit", 10_000) == before
    quote = yuefu(server, "price", "quote", app, "--vendor", demo["vendor_id"], "--type", 0)
    assert (quote["amount_minor"], quote["unpriced"]) == (275, 0)


def test_a_plan_with_granted_memberships_holds_for_the_running_server(
    server: Server, demo: dict[str, Any], song_id: str
) -> None:
    app = demo["app_id"]
    yuefu(server, "app", "grant", app, "--billing", 0, "--billing", 1)
    plan = yuefu(server, "plan", app, "--membership", "granted", "--time-zone", "Europe/Berlin", "--repeats", "free")
    assert (plan["membership"], plan["time_zone"], plan["is_repeat_free"]) == ("granted", "Europe/Berlin", True)
    yuefu(server, "price", "set", "--mode", 1, "--amount", 3000)
    session = session_of(server, demo, "会员")
    monthly = {"song_id": song_id, "mode": 1}
    assert post(server, session, "1", monthly)["code"] == NO_MEMBERSHIP
    yuefu(server, "member", "add", app, "会员")
    assert [member["user_id"] for member in yuefu(server, "member", "list", app)] == ["会员"]
    assert post(server, session, "1", monthly)["code"] == 0
    assert post(server, session, "2", {"song_id": song_id})["code"] == UNREASONABLE
    yuefu(server, "member", "remove", app, "会员")
    assert post(server, session, "3", monthly)["code"] == NO_MEMBERSHIP
    yuefu(server, "plan", app, "--membership", "automatic", "--repeats", "charged", "--monthly-cap", "none")


def test_a_charge_is_reversed_and_a_month_closed_on_the_command_line(
    server: Server, demo: dict[str, Any], song_id: str
) -> None:
    app = demo["app_id"]
    yuefu(server, "price", "set", "--mode", 0, "--amount", 150, "--app", app)
    session = session_of(server, demo, "客户")
    for key in ("kept", "reversed"):
        assert post(server, session, key, {"song_id": song_id, "resource_type": 1})["code"] == 0
    last = yuefu(server, "charge", "list", "--limit", 10_000)[-1]
    posting = yuefu(server, "charge", "reverse", last["charge_id"], "--reason", "客户退款")
    assert (posting["kind"], posting["amount_minor"]) == ("reversal", last["amount_minor"])
    again = run_yuefu("charge", "reverse", str(last["charge_id"]), "--reason", "x", "--data", server.data, ok=False)
    assert "owes nothing" in again
    running = run_yuefu("period", "close", str(app), last["period"], "--data", server.data, ok=False)
    assert "has not ended" in running
    yuefu(server, "period", "close", app, "2020-01")
    assert [each["period"] for each in yuefu(server, "period", "list", app)] == ["2020-01"]
    sums: dict[str, int] = {}
    for each in yuefu(server, "charge", "postings", "--limit", 10_000):
        sums[each["debit"]] = sums.get(each["debit"], 0) + each["amount_minor"]
        sums[each["credit"]] = sums.get(each["credit"], 0) - each["amount_minor"]
    assert sum(sums.values()) == 0
    assert sums[f"app {app}"] > 0
