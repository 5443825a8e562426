"""The signed question for the rights of 20 songs: Yuefu, nginx and the bare server in turn, several rounds.

What counts is the server's CPU time an answer, as a ratio to nginx in the same round. Every question is new: its own
ids, its own nonce, its own signature, so nothing can be answered from a cache of questions.
"""

import itertools
import random
import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.load import LoadFailed, run_load
from bench.process import Server
from bench.rivals import FILE_PATH, bare_server, find_nginx, nginx
from bench.stock import VENDOR, Stock, serving
from yuefu.client.signed import signed_url
from yuefu.wire.operations.query_songs_copyright import QUERY_SONGS_COPYRIGHT

SONGS_PER_QUESTION = 20
CONNECTIONS = 64
"""Enough that no server is ever idle: one that must be woken for every request pays for the waking."""
_ADDRESS = "http://127.0.0.1"


@dataclass(frozen=True, slots=True)
class Round:
    """What one alternative cost in one round. `cpu_us` is an answer's."""

    cpu_us: float
    answers_per_s: float
    p50_us: float
    p99_us: float


@dataclass(frozen=True, slots=True)
class QueryFigures:
    """Rounds by alternative ("yuefu", "bare" and, where installed, "nginx"), and Yuefu's worker itself."""

    rounds: dict[str, list[Round]]
    requests: int
    answer_bytes: int
    ready_s: float
    memory_mb: float

    def typical(self, name: str) -> Round:
        """The medians of that alternative's rounds; of CPU time the least, for what else a machine does only adds."""
        rounds = self.rounds[name]
        return Round(
            cpu_us=min(each.cpu_us for each in rounds),
            answers_per_s=median(each.answers_per_s for each in rounds),
            p50_us=median(each.p50_us for each in rounds),
            p99_us=median(each.p99_us for each in rounds),
        )

    def ratio(self, name: str, rival: str) -> float | None:
        """CPU time an answer over the rival's, None when that one was not there."""
        if rival not in self.rounds:
            return None
        return self.typical(name).cpu_us / self.typical(rival).cpu_us


@dataclass(frozen=True, slots=True)
class _Alternative:
    server: Server
    make_requests: Callable[[int], Sequence[bytes]]
    is_right: Callable[[bytes], bool]


def measure_query(stock: Stock, *, rounds: int, requests: int, folder: Path) -> QueryFigures:
    """Ask `requests` questions of each alternative in each round. Raises `LoadFailed` at the first wrong answer."""
    ask = _asker(stock)
    with ExitStack() as stack:
        yuefu = stack.enter_context(serving(stock.folder))
        answer = _one_answer(yuefu, ask)
        alternatives = {
            "yuefu": _Alternative(yuefu, ask, is_whole),
            "bare": _Alternative(stack.enter_context(bare_server(answer, folder / "bare")), ask, answer.__eq__),
        }
        if program := find_nginx():
            server = stack.enter_context(nginx(program, answer, folder / "nginx"))
            alternatives["nginx"] = _Alternative(server, _asker(stock, path=FILE_PATH), answer.__eq__)
        measured: dict[str, list[Round]] = {name: [] for name in alternatives}
        for number in range(-1, rounds):  # the first one warms up
            for name in _in_turn(list(alternatives), number):
                figures = _measure(alternatives[name], requests)
                if number >= 0:
                    measured[name].append(figures)
        return QueryFigures(
            rounds=measured,
            requests=requests,
            answer_bytes=len(answer),
            ready_s=yuefu.ready_s,
            memory_mb=yuefu.worker_memory_mb(),
        )


def is_whole(body: bytes) -> bool:
    """Whether the answer is a success with all its rows."""
    return body.startswith(b'{"Code":0,') and body.count(b'"SongId":') == SONGS_PER_QUESTION


def _asker(stock: Stock, *, path: str = "/") -> Callable[[int], Sequence[bytes]]:
    """Makes questions of that path, each app's in its turn so that none exceeds its quota."""
    apps = itertools.cycle(stock.apps)
    chance = random.Random(20)  # noqa: S311 - which songs are asked for is no secret

    def ask(count: int) -> list[bytes]:
        timestamp_s = int(time.time())
        requests = []
        for app in itertools.islice(apps, count):
            url = signed_url(
                _ADDRESS,
                QUERY_SONGS_COPYRIGHT.action,
                {"SongsId": [str(song_id) for song_id in chance.sample(stock.song_ids, SONGS_PER_QUESTION)]},
                app_id=app.app_id,
                server_secret=app.live_secrets[0],
                user_id="bench",
                nonce=secrets.token_hex(8),
                timestamp_s=timestamp_s,
                vendor_id=VENDOR,
            )
            requests.append(_get(path + url.removeprefix(f"{_ADDRESS}/")))
        return requests

    return ask


def _one_answer(server: Server, ask: Callable[[int], Sequence[bytes]]) -> bytes:
    """A real answer, for the rivals to give."""
    seen: list[bytes] = []

    def keep(body: bytes) -> bool:
        seen.append(body)
        return is_whole(body)

    run_load(server.port, ask(1), connections=1, is_right=keep)
    return seen[0]


def _get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()


def _in_turn(names: list[str], number: int) -> list[str]:
    """The names, a different one first in each round."""
    place = number % len(names)
    return names[place:] + names[:place]


def _measure(alternative: _Alternative, requests: int) -> Round:
    prepared = alternative.make_requests(requests)
    before_us = alternative.server.cpu_us()
    outcome = run_load(alternative.server.port, prepared, connections=CONNECTIONS, is_right=alternative.is_right)
    spent_us = alternative.server.cpu_us() - before_us
    if not spent_us:
        raise LoadFailed("so few requests take less than a tick of the clock; ask for more")
    return Round(
        cpu_us=spent_us / outcome.answers,
        answers_per_s=outcome.answers_per_s,
        p50_us=outcome.latency_us(0.5),
        p99_us=outcome.latency_us(0.99),
    )
