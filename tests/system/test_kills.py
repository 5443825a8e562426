"""What was answered is on disk: a server killed under load, and the order in which one writes.

`make soak ARGS=kills` kills a hundred times.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import apsw
import httpx2
import pytest
from bench.process import ROOT, await_answer, free_port
from soak.books import Books
from soak.kills import CLIENTS, HASTY_SITE, Kills, kill_repeatedly
from soak.stage import SMALL_BYTES, Stage, open_sessions, set_stage
from tests.system.conftest import YUEFU

KILLS = 3
PURCHASES = 5
END_S = 30
NewStage = Callable[[], Stage]


@pytest.fixture(scope="module")
def new_stage(tmp_path_factory: pytest.TempPathFactory) -> NewStage:
    return lambda: set_stage(tmp_path_factory.mktemp("kills") / "data", large_bytes=SMALL_BYTES)


# Kills.


@pytest.fixture(scope="module")
def killed(new_stage: NewStage) -> tuple[Stage, Kills]:
    """A data folder whose server was killed, and what came of it."""
    stage = new_stage()
    return stage, kill_repeatedly(stage, kills=KILLS, workers=2)


def test_what_was_answered_outlives_a_kill_under_load_and_is_charged_once(killed: tuple[Stage, Kills]) -> None:
    _, kills = killed
    assert all(acknowledged >= CLIENTS for acknowledged in kills.acknowledged)
    assert kills.lost == (0,) * KILLS
    assert kills.audit.is_clean, kills.audit
    assert kills.audit.purchases == sum(kills.acknowledged) + CLIENTS  # and the one that each was owed at the end


def test_a_server_that_answers_before_its_commit_is_found_out(new_stage: NewStage) -> None:
    kills = kill_repeatedly(new_stage(), kills=KILLS, workers=1, site=HASTY_SITE)
    assert sum(kills.lost) > 0


@pytest.mark.parametrize(
    ("fault", "found"),
    [
        ("DELETE FROM kept_answers WHERE rowid = (SELECT max(rowid) FROM kept_answers)", "doubled"),
        ("DELETE FROM charges WHERE charge_id = (SELECT max(charge_id) FROM charges)", "miscounted"),
        ("UPDATE charges SET amount_minor = 0 WHERE charge_id = 1", "miscounted"),
        ("UPDATE charges SET amount_minor = 3000 WHERE billing_mode = 1", "miscounted"),
        ("DELETE FROM postings WHERE posting_id = 1", "unbalanced"),
        ("UPDATE postings SET amount_minor = 151 WHERE amount_minor = 150", "unbalanced"),
        ("UPDATE app_months SET charged_minor = charged_minor + 1", "unbalanced"),
    ],
)
def test_the_examination_finds_what_is_wrong_with_books(
    killed: tuple[Stage, Kills], tmp_path: Path, fault: str, found: str
) -> None:
    stage, kills = killed
    name = "yuefu.sqlite3"
    with apsw.Connection(str(stage.folder / name)) as source, apsw.Connection(str(tmp_path / name)) as books:
        with books.backup("main", source, "main") as backup:
            backup.step()
        for (trigger,) in books.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
            books.execute(f"DROP TRIGGER {trigger}")
        books.execute(fault)
    with Books(tmp_path) as doctored:
        audit = doctored.audit()
    assert getattr(audit, found) > 0
    assert kills.audit.is_clean
    assert not audit.is_clean


# The order in which it is written.

TRACED = "read,readv,recvfrom,recvmsg,write,writev,sendto,sendmsg,pwrite64,fsync,fdatasync"
SHOWN_BYTES = 5_000
"""Of what a call reads and writes: more than a page."""


@pytest.fixture(scope="module")
def strace() -> str:
    """Where it is; skips where it is missing or may not look."""
    found = shutil.which("strace")
    if found is None:
        pytest.skip("strace is not installed (Debian: apt-get install strace)")
    if subprocess.run([found, "-f", "-o", "/dev/null", "true"], capture_output=True, check=False).returncode:
        pytest.skip("strace may not look: ptrace is forbidden here")
    return found


def test_an_answer_leaves_after_its_charge_was_flushed_to_the_disk(
    strace: str, new_stage: NewStage, tmp_path: Path
) -> None:
    for story in watch_purchases(strace, new_stage(), tmp_path / "trace", [str(YUEFU), "serve", "--port"]):
        assert story == ["written", "flushed", "answered"]


def test_an_answer_that_leaves_before_its_commit_is_seen_to(strace: str, new_stage: NewStage, tmp_path: Path) -> None:
    hasty = [sys.executable, "-m", "bench.serving", HASTY_SITE]
    for story in watch_purchases(strace, new_stage(), tmp_path / "trace", hasty):
        assert story[0] == "answered"


def watch_purchases(strace: str, stage: Stage, trace: Path, command: Sequence[str]) -> list[list[str]]:
    """Buy from a traced server that `command`, with a port behind it, starts; what happened to each purchase."""
    ((_, session),) = open_sessions(stage, ["看客"])
    keys = [f"purchase-under-watch-{number}" for number in range(PURCHASES)]
    traced = [strace, "-f", "-y", "-s", str(SHOWN_BYTES), "-e", f"trace={TRACED}", "-o", str(trace), *command]
    with running(traced, stage) as base_url:
        for key in keys:
            headers = {"Authorization": f"Bearer {session}", "Idempotency-Key": key}
            body = {"song_id": str(stage.other), "vendor_id": 1}
            answer = httpx2.post(f"{base_url}/client/v1/request_resource", json=body, headers=headers, timeout=END_S)
            assert answer.json()["code"] == 0
    calls = list(read_trace(trace.read_text(encoding="utf-8", errors="replace")))
    return [tell_story(calls, key) for key in keys]


@contextmanager
def running(command: Sequence[str], stage: Stage) -> Iterator[str]:
    port = free_port()
    environment = {**os.environ, "YUEFU_DATA": str(stage.folder), "YUEFU_WORKERS": "1"}
    process = subprocess.Popen([*command, str(port)], cwd=ROOT, env=environment, start_new_session=True)
    try:
        await_answer(process, f"http://127.0.0.1:{port}/readyz")
        yield f"http://127.0.0.1:{port}"
        os.killpg(process.pid, signal.SIGTERM)  # strace lets it pass, and ends with the server
        process.wait(END_S)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def read_trace(trace: str) -> Iterator[tuple[str, bool, bool]]:
    """Each call that strace saw, in order, and whether it begins and ends there: one that another thread interrupts
    is there twice.
    """
    begun: dict[str, str] = {}
    for line in trace.splitlines():
        pid, _, text = line.partition(" ")
        text = text.strip()
        if resumed := re.match(r"<\.\.\. \w+ resumed>", text):
            yield begun.pop(pid) + text[resumed.end() :], False, True
        elif text.endswith("<unfinished ...>"):
            begun[pid] = text.removesuffix("<unfinished ...>")
            yield begun[pid], True, False
        else:
            yield text, True, True


def tell_story(calls: Sequence[tuple[str, bool, bool]], key: str) -> list[str]:
    """What happened to the purchase under a key from its arrival to its answer: it was `written`, all that is written
    was `flushed`, it was `answered`.
    """
    story: list[str] = []
    has_arrived = False
    for call, begins, ends in calls:
        name = call.partition("(")[0]
        if name in {"read", "readv", "recvfrom", "recvmsg"} and ends and key in call:
            has_arrived = True
        elif not has_arrived:
            continue
        elif name == "pwrite64" and begins and "-wal>" in call and key in call and "written" not in story:
            story.append("written")
        elif (
            name in {"fsync", "fdatasync"}
            and ends
            and "-wal>" in call
            and call.endswith("= 0")
            and story == ["written"]
        ):
            story.append("flushed")
        elif name in {"write", "writev", "sendto", "sendmsg"} and begins and "HTTP/1.1 200" in call:
            return [*story, "answered"]
    return story
