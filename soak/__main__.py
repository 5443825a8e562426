"""`python -m soak`: takes a song down under a burst of clients, many times, and writes `docs/soak.md`."""

import sys
import tempfile
import time
from pathlib import Path

import click
from bench.process import ROOT, free_port, running
from bench.stock import YUEFU

from soak.bulk import take_bulk_down
from soak.burst import Burst
from soak.operator import Operator
from soak.report import render_page
from soak.rounds import Round, play_round
from soak.stage import Stage, set_stage

PAGE = ROOT / "docs/soak.md"
_DISK = "/var/tmp"  # noqa: S108 - a disk, where the default folder for temporary files is often memory


@click.command()
@click.option("--rounds", type=click.IntRange(1), default=1_000, show_default=True, help="How many takedowns.")
@click.option("--workers", type=click.IntRange(1), default=2, show_default=True, help="Processes that serve.")
@click.option("--songs", type=click.IntRange(1), default=6_000, show_default=True, help="Songs taken down all at once.")
@click.option("--out", type=click.Path(path_type=Path), default=PAGE, help=f"[default: {PAGE.relative_to(ROOT)}]")
def main(*, rounds: int, workers: int, songs: int, out: Path) -> None:
    """Play the rounds; exit status 1 when anything came through."""
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="yuefu-soak-", dir=_DISK) as folder:
        stage = set_stage(Path(folder) / "data", bulk=songs)
        bulk = take_bulk_down(stage)
        played = _play(stage, rounds=rounds, workers=workers)
    page = render_page(played, bulk, workers=workers, minutes=(time.perf_counter() - begun) / 60)
    out.write_text(page, encoding="utf-8")
    click.echo(page)
    click.echo(f"written to {out}", err=True)
    sys.exit(0 if all(each.is_clean for each in played) else 1)


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
