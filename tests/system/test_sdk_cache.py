"""Downloads and the cache of the SDK, against a real server process and beside other processes."""

import asyncio
import contextlib
import hashlib
import json
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.system.conftest import DemoSong, Server, run_yuefu, serving

from yuefu.client import (
    AccompanimentResult,
    Cache,
    ClientCode,
    CopyrightedMusic,
    CopyrightedMusicSync,
    FileFailed,
    NotAllowed,
    Retries,
    TransportFailed,
    mint_login_token,
)

VENDOR = 1
PROCESSES = 4


def login_token(demo: dict[str, Any], user_id: str) -> str:
    return mint_login_token(
        app_id=demo["app_id"], server_secret=demo["server_secret"], user_id=user_id, life_s=600, at_s=int(time.time())
    )


@contextmanager
def session(base_url: str, demo: dict[str, Any], user_id: str, **options: Any) -> Iterator[CopyrightedMusicSync]:
    with CopyrightedMusicSync(base_url, **options) as music:
        music.init(app_id=demo["app_id"], user_id=user_id, token=login_token(demo, user_id))
        yield music


@pytest.fixture
def music(demo_server: Server, demo: dict[str, Any], tmp_path: Path) -> Iterator[CopyrightedMusicSync]:
    with session(demo_server.base_url, demo, "keeper", cache=Cache(tmp_path / "cache")) as music:
        yield music


def request(music: CopyrightedMusicSync, song_id: str) -> AccompanimentResult:
    return music.request_resource(song_id, vendor_id=VENDOR)


def test_a_kept_file_is_whole_and_serves_another_user_who_asked(
    music: CopyrightedMusicSync, demo_server: Server, demo: dict[str, Any], demo_song: DemoSong, tmp_path: Path
) -> None:
    song = demo_song("茉莉花", VENDOR)
    resource = request(music, song).resources[0]
    path = music.download(resource.resource_id)
    assert path.stat().st_size == resource.size == music.get_cache_size()
    assert path.read_bytes() == music.get_resource_bytes(resource.resource_id)
    assert music.query_cache(song, vendor_id=VENDOR)
    with session(demo_server.base_url, demo, "another", cache=Cache(tmp_path / "cache")) as other:
        pieces: list[tuple[int, int]] = []
        granted = request(other, song).resources[0].resource_id
        assert other.download(granted, on_progress=lambda *at: pieces.append(at)) == path
        assert pieces == [(resource.size, resource.size)]
        assert other.get_cached_file(granted, full_check=True) == path
    music.clear_cache()
    assert not music.query_cache(song, vendor_id=VENDOR)


def test_the_server_names_a_file_by_its_hash_and_a_damaged_one_is_brought_again(
    music: CopyrightedMusicSync, demo_song: DemoSong
) -> None:
    resource = request(music, demo_song("茉莉花", VENDOR)).resources[0].resource_id
    path = music.download(resource)
    right = hashlib.sha256(path.read_bytes()).hexdigest()
    path.write_bytes(b"x" * path.stat().st_size)
    with pytest.raises(FileFailed) as caught:
        music.get_cached_file(resource)
    assert caught.value.code == ClientCode.FILE_DAMAGED
    assert hashlib.sha256(music.download(resource).read_bytes()).hexdigest() == right


def test_a_cancelled_download_is_carried_on_with(music: CopyrightedMusicSync, demo_song: DemoSong) -> None:
    resource = request(music, demo_song("茉莉花", VENDOR)).resources[0]
    with pytest.raises(FileFailed) as caught:
        music.download(resource.resource_id, on_progress=lambda *_: music.cancel_download(resource.resource_id))
    assert caught.value.code == ClientCode.DOWNLOAD_CANCELLED
    begun = music.get_cache_size()
    assert 0 < begun < resource.size
    pieces: list[int] = []
    path = music.download(resource.resource_id, on_progress=lambda done, _length: pieces.append(done))
    assert pieces[0] > begun
    assert path.read_bytes() == music.get_resource_bytes(resource.resource_id)


async def test_a_cancelled_task_leaves_what_the_next_one_carries_on_with(
    demo_server: Server, demo: dict[str, Any], demo_song: DemoSong, tmp_path: Path
) -> None:
    async with CopyrightedMusic(demo_server.base_url, cache=Cache(tmp_path / "cache")) as music:
        await music.init(app_id=demo["app_id"], user_id="u", token=login_token(demo, "u"))
        granted = await music.request_resource(demo_song("茉莉花", VENDOR), vendor_id=VENDOR)
        resource = granted.resources[0]

        def stop(_done: int, _length: int) -> None:
            task.cancel()

        task = asyncio.create_task(music.download(resource.resource_id, on_progress=stop))
        with pytest.raises(asyncio.CancelledError):
            await task
        begun = music.get_cache_size()
        assert 0 < begun < resource.size
        pieces: list[int] = []
        path = await music.download(resource.resource_id, on_progress=lambda done, _length: pieces.append(done))
        assert pieces[0] > begun
        assert path.read_bytes() == await music.get_resource_bytes(resource.resource_id)


def test_a_kept_file_is_gone_with_the_song_s_rights(
    music: CopyrightedMusicSync, demo_server: Server, demo_song: DemoSong
) -> None:
    song = demo_song("送别", VENDOR)
    resource = request(music, song).resources[0].resource_id
    path = music.download(resource)
    options: list[str | Path] = ["--data", demo_server.data, "--json"]
    case = json.loads(run_yuefu("takedown", "--song", song, "--reason", "x", *options))["case"]
    try:
        for call in (music.get_cached_file, music.download):
            with pytest.raises(NotAllowed) as caught:
                call(resource)
            assert caught.value.code == ClientCode.NO_RIGHTS
        assert not path.exists()
    finally:
        run_yuefu("takedown", "--undo", str(case), *options)
    assert music.download(resource) == path


