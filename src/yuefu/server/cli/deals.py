"""`yuefu deal …`: deals written down by hand; the rest of the group is joined to it here."""

import re
from typing import Any

import click

from yuefu.catalogue.identifier import BadIdentifier, parse_isrc, parse_iswc
from yuefu.ids import SongId, VendorId
from yuefu.rights.deal import CommercialModel, Deal, Terms, TermSheet, Use
from yuefu.server.centre import Centre
from yuefu.server.cli.deal_questions import expiring, explain_command, history, list_deals
from yuefu.server.cli.deal_tables import export_command, import_command
from yuefu.server.cli.options import (
    COUNT,
    INSTANT,
    NUMBER,
    SONG_ID,
    command_author,
    print_json,
    settings_for,
    standard_options,
)
from yuefu.server.cli.tables import print_lifted
from yuefu.server.deal_tables import parse_tier
from yuefu.server.licensing import RIGHTS, RecordedDeal, RecordedDeals, record_deals
from yuefu.server.wiring import open_installation

_RIGHTS_CHOICE = click.Choice([name for name, chains in RIGHTS.items() if chains])


@click.group()
def deal() -> None:
    """Deals: what rights holders allow, and for how long."""


for command in (import_command, export_command, list_deals, history, explain_command, expiring):
    deal.add_command(command)


@deal.command("add")
@click.option("--song", "songs", type=SONG_ID, multiple=True, help="A song's id; repeat.")
@click.option("--vendor", type=NUMBER, help="All songs of a vendor, or those of it that the next two name.")
@click.option("--work", metavar="ISWC", help="The vendor's songs of a work.")
@click.option("--recording", metavar="ISRC", help="The vendor's songs of a recording.")
@click.option("--rights", type=_RIGHTS_CHOICE, required=True)
@click.option("--use", "uses", type=click.Choice([use.value for use in Use]), multiple=True, help="[default: any]")
@click.option(
    "--model",
    "models",
    type=click.Choice([model.value for model in CommercialModel]),
    multiple=True,
    help="How it is paid. [default: any way]",
)
@click.option("--territory", "territories", multiple=True, help="Codes or groups, as CN or EU. [default: everywhere]")
@click.option("--except-territory", "excluded", multiple=True, help="Everywhere but there.")
@click.option("--from", "valid_from", type=INSTANT, help="First instant, ISO 8601 with offset. [default: since ever]")
@click.option("--until", "valid_until", type=INSTANT, help="First instant after it. [default: until further notice]")
@click.option("--max-uses", type=COUNT, help="Grants of a song within the validity. [default: no cap]")
@click.option("--tier", default="", help="The rights holder's class of price.")
@click.option("--channel", type=COUNT, default=0, show_default=True, help="0 asks for the logo.")
@standard_options
def add(
    *,
    songs: tuple[SongId, ...],
    vendor: int | None,
    work: str | None,
    recording: str | None,
    rights: str,
    uses: tuple[str, ...],
    models: tuple[str, ...],
    territories: tuple[str, ...],
    excluded: tuple[str, ...],
    valid_from: int | None,
    valid_until: int | None,
    max_uses: int | None,
    tier: str,
    channel: int,
    data: str | None,
    as_json: bool,
) -> None:
    """Record a deal for songs. It takes the place of their earlier deals for the same rights.

    It is for the songs there are now: one that comes later has no deal until it is given one.

    Options that name several things may be repeated; territories may also be parted by commas.
    """
    if bool(songs) == (vendor is not None):
        raise click.UsageError("say which songs: either --song ID (repeated) or --vendor N for all of a vendor's")
    if vendor is None and not (work is None and recording is None):
        raise click.UsageError("--work and --recording are for songs of one vendor: say --vendor N instead of --song")
    if work is not None and recording is not None:
        raise click.UsageError("say --work or --recording, and the other in a second call")
    terms = Terms(
        valid_from_ms=valid_from,
        valid_until_ms=valid_until,
        uses=tuple(map(Use, uses)),
        models=tuple(map(CommercialModel, models)),
        territories=_territories(territories),
        excluded_territories=_territories(excluded),
        max_uses=max_uses,
        tier=_tier(tier),
        channel=channel,
    )
    with open_installation(settings_for(data)) as installation:
        centre = installation.centre
        ids = list(songs) if vendor is None else _songs_of(centre, VendorId(vendor), work=work, recording=recording)
        done = _record(centre, ids, rights, TermSheet(terms=(terms,)), "yuefu deal add")
    _print(done, f"Songs that have a new deal for {rights}", as_json=as_json)


@deal.command("end")
@click.option("--song", "songs", type=SONG_ID, multiple=True, required=True, help="A song's id; repeat.")
@click.option("--rights", type=_RIGHTS_CHOICE, default="both", show_default=True)
@standard_options
def end(*, songs: tuple[SongId, ...], rights: str, data: str | None, as_json: bool) -> None:
    """Record that there is no deal any more: a rights holder's "no deal" in place of the earlier ones, from now on."""
    with open_installation(settings_for(data)) as installation:
        done = _record(installation.centre, list(songs), rights, TermSheet(terms=()), "yuefu deal end")
    _print(done, f"Songs that have no deal for {rights} any more", as_json=as_json)


def _songs_of(centre: Centre, vendor_id: VendorId, *, work: str | None, recording: str | None) -> list[SongId]:
    """The vendor's songs, of one work or recording where that is said; some there must be."""
    views = centre.rights_views
    try:
        if work is not None:
            songs, what = views.works(vendor_id, parse_iswc(work)), f" of the work {work}"
        elif recording is not None:
            songs, what = views.recordings(vendor_id, parse_isrc(recording)), f" of the recording {recording}"
        else:
            songs, what = list(views.song_ids(vendor_id)), ""
    except BadIdentifier as error:
        raise click.UsageError(str(error)) from None
    if not songs:
        raise click.UsageError(f"vendor {vendor_id} has no songs{what}; import some first")
    return songs


def _record(centre: Centre, songs: list[SongId], rights: str, sheet: TermSheet, source: str) -> RecordedDeals:
    deals = (Deal(song_id=song_id, chains=RIGHTS[rights], sheet=sheet, source=source) for song_id in songs)
    return record_deals(centre, deals, command_author())


def _territories(texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for text in texts for name in re.split(r"[,\s]+", text.upper()) if name)


def _tier(text: str) -> str:
    try:
        return parse_tier(text.strip())
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--tier") from None


def _print(done: RecordedDeals, words: str, *, as_json: bool) -> None:
    if as_json:
        print_json([_shown(each) for each in done.recorded])
    else:
        click.echo(f"{words}: {len(done.recorded)}")
        print_lifted(done.lifted)


def _shown(deal: RecordedDeal) -> dict[str, Any]:
    return {
        "song_id": str(deal.song_id),
        "revision": deal.after_revision,
        "lifted_cases": [block.case_id for block in deal.lifted],
    }
