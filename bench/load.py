"""The load: a closed loop of kept-alive connections, every answer read whole and checked.

One process, one `epoll`, no HTTP library: about 20 µs a request, so that the server is what is being measured.
"""

import gc
import re
import select
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bench.process import on_load_cores

_RECEIVE_BYTES = 65_536
_SILENCE_S = 30.0
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a load saw. `latencies_us` are sorted, one an answer."""

    seconds: float
    latencies_us: list[float]

    @property
    def answers(self) -> int:
        return len(self.latencies_us)

    @property
    def answers_per_s(self) -> float:
        return self.answers / self.seconds

    def latency_us(self, share: float) -> float:
        """The latency that `share` of the answers stayed within: 0.5 for the median."""
        return self.latencies_us[min(int(share * self.answers), self.answers - 1)]


class LoadFailed(Exception):
    """An answer was wrong, or none came: figures of such a run are worth nothing."""


@dataclass(slots=True)
class _Line:
    connection: socket.socket
    sent_ns: int = 0
    received: bytes = field(default=b"")


def run_load(port: int, requests: Sequence[bytes], *, connections: int, is_right: Callable[[bytes], bool]) -> Outcome:
    """Send every request once, on `connections` lines that each wait for their answer before they go on.

    Raises `LoadFailed` when `is_right` says no to a body, or a line falls silent.
    """
    lines = {}
    poll = select.epoll()
    for _ in range(min(connections, len(requests))):
        connection = socket.create_connection(("127.0.0.1", port), timeout=_SILENCE_S)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        lines[connection.fileno()] = _Line(connection)
        poll.register(connection, select.EPOLLIN)
    gc.disable()
    try:
        with on_load_cores():
            return _drive(lines, poll, requests, is_right)
    finally:
        gc.enable()
        poll.close()
        for line in lines.values():
            line.connection.close()


def _drive(
    lines: dict[int, _Line], poll: select.epoll, requests: Sequence[bytes], is_right: Callable[[bytes], bool]
) -> Outcome:
    waiting = iter(requests)
    latencies_us: list[float] = []
    begun_ns = time.perf_counter_ns()
    for line in lines.values():
        line.sent_ns = time.perf_counter_ns()
        line.connection.sendall(next(waiting))
    while len(latencies_us) < len(requests):
        ready = poll.poll(_SILENCE_S)
        if not ready:
            raise LoadFailed(f"no answer for {_SILENCE_S:.0f} s")
        for number, _ in ready:
            line = lines[number]
            body = _receive(line)
            if body is None:
                continue
            now_ns = time.perf_counter_ns()
            latencies_us.append((now_ns - line.sent_ns) / 1_000)
            if not is_right(body):
                raise LoadFailed(f"a wrong answer: {body[:500]!r}")
            request = next(waiting, None)
            if request is not None:
                line.sent_ns = now_ns
                line.connection.sendall(request)
    seconds = (time.perf_counter_ns() - begun_ns) / 1e9
    return Outcome(seconds=seconds, latencies_us=sorted(latencies_us))


def _receive(line: _Line) -> bytes | None:
    """The body of a whole answer, None while some of it is still on its way."""
    arrived = line.connection.recv(_RECEIVE_BYTES)
    if not arrived:
        raise LoadFailed("the server hung up")
    received = line.received + arrived
    head, separator, body = received.partition(b"\r\n\r\n")
    if separator:
        length = _LENGTH.search(head)
        if not head.startswith(b"HTTP/1.1 200 ") or length is None:
            raise LoadFailed(f"not the answer expected: {head!r}")
        if len(body) == int(length[1]):
            line.received = b""
            return body
    line.received = received
    return None
