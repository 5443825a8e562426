"""`docs/soak.md`: a chapter for each kind of long run. A run writes its own chapter anew, and no other."""

import math
import os
import platform
import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version

import apsw

TITLES = ("Takedowns under a burst", "Kills under load", "Metering, step by step")
"""The chapters in their order."""

_HEAD = """\
# Soak

What must hold every time, tried many times. Written by `make soak`, never by hand: it runs all chapters,
`make soak ARGS=takedowns`, `ARGS=kills` and `ARGS=metering` run one and leave the others as they are;
`ARGS="kills --help"` says how to run fewer rounds, or more.
"""
_CHAPTER = re.compile(r"^## (.+)\n\n", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Chapter:
    """What a run came to, in Markdown, and how long it took."""

    title: str
    body: str
    minutes: float


def put_chapter(page: str, chapter: Chapter) -> str:
    """The page with the chapter in place of the one of its title. What is no chapter of ours is left out."""
    _, *pieces = _CHAPTER.split(page)
    chapters = dict(zip(pieces[::2], pieces[1::2], strict=True))
    chapters[chapter.title] = f"{_dateline(chapter.minutes)}\n\n{chapter.body}"
    told = (f"\n## {title}\n\n{chapters[title].strip()}\n" for title in TITLES if title in chapters)
    return _HEAD + "".join(told)


def render_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _dateline(minutes: float) -> str:
    day = time.strftime("%Y-%m-%d", time.gmtime())
    python, sqlite = platform.python_version(), apsw.sqlite_lib_version()
    system = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    return (
        f"{day} · Yuefu {version('yuefu')} · Python {python} · SQLite {sqlite} · {system} · {math.ceil(minutes)} min."
    )
