"""`yuefu split …`."""

import click

from yuefu.ids import SongId, VendorId
from yuefu.rights.deal import Chain
from yuefu.rights.plan import Period, month_of
from yuefu.rights.split import BadSplit, Portion, Split, parse_share
from yuefu.server.cli.options import (
    NUMBER,
    SONG_ID,
    command_author,
    print_json,
    print_table,
    settings_for,
    standard_options,
)
from yuefu.server.cli.periods import PERIOD
from yuefu.server.reports import ShownSplit, set_split, shown_split
from yuefu.server.wiring import open_installation


@click.group()
def split() -> None:
    """Who gets what of the money that is owed for a vendor's songs. Splits are only ever added to."""


@split.command("set")
@click.option("--vendor", "vendor_id", type=NUMBER, required=True, help="Whose songs.")
@click.option("--song", "song_id", type=SONG_ID, help="Of one song. [default: of all that have none of their own]")
@click.option("--recording", multiple=True, metavar="HOLDER=PERCENT", help="A share for the recording. Repeat.")
@click.option("--work", multiple=True, metavar="HOLDER=PERCENT", help="A share for words and music. Repeat.")
@click.option("--from", "from_period", type=PERIOD, help="From which month on. [default: the one that runs, in UTC]")
@standard_options
def set_command(
    *,
    vendor_id: int,
    song_id: SongId | None,
    recording: tuple[str, ...],
    work: tuple[str, ...],
    from_period: Period | None,
    data: str | None,
    as_json: bool,
) -> None:
    """Say who gets what, in percent of the whole: 100 is all there is, for recording and work together.

    It holds in place of an earlier split from that month on. Without shares all is unassigned. Months that are closed
    keep what they were told.
    """
    with open_installation(settings_for(data)) as installation:
        try:
            asked = Split(
                vendor_id=VendorId(vendor_id),
                song_id=song_id,
                from_period=from_period or month_of(installation.centre.now_ms(), "UTC"),
                portions=(*_portions(Chain.RECORDING, recording), *_portions(Chain.WORK, work)),
            )
        except BadSplit as error:
            raise click.UsageError(str(error)) from None
        shown = set_split(installation.centre, asked, command_author())
    if as_json:
        print_json(shown)
    else:
        click.echo(f"Split {shown.split_id} holds from {shown.from_period} on.")


@split.command("list")
@click.option("--vendor", "vendor_id", type=NUMBER, help="Of one vendor. [default: of all]")
@standard_options
def list_splits(*, vendor_id: int | None, data: str | None, as_json: bool) -> None:
    """The splits, in the order they were written."""
    with open_installation(settings_for(data)) as installation:
        found = installation.centre.splits.splits(None if vendor_id is None else VendorId(vendor_id))
    splits = [shown_split(each) for each in found]
    if as_json:
        print_json(splits)
        return
    print_table(("Split", "Vendor", "Song", "From", "Shares"), [_row(each) for each in splits])


def _portions(chain: Chain, said: tuple[str, ...]) -> list[Portion]:
    portions = []
    for text in said:
        holder, mark, share = text.rpartition("=")
        if not mark:
            raise BadSplit(f"{text[:40]!r}: write a share as HOLDER=PERCENT")
        portions.append(Portion(chain=chain, holder=holder.strip(), share_ppm=parse_share(share)))
    return portions


def _row(shown: ShownSplit) -> tuple[str, ...]:
    shares = [f"{each.chain.value} {each.holder} {each.percent} %" for each in shown.shares]
    return (
        str(shown.split_id),
        str(shown.vendor_id),
        shown.song_id or "",
        shown.from_period,
        "\n".join(shares) or "unassigned",
    )
