"""The media gateway as a process: downloads at once, large files, and nginx that sends the small ones itself."""

import contextlib
import getpass
import hashlib
import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.system.calls import Client, login
from tests.system.conftest import REPOSITORY, Server, free_port, run_yuefu, serving

from yuefu.catalogue.song import Highlight, Part, PartKind, PublishedSong, Quality
from yuefu.client import Cache, CopyrightedMusicSync, NotFound, ResourceType, choose, mint_login_token
from yuefu.ids import SongId
from yuefu.rights.deal import Chain, Deal, Terms, TermSheet
from yuefu.server.settings import Settings
from yuefu.server.wiring import open_installation
from yuefu.units import Span

SONG, CLIP = 0, 2
FINER = b"the original in hq"
LARGE_BYTES = 24_000_000
SMALL = secrets.token_bytes(600_000)
AT_ONCE = 4
MOST_GROWTH_KB = 64_000
"""Far less than the files that are sent at once, and more than what the HTTP server may hold of each."""
PAGE = "https://app.example.org"
ACCEL = {
    "YUEFU_TRUSTED_PROXIES": "127.0.0.1",
    "YUEFU_ACCEL_PREFIX": "/yuefu-blobs/",
    "YUEFU_ALLOWED_ORIGINS": PAGE,
}
GUIDE = REPOSITORY / "docs" / "deploying.md"


@dataclass(frozen=True)
class House:
    """A data folder with one song: its original is large, its clip is small."""

    data: Path
    app: dict[str, Any]
    song_id: SongId
    large_sha256: str

    def enter(self, base_url: str, user_id: str) -> Client:
        return login(base_url, self.app, user_id, at_s=int(time.time()))

    def granted(self, client: Client, resource_type: int) -> str:
        granted = client.granted(song_id=str(self.song_id), vendor_id=1, resource_type=resource_type)
        resource_id: str = granted["resources"][0]["resource_id"]
        return resource_id


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, song_maker: Callable[..., PublishedSong]) -> House:
    data = tmp_path_factory.mktemp("media") / "data"
    app = json.loads(run_yuefu("app", "create", "媒体", "--vendor", "1", "--data", data, "--json"))
    large = secrets.token_bytes(LARGE_BYTES)
    clip = Span(begin_ms=60_000, end_ms=100_000)
    with open_installation(Settings(data=str(data))) as installation:

        def part(kind: PartKind, content: bytes, quality: Quality = Quality.NORMAL) -> Part:
            source = data / "source"
            source.write_bytes(content)
            blob = installation.blobs.put(source)
            return Part(kind=kind, quality=quality, media_type="audio/mp4", blob=blob, track_count=1)

        song = song_maker(
            parts=(
                part(PartKind.ORIGINAL, large),
                part(PartKind.ORIGINAL, FINER, Quality.HQ),
                part(PartKind.ACCOMPANIMENT, b"the backing"),
                part(PartKind.CLIP, SMALL),
            ),
            highlight=Highlight(clip=clip, prelude_ms=5_000, segments=(clip,), rule="medley"),
        )

        def job(transaction: Any) -> SongId:
            song_id: SongId = transaction.publish(song, at_ms=1).song_id
            chains, sheet = (Chain.RECORDING, Chain.WORK), TermSheet(terms=(Terms(),))
            transaction.record_deal(Deal(song_id=song_id, chains=chains, sheet=sheet), at_ms=1)
            return song_id

        song_id = installation.centre.work.run(job)
    return House(data, app, song_id, hashlib.sha256(large).hexdigest())


# Downloads at once.


class Stalled:
    """A download of which nobody takes more than the beginning."""

    def __init__(self, base_url: str, client: Client, resource_id: str) -> None:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        self._socket.connect(("127.0.0.1", int(base_url.rpartition(":")[2])))
        self._socket.settimeout(30)
        head = f"GET /client/v1/resources/{resource_id}/0 HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        self._socket.sendall(f"{head}Authorization: Bearer {client.session}\r\n\r\n".encode())
        self.status = int(self._socket.recv(12)[9:])

    def close(self) -> None:
        self._socket.close()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_session_has_four_downloads_at_once_and_who_hangs_up_makes_room(house: House, workers: int) -> None:
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(serving(house.data, YUEFU_WORKERS=str(workers)))
        client, other = (stack.enter_context(house.enter(server.base_url, user)) for user in ("一", "二"))
        large = house.granted(client, SONG)
        house.granted(other, SONG)
        downloads = [Stalled(server.base_url, client, large) for _ in range(AT_ONCE)]
        for download in downloads:
            stack.callback(download.close)
        assert [download.status for download in downloads] == [200] * AT_ONCE
        for _ in range(AT_ONCE * workers):  # whichever worker it comes to
            refused = Stalled(server.base_url, client, large)
            stack.callback(refused.close)
            assert refused.status == 429
        answer = client.media(large, headers={"Range": "bytes=0-9"})
        assert (answer.status_code, answer.json()["code"]) == (429, 1017097)
        assert answer.json()["message"].startswith("at most 4 downloads")
        assert answer.headers["retry-after"] == "1"
        assert other.media(large, headers={"Range": "bytes=0-9"}).status_code == 206
        for download in downloads:  # each one that hangs up makes room for one, however many times
            download.close()
            _await_room(client, large)
        assert hashlib.sha256(client.media(large).content).hexdigest() == house.large_sha256


