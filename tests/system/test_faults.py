"""What befalls a metered server and the machine under it: a full disk, callers who leave, clocks that are off, a
killed writer. What was answered stands, what was not may be asked again, and nothing is done by half.
"""

import hashlib
import json
import os
import resource
import signal
import socket
import struct
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Literal, Protocol
from urllib.parse import urlsplit

import apsw
import httpx2
import pytest
from soak.books import PRICES_MINOR, Books
from soak.stage import APP_ID, SMALL_BYTES, Stage, open_sessions, set_prices, set_stage
from tests.system.conftest import YUEFU, Server, run_yuefu, serving

from yuefu.client import mint_login_token, new_nonce, signed_url
from yuefu.units import SECOND_MS, parse_instant_ms

INTERNAL_ERROR, NOT_AUTHENTICATED = 1017099, 1017009
EXPIRED, ENGINE_ERROR = 100000004, 320050004
PATIENCE_S = 60
USER = "房主"
PATH = "/client/v1/request_resource"


def new_stage(folder: Path, *, bulk: int = 0) -> Stage:
    stage = set_stage(folder, large_bytes=SMALL_BYTES, bulk=bulk)
    set_prices(stage, PRICES_MINOR)
    return stage


class Buyer:
    """A session that buys, and keeps what it was answered."""

    def __init__(self, stage: Stage, base_url: str) -> None:
        ((self.user_id, self.session),) = open_sessions(stage, [USER])
        self.base_url = base_url
        self.song_id = str(stage.other)
        self.acknowledged: dict[str, str] = {}

    def buy(self, key: str) -> int:
        answer = httpx2.post(f"{self.base_url}{PATH}", content=self.body, headers=self.headers(key), timeout=PATIENCE_S)
        assert answer.status_code == 200
        code: int = answer.json()["code"]
        if code == 0:
            self.acknowledged[key] = hashlib.sha256(answer.content).hexdigest()
        return code

    @property
    def body(self) -> bytes:
        return json.dumps({"song_id": self.song_id, "vendor_id": 1}).encode()

    def headers(self, key: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.session}", "Idempotency-Key": key}

    def lost(self, stage: Stage) -> list[str]:
        """What it was answered and is not there; all books must be in order."""
        with Books(stage.folder) as books:
            audit = books.audit()
            assert audit.is_clean, audit
            assert audit.purchases == len(self.acknowledged)
            return books.lost(self.user_id, self.acknowledged.items())


# A full disk.


class Disk(Protocol):
    """Where a data folder lies."""

    folder: Path

    def fill(self, server: Server) -> None:
        """Leave no room."""

    def make_room(self, server: Server) -> None:
        """Take `fill` back."""


class SmallDisk:
    """A file system in memory, mounted for the test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._balloon = folder / "balloon"

    def fill(self, server: Server) -> None:
        with self._balloon.open("wb", buffering=0) as balloon, suppress(OSError):
            while balloon.write(bytes(4_096)):
                pass

    def make_room(self, server: Server) -> None:
        self._balloon.unlink()


class ShortFiles:
    """Any folder; the server's processes may write no file longer than its log is now."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def fill(self, server: Server) -> None:
        self._limit(server, (self.folder / "data/yuefu.sqlite3-wal").stat().st_size)

    def make_room(self, server: Server) -> None:
        self._limit(server, resource.RLIM_INFINITY)

    def _limit(self, server: Server, most_bytes: int) -> None:
        for pid in processes(server):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (most_bytes, resource.RLIM_INFINITY))


@pytest.fixture
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Disk]:
    if request.param is ShortFiles:
        yield ShortFiles(tmp_path)
        return
    command = ["mount", "-t", "tmpfs", "-o", "size=24m", "yuefu-test", str(tmp_path)]
    try:
        mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount command here")
    if mounted.returncode:
        pytest.skip(f"may not mount a small disk: {mounted.stderr.strip()}")
    try:
        yield SmallDisk(tmp_path)
    finally:
        subprocess.run(["umount", "--lazy", str(tmp_path)], check=True)


