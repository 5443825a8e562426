"""The fence: whoever asked the rights before a takedown was committed has left when the takedown returns."""

import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from yuefu.storage import fence as module
from yuefu.storage.fence import LEASE_S, Fence, LeaseRunOut

DEADLINE_S = 20
SHORT_WAIT_S = 0.05
INSIDE = """
import sys, time
from pathlib import Path
from yuefu.storage.fence import Fence
passage = Fence(Path(sys.argv[1])).passage()
passage.enter()
print("inside", flush=True)
time.sleep(60)
"""


class Clock:
    """A clock that stands still unless told otherwise: what waits for it waits for ever."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def open_fence(tmp_path: Path, clock: Clock) -> Iterator[Callable[[], Fence]]:
    """The fence of one data folder, as each process has it."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(closing(Fence(tmp_path / "fence", clock)))


class Draining:
    """A takedown that waits, on a thread of its own."""

    def __init__(self, fence: Fence) -> None:
        self._thread = threading.Thread(target=fence.drain, daemon=True)
        self._thread.start()

    def is_over(self, wait_s: float = DEADLINE_S) -> bool:
        self._thread.join(wait_s)
        return not self._thread.is_alive()


def test_a_takedown_does_not_wait_where_nobody_is_inside(open_fence: Callable[[], Fence]) -> None:
    node, other = open_fence(), open_fence()
    for _ in range(5):
        other.drain()
        with node.passage() as passage:
            passage.enter()
        with node.passage():
            other.drain()


def test_a_takedown_waits_for_those_inside_in_any_process(open_fence: Callable[[], Fence]) -> None:
    nodes = [open_fence(), open_fence()]
    with nodes[0].passage() as first:
        first.enter()
        with nodes[1].passage() as second:
            second.enter()
            draining = Draining(open_fence())
            assert not draining.is_over(SHORT_WAIT_S)
        assert not draining.is_over(SHORT_WAIT_S)
    assert draining.is_over()


def test_all_of_one_process_must_have_left(open_fence: Callable[[], Fence]) -> None:
    node = open_fence()
    with ExitStack() as last, ExitStack() as others:
        last.enter_context(node.passage()).enter()
        for _ in range(5):
            others.enter_context(node.passage()).enter()
        draining = Draining(open_fence())
        others.close()
        assert not draining.is_over(SHORT_WAIT_S)
    assert draining.is_over()


def test_a_takedown_does_not_wait_for_those_who_came_after_it(open_fence: Callable[[], Fence], tmp_path: Path) -> None:
    node = open_fence()
    with node.passage() as late:
        with node.passage() as early:
            early.enter()
            draining = Draining(open_fence())
            while (tmp_path / "fence" / "sign").read_bytes() != b"\1":
                assert not draining.is_over(0.001)
            late.enter()
        assert draining.is_over(), "the late one is still inside"
        again = Draining(open_fence())
        assert not again.is_over(SHORT_WAIT_S), "the next takedown waits for it"
    assert again.is_over()


