"""Sharing in a room of a real server with two workers: one pays, 64 fetch at the same time, each once."""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from threading import Barrier
from typing import Any

import apsw
import pytest
from soak.stage import APP_ID, Stage, set_stage
from tests.system.calls import Client, login
from tests.system.conftest import Server, run_yuefu, serving

from yuefu.client import CopyrightedMusicSync, NotAllowed, NotFound, ResourceType, mint_login_token

SONG, ACCOMPANIMENT = 0, 1
NO_RIGHTS, TOKEN_EXPIRED = 1017030, 1017044
NOTHING_SHARED, USED_UP, NOT_IN_ROOM = 1017050, 1017051, 1017054
MEMBERS = 64
PATIENCE_S = 30
SHORT_LIFE = """
[1]
name = "short-lived"
operations = []
resource_ttl_ms = 1000
qualities = { song = ["normal"], accompaniment = ["normal"] }
"""

Enter = Callable[..., Client]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    return set_stage(tmp_path_factory.mktemp("sharing") / "data")


@pytest.fixture(scope="module")
def server(stage: Stage) -> Iterator[Server]:
    with serving(stage.folder, YUEFU_WORKERS="2") as server:
        yield server


def app_of(stage: Stage) -> dict[str, Any]:
    return {"app_id": APP_ID, "server_secret": stage.server_secret}


@pytest.fixture
def enter(server: Server, stage: Stage) -> Iterator[Enter]:
    """Logs users in, into rooms."""
    with ExitStack() as stack:

        def begin(user_id: str, *rooms: str, at: str = server.base_url) -> Client:
            client = stack.enter_context(login(at, app_of(stage), user_id, at_s=int(time.time())))
            for room in rooms:
                assert client.call("join_room", room_id=room)["code"] == 0
            return client

        yield begin


def in_room(stage: Stage, room: str, song: int | None = None) -> dict[str, Any]:
    """What both calls say of a song in a room."""
    return {"song_id": str(song or stage.other), "resource_type": ACCOMPANIMENT, "room_id": room}