def _await_room(client: Client, resource_id: str) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        answer = client.media(resource_id, headers={"Range": "bytes=0-9"})
        if answer.status_code == 206:
            return
        assert answer.status_code == 429
        time.sleep(0.05)
    pytest.fail("a download that its caller left goes on taking room")


# In the quality of the caller's choice.


def test_the_sdk_brings_the_quality_that_was_chosen_and_keeps_it_by_that(house: House, tmp_path: Path) -> None:
    token = mint_login_token(
        app_id=house.app["app_id"],
        server_secret=house.app["server_secret"],
        user_id="听众",
        life_s=600,
        at_s=int(time.time()),
    )
    with (
        serving(house.data) as server,
        CopyrightedMusicSync(server.base_url, cache=Cache(tmp_path / "cache")) as music,
    ):
        music.init(app_id=house.app["app_id"], user_id="听众", token=token)
        song = music.request_resource(str(house.song_id), resource_type=ResourceType.SONG, vendor_id=1)
        assert [file.quality for file in song.resources] == ["normal", "hq"]
        finer = choose(song, "sq", "hq")
        assert music.download(finer.resource_id).read_bytes() == FINER
        assert finer.size == len(FINER)
        with pytest.raises(NotFound):
            choose(song, "sq")
        kept = {
            quality: music.query_cache(
                str(house.song_id), resource_type=ResourceType.SONG, quality=quality, vendor_id=1
            )
            for quality in ("normal", "hq", "sq")
        }
        assert kept == {"normal": False, "hq": True, "sq": False}


# Large files.


def resident_kb(server: Server) -> int:
    """The memory of the server's largest process."""
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text("ascii").split()
    sizes = (Path(f"/proc/{pid}/status").read_text("utf-8") for pid in (server.process.pid, *children))
    return max(int(size[1]) for text in sizes if (size := re.search(r"^VmRSS:\s+(\d+)", text, re.MULTILINE)))


def test_many_downloads_of_a_large_file_take_little_memory(house: House) -> None:
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(serving(house.data))
        clients = [stack.enter_context(house.enter(server.base_url, user)) for user in "甲乙丙"]
        granted = [house.granted(client, SONG) for client in clients]
        assert clients[0].media(granted[0]).status_code == 200
        before_kb = resident_kb(server)
        for client, resource_id in zip(clients, granted, strict=True):
            for _ in range(AT_ONCE - 1):
                stack.callback(Stalled(server.base_url, client, resource_id).close)
        for client, resource_id in zip(clients, granted, strict=True):
            assert hashlib.sha256(client.media(resource_id).content).hexdigest() == house.large_sha256
        assert resident_kb(server) - before_kb < MOST_GROWTH_KB


# nginx sends the small files.


