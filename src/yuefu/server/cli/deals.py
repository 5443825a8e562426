"""`yuefu deal …`."""

import click

from yuefu.ids import SongId, VendorId
from yuefu.rights.deal import Deal, Terms, TermSheet
from yuefu.server.centre import Transaction
from yuefu.server.cli.options import INSTANT, print_json, settings_for, standard_options
from yuefu.server.licensing import RIGHTS
from yuefu.server.wiring import open_installation
from yuefu.units import batched

SLICE = 1_000
"""Deals a transaction: a server beside us waits for the file no longer than one of them takes."""


@click.group()
def deal() -> None:
    """Deals: what rights holders allow, and for how long."""


@deal.command("add")
@click.option("--song", "songs", type=int, multiple=True, help="A song's id; repeat.")
@click.option("--vendor", type=int, help="All songs of a vendor.")
@click.option("--rights", type=click.Choice([name for name, chains in RIGHTS.items() if chains]), required=True)
@click.option("--from", "valid_from", type=INSTANT, help="First instant, ISO 8601 with offset. [default: since ever]")
@click.option("--until", "valid_until", type=INSTANT, help="First instant after it. [default: until further notice]")
@click.option("--channel", type=click.IntRange(0), default=0, show_default=True, help="0 asks for the logo.")
@standard_options
def add(
    *,
    songs: tuple[int, ...],
    vendor: int | None,
    rights: str,
    valid_from: int | None,
    valid_until: int | None,
    channel: int,
    data: str | None,
    as_json: bool,
) -> None:
    """Record a deal for songs. It takes the place of their earlier deals for the same rights."""
    if bool(songs) == (vendor is not None):
        raise click.UsageError("say which songs: either --song ID (repeated) or --vendor N for all of a vendor's")
    terms = Terms(valid_from_ms=valid_from, valid_until_ms=valid_until, channel=channel)
    with open_installation(settings_for(data)) as installation:
        centre = installation.centre
        ids = [SongId(song) for song in songs]
        if vendor is not None:
            ids = [song.song_id for song in centre.songs.songs(VendorId(vendor))]
        if not ids:
            raise click.UsageError(f"vendor {vendor} has no songs; import some first")
        deals = [Deal(song_id=song_id, chains=RIGHTS[rights], sheet=TermSheet(terms=(terms,))) for song_id in ids]
        at_ms = centre.now_ms()
        revisions: list[int] = []
        for slice_of in batched(deals, SLICE):

            def job(transaction: Transaction, deals: list[Deal] = slice_of) -> list[int]:
                return [transaction.record_deal(each, at_ms=at_ms) for each in deals]

            revisions += centre.work.run(job)
    if as_json:
        print_json(
            [{"song_id": str(song), "revision": revision} for song, revision in zip(ids, revisions, strict=True)]
        )
    else:
        click.echo(f"Songs that have a new deal for {rights}: {len(ids)}")
