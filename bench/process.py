"""Servers as processes of their own: started, watched through `/proc`, ended."""

import contextlib
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
_CORES = sorted(os.sched_getaffinity(0))
_SERVER_CORES = _CORES[:1]
_LOAD_CORES = _CORES[1:] or _CORES
_TICK_US = 1_000_000 // os.sysconf("SC_CLK_TCK")
_POLL_S = 0.005
_START_S = 60.0
_END_S = 20.0


@dataclass(frozen=True, slots=True)
class Server:
    """A server that answers at `port`. `ready_s` is how long it took from its start to its first answer."""

    pid: int
    port: int
    ready_s: float

    def cpu_us(self) -> int:
        """CPU time, user and system, that the server and all its descendants have used so far.

        In steps of a clock tick (10 ms on most systems): make the run long.
        """
        return sum(_cpu_us(pid) for pid in self._tree())

    def worker_memory_mb(self) -> float:
        """The resident memory of its largest process, which is the one that answers."""
        return max(_resident_kib(pid) for pid in self._tree()) / 1024

    def _tree(self) -> list[int]:
        parents = dict(_parents())
        tree = {self.pid}
        while more := {pid for pid, parent in parents.items() if parent in tree} - tree:
            tree |= more
        return sorted(tree)


class NotStarted(Exception):
    """A server did not come up."""


@contextlib.contextmanager
def running(
    command: Sequence[str], *, port: int, ready_path: str, environment: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """The server that `command` starts, from its first answer at `ready_path` on; ended on leaving.

    It and its descendants keep to one core, so that what their threads cost does not depend on who else runs where.
    Raises `NotStarted`.
    """
    begun = time.perf_counter()
    with _on_cores(_SERVER_CORES):
        process = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **(environment or {})}, stdout=subprocess.DEVNULL
        )
    try:
        await_answer(process, f"http://127.0.0.1:{port}{ready_path}")
        yield Server(pid=process.pid, port=port, ready_s=time.perf_counter() - begun)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def on_load_cores() -> Iterator[None]:
    """Keep this process off the servers' core meanwhile, where there is another."""
    with _on_cores(_LOAD_CORES):
        yield


@contextlib.contextmanager
def _on_cores(cores: Sequence[int]) -> Iterator[None]:
    """Keep this process, and what it starts meanwhile, to these cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def await_answer(process: "subprocess.Popen[bytes]", url: str) -> None:
    """Return at the first answer of a server that was just started. Raises `NotStarted`."""
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise NotStarted(f"{process.args!r} ended with status {process.returncode}")
        try:
            with urllib.request.urlopen(url, timeout=_START_S):  # noqa: S310 - our own loopback URL
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(_POLL_S)
    raise NotStarted(f"{process.args!r} did not answer for {_START_S:.0f} s")


def _parents() -> Iterator[tuple[int, int]]:
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and (fields := _stat(int(folder.name))):
            yield int(folder.name), int(fields[1])


def _cpu_us(pid: int) -> int:
    fields = _stat(pid)
    return (int(fields[11]) + int(fields[12])) * _TICK_US if fields else 0


def _resident_kib(pid: int) -> int:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
    return 0


def _stat(pid: int) -> list[str]:
    """The fields of `/proc/PID/stat` from the third (state) on; empty once the process is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []
