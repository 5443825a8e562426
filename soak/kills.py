"""Purchases by many clients of a server that is killed again and again; what they were answered must be on disk."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.process import ROOT, await_answer, free_port
from bench.stock import YUEFU

from soak.books import PRICES_MINOR, Audit, Books
from soak.page import render_table
from soak.stage import Stage, open_sessions, set_prices

CLIENTS = 32
HASTY_SITE = "soak.hasty:make_site"
_LONGEST_S = 0.4
"""A kill comes at any instant within this time after everybody was answered once."""

_BODY = """\
{kills} times `yuefu serve` with {workers} workers was killed (`kill -9`, all its processes) at a random instant while
{clients} clients, each a process with a log of its own, bought songs as fast as they were answered, by the use and by
the month in turn. Started again, it got the purchases without an answer once more, under the same key. After every kill
each answer in the logs was looked for, byte for byte; at the end the charges were counted again from the uses, and the
postings and months from the charges. The same clients and the same examination then met a server made to answer before
its commit, which must be found out.

{table}
"""


@dataclass(frozen=True, slots=True)
class Kills:
    """What a server's kills came to: for each one how many answers its clients had got since the last, and how many of
    these were lost; and the books at the end.
    """

    acknowledged: tuple[int, ...]
    lost: tuple[int, ...]
    audit: Audit

    @property
    def is_clean(self) -> bool:
        return not any(self.lost) and self.audit.is_clean


def kill_repeatedly(stage: Stage, *, kills: int, workers: int, site: str | None = None, seed: int = 0) -> Kills:
    """Kill a server on the stage so often; of another `site` (MODULE:FACTORY) than its own if one is given."""
    set_prices(stage, PRICES_MINOR)
    chance = random.Random(seed)  # noqa: S311 - when a kill comes is no secret
    acknowledged, lost = [], []
    with ExitStack() as stack:
        payers = _start_payers(stack, stage)
        for number in range(kills):
            with _serving(stage, workers=workers, site=site) as (process, port):
                for payer in payers:
                    payer.order("buy", port)
                for payer in payers:
                    payer.await_word("paid")
                time.sleep(chance.uniform(0, _LONGEST_S))
                os.killpg(process.pid, signal.SIGKILL)
            for payer in payers:
                payer.await_word("over")
            with Books(stage.folder) as books:
                news = [(payer.user_id, payer.news()) for payer in payers]
                acknowledged.append(sum(len(acks) for _, acks in news))
                lost.append(sum(len(books.lost(user_id, acks)) for user_id, acks in news))
            if (number + 1) % 10 == 0:
                print(f"{number + 1} kills…", file=sys.stderr)
        return Kills(tuple(acknowledged), tuple(lost), _finish(stage, payers, workers=workers))


def _finish(stage: Stage, payers: Sequence["_Payer"], *, workers: int) -> Audit:
    """Have everybody ask for what is still open, at a server of the usual kind, and go through the books."""
    with _serving(stage, workers=workers) as (_, port):
        for payer in payers:
            payer.order("finish", port)
        for payer in payers:
            payer.await_word("paid")
            payer.await_word("over")
    with Books(stage.folder) as books:
        return books.audit()


class _Payer:
    """One `soak.payer`, as its driver sees it."""

    def __init__(self, user_id: str, session: str, log: Path, songs: Sequence[int]) -> None:
        self.user_id = user_id
        self._log = log
        self._read_bytes = 0
        arguments = [user_id, session, str(log), *map(str, songs)]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "soak.payer", *arguments],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def order(self, verb: str, port: int) -> None:
        assert self._process.stdin is not None  # noqa: S101 - it was asked for above
        self._process.stdin.write(f"{verb} {port}\n")
        self._process.stdin.flush()

    def await_word(self, word: str) -> None:
        """Wait until it says the word. A payer who cannot go on ends, and says none."""
        assert self._process.stdout is not None  # noqa: S101
        said = self._process.stdout.readline().strip()
        if said != word:
            raise ValueError(f"{self.user_id} says {said or 'no more'!r} where {word!r} was due")

    def news(self) -> list[tuple[str, str]]:
        """What its log has more than when it was last asked: keys and the SHA-256 of answers."""
        with self._log.open("rb") as log:
            log.seek(self._read_bytes)
            lines = log.read().decode().splitlines()
            self._read_bytes = log.tell()
        return [(key, digest) for key, _, digest in (line.partition(" ") for line in lines)]

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


def _start_payers(stack: ExitStack, stage: Stage) -> list[_Payer]:
    logs = stage.folder / "payers"
    logs.mkdir()
    payers = []
    for user_id, session in open_sessions(stage, [f"payer-{number}" for number in range(CLIENTS)]):
        payer = _Payer(user_id, session, logs / user_id, [stage.target, stage.other])
        stack.callback(payer.close)
        payers.append(payer)
    return payers


@contextmanager
def _serving(stage: Stage, *, workers: int, site: str | None = None) -> "Iterator[tuple[subprocess.Popen[bytes], int]]":
    """A server that leads a process group of its own, and its port. It ends without a goodbye."""
    port = free_port()
    command = [str(YUEFU), "serve", "--port", str(port)]
    if site is not None:
        command = [sys.executable, "-m", "bench.serving", site, str(port)]
    environment = {**os.environ, "YUEFU_DATA": str(stage.folder), "YUEFU_WORKERS": str(workers)}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        await_answer(process, f"http://127.0.0.1:{port}/readyz")
        yield process, port
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def render_kills(kills: Kills, control: Kills, *, workers: int) -> str:
    """The chapter's text, in Markdown."""
    head = ("", "kills", "answers", "lost", "kills that lost any", "charged twice", "charges not as the uses", "books")
    rows = [_row("`yuefu serve`", kills), _row("answers before its commit", control)]
    return _BODY.format(kills=len(kills.lost), workers=workers, clients=CLIENTS, table=render_table(head, rows))


def _row(title: str, kills: Kills) -> list[str]:
    audit = kills.audit
    balance = audit.damage or (f"{audit.unbalanced:,} disagree" if audit.unbalanced else "balance")
    figures = (
        len(kills.lost),
        sum(kills.acknowledged),
        sum(kills.lost),
        sum(each > 0 for each in kills.lost),
        audit.doubled,
        audit.miscounted,
    )
    return [title, *(f"{figure:,}" for figure in figures), balance]