@pytest.mark.parametrize(
    ("disk", "workers"), [(SmallDisk, "1"), (SmallDisk, "2"), (ShortFiles, "2")], indirect=["disk"]
)
def test_on_a_full_disk_purchases_fail_whole_and_succeed_when_there_is_room(disk: Disk, workers: str) -> None:
    stage = new_stage(disk.folder / "data")
    with serving(stage.folder, YUEFU_WORKERS=workers) as server:
        buyer = Buyer(stage, server.base_url)
        assert buyer.buy("before") == 0
        disk.fill(server)
        told = [buyer.buy(f"full {number}") for number in range(40)]
        assert set(told) <= {0, INTERNAL_ERROR}
        assert told[-10:] == [INTERNAL_ERROR] * 10
        assert login(server, stage)["code"] == INTERNAL_ERROR
        assert httpx2.get(f"{server.base_url}/readyz").status_code == 200
        assert {ask_action(server, stage, at_s=now_ms() // SECOND_MS) for _ in range(8)} <= {0, ENGINE_ERROR}
        assert (
            httpx2.get(media_url(buyer), headers=buyer.headers("")).status_code == 200
        )  # what needs no writing goes on
        disk.make_room(server)
        assert [buyer.buy(f"full {number}") for number in range(40)] == [0] * 40
        assert login(server, stage)["code"] == 0
        assert [ask_action(server, stage, at_s=now_ms() // SECOND_MS) for _ in range(8)] == [0] * 8
    assert buyer.lost(stage) == []


def test_a_command_on_a_full_disk_says_so(tmp_path: Path) -> None:
    stage = new_stage(tmp_path / "data")
    short = (1 << 14, resource.RLIM_INFINITY)
    done = subprocess.run(
        [YUEFU, "price", "set", "--mode", "0", "--amount", "1", "--data", stage.folder],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, short),
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("yuefu: ")


# Callers who leave.


def test_whoever_leaves_before_the_answer_has_bought_whole_or_not_at_all(tmp_path: Path) -> None:
    stage = new_stage(tmp_path / "data")
    with serving(stage.folder, YUEFU_WORKERS="2") as server:
        buyer = Buyer(stage, server.base_url)
        few, many = [f"few {number}" for number in range(20)], [f"many {number}" for number in range(60)]
        for keys in (few, many):
            before = held(server)  # the second time all that workers open only once is open
            with ThreadPoolExecutor(16) as pool:
                list(pool.map(leave, [buyer] * len(keys), keys, WAYS_TO_LEAVE * (len(keys) // len(WAYS_TO_LEAVE))))
            with Books(stage.folder) as books:
                assert books.audit().purchases > len(buyer.acknowledged)  # some had bought, and never knew what
            assert [buyer.buy(key) for key in keys] == [0] * len(keys)
        wait_until(lambda: held(server) <= before)
    assert buyer.lost(stage) == []


def test_whoever_leaves_a_download_leaves_nothing_behind(tmp_path: Path) -> None:
    """Nor does a takedown wait for them."""
    stage = set_stage(tmp_path / "data")
    with serving(stage.folder) as server:
        buyer = Buyer(stage, server.base_url)
        assert buyer.buy("first") == 0
        before = held(server)
        for _ in range(20):
            with httpx2.stream("GET", media_url(buyer), headers=buyer.headers("")) as answer:
                assert answer.status_code == 200
                next(answer.iter_raw(1))
        wait_until(lambda: held(server) <= before)
        run_yuefu("takedown", "--song", buyer.song_id, "--reason", "下架", "--data", stage.folder)
        assert httpx2.get(media_url(buyer), headers=buyer.headers("")).status_code == 410


WAYS_TO_LEAVE = ["mid-question", "politely", "rudely", "mid-answer"]


def leave(buyer: Buyer, key: str, way: str) -> None:
    """Ask for a purchase and be gone before the answer is there."""
    address = urlsplit(buyer.base_url)
    assert address.hostname is not None
    assert address.port is not None
    headers = {"Host": address.netloc, "Content-Length": str(len(buyer.body)), **buyer.headers(key)}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    question = f"POST {PATH} HTTP/1.1\r\n{head}\r\n".encode() + buyer.body
    with socket.create_connection((address.hostname, address.port), timeout=PATIENCE_S) as connection:
        connection.sendall(question[:-5] if way == "mid-question" else question)
        if way == "mid-answer":
            connection.recv(1)
        if way != "politely":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset


# Clocks that are off.


@pytest.mark.parametrize(
    ("off_minutes", "token_kind", "life_s", "action_code", "init_code"),
    [
        (-11, "jwt", 3_600, EXPIRED, 0),
        (11, "jwt", 3_600, EXPIRED, 0),
        (-11, "token04", 3_600, EXPIRED, 0),
        (11, "token04", 3_600, EXPIRED, NOT_AUTHENTICATED),  # it was not made yet
        (-11, "jwt", 600, EXPIRED, NOT_AUTHENTICATED),  # it ran out before it came
        (-11, "token04", 600, EXPIRED, NOT_AUTHENTICATED),
        (-9, "jwt", 600, 0, 0),
        (9, "token04", 3_600, 0, 0),
    ],
)
def test_a_back_end_whose_clock_is_off_is_told_and_moves_no_charge(
    clocked: tuple[Stage, Server],
    *,
    off_minutes: int,
    token_kind: Literal["jwt", "token04"],
    life_s: int,
    action_code: int,
    init_code: int,
) -> None:
    stage, server = clocked
    begun_ms = now_ms()
    their_s = begun_ms // SECOND_MS + off_minutes * 60
    assert ask_action(server, stage, at_s=their_s) == action_code
    answer = login(server, stage, at_s=their_s, life_s=life_s, kind=token_kind)
    assert answer["code"] == init_code
    if init_code == 0:
        headers = {"Authorization": f"Bearer {answer['data']['session']}"}
        body = {"song_id": str(stage.other), "vendor_id": 1, "mode": 1}
        assert httpx2.post(f"{server.base_url}{PATH}", json=body, headers=headers).json()["code"] == 0
        last = json.loads(run_yuefu("charge", "list", "--limit", "10000", "--data", stage.folder, "--json"))[-1]
        assert begun_ms <= parse_instant_ms(last["charged_at"]) <= now_ms()


@pytest.fixture(scope="module")
def clocked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stage, Server]]:
    stage = new_stage(tmp_path_factory.mktemp("clocks") / "data")
    with serving(stage.folder) as server:
        yield stage, server


# A killed writer.


def test_a_command_killed_while_it_writes_lets_the_others_write_and_leaves_nothing(tmp_path: Path) -> None:
    stage = new_stage(tmp_path / "data", bulk=6_000)
    ids = tmp_path / "ids.txt"
    ids.write_text("\n".join(map(str, stage.bulk)), encoding="utf-8")
    takedown = ["takedown", "--file", str(ids), "--reason", "断电", "--data", str(stage.folder), "--json"]
    with serving(stage.folder) as server, ThreadPoolExecutor(1) as pool:
        buyer = Buyer(stage, server.base_url)
        with subprocess.Popen([YUEFU, *takedown], stdout=subprocess.DEVNULL) as command:
            stop_while_writing(command, stage)
            waiting = pool.submit(buyer.buy, "behind a writer that stands still")
            with pytest.raises(TimeoutError):
                waiting.result(1)
            command.kill()
            assert waiting.result(PATIENCE_S) == 0
        assert buyer.lost(stage) == []
        assert json.loads(run_yuefu("takedown", "--list", "--data", stage.folder, "--json")) == []
        run_yuefu("audit", "verify", "--data", stage.folder)
        assert len(json.loads(run_yuefu(*takedown))["songs"]) == len(stage.bulk)


def stop_while_writing(command: "subprocess.Popen[bytes]", stage: Stage) -> None:
    """Stop a command in the middle of its transaction."""
    with closing(apsw.Connection(str(stage.folder / "yuefu.sqlite3"))) as connection:

        def is_locked(patience_ms: int) -> bool:
            connection.set_busy_timeout(patience_ms)
            try:
                connection.execute("BEGIN IMMEDIATE; ROLLBACK")
            except apsw.BusyError:
                return True
            return False

        while command.poll() is None:
            if is_locked(0):
                command.send_signal(signal.SIGSTOP)
                if is_locked(1_000):  # else it was the server's moment
                    return
                command.send_signal(signal.SIGCONT)
    pytest.fail("the command was never seen to write")


# What they all need.


def login(
    server: Server,
    stage: Stage,
    *,
    at_s: int | None = None,
    life_s: int = 3_600,
    kind: Literal["jwt", "token04"] = "jwt",
) -> dict[str, Any]:
    """What `init` answers to a token that was made then, now unless said."""
    token = mint_login_token(
        app_id=APP_ID,
        server_secret=stage.server_secret,
        user_id=USER,
        life_s=life_s,
        at_s=now_ms() // SECOND_MS if at_s is None else at_s,
        kind=kind,
    )
    body = {"app_id": APP_ID, "user_id": USER, "user_name": USER, "room_ids": []}
    answer = httpx2.post(
        f"{server.base_url}/client/v1/init", json=body, headers={"Authorization": f"Bearer {token}"}, timeout=PATIENCE_S
    )
    assert answer.status_code == 200
    content: dict[str, Any] = answer.json()
    return content


def ask_action(server: Server, stage: Stage, *, at_s: int) -> int:
    url = signed_url(
        server.base_url,
        "QuerySongsCopyright",
        {"SongsId": [str(stage.other)]},
        app_id=APP_ID,
        server_secret=stage.server_secret,
        user_id="back-end",
        vendor_id=1,
        nonce=new_nonce(),
        timestamp_s=at_s,
    )
    code: int = httpx2.get(url, timeout=PATIENCE_S).json()["Code"]
    return code


def media_url(buyer: Buyer) -> str:
    return f"{buyer.base_url}/client/v1/resources/z_{buyer.song_id}_1/0"


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def processes(server: Server) -> list[int]:
    """The server's processes: it leads a group of them."""
    return [pid for pid in running_processes() if is_in_group(pid, server.process.pid)]


def running_processes() -> list[int]:
    return [int(folder.name) for folder in Path("/proc").iterdir() if folder.name.isdigit()]


def is_in_group(pid: int, group: int) -> bool:
    try:
        return os.getpgid(pid) == group
    except ProcessLookupError:
        return False


def held(server: Server) -> int:
    """How many connections and blobs the server has open. Other files it opens once, when they are first needed."""
    files = [file for pid in processes(server) for file in Path(f"/proc/{pid}/fd").iterdir()]
    return sum(target.startswith("socket:") or "/blobs/" in target for target in map(target_of, files))


def target_of(file: Path) -> str:
    try:
        return str(file.readlink())
    except FileNotFoundError:  # closed meanwhile
        return ""


def wait_until(is_so: Callable[[], bool]) -> None:
    give_up_s = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < give_up_s
        time.sleep(0.05)