def rows(stage: Stage, statement: str, *bindings: Any) -> list[Any]:
    """What is in the store, read as one more process would."""
    connection = apsw.Connection(str(stage.folder / "yuefu.sqlite3"), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        return connection.execute(statement, bindings).fetchall()
    finally:
        connection.close()


def test_one_pays_and_sixty_four_fetch_once_each_at_the_same_time(enter: Enter, stage: Stage) -> None:
    """Everybody asks twice at once: one answer is the resource, the other says that it was had."""
    room = "六十四人"
    paid = enter("房主", room).granted(**in_room(stage, room))
    members = [enter(f"客人 {number}", room) for number in range(MEMBERS)]
    begin = Barrier(2 * MEMBERS)

    def fetch(member: Client) -> int:
        begin.wait()
        return int(member.call("get_shared_resource", **in_room(stage, room))["code"])

    with ThreadPoolExecutor(2 * MEMBERS) as pool:
        codes = list(pool.map(fetch, [member for member in members for _ in range(2)]))
    assert sorted(codes) == [0] * MEMBERS + [USED_UP] * MEMBERS
    assert [sorted(pair) for pair in zip(codes[::2], codes[1::2], strict=True)] == [[0, USED_UP]] * MEMBERS
    granted = rows(stage, "SELECT user_id, shared_from IS NULL FROM grants WHERE room_id = ?", room)
    assert sorted(granted) == sorted([("房主", 1), *((f"客人 {number}", 0) for number in range(MEMBERS))])
    charged = rows(stage, "SELECT user_id FROM charges JOIN grants USING (grant_id) WHERE room_id = ?", room)
    assert charged == [("房主",)]
    resource_id = paid["resources"][0]["resource_id"]
    assert {member.media(resource_id).status_code for member in members[:3]} == {200}


def test_a_fetch_needs_the_room_and_a_share_in_it(enter: Enter, stage: Stage) -> None:
    room = "来去"
    guest, payer = enter("客人"), enter("房主", room)
    assert guest.call("get_shared_resource", **in_room(stage, room))["code"] == NOT_IN_ROOM
    guest.call("join_room", room_id=room)
    assert guest.call("get_shared_resource", **in_room(stage, room))["code"] == NOTHING_SHARED
    payer.granted(**in_room(stage, room))
    guest.call("leave_room", room_id=room)
    assert guest.call("get_shared_resource", **in_room(stage, room))["code"] == NOT_IN_ROOM
    guest.call("join_room", room_id=room)
    assert guest.call("get_shared_resource", **in_room(stage, room))["code"] == 0


def test_a_takedown_takes_back_what_was_shared(enter: Enter, stage: Stage) -> None:
    room = "下架"
    paid = enter("房主", room).granted(**in_room(stage, room, stage.target))
    resource_id, token = paid["resources"][0]["resource_id"], paid["share_token"]
    singer, late = enter("阿明", room), enter("阿兰", room)
    assert singer.call("get_shared_resource", **in_room(stage, room, stage.target))["code"] == 0
    assert singer.media(resource_id).status_code == 200
    song = str(stage.target)
    report = json.loads(run_yuefu("takedown", "--song", song, "--reason", "测试", "--data", stage.folder, "--json"))
    assert (report["grants_revoked"], report["rooms_affected"]) == (2, 1)
    assert singer.media(resource_id).status_code == 410
    assert late.call("get_shared_resource", **in_room(stage, room, stage.target))["code"] == NO_RIGHTS
    assert late.call("get_music_by_token", share_token=token)["code"] == NO_RIGHTS
    run_yuefu("takedown", "--undo", str(report["case"]), "--data", stage.folder)
    assert late.call("get_shared_resource", **in_room(stage, room, stage.target))["code"] == 0


def test_what_has_lapsed_is_shared_no_more(enter: Enter, stage: Stage) -> None:
    """By a server whose vendor gives a second."""
    (stage.folder / "short.toml").write_text(SHORT_LIFE, encoding="utf-8")
    room = "过期"
    with serving(stage.folder, YUEFU_VENDORS_FILE="short.toml") as hurried:
        payer, singer = (enter(user_id, room, at=hurried.base_url) for user_id in ("房主", "阿明"))
        paid = payer.granted(**in_room(stage, room))
        resource_id = paid["resources"][0]["resource_id"]
        give_up_s = time.monotonic() + PATIENCE_S
        while payer.media(resource_id).status_code != 410:
            assert time.monotonic() < give_up_s
            time.sleep(0.1)
        assert singer.call("get_shared_resource", **in_room(stage, room))["code"] == NOTHING_SHARED
        assert singer.call("get_music_by_token", share_token=paid["share_token"])["code"] == TOKEN_EXPIRED


def test_the_sdk_shares(server: Server, stage: Stage, tmp_path: Path) -> None:
    room, song_id = "客户端", str(stage.other)

    def begin(stack: ExitStack, user_id: str) -> CopyrightedMusicSync:
        music = stack.enter_context(CopyrightedMusicSync(server.base_url))
        token = mint_login_token(**app_of(stage), user_id=user_id, life_s=3600, at_s=int(time.time()))
        music.init(app_id=APP_ID, user_id=user_id, token=token)
        music.join_room(room)
        return music

    with ExitStack() as stack:
        payer, singer, old_caller = (begin(stack, user_id) for user_id in ("房主", "阿明", "阿兰"))
        with pytest.raises(NotFound) as nothing:
            singer.get_shared_resource(song_id)
        assert nothing.value.code == NOTHING_SHARED
        paid = payer.request_resource(song_id, room_id=room)
        shared = singer.get_shared_resource(song_id, room_id=room)
        assert shared.resources[0].resource_id == paid.resources[0].resource_id
        assert singer.get_krc_lyric_by_token(shared.krc_token).lines
        assert singer.download(shared.resources[0].resource_id, tmp_path / "shared.m4a").stat().st_size == (
            paid.resources[0].size
        )
        by_token = old_caller.get_music_by_token(paid.resources[0].share_token)
        assert type(by_token) is type(shared)
        assert by_token.resources[0].resource_id == paid.resources[0].resource_id
        with pytest.raises(NotAllowed) as twice:
            singer.get_shared_resource(song_id)
        assert twice.value.code == USED_UP
        singer.leave_room(room)
        with pytest.raises(NotAllowed) as outside:
            singer.get_shared_resource(song_id, resource_type=ResourceType.SONG, room_id=room)
        assert outside.value.code == NOT_IN_ROOM
