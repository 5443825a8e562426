"""The figures as a page: what was measured, on what, against which goal, and how to measure it again."""

import math
import os
import platform
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from statistics import median

import apsw

from bench.charge import CLIENTS, ChargeFigures
from bench.deciding import DecidingFigures
from bench.media import FILE_BYTES, LISTENERS, MediaFigures
from bench.query import CONNECTIONS, SONGS_PER_QUESTION, QueryFigures
from bench.rivals import NGINX_HINT, find_nginx, nginx_version
from bench.stock import Stock

DECIDING_GOAL_US = 15
MEDIA_GOAL = 0.5
GROWTH_MB = 64
"""What the HTTP server may hold of the files under way: less than the files."""
QUERY_GOALS = {"bare": ("the bare server", 9.0), "nginx": ("nginx", 6.5)}
"""What a signed query may cost, times what each alternative costs."""

_TITLES = {"yuefu": "Yuefu, signed query", "bare": "bare ASGI server, constant answer", "nginx": "nginx, static file"}

_PAGE = """\
# Benchmarks

Written by `make bench`, never by hand.
{day} · Yuefu {yuefu} · Python {python} · SQLite {sqlite} · nginx {nginx} · {system}, {cores} cores.

Rates and latencies are of that machine and hour; the ratios are what to compare.

{figures}
## How to repeat it

`make bench` measures all of it, in about {minutes} min, and writes this page.
`make bench ARGS="query --songs 50000"` measures one thing and prints it; `--keep DIR` keeps the filled catalogue for
the next time. nginx is measured where it is installed (Debian: `apt-get install nginx-light`). Leave the machine alone
meanwhile.
"""
_QUERY = """\
## A signed query

`QuerySongsCopyright` for {per_question} random songs of {songs:,}, asked of `yuefu serve` with one worker over
{connections} kept-alive connections, each of which waits for its answer before it asks again. Every request has ids, a
nonce and a signature of its own and is one of {apps} apps', so that the documented quota is counted and not reached.
nginx, asked with the same parameters, sends a file of the same {answer_bytes:,} bytes, the bare server a constant.

Each server keeps to one core and the load to the others. They are asked in turn, {rounds} rounds of {requests:,}
requests, and every answer is checked. CPU time is that of the server's whole process tree, user and system, in the
least disturbed round; rates and latencies are medians over the rounds.
{hint}"""
_CHARGE = """\
## A durable charge

`request_resource`, {clients} clients at once, {rounds} rounds of {requests:,} requests; each answer leaves after its
grant and charge are on disk. Beside it the same service with one commit a request, in the same run on the same disk:
how far apart the two can be is the disk's to say. The store by itself, with no server in front, posts
{together:,.0f} a second with {clients} waiting at once and {alone:,.0f} one by one: {times:.1f} times as many.
"""
_MEDIA = """\
## Media bytes

A song of {megabytes} MB out of the gateway, which asks session, grant and rights before the first byte and again before
every 512 KiB, and the same file out of nginx. {listeners} listeners at once, each of whom asks again as soon as it has
the whole, {files} files each in each of {rounds} rounds; the bytes are compared once, their number always. Each server
keeps to one core. The worker's memory, after all rounds, is {growth_mb:+.0f} MB from what it was after the first file.
"""


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured; None for what was not asked for."""

    stock: Stock | None = None
    query: QueryFigures | None = None
    deciding: DecidingFigures | None = None
    charge: ChargeFigures | None = None
    media: MediaFigures | None = None


@dataclass(frozen=True, slots=True)
class _Line:
    """One figure against its goal. `is_met` is None where what it takes was not there."""

    what: str
    goal: str
    measured: str
    is_met: bool | None


def render_page(figures: Figures, *, minutes: float) -> str:
    """The whole page, in Markdown."""
    nginx = find_nginx()
    return _PAGE.format(
        day=time.strftime("%Y-%m-%d", time.gmtime()),
        yuefu=version("yuefu"),
        python=platform.python_version(),
        sqlite=apsw.sqlite_lib_version(),
        nginx=nginx_version(nginx) if nginx else "not installed",
        system=f"{platform.system()} {platform.machine()}",
        cores=os.cpu_count(),
        figures=render_figures(figures),
        minutes=math.ceil(minutes),
    )


def render_figures(figures: Figures) -> str:
    """The goals, then a section for each thing measured."""
    sections = [_render_goals(_lines(figures))]
    if figures.stock and figures.query:
        sections.append(_render_query(figures.stock, figures.query))
    if figures.charge:
        sections.append(_render_charge(figures.charge))
    if figures.media:
        sections.append(_render_media(figures.media))
    return "\n".join(sections)


def _lines(figures: Figures) -> Iterator[_Line]:
    if figures.stock:
        rate = figures.stock.filling.songs_per_s
        yield _Line("filling the catalogue", "≥ 20,000 songs/s", f"{rate:,.0f} songs/s", rate >= 20_000)
    if query := figures.query:
        for rival, (title, most) in QUERY_GOALS.items():
            ratio = query.ratio("yuefu", rival)
            yield _Line(
                f"a signed query for {SONGS_PER_QUESTION} songs, beside {title}",
                f"≤ {most:g} ×",
                "–" if ratio is None else f"{ratio:.1f} ×",
                None if ratio is None else ratio <= most,
            )
        yield _Line("memory of the worker", "≤ 300 MB", f"{query.memory_mb:.0f} MB", query.memory_mb <= 300)
        yield _Line("from start to ready", "≤ 2 s", f"{query.ready_s:.2f} s", query.ready_s <= 2)
    if deciding := figures.deciding:
        cost = deciding.least_us
        what = f"deciding for {SONGS_PER_QUESTION} songs"
        yield _Line(what, f"≤ {DECIDING_GOAL_US} µs of CPU", f"{cost:.1f} µs", cost <= DECIDING_GOAL_US)
    if charge := figures.charge:
        goal = "≥ 5 × one commit a request (≥ 20 × on a slow disk)"
        yield _Line(f"durable charges, {CLIENTS} clients", goal, f"{charge.ratio:.1f} ×", charge.ratio >= 5)
    if media := figures.media:
        times = media.ratio
        yield _Line(
            "media bytes",
            f"≥ {MEDIA_GOAL} × nginx's rate",
            "–" if times is None else f"{times:.2f} × nginx",
            None if times is None else times >= MEDIA_GOAL,
        )
        yield _Line(
            "memory while it sends them",
            f"constant: < {GROWTH_MB:.0f} MB more",
            f"{media.growth_mb:+.0f} MB",
            media.growth_mb < GROWTH_MB,
        )


def _render_goals(lines: Iterable[_Line]) -> str:
    verdicts = {True: "met", False: "**missed**", None: "not measured"}
    rows = [(line.what, line.goal, line.measured, verdicts[line.is_met]) for line in lines]
    return _render_table(("what", "goal", "measured", "verdict"), rows)


def _render_query(stock: Stock, query: QueryFigures) -> str:
    text = _QUERY.format(
        per_question=SONGS_PER_QUESTION,
        songs=len(stock.song_ids),
        connections=CONNECTIONS,
        apps=len(stock.apps),
        answer_bytes=query.answer_bytes,
        rounds=len(query.rounds["yuefu"]),
        requests=query.requests,
        hint="" if "nginx" in query.rounds else f"\n{NGINX_HINT}.\n",
    )
    rows = []
    for name, title in _TITLES.items():
        if name in query.rounds:
            typical = query.typical(name)
            rows.append(
                (
                    title,
                    f"{typical.cpu_us:.1f}",
                    *(_times(query.ratio(name, rival)) for rival in ("nginx", "bare")),
                    f"{typical.answers_per_s:,.0f}",
                    f"{typical.p50_us / 1_000:.1f}",
                    f"{typical.p99_us / 1_000:.1f}",
                )
            )
    head = ("", "server CPU, µs an answer", "× nginx", "× bare server", "answers/s", "p50, ms", "p99, ms")
    return f"{text}\n{_render_table(head, rows)}"


def _render_charge(charge: ChargeFigures) -> str:
    rows = []
    for title, rounds in (("Yuefu", charge.grouped), ("one commit a request", charge.ungrouped)):
        latencies = (f"{median(each.latency_us(share) for each in rounds) / 1_000:.1f}" for share in (0.5, 0.99))
        rows.append((title, f"{median(each.answers_per_s for each in rounds):,.0f}", *latencies))
    together, alone = charge.postings_per_s
    text = _CHARGE.format(
        clients=CLIENTS,
        rounds=len(charge.grouped),
        requests=charge.grouped[0].answers,
        together=together,
        alone=alone,
        times=together / alone,
    )
    return f"{text}\n{_render_table(('', 'charges/s', 'p50, ms', 'p99, ms'), rows)}"


def _render_media(media: MediaFigures) -> str:
    rows = []
    for name, title in (("yuefu", "Yuefu, asking the rights"), ("nginx", "nginx, static file")):
        if name in media.rounds:
            typical = media.typical(name)
            rows.append((title, f"{typical.mb_per_s:,.0f}", f"{typical.cpu_us:,.0f}"))
    text = _MEDIA.format(
        megabytes=FILE_BYTES // 1_000_000,
        listeners=LISTENERS,
        rounds=len(media.rounds["yuefu"]),
        files=media.files,
        growth_mb=media.growth_mb,
    )
    return f"{text}\n{_render_table(('', 'MB/s', 'server CPU, µs a MB'), rows)}"


def _render_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _times(ratio: float | None) -> str:
    return "–" if ratio is None else f"{ratio:.1f}"
