"""A real server process on loopback, on a data folder of its own."""

import contextlib
import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[2]
SHARED = REPOSITORY.parent / "shared"
YUEFU = Path(sys.executable).parent / "yuefu"
START_LIMIT_S = 30


def run_yuefu(*arguments: str | Path, ok: bool = True, env: dict[str, str] | None = None) -> str:
    """What a `yuefu` command prints; the command must succeed unless `ok` is false."""
    done = subprocess.run(
        [YUEFU, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, **(env or {})},
    )
    if ok:
        assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
        return done.stdout
    assert done.returncode != 0, f"{arguments} was expected to fail: {done.stdout}"
    return done.stdout + done.stderr


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(frozen=True)
class Server:
    """A running server."""

    base_url: str
    data: Path
    process: subprocess.Popen[bytes]

    def kill(self) -> None:
        """End it as a power cut would: no goodbye."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)


@contextlib.contextmanager
def serving(data: Path, **variables: str) -> Iterator[Server]:
    """`yuefu serve` on that data folder, ready to answer."""
    port = free_port()
    process = subprocess.Popen(
        [YUEFU, "serve", "--data", data, "--port", str(port)],
        env={**os.environ, **variables},
        start_new_session=True,
    )
    server = Server(f"http://127.0.0.1:{port}", data, process)
    try:
        _wait_until_ready(server)
        yield server
    finally:
        if process.poll() is None:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
        server.kill()


def _wait_until_ready(server: Server) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline:
        assert server.process.poll() is None, "the server ended before it was ready"
        try:
            with urllib.request.urlopen(f"{server.base_url}/readyz", timeout=1):
                return
        except OSError:
            time.sleep(0.05)
    pytest.fail(f"the server was not ready after {START_LIMIT_S} s")


@pytest.fixture(scope="session")
def demo_folder() -> Path:
    """The demo's data folder, made once and shared by all tests: copy it to change it."""
    folder = REPOSITORY / ".pytest_cache" / "demo"
    folder.parent.mkdir(exist_ok=True)
    with (folder.parent / "demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        run_yuefu("demo", "--no-serve", "--data", folder)
    return folder


@pytest.fixture(scope="module")
def demo_server(demo_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The demo, served from a copy."""
    data = tmp_path_factory.mktemp("demo") / "data"
    shutil.copytree(demo_folder, data)
    with serving(data) as server:
        yield server


@pytest.fixture(scope="module")
def demo(demo_server: Server) -> dict[str, Any]:
    """`demo.json`."""
    facts: dict[str, Any] = json.loads((demo_server.data / "demo.json").read_text("utf-8"))
    return facts


@pytest.fixture
def shared_data() -> Path:
    """The third-party inputs beside the repository; tests that need them are skipped where they are not."""
    folder = SHARED / "data"
    if not folder.is_dir():
        pytest.skip("the third-party inputs (../shared/data) are not here")
    return folder


DemoSong = Callable[[str, int], str]


@pytest.fixture(scope="module")
def demo_song(demo: dict[str, Any]) -> DemoSong:
    """The id of a demo song by its name and vendor."""

    def find(name: str, vendor_id: int) -> str:
        for song in demo["songs"]:
            if (song["song_name"], song["vendor_id"]) == (name, vendor_id):
                return str(song["song_id"])
        raise AssertionError(f"the demo has no {name} at vendor {vendor_id}")

    return find
