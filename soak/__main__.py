"""`python -m soak`: long runs against a real server, each a chapter of `docs/soak.md`."""

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import click
from bench.process import ROOT, free_port, running
from bench.stock import YUEFU

from soak.bulk import take_bulk_down
from soak.burst import Burst
from soak.kills import HASTY_SITE, kill_repeatedly, render_kills
from soak.metering import render_metering, take_steps
from soak.operator import Operator
from soak.page import TITLES, Chapter, put_chapter
from soak.report import render_takedowns
from soak.rounds import Round, play_round
from soak.stage import SMALL_BYTES, Stage, set_stage

PAGE = ROOT / "docs/soak.md"
_DISK = "/var/tmp"  # noqa: S108 - a disk, where the default folder for temporary files is often memory
_CONTROL_KILLS = 5
_TAKEDOWNS, _KILLS, _METERING = TITLES

_out = click.option("--out", type=click.Path(path_type=Path), default=PAGE, help=f"[default: {PAGE.relative_to(ROOT)}]")


@click.group(invoke_without_command=True)
@click.pass_context
def main(context: click.Context) -> None:
    """Try what must hold every time. Exit status 1 when it did not; without a COMMAND all of them run."""
    if context.invoked_subcommand is None:
        sys.exit(max(context.invoke(chapter) for chapter in (takedowns, kills, metering)))


@main.result_callback()
def _exit(status: int) -> None:
    sys.exit(status)


@main.command()
@click.option("--rounds", type=click.IntRange(1), default=1_000, show_default=True, help="How many takedowns.")
@click.option("--workers", type=click.IntRange(1), default=2, show_default=True, help="Processes that serve.")
@click.option("--songs", type=click.IntRange(1), default=6_000, show_default=True, help="Songs taken down all at once.")
@_out
def takedowns(*, rounds: int, workers: int, songs: int, out: Path) -> int:
    """Take a song down under a burst of clients, many times."""

    def run(folder: Path) -> tuple[str, bool]:
        stage = set_stage(folder / "data", bulk=songs)
        bulk = take_bulk_down(stage)
        played = _play(stage, rounds=rounds, workers=workers)
        return render_takedowns(played, bulk, workers=workers), all(each.is_clean for each in played)

    return _write(_TAKEDOWNS, run, out)


@main.command()
@click.option("--kills", "count", type=click.IntRange(1), default=100, show_default=True, help="How many.")
@click.option("--workers", type=click.IntRange(1), default=2, show_default=True, help="Processes that serve.")
@click.option("--seed", type=int, default=0, show_default=True, help="Which random instants.")
@_out
def kills(*, count: int, workers: int, seed: int, out: Path) -> int:
    """Kill the server under clients who buy, many times."""

    def run(folder: Path) -> tuple[str, bool]:
        outcome = kill_repeatedly(
            set_stage(folder / "data", large_bytes=SMALL_BYTES), kills=count, workers=workers, seed=seed
        )
        control = kill_repeatedly(
            set_stage(folder / "hasty", large_bytes=SMALL_BYTES),
            kills=_CONTROL_KILLS,
            workers=1,
            site=HASTY_SITE,
            seed=seed,
        )
        return render_kills(outcome, control, workers=workers), outcome.is_clean and not control.is_clean

    return _write(_KILLS, run, out)


@main.command()
@click.option("--steps", type=click.IntRange(1), default=200_000, show_default=True, help="How many.")
@click.option("--processes", type=click.IntRange(1), default=os.cpu_count() or 1, show_default="one a core")
@_out
def metering(*, steps: int, processes: int, out: Path) -> int:
    """Compare the store's charges and books with a model, step by step."""

    def run(folder: Path) -> tuple[str, bool]:
        tally = take_steps(steps, processes=processes, folder=folder)
        return render_metering(tally), True

    return _write(_METERING, run, out)


def _write(title: str, run: Callable[[Path], tuple[str, bool]], out: Path) -> int:
    """Put the chapter that `run` makes on the page; the exit status."""
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="yuefu-soak-", dir=_DISK) as folder:
        body, is_clean = run(Path(folder))
    click.echo(body)
    chapter = Chapter(title, body, minutes=(time.perf_counter() - begun) / 60)
    page = out.read_text(encoding="utf-8") if out.exists() else ""
    out.write_text(put_chapter(page, chapter), encoding="utf-8")
    click.echo(f"written to {out}", err=True)
    return 0 if is_clean else 1


def _play(stage: Stage, *, rounds: int, workers: int) -> list[Round]:
    port = free_port()
    environment = {"YUEFU_DATA": str(stage.folder), "YUEFU_WORKERS": str(workers)}
    command = [str(YUEFU), "serve", "--port", str(port)]
    with (
        running(command, port=port, ready_path="/readyz", environment=environment),
        Operator(stage.folder) as operator,
    ):
        burst = Burst(f"http://127.0.0.1:{port}", stage)
        burst.start()
        try:
            played = []
            for number in range(rounds):
                played.append(play_round(burst, operator, stage, number))
                if len(played) % 50 == 0:
                    click.echo(f"{len(played):,} rounds…", err=True)
            return played
        finally:
            burst.stop()


if __name__ == "__main__":
    main()