def test_who_finds_inside_that_the_gate_was_closed_meanwhile_begins_again(
    open_fence: Callable[[], Fence], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A takedown comes and goes between the look at the sign and the lock."""
    enter = module._Gate.enter

    def enter_late(gate: Any) -> None:
        monkeypatch.setattr(module._Gate, "enter", enter)
        open_fence().drain()
        enter(gate)

    with open_fence().passage() as passage:
        monkeypatch.setattr(module._Gate, "enter", enter_late)
        passage.enter()
        draining = Draining(open_fence())
        assert not draining.is_over(SHORT_WAIT_S), "the next takedown waits for it"
    assert draining.is_over()


def test_a_takedown_waits_for_a_hanging_process_as_long_as_a_lease(
    open_fence: Callable[[], Fence], clock: Clock
) -> None:
    with open_fence().passage() as passage:
        passage.enter()
        draining = Draining(open_fence())
        clock.now += LEASE_S - 0.001
        passage.check()
        assert not draining.is_over(SHORT_WAIT_S)
        clock.now += 0.001
        with pytest.raises(LeaseRunOut):
            passage.check()
        assert draining.is_over()


def test_takedowns_that_wait_for_each_other_end_when_the_lease_does(
    open_fence: Callable[[], Fence], clock: Clock
) -> None:
    with open_fence().passage() as passage:
        passage.enter()
        drainings = [Draining(open_fence()) for _ in range(4)]
        assert not any(draining.is_over(SHORT_WAIT_S) for draining in drainings)
        clock.now += LEASE_S
        assert all(draining.is_over() for draining in drainings)


def test_a_passage_that_was_not_entered_has_no_lease(open_fence: Callable[[], Fence], clock: Clock) -> None:
    with open_fence().passage() as passage:
        clock.now += 10 * LEASE_S
        passage.check()
        passage.enter()
        passage.check()


def test_an_answer_that_fails_leaves_too(open_fence: Callable[[], Fence]) -> None:
    def fail() -> None:
        with open_fence().passage() as passage:
            passage.enter()
            raise ConnectionError

    with pytest.raises(ConnectionError):
        fail()
    open_fence().drain()


def test_entering_twice_is_leaving_once(open_fence: Callable[[], Fence]) -> None:
    with open_fence().passage() as passage:
        passage.enter()
        passage.enter()
    open_fence().drain()


def test_a_killed_process_is_not_waited_for(open_fence: Callable[[], Fence], tmp_path: Path) -> None:
    command = [sys.executable, "-c", INSIDE, str(tmp_path / "fence")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "inside\n"
        draining = Draining(open_fence())
        assert not draining.is_over(SHORT_WAIT_S)
        process.send_signal(signal.SIGKILL)
        process.wait(DEADLINE_S)
    assert draining.is_over()


def test_without_its_files_nobody_enters(tmp_path: Path) -> None:
    (tmp_path / "fence").write_bytes(b"no folder")
    with closing(Fence(tmp_path / "fence")) as fence, fence.passage() as passage, pytest.raises(OSError, match="fence"):
        passage.enter()


def test_without_its_files_a_takedown_waits_as_long_as_a_lease(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "fence").write_bytes(b"no folder")
    waits: list[float] = []
    monkeypatch.setattr("yuefu.storage.fence.time.sleep", waits.append)
    Fence(tmp_path / "fence").drain()
    assert waits == [LEASE_S]


def test_what_leaves_has_seen_every_takedown_that_returned(open_fence: Callable[[], Fence]) -> None:
    """Nodes and takedowns at random: the heart of the promise."""
    committed: list[int] = []
    returned: list[int] = []
    unseen: list[tuple[int, int]] = []
    is_over = threading.Event()

    def take_down(fence: Fence) -> None:
        for _ in range(60):
            committed.append(1)
            seen = len(committed)
            fence.drain()
            returned.append(seen)

    def answer(fence: Fence, chance: random.Random) -> None:
        while not is_over.is_set():
            with fence.passage() as passage:
                passage.enter()
                rights = len(committed)
                is_over.wait(chance.choice((0, 0, 0.0001, 0.002)))
                newest = max(returned, default=0)
                if newest > rights:
                    unseen.append((newest, rights))

    takers = [threading.Thread(target=take_down, args=(open_fence(),)) for _ in range(3)]
    shared = open_fence()
    fences = [shared, shared, open_fence(), open_fence()]
    nodes = [
        threading.Thread(target=answer, args=(fence, random.Random(seed)), daemon=True)
        for seed, fence in enumerate(fences)
    ]
    for thread in (*nodes, *takers):
        thread.start()
    for thread in takers:
        thread.join(DEADLINE_S)
        assert not thread.is_alive()
    is_over.set()
    for thread in nodes:
        thread.join(DEADLINE_S)
    assert len(returned) == 180
    assert unseen == []