@contextmanager
def cutting_relay(base_url: str, *, after_bytes: int) -> Iterator[str]:
    """The server as seen over a line that breaks each connection after so many bytes of answers."""
    port = int(base_url.rpartition(":")[2])
    listener = socket.create_server(("127.0.0.1", 0))

    def pass_on(source: socket.socket, target: socket.socket, left: int | None = None) -> None:
        with contextlib.suppress(OSError):
            while left != 0 and (data := source.recv(16_384 if left is None else min(left, 16_384))):
                target.sendall(data)
                left = left if left is None else left - len(data)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def connect(caller: socket.socket) -> None:
        with contextlib.suppress(ConnectionError), caller, socket.create_connection(("127.0.0.1", port)) as server:
            asking = threading.Thread(target=pass_on, args=(caller, server))
            asking.start()
            pass_on(server, caller, after_bytes)
            asking.join()

    def listen() -> None:
        with contextlib.suppress(OSError):  # the listener's end
            while True:
                caller, _ = listener.accept()
                connections.append(threading.Thread(target=connect, args=(caller,)))
                connections[-1].start()

    connections: list[threading.Thread] = []
    listening = threading.Thread(target=listen)
    listening.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        listening.join()
        for connection in connections:
            connection.join()


def test_a_line_that_breaks_again_and_again_brings_the_same_bytes(
    demo_server: Server, demo: dict[str, Any], demo_song: DemoSong, tmp_path: Path
) -> None:
    stubborn = Retries(attempts=50, first_wait_s=0.0)
    with (
        cutting_relay(demo_server.base_url, after_bytes=60_000) as base_url,
        session(base_url, demo, "u", cache=Cache(tmp_path / "cache"), retries=stubborn) as music,
        session(demo_server.base_url, demo, "u") as plain,
    ):
        song = demo_song("茉莉花", VENDOR)
        resource = request(music, song).resources[0]
        assert resource.size > 3 * 60_000
        path = music.download(resource.resource_id)
        assert path.read_bytes() == plain.get_resource_bytes(request(plain, song).resources[0].resource_id)


def test_a_server_that_died_midway_is_carried_on_with_when_it_is_back(demo_folder: Path, tmp_path: Path) -> None:
    data, cache = tmp_path / "data", Cache(tmp_path / "cache")
    shutil.copytree(demo_folder, data)
    demo = json.loads((data / "demo.json").read_text("utf-8"))
    song = next(song["song_id"] for song in demo["songs"] if song["vendor_id"] == VENDOR)
    with serving(data) as server, cutting_relay(server.base_url, after_bytes=60_000) as base_url:
        music = CopyrightedMusicSync(base_url, cache=cache, retries=Retries(attempts=2, first_wait_s=0.0))
        music.init(app_id=demo["app_id"], user_id="u", token=login_token(demo, "u"))
        resource = request(music, song).resources[0].resource_id
        with pytest.raises(TransportFailed):
            music.download(resource, on_progress=lambda *_: server.kill())
        music.close()
    begun = cache.size_bytes()
    assert 0 < begun <= 60_000
    pieces: list[int] = []
    with serving(data) as server, session(server.base_url, demo, "u", cache=cache) as back:
        again = request(back, song).resources[0].resource_id
        path = back.download(again, on_progress=lambda done, _length: pieces.append(done))
        assert pieces[0] > begun
        assert path.read_bytes() == back.get_resource_bytes(again)


PROGRAM = """
import sys
from yuefu.client import Cache, CopyrightedMusicError, CopyrightedMusicSync

base_url, app_id, token, folder, limit_bytes, songs = sys.argv[1:]
with CopyrightedMusicSync(base_url, cache=Cache(folder, limit_bytes=int(limit_bytes))) as music:
    music.init(app_id=int(app_id), user_id="u", token=token)
    for song in songs.split(","):
        resource = music.request_resource(song, vendor_id=1).resources[0]
        try:
            music.download(resource.resource_id)
        except CopyrightedMusicError as error:
            print(error.code)
"""


def test_processes_share_a_cache_that_is_too_small_for_all_they_want(
    demo_server: Server, demo: dict[str, Any], demo_song: DemoSong, tmp_path: Path
) -> None:
    folder = tmp_path / "cache"
    songs = [demo_song(name, VENDOR) for name in ("茉莉花", "送别", "小星星")]
    with session(demo_server.base_url, demo, "u") as music:
        limit = sum(sorted(request(music, song).resources[0].size for song in songs)[1:])
    arguments = [demo_server.base_url, str(demo["app_id"]), login_token(demo, "u"), str(folder), str(limit)]
    arguments.append(",".join(songs * 3))
    outputs: list[tuple[int, str, str]] = []

    def run() -> None:
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, *arguments], capture_output=True, text=True, timeout=120, check=False
        )
        outputs.append((done.returncode, done.stdout, done.stderr))

    threads = [threading.Thread(target=run) for _ in range(PROCESSES)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outputs) == PROCESSES
    for status, said, problems in outputs:
        assert (status, problems) == (0, "")
        assert set(said.split()) <= {str(ClientCode.ALREADY_DOWNLOADING.value), str(ClientCode.DISK_FULL.value)}
    cache = Cache(folder, limit_bytes=limit)
    assert 0 < cache.size_bytes() <= limit
    with session(demo_server.base_url, demo, "u", cache=cache) as music:
        for song in songs:
            resource = request(music, song).resources[0].resource_id
            assert music.download(resource).read_bytes() == music.get_resource_bytes(resource)
