"""A server that forgets: users on demand, and by itself whatever is old enough."""

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import httpx2
import pytest
from click.testing import CliRunner
from tests.system.calls import Client, login
from tests.system.conftest import Server, run_yuefu, serving

from yuefu.server.cli import commands

WHO, OTHER = "顾客-d41d8cd9", "客人-98f00b20"
NOT_INITIALISED = 1017096
DEADLINE_S = 30
DAY_MS = 86_400_000
AGES = (
    ("sessions", "started_at_ms"),
    ("sessions", "expires_at_ms"),
    ("grants", "granted_at_ms"),
    ("grants", "expires_at_ms"),
    ("plays", "reported_at_ms"),
    ("members", "until_ms"),
)


@pytest.fixture
def data(demo_folder: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    shutil.copytree(demo_folder, folder)
    return folder


@pytest.fixture
def server(data: Path) -> Iterator[Server]:
    with serving(data) as server:
        yield server


def facts(data: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((data / "demo.json").read_text("utf-8"))
    return told


def yuefu(data: Path, *arguments: str | int) -> Any:
    """What a command tells, run within this process: starting one each time would take minutes."""
    done = CliRunner().invoke(commands, [*map(str, arguments), "--data", str(data), "--json"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def sing(server: Server, user_id: str) -> str:
    """What a user's evening leaves: a paid month, a share in a room, a play. The session."""
    demo = facts(server.data)
    song = next(song for song in demo["songs"] if song["vendor_id"] == demo["vendor_id"])
    with login(server.base_url, demo, user_id, at_s=int(time.time())) as client:
        assert client.call("join_room", room_id="包厢")["code"] == 0
        given = client.granted(song_id=song["song_id"], resource_type=1, mode=1)
        resource_id = given["resources"][0]["resource_id"]
        assert client.call("report_play", resource_id=resource_id, play_id="1", seconds=40)["code"] == 0
        return client.session


def is_good(server: Server, session: str) -> bool:
    """Whether a session is worth anything."""
    with Client(server.base_url, session) as client:
        code = client.call("join_room", room_id="包厢")["code"]
    assert code in {0, NOT_INITIALISED}
    return bool(code == 0)


def told_of_money(data: Path) -> tuple[Any, ...]:
    charges = yuefu(data, "charge", "list", "--limit", 10_000)
    return [charge | {"subject": ""} for charge in charges], yuefu(data, "charge", "postings", "--limit", 10_000)


def places_of(data: Path, text: str) -> list[str]:
    """Where the database has a text: every column of every table, and the bytes of its files."""
    found = []
    with apsw.Connection(str(data / "yuefu.sqlite3")) as connection:
        tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql NOT LIKE '%VIRTUAL%'"
        for (table,) in connection.execute(tables).fetchall():
            for (column,) in connection.execute("SELECT name FROM pragma_table_info(?)", (table,)).fetchall():
                statement = f"SELECT count(*) FROM {table} WHERE instr(CAST({column} AS BLOB), ?)"
                if connection.execute(statement, (text.encode(),)).fetchone() != (0,):
                    found.append(f"{table}.{column}")
    connection.close()
    return found + [file.name for file in data.glob("*.sqlite3*") if text.encode() in file.read_bytes()]


@pytest.fixture
def prices(data: Path) -> None:
    app = facts(data)["app_id"]
    yuefu(data, "app", "grant", app, "--billing", 0, "--billing", 1)
    yuefu(data, "price", "set", "--mode", 1, "--amount", 3000)
    yuefu(data, "member", "add", app, WHO)


def test_a_user_is_forgotten_while_the_server_runs_and_no_sum_changes(data: Path, prices: None) -> None:
    app = facts(data)["app_id"]
    with serving(data) as server:
        session, other = sing(server, WHO), sing(server, OTHER)
        before = told_of_money(data)
        told = yuefu(data, "user", "forget", app, WHO, "--yes")
        assert {kind: told[kind] for kind in ("sessions", "members", "grants", "plays", "charges")} == {
            "sessions": 1,
            "members": 1,
            "grants": 1,
            "plays": 1,
            "charges": 1,
        }
        assert set(yuefu(data, "user", "forget", app, WHO, "--yes").values()) == {0}
        assert (is_good(server, session), is_good(server, other)) == (False, True)
        assert told_of_money(data) == before
        subjects = {charge["subject"] for charge in yuefu(data, "charge", "list", "--limit", 10_000)}
        assert (len(subjects), OTHER in subjects) == (2, True)
        sing(server, WHO)
        charges = yuefu(data, "charge", "list", "--limit", 10_000)
        assert [charge["amount_minor"] for charge in charges] == [3000, 3000, 3000]
        yuefu(data, "user", "forget", app, WHO, "--yes")
    assert places_of(data, WHO) == []
    assert "grants.user_id" in places_of(data, OTHER)


def test_forgetting_asks_first(data: Path) -> None:
    app = str(facts(data)["app_id"])
    assert "Aborted" in run_yuefu("user", "forget", app, WHO, "--data", data, ok=False)
    assert "there is no app 7" in run_yuefu("user", "forget", "7", WHO, "--yes", "--data", data, ok=False)
    assert "Nothing named that user" in run_yuefu("user", "forget", app, WHO, "--yes", "--data", data)


def test_an_operator_forgets_over_the_admin_api(server: Server) -> None:
    app = facts(server.data)["app_id"]
    with login(server.base_url, facts(server.data), WHO, at_s=int(time.time())) as client:
        session = client.session
    roles = ("operator", "finance")
    keys = {role: yuefu(server.data, "admin", "key", "create", "--role", role, "--name", role)["key"] for role in roles}

    def ask(role: str, body: Any) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {keys[role]}"}
        return httpx2.post(f"{server.base_url}/admin/v1/apps/{app}/users/forget", json=body, headers=headers)

    assert ask("finance", {"user_id": WHO}).status_code == 403
    assert ask("operator", {"user_id": ""}).status_code == 422
    done = ask("operator", {"user_id": WHO})
    assert (done.status_code, done.json()["sessions"]) == (200, 1)
    assert not is_good(server, session)


def test_the_server_prunes_by_itself_what_is_old(data: Path, prices: None) -> None:
    with serving(data) as server:
        for user in (WHO, OTHER):
            sing(server, user)
    before = told_of_money(data)
    connection = apsw.Connection(str(data / "yuefu.sqlite3"))
    for table, column in AGES:
        connection.execute(f"UPDATE {table} SET {column} = {column} - 500 * {DAY_MS}")
    connection.close()
    due = yuefu(data, "prune", "--dry-run")
    assert (due["dry_run"], due["sessions"], due["users_of_grants"], due["users_of_plays"]) == (True, 2, 2, 2)
    with serving(data):
        deadline = time.monotonic() + DEADLINE_S
        while any(yuefu(data, "prune", "--dry-run")[kind] for kind in due if kind != "dry_run"):
            assert time.monotonic() < deadline, "the server prunes nothing"
            time.sleep(0.2)
    assert told_of_money(data) == before
    assert min(places_of(data, WHO)) == "charges.subject"
    yuefu(data, "user", "forget", facts(data)["app_id"], WHO, "--yes")
    assert [place for place in places_of(data, WHO) if "sqlite3" not in place] == []


def test_what_a_command_prunes_is_what_it_said_it_would(data: Path, prices: None) -> None:
    with serving(data) as server:
        sing(server, WHO)
    connection = apsw.Connection(str(data / "yuefu.sqlite3"))
    for table, column in AGES:
        connection.execute(f"UPDATE {table} SET {column} = {column} - 10 * {DAY_MS}")
    connection.close()
    due = yuefu(data, "prune", "--dry-run")
    assert yuefu(data, "prune") == due | {"dry_run": False}
    assert (due["sessions"], due["users_of_grants"]) == (1, 0)
    run_yuefu("prune", "--data", data, env={"YUEFU_KEEP_USERS_DAYS": "2"})
    assert "grants.user_id" not in places_of(data, WHO)
    shown = json.loads(run_yuefu("config", "show", "--data", data, "--json"))
    assert (shown["keep_sessions_days"], shown["keep_users_days"]) == (7, 400)
