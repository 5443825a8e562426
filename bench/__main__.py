"""`python -m bench [WHAT…]`: measures, prints, and, when everything was measured, writes `docs/benchmarks.md`."""

import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import click

from bench.charge import measure_charge
from bench.deciding import measure_deciding
from bench.media import measure_media
from bench.process import ROOT
from bench.query import measure_query
from bench.report import Figures, render_figures, render_page
from bench.stock import stock_up

TOPICS = ("catalogue", "query", "deciding", "charge", "media")
_NEED_STOCK = {"catalogue", "query", "deciding"}
PAGE = ROOT / "docs/benchmarks.md"
_DISK = "/var/tmp"  # noqa: S108 - a disk, where the default folder for temporary files is often memory


@click.command()
@click.argument("what", type=click.Choice(TOPICS), nargs=-1)
@click.option("--songs", type=click.IntRange(20), default=1_000_000, show_default=True, help="Songs in the catalogue.")
@click.option("--apps", type=click.IntRange(1), default=400, show_default=True, help="Apps that share the questions.")
@click.option("--rounds", type=click.IntRange(1), default=7, show_default=True, help="Rounds of each alternative.")
@click.option("--requests", type=click.IntRange(1), default=20_000, show_default=True, help="Questions in a round.")
@click.option("--charges", type=click.IntRange(1), default=4_000, show_default=True, help="Charges in a round.")
@click.option("--files", type=click.IntRange(1), default=40, show_default=True, help="Files a listener in a round.")
@click.option("--keep", type=click.Path(path_type=Path), help="Keep the catalogue in this folder, and use it again.")
@click.option(
    "--out", type=click.Path(path_type=Path), help=f"Where the page goes. [default: {PAGE.relative_to(ROOT)}]"
)
def main(
    *,
    what: tuple[str, ...],
    songs: int,
    apps: int,
    rounds: int,
    requests: int,
    charges: int,
    files: int,
    keep: Path | None,
    out: Path | None,
) -> None:
    """Measure WHAT (everything, when nothing is named). A part is only printed, unless --out says where it goes."""
    begun = time.perf_counter()
    topics = what or TOPICS
    stock = query = deciding = charge = media = None
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="yuefu-bench-", dir=_DISK)))
        if _NEED_STOCK.intersection(topics):
            click.echo(f"a catalogue of {songs:,} songs…", err=True)
            stock = stock_up((keep or folder) / f"catalogue-{songs}", songs=songs, apps=apps)
        if "query" in topics and stock is not None:
            click.echo("signed queries…", err=True)
            query = measure_query(stock, rounds=rounds, requests=requests, folder=folder)
        if "deciding" in topics and stock is not None:
            click.echo("decisions…", err=True)
            deciding = measure_deciding(stock, rounds=rounds)
        if "charge" in topics:
            click.echo("durable charges…", err=True)
            charge = measure_charge(rounds=rounds, requests=charges, folder=folder)
        if "media" in topics:
            click.echo("media bytes…", err=True)
            media = measure_media(rounds=rounds, files=files, folder=folder)
    figures = Figures(stock, query, deciding, charge, media)
    click.echo(render_figures(figures))
    target = out or (None if what else PAGE)
    if target is not None:
        target.write_text(render_page(figures, minutes=(time.perf_counter() - begun) / 60), encoding="utf-8")
        click.echo(f"written to {target}", err=True)


if __name__ == "__main__":
    main()
