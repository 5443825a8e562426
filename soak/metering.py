"""The state machine of `tests/contract/test_metering_machine.py`, for as many steps as one has patience for."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

from bench.process import ROOT

from soak.page import render_table

_MACHINE = "tests/contract/test_metering_machine.py"
_MEMORY = Path("/dev/shm")  # noqa: S108 - a disk's patience is not what is tried here
_ROWS = {
    "used": "uses that were charged, or counted free",
    "free": "of these free: the month was paid",
    "refused": "uses that a bound refused",
    "reversed": "charges taken back",
    "adjusted": "charges of a closed month taken back",
    "closed": "months closed",
    "set back": "times that the clock went back",
}
_BODY = """\
{steps:,} random steps, taken by a store and by a model of a few lines: uses in all billing modes, prices, bounds,
reversals, months that end and are closed in three time zones with summer time, clocks that jump and are set back. After
every step the store's charges were those that the model counts from the uses, its books balanced and came to the
charges, and so did the sum kept of each month. A step after which they differ fails the run and leaves no chapter; the
shortest way there is printed.

{table}"""


class StepsFailed(Exception):
    """The store and its model came apart, or could not be run."""


def take_steps(steps: int, *, processes: int, folder: Path) -> Counter[str]:
    """Take the steps, shared among processes; what they were. Raises `StepsFailed`, after pytest has said where."""
    tallies = [folder / f"tally-{number}.json" for number in range(processes)]
    running = [_start(-(-steps // processes), tally) for tally in tallies]
    if any([process.wait() for process in running]):  # noqa: C419 - wait for all of them
        raise StepsFailed("see above")
    taken: Counter[str] = Counter()
    for tally in tallies:
        taken.update(json.loads(tally.read_text(encoding="utf-8")))
    return taken


def render_metering(tally: Counter[str]) -> str:
    """The chapter's text, in Markdown."""
    rows = [(text, f"{tally[kind]:,}") for kind, text in _ROWS.items()]
    return _BODY.format(steps=tally["steps"], table=render_table(("", "times"), rows))


def _start(steps: int, tally: Path) -> "subprocess.Popen[bytes]":
    environment = {**os.environ, "METERING_STEPS": str(steps), "METERING_TALLY": str(tally)}
    if _MEMORY.is_dir():
        environment["TMPDIR"] = str(_MEMORY)
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:randomly", _MACHINE]
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=sys.stderr)