@pytest.fixture
def nginx(tmp_path: Path, house: House) -> Iterator[Callable[..., str]]:
    """Puts nginx, with the configuration of the guide, in front of a centre; the address to ask."""
    program = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        pytest.skip("nginx is not on this machine's PATH")
    blocks = re.findall(r"^```nginx\n(.*?)^```$", GUIDE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    (zone,) = [block for block in blocks if "limit_conn_zone" in block]
    (blobs,) = [block for block in blocks if "internal;" in block]
    assert "/srv/yuefu/yuefu-data/blobs/" in blobs
    blobs = blobs.replace("/srv/yuefu/yuefu-data/blobs/", f"{house.data}/blobs/")
    (proxy,) = re.findall(r"^    location / \{\n.*?^    \}\n", blocks[0], re.MULTILINE | re.DOTALL)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    folders = "".join(f"{kind}_temp_path {tmp_path / kind};\n" for kind in kinds)
    user = f"user {getpass.getuser()};\n" if os.geteuid() == 0 else ""  # else its worker cannot read the folder
    port = free_port()
    with contextlib.ExitStack() as stack:

        def start(upstream: str, extra: str = "") -> str:
            config = tmp_path / "nginx.conf"
            config.write_text(
                f"daemon off;\n{user}pid {tmp_path}/nginx.pid;\nerror_log {tmp_path}/error.log;\nevents {{}}\n"
                f"http {{\naccess_log off;\n{folders}{zone}upstream yuefu {{ server {upstream}; keepalive 8; }}\n"
                f"server {{\nlisten 127.0.0.1:{port};\n{extra}{proxy}{blobs}}}\n}}\n",
                encoding="utf-8",
            )
            process = subprocess.Popen([program, "-p", tmp_path, "-e", tmp_path / "start.log", "-c", config])
            stack.callback(process.wait, 10)
            stack.callback(process.terminate)
            _await_port(port)
            return f"http://127.0.0.1:{port}"

        yield start


def _await_port(port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.05)
    pytest.fail("nginx did not come up")


@pytest.fixture
def proxied(house: House, nginx: Callable[..., str]) -> Iterator[tuple[Server, Client]]:
    """A centre behind nginx, and a session that reaches it through nginx."""
    with serving(house.data, **ACCEL) as server:
        base_url = nginx(server.base_url.removeprefix("http://"))
        with house.enter(base_url, "歌手") as client:
            yield server, client


def test_nginx_sends_a_small_file_as_the_centre_would(house: House, proxied: tuple[Server, Client]) -> None:
    server, client = proxied
    clip = house.granted(client, CLIP)
    etag = f'"{hashlib.sha256(SMALL).hexdigest()}"'
    whole = client.media(clip)
    assert (whole.status_code, whole.content) == (200, SMALL)
    assert whole.headers["server"].startswith("nginx")
    assert (whole.headers["etag"], whole.headers["content-type"]) == (etag, "audio/mp4")
    assert whole.headers.get_list("cache-control") == ["private, no-store"]
    assert whole.headers.get_list("accept-ranges") == ["bytes"]
    assert "last-modified" not in whole.headers
    assert "x-accel-redirect" not in whole.headers
    cases: list[tuple[dict[str, str], int, bytes]] = [
        ({"Range": "bytes=0-99"}, 206, SMALL[:100]),
        ({"Range": "bytes=599990-"}, 206, SMALL[599_990:]),
        ({"Range": "bytes=-10"}, 206, SMALL[-10:]),
        ({"Range": "bytes=10-19", "If-Range": etag}, 206, SMALL[10:20]),
        ({"Range": "bytes=10-19", "If-Range": '"another"'}, 200, SMALL),
        ({"Range": "bytes=0-1,5-6"}, 200, SMALL),
        ({"Range": "seconds=0-1"}, 200, SMALL),
        ({"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"}, 200, SMALL),
    ]
    with Client(server.base_url, client.session) as direct:
        for asked in (client, direct):
            for headers, status, content in cases:
                answer = asked.media(clip, headers=headers)
                assert (answer.status_code, answer.content) == (status, content), headers
                assert answer.headers["etag"] == etag
            page = asked.media(clip, headers={"Origin": PAGE, "Range": "bytes=0-9"})
            assert page.headers.get_list("access-control-allow-origin") == [PAGE]
            assert "ETag" in page.headers["access-control-expose-headers"]
            assert page.headers["vary"] == "Origin"
            beyond = asked.media(clip, headers={"Range": "bytes=600000-"})
            assert (beyond.status_code, beyond.headers["content-range"]) == (416, "bytes */600000")
            assert beyond.json()["code"] == 1017040


def test_nginx_leaves_large_files_and_refusals_to_the_centre(house: House, proxied: tuple[Server, Client]) -> None:
    server, client = proxied
    large, clip = house.granted(client, SONG), house.granted(client, CLIP)
    assert hashlib.sha256(client.media(large).content).hexdigest() == house.large_sha256
    with Client(server.base_url, client.session) as direct:
        for resource_id, is_left in ((large, False), (clip, True)):
            answer = direct.media(resource_id, headers={"X-Forwarded-For": "203.0.113.9"})
            assert ("x-accel-redirect" in answer.headers, answer.content == b"") == (is_left, is_left)
    blob = hashlib.sha256(SMALL).hexdigest()
    options: list[str | Path] = ["--data", house.data, "--json"]
    with house.enter(client.base_url, "另一位") as stranger:
        assert stranger.media(clip).json()["code"] == 1017018
        for path in (f"/yuefu-blobs/{blob[:2]}/{blob}", f"/yuefu-blobs/../yuefu-blobs/{blob[:2]}/{blob}"):
            assert httpx2.get(f"{client.base_url}{path}").status_code == 404
    case = json.loads(run_yuefu("takedown", "--song", str(house.song_id), "--reason", "x", *options))["case"]
    try:
        refused = client.media(clip)
        assert (refused.status_code, refused.json()["code"]) == (410, 1017030)
    finally:
        run_yuefu("takedown", "--undo", str(case), *options)
    assert client.media(clip).content == SMALL


def test_nginx_sends_a_session_four_small_files_at_once(house: House, nginx: Callable[..., str]) -> None:
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(serving(house.data, **ACCEL))
        base_url = nginx(server.base_url.removeprefix("http://"), "limit_rate_after 1k; limit_rate 1k;\n")
        client, other = (stack.enter_context(house.enter(base_url, user)) for user in ("一", "二"))
        clip = house.granted(client, CLIP)
        house.granted(other, CLIP)
        downloads = [Stalled(base_url, client, clip) for _ in range(AT_ONCE)]
        for download in downloads:
            stack.callback(download.close)
        assert [download.status for download in downloads] == [200] * AT_ONCE
        assert client.media(clip, headers={"Range": "bytes=0-9"}).status_code == 429
        assert other.media(clip, headers={"Range": "bytes=0-9"}).content == SMALL[:10]
        downloads[0].close()
        _await_room(client, clip)
