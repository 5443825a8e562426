"""The figures as a page: what was measured, on what, how to measure it again, and against which goal."""

import os
import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version

import apsw

from bench.charge import CLIENTS, ChargeFigures
from bench.query import CONNECTIONS, SONGS_PER_QUESTION, QueryFigures, Round
from bench.rivals import NGINX_HINT, find_nginx, nginx_version
from bench.stock import Stock

NEXT_GOAL = 6.5
"""The signed query's goal after the present one, times nginx."""

_NAMES = {"yuefu": "Yuefu, signed query", "bare": "the bare ASGI server, constant answer", "nginx": "nginx, static file"}
_PAGE = """\
# Benchmarks

Written by `make bench`; not edited by hand. {day}, Yuefu {yuefu}, Python {python}, SQLite {sqlite}, nginx {nginx},
{system} with {cores} cores. Rates and latencies are of that machine and that hour; **the ratios are what to compare**.

{goals}
{query}{charge}
## How to repeat it

`make bench` does all of it, in some {minutes} minutes. `make bench ARGS="query --songs 50000"` measures one thing and only
prints it; `--keep DIR` keeps the filled catalogue for the next time; `--help` tells the rest. nginx is measured beside
when it is installed (Debian: `apt-get install nginx-light`). Leave the machine alone meanwhile.
"""
_QUERY = """
## A signed query

`QuerySongsCopyright` for {per_question} random songs out of {songs:,}, through `yuefu serve` with one worker, over {connections} kept-alive
connections that each wait for their answer. Every request has its own ids, nonce and signature and is one of {apps}
apps', so that the documented quota holds and is counted. nginx sends a file, and the bare ASGI server a constant, of
the same {answer_bytes:,} bytes. All three run at once, each on one core, and are asked in turn, {rounds} rounds of {requests:,}; the load has
the other core. Every answer is checked. The figures are medians of the rounds, the ratios of the pairs in each round.

| | server CPU, µs an answer | × nginx | × bare server | answers/s | p50, ms | p99, ms |
|---|---|---|---|---|---|---|
{rows}
"""
_CHARGE = """
## A durable charge

`request_resource` by {clients} clients at once, each answer sent after its commit is on disk; beside it the same service with
one commit a request, on the same disk. How far apart the two can be is the disk's to say: here one commit at a time
makes {ungrouped:,.0f} a second.

| | charges/s | p50, ms | p99, ms |
|---|---|---|---|
{rows}
"""


@dataclass(frozen=True, slots=True)
class Figure:
    """One line against its goal. `is_met` is None where what it takes was not there to measure."""

    what: str
    goal: str
    measured: str
    is_met: bool | None

    @property
    def verdict(self) -> str:
        return {True: "met", False: "**missed**", None: "not measured"}[self.is_met]


def goal_lines(stock: Stock | None, query: QueryFigures | None, charge: ChargeFigures | None) -> list[Figure]:
    """Everything that was measured and has a goal."""
    lines = []
    if stock is not None:
        rate = stock.filling.songs_per_s
        lines.append(Figure("filling the catalogue", "≥ 20,000 songs/s", f"{rate:,.0f} songs/s", rate >= 20_000))
    if query is not None:
        ratio = query.ratio("nginx")
        shown = "–" if ratio is None else f"{ratio:.1f} × nginx"
        lines += [
            Figure(
                f"signed query, {SONGS_PER_QUESTION} songs",
                f"≤ 9 × nginx now, ≤ {NEXT_GOAL} × next",
                shown,
                None if ratio is None else ratio <= 9,
            ),
            Figure("memory of a worker", "≤ 300 MB", f"{query.memory_mb:.0f} MB", query.memory_mb <= 300),
            Figure("from start to ready", "≤ 2 s", f"{query.ready_s:.2f} s", query.ready_s <= 2),
        ]
    if charge is not None:
        lines.append(
            Figure(
                "durable charges",
                "≥ 5 × one commit a request (slow disk: ≥ 20 ×)",
                f"{charge.ratio:.1f} ×",
                charge.ratio >= 5,
            )
        )
    return lines


def goal_table(lines: Sequence[Figure]) -> str:
    """The lines as a Markdown table."""
    rows = [f"| {line.what} | {line.goal} | {line.measured} | {line.verdict} |" for line in lines]
    return "\n".join(["| what | goal | measured | |", "|---|---|---|---|", *rows])


def query_section(stock: Stock, query: QueryFigures) -> str:
    """The signed query and what it was measured beside."""
    rounds = query.rounds["yuefu"]
    rows = [
        f"| {_NAMES[name]} | {query.median(name, _cpu_us):.1f} | {_ratio(query, name, 'nginx')} "
        f"| {_ratio(query, name, 'bare')} | {query.median(name, _rate):,.0f} "
        f"| {query.median(name, _p50_us) / 1000:.1f} | {query.median(name, _p99_us) / 1000:.1f} |"
        for name in query.rounds
    ]
    hint = "" if "nginx" in query.rounds else f"\n{NGINX_HINT}.\n"
    return hint + _QUERY.format(
        per_question=SONGS_PER_QUESTION,
        songs=len(stock.song_ids),
        connections=CONNECTIONS,
        apps=len(stock.apps),
        answer_bytes=query.answer_bytes,
        rounds=len(rounds),
        requests=rounds[0].answers,
        rows="\n".join(rows),
    )
