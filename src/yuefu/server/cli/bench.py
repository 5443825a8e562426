"""`yuefu bench …`: things to measure on."""

import gc
import itertools
import time

import click
from rich.console import Console
from rich.progress import Progress

from yuefu.ingest.synthetic import SyntheticSong, synthetic_songs
from yuefu.server.centre import Transaction
from yuefu.server.cli.options import COUNT, NUMBER, print_json, settings_for, standard_options
from yuefu.server.wiring import open_installation

_BATCH = 20_000


@click.group()
def bench() -> None:
    """Make something to measure on."""


@bench.command("catalogue")
@click.option("--songs", "count", type=NUMBER, default=1_000_000, show_default=True)
@click.option("--vendor", type=NUMBER, default=1, show_default=True)
@click.option("--seed", type=COUNT, default=1, show_default=True)
@standard_options
def catalogue(*, count: int, vendor: int, seed: int, data: str | None, as_json: bool) -> None:
    """Fill the store with a realistic catalogue without audio, through the same doors as any import.

    The rate is the store's, search index and commits included, without the making up of the songs.
    """
    seconds = 0.0
    with open_installation(settings_for(data)) as installation, Progress(console=Console(stderr=True)) as bar:
        centre = installation.centre
        task = bar.add_task("publishing songs", total=count)
        at_ms = centre.now_ms()
        made = synthetic_songs(count, vendor_id=vendor, seed=seed)
        while batch := list(itertools.islice(made, _BATCH)):

            def job(transaction: Transaction, batch: list[SyntheticSong] = batch) -> None:
                for song in batch:
                    publication = transaction.publish(song.published, at_ms=at_ms)
                    for deal in song.deals(publication.song_id):
                        transaction.record_deal(deal, at_ms=at_ms)

            gc.freeze()  # the made-up songs are the bench's, and so is looking through them for garbage
            begun = time.perf_counter()
            centre.work.run(job)
            seconds += time.perf_counter() - begun
            gc.unfreeze()
            bar.advance(task, len(batch))
    facts = {"songs": count, "seconds": round(seconds, 1), "songs_per_s": round(count / seconds)}
    if as_json:
        print_json(facts)
    else:
        click.echo(f"{count:,} songs in {seconds:.1f} s: {count / seconds:,.0f} a second")
