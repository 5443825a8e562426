"""A takedown waits for answers under way: two gates in the data folder, of which one is open to all its processes.

Whatever hands out music passes through the open gate: it enters, asks the rights, and leaves when its answer has been
handed to the HTTP server. A takedown whose blocks are committed opens the other gate and waits until the one it found
open is empty: who entered there may have asked the rights too early, who enters the other one finds the blocks.

A gate is an empty file on which each process with anybody inside holds a shared lock; the kernel frees those of one
that dies. For one that hangs a takedown waits no longer than `LEASE_S`: an answer that took as long is refused.
"""

import fcntl
import os
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from yuefu.errors import EngineBusy

LEASE_S = 1.0
_POLL_S = 0.001
_GATES = ("gate-0", "gate-1")
_SIGN = "sign"
"""One byte: the number of the open gate. Whoever changes it holds a lock on it, so that gates change in turn."""


class LeaseRunOut(EngineBusy):
    """The answer took so long that a takedown may have stopped waiting for it."""

    def __init__(self) -> None:
        super().__init__("the rights were asked too long ago")


class Fence:
    """One process's way through the gates in a folder, which is made when it is first needed."""

    def __init__(self, folder: Path, now_s: Callable[[], float] = time.monotonic) -> None:
        self.now_s = now_s
        self._folder = folder
        self._mutex = threading.Lock()
        self._sign = -1
        self._gates: tuple[_Gate, ...] = ()

    def passage(self) -> "Passage":
        """One answer's way out; it costs nothing until it is entered."""
        return Passage(self)

    def enter(self) -> "_Gate":
        """Take a place inside the open gate. Raises OSError."""
        with self._mutex:
            if not self._gates:
                self._sign, *gates = self._open_files(os.O_RDONLY)
                self._gates = tuple(map(_Gate, gates))
            while True:
                gate = self._gates[_open_gate(self._sign)]
                gate.enter()
                if gate is self._gates[_open_gate(self._sign)]:  # else it closed before we were seen inside
                    return gate
                gate.leave()

    def leave(self, gate: "_Gate") -> None:
        """Give the place back."""
        with self._mutex:
            gate.leave()

    def drain(self) -> None:
        """Return when no answer that asked the rights before this call can leave any more, on any node.

        Never on the event loop of a node: its own answers could not leave.
        """
        try:
            self._drain(self.now_s() + LEASE_S)
        except OSError:  # the gates cannot be used: the lease alone is slower and as good
            time.sleep(LEASE_S)

    def _drain(self, until_s: float) -> None:
        with ExitStack() as stack:
            sign, *gates = self._open_files(os.O_RDWR)
            for file in (sign, *gates):
                stack.callback(os.close, file)
            if self._lock(sign, until_s):
                closing = _open_gate(sign)
                os.pwrite(sign, bytes([1 - closing]), 0)
                self._lock(gates[closing], until_s)
            # else others' takedowns took their turns all the while, and every lease has run out

    def close(self) -> None:
        """Let go of the files."""
        for file in (self._sign, *(gate.file for gate in self._gates)):
            if file >= 0:
                os.close(file)
        self._sign, self._gates = -1, ()

    def _open_files(self, access: int) -> list[int]:
        """The sign and the gates, all of them made by whoever comes first."""
        self._folder.mkdir(exist_ok=True)
        flags = access | os.O_CREAT | os.O_CLOEXEC
        return [os.open(self._folder / name, flags, 0o644) for name in (_SIGN, *_GATES)]

    def _lock(self, file: int, until_s: float) -> bool:
        """Lock a file for ourselves alone; False when it was not to be had in time."""
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if self.now_s() >= until_s:
                    return False
                time.sleep(_POLL_S)
            else:
                return True


class Passage:
    """One answer's way out. Inside a `with` it leaves by itself, however that ends."""

    __slots__ = ("_fence", "_gate", "_until_s")

    def __init__(self, fence: Fence) -> None:
        self._fence = fence
        self._gate: _Gate | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._gate is not None:
            self._fence.leave(self._gate)
            self._gate = None

    def enter(self) -> None:
        """From here on a takedown waits for this answer; ask the rights after it. Raises OSError."""
        if self._gate is None:
            self._until_s = self._fence.now_s() + LEASE_S  # before the gate is looked for: a takedown counts no later
            self._gate = self._fence.enter()

    def check(self) -> None:
        """Let pass an answer that a takedown still waits for. Raises `LeaseRunOut`."""
        if self._gate is not None and self._fence.now_s() >= self._until_s:
            raise LeaseRunOut


class _Gate:
    """How many of this process are inside; the first one locks the file, the last one frees it."""

    __slots__ = ("_inside", "file")

    def __init__(self, file: int) -> None:
        self.file = file
        self._inside = 0

    @property
    def is_locked(self) -> bool:
        """Whether anybody of this process is inside."""
        return self._inside > 0

    def enter(self) -> None:
        if not self._inside:
            fcntl.flock(self.file, fcntl.LOCK_SH)
        self._inside += 1

    def leave(self) -> None:
        self._inside -= 1
        if not self._inside:
            fcntl.flock(self.file, fcntl.LOCK_UN)


def _open_gate(sign: int) -> int:
    """The number on the sign; the first gate where nobody wrote one yet."""
    return int(os.pread(sign, 1, 0) == b"\1")
