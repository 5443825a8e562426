"""`yuefu split …`."""

from typing import Any

import click

from yuefu.ids import SongId, VendorId
from yuefu.rights.deal import Chain
from yuefu.rights.plan import Period, month_of
from yuefu.rights.split import BadSplit, Portion, RecordedSplit, Split, parse_share, spell_share
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
from yuefu.server.reports import set_split
from yuefu.server.wiring import open_installation
from yuefu.units import format_instant


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
        now_ms = installation.centre.now_ms()
        try:
            asked = Split(
                vendor_id=VendorId(vendor_id),
                song_id=song_id,
                from_period=from_period or month_of(now_ms, "UTC"),
                portions=(*_portions(Chain.RECORDING, recording), *_portions(Chain.WORK, work)),
            )
        except BadSplit as error:
            raise click.UsageError(str(error)) from None
        split_id = set_split(installation.centre, asked, command_author())
    recorded = RecordedSplit(split_id=split_id, split=asked, recorded_at_ms=now_ms)
    if as_json:
        print_json(_facts(recorded))
    else:
        click.echo(f"Split {split_id} holds from {asked.from_period} on.")


@split.command("list")
@click.option("--vendor", "vendor_id", type=NUMBER, help="Of one vendor. [default: of all]")
@standard_options
def list_splits(*, vendor_id: int | None, data: str | None, as_json: bool) -> None:
    """The splits, in the order they were written."""
    with open_installation(settings_for(data)) as installation:
        splits = installation.centre.splits.splits(None if vendor_id is None else VendorId(vendor_id))
    if as_json:
        print_json([_facts(each) for each in splits])
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


def _facts(recorded: RecordedSplit) -> dict[str, Any]:
    held = recorded.split
    return {
        "split_id": recorded.split_id,
        "vendor_id": held.vendor_id,
        "song_id": None if held.song_id is None else str(held.song_id),
        "from_period": str(held.from_period),
        "shares": [
            {"chain": each.chain.value, "holder": each.holder, "percent": spell_share(each.share_ppm)}
            for each in held.portions
        ],
        "recorded_at": format_instant(recorded.recorded_at_ms),
    }


def _row(recorded: RecordedSplit) -> tuple[str, ...]:
    held = recorded.split
    shares = [f"{each.chain.value} {each.holder} {spell_share(each.share_ppm)} %" for each in held.portions]
    return (
        str(recorded.split_id),
        str(held.vendor_id),
        "" if held.song_id is None else str(held.song_id),
        str(held.from_period),
        "\n".join(shares) or "unassigned",
    )
