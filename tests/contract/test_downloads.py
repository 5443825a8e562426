"""Download slots: a session has so many downloads at once, whichever process they are in, and never fewer for long."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from yuefu.access.downloads import DownloadSlots, TooManyDownloads
from yuefu.storage.downloads import DownloadLocks

AT_ONCE = 3
HOLDING = """
import sys, time
from contextlib import ExitStack
from pathlib import Path
from yuefu.storage.downloads import DownloadLocks
locks = DownloadLocks(Path(sys.argv[1]), at_once=3)
with ExitStack() as stack:
    for _ in range(2):
        stack.enter_context(locks.hold(7))
    print("holding", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "downloads"


@pytest.fixture
def slots(file: Path) -> Iterator[DownloadSlots]:
    with closing(DownloadLocks(file, at_once=AT_ONCE)) as locks:
        yield locks


@pytest.fixture
def other_process(file: Path) -> Iterator["subprocess.Popen[str]"]:
    """One that has two downloads of session 7 under way."""
    process = subprocess.Popen([sys.executable, "-c", HOLDING, file], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "holding\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def free(slots: DownloadSlots, session_id: int) -> int:
    """How many more downloads the session may begin."""
    with ExitStack() as stack:
        for count in range(AT_ONCE + 1):
            try:
                stack.enter_context(slots.hold(session_id))
            except TooManyDownloads:
                return count
    raise AssertionError("there is no end to them")


def test_a_session_has_so_many_at_once_and_another_has_its_own(slots: DownloadSlots) -> None:
    with slots.hold(7), slots.hold(7):
        assert free(slots, 7) == 1
        assert free(slots, 6) == free(slots, 8) == AT_ONCE
    assert free(slots, 7) == AT_ONCE


def test_one_too_many_says_how_many_there_may_be(slots: DownloadSlots) -> None:
    with ExitStack() as stack:
        for _ in range(AT_ONCE):
            stack.enter_context(slots.hold(7))
        with pytest.raises(TooManyDownloads, match=f"at most {AT_ONCE} "):
            stack.enter_context(slots.hold(7))


@pytest.mark.parametrize("first_to_end", range(AT_ONCE))
def test_whichever_ends_makes_room_for_one(slots: DownloadSlots, first_to_end: int) -> None:
    holds = [slots.hold(7) for _ in range(AT_ONCE)]
    for hold in holds:
        hold.__enter__()
    holds.pop(first_to_end).__exit__(None, None, None)
    assert free(slots, 7) == 1
    for hold in holds:
        hold.__exit__(None, None, None)
    assert free(slots, 7) == AT_ONCE


def test_a_download_that_fails_gives_its_place_back(slots: DownloadSlots) -> None:
    def fail(error: BaseException) -> None:
        with slots.hold(7):
            raise error

    for error in (ConnectionError(), GeneratorExit(), KeyboardInterrupt()):
        with pytest.raises(type(error)):
            fail(error)
    assert free(slots, 7) == AT_ONCE


def test_those_of_another_process_count(slots: DownloadSlots, other_process: "subprocess.Popen[str]") -> None:
    del other_process
    assert free(slots, 7) == AT_ONCE - 2
    assert free(slots, 8) == AT_ONCE


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_a_process_that_dies_holds_nothing(
    slots: DownloadSlots, other_process: "subprocess.Popen[str]", end: signal.Signals
) -> None:
    other_process.send_signal(end)
    other_process.wait(20)
    assert free(slots, 7) == AT_ONCE


def test_the_largest_session_id_has_its_places(slots: DownloadSlots) -> None:
    assert free(slots, 2**53) == AT_ONCE


def test_closing_lets_go_of_all(file: Path) -> None:
    slots = DownloadLocks(file, at_once=1)
    with slots.hold(7):
        slots.close()
        with closing(DownloadLocks(file, at_once=1)) as again, again.hold(7):
            pass
