"""Reports beside a running server of two workers: what SDK clients did is what the commands and the admin API tell."""

import json
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.system.conftest import Server, run_yuefu, serving
from tests.unit.rights.test_sales_report import read_message
from tests.unit.server import conftest as centres

from yuefu.client import CopyrightedMusicSync, mint_login_token
from yuefu.server.settings import Settings
from yuefu.server.wiring import open_installation
from yuefu.wire.vendor import ResourceType

template = centres.template
APP_ID, SECRET, VENDOR = centres.APP.app_id, centres.SECRET, 1
ROOM, GUESTS, SONGS = "包厢", 4, ("whole", "no highlight")


@pytest.fixture
def server(template: Path, tmp_path: Path) -> Iterator[Server]:
    data = tmp_path / "data"
    shutil.copytree(template, data)
    with serving(data, YUEFU_WORKERS="2") as server:
        yield server


def yuefu(server: Server, *arguments: object) -> Any:
    return json.loads(run_yuefu(*map(str, arguments), "--data", server.data, "--json"))


def test_what_clients_did_is_what_reports_tell(server: Server, tmp_path: Path) -> None:
    with open_installation(Settings(data=str(server.data))) as installation:
        known = {song.published.source_key: str(song.song_id) for song in installation.centre.songs.songs()}
    songs = [known[name] for name in SONGS]
    yuefu(server, "price", "set", "--mode", 0, "--amount", 101)
    yuefu(server, "split", "set", "--vendor", VENDOR, "--recording", "环球=60", "--work", "音著协=33.3333")

    def opened(user: str) -> CopyrightedMusicSync:
        token = mint_login_token(app_id=APP_ID, server_secret=SECRET, user_id=user, life_s=600, at_s=int(time.time()))
        music = CopyrightedMusicSync(server.base_url)
        music.init(app_id=APP_ID, user_id=user, token=token, room_ids=[ROOM])
        return music

    def visit(number: int) -> None:
        with opened(f"客人{number}") as music:
            for song in songs:
                music.get_shared_resource(song, resource_type=ResourceType.ACCOMPANIMENT, room_id=ROOM)

    with opened("房主") as music:
        for song in songs:
            granted = music.request_resource(song, resource_type=ResourceType.ACCOMPANIMENT, room_id=ROOM)
            music.report_play(granted.resources[0].resource_id, seconds=31)
    with ThreadPoolExecutor(GUESTS) as pool:
        list(pool.map(visit, range(GUESTS)))

    (row,) = yuefu(server, "report", "usage", "--app", APP_ID)["rows"]
    told = [row[name] for name in ("requests", "shared", "plays", "amount_minor")]
    assert told == [2, GUESTS * 2, 2, 202]
    statement = yuefu(server, "report", "statement", "--app", APP_ID)["rows"]
    assert [(each["holder"], each["amount_minor"]) for each in statement] == [
        ("环球", 121),
        ("音著协", 67),
        ("unassigned", 14),
    ]
    (owed,) = yuefu(server, "report", "invoice", "--app", APP_ID)["sums"]
    assert (owed["amount_minor"], owed["ledger_minor"]) == (202, 202)
    traced = yuefu(server, "report", "trace", row["key"])
    assert sum(each["amount_minor"] for each in traced["rows"]) == 202
    assert len(traced["rows"]) == 2 + GUESTS * 2 + 2

    key = yuefu(server, "admin", "key", "create", "--role", "finance", "--name", "books")["key"]
    url = f"{server.base_url}/admin/v1/reports/usage?app={APP_ID}"
    assert httpx2.get(url, headers={"authorization": f"Bearer {key}"}).json()["rows"] == [row]

    report = ("report", "dsr", "--period", row["period"], "--vendor", VENDOR, "--to", tmp_path / "out")
    done = run_yuefu(*map(str, report), "--sender", "PADPIDA2026010101X", "--data", server.data)
    files = sorted((tmp_path / "out").glob("DSR_*.tsv"))
    assert all(str(file) in done for file in files)
    message = read_message([(file.name, file.read_text("utf-8")) for file in files])
    assert message.streams == 2 + GUESTS * 2
    assert message.songs.keys() == set(songs)
