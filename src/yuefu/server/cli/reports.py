"""`yuefu report …`."""

import csv
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

from yuefu.ids import AppId, SongId, VendorId
from yuefu.rights.ledger import PostingKind
from yuefu.rights.plan import Period
from yuefu.rights.sales_report import BLOCKS_A_FILE, BadParty, Party
from yuefu.rights.usage import BadKey, Selection
from yuefu.server.cli.options import (
    NUMBER,
    SONG_ID,
    command_author,
    data_option,
    json_option,
    print_json,
    print_table,
    settings_for,
)
from yuefu.server.cli.periods import PERIOD
from yuefu.server.reports import (
    InvoiceReport,
    ReportRow,
    ReportScope,
    TraceRow,
    invoice_report,
    statement_report,
    trace,
    trace_grant,
    usage_report,
    write_sales_report,
)
from yuefu.server.wiring import open_installation

F = TypeVar("F", bound=Callable[..., Any])

TABLE, CSV, JSON = "table", "csv", "json"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for a formula when a cell begins with it."""

_MOST_TRACED = 1_000_000


def _scope_options(command: F) -> F:
    for option in (
        click.option("--app", "app_id", type=NUMBER, help="Of one app. [default: all]"),
        click.option("--vendor", "vendor_id", type=NUMBER, help="Of songs of one vendor. [default: all]"),
        click.option("--period", type=PERIOD, help="The month, as 2026-11. [default: the one that runs]"),
    ):
        command = option(command)
    return command


def _format_options(command: F) -> F:
    formats = click.Choice([TABLE, CSV, JSON])
    return click.option("--format", "shape", type=formats, default=TABLE, show_default=True)(
        data_option(json_option(command))
    )


@click.group()
def report() -> None:
    """Reports of a month: what was used, who gets what, what apps owe; and what is behind each line."""


@report.command("usage")
@_scope_options
@click.option("--by", type=click.Choice(["song"]), help="A line a song.")
@_format_options
def usage(*, by: str | None, shape: str, data: str | None, as_json: bool, **asked: Any) -> None:
    """What was used, by app, vendor, resource type, scene and billing mode, with what it came to."""
    with open_installation(settings_for(data)) as installation:
        found = usage_report(installation.centre, _scope(**asked), by_song=by is not None)
    columns = ["app_id", "vendor_id", "resource_type", "scene_id", "mode"]
    if by is not None:
        columns += ["song_id", "title"]
    _print(found, found.rows, columns, JSON if as_json else shape)


@report.command("statement")
@_scope_options
@_format_options
def statement(*, shape: str, data: str | None, as_json: bool, **asked: Any) -> None:
    """Who gets what, by vendor and rights holder, as `yuefu split` says. What nobody is assigned has a line, too."""
    with open_installation(settings_for(data)) as installation:
        found = statement_report(installation.centre, _scope(**asked))
    _print(found, found.rows, ["app_id", "vendor_id", "chain", "holder"], JSON if as_json else shape)


@report.command("invoice")
@_scope_options
@_format_options
def invoice(*, shape: str, data: str | None, as_json: bool, **asked: Any) -> None:
    """What apps owe, by price. The sum is the books' own; of one vendor alone there is none."""
    with open_installation(settings_for(data)) as installation:
        found = invoice_report(installation.centre, _scope(**asked))
    chosen = JSON if as_json else shape
    _print(found, found.rows, ["app_id", "vendor_id", "mode", "price_id", "unit_minor"], chosen)
    if chosen == TABLE:
        _say_sums(found)


@report.command("trace")
@click.argument("key", required=False)
@click.option("--grant", "grant_id", type=NUMBER, help="The other way: in which lines a grant is.")
@click.option("--period", type=PERIOD, help="Of that month, as 2026-11.")
@click.option("--app", "app_id", type=NUMBER, help="Of that app.")
@click.option("--vendor", "vendor_id", type=NUMBER, help="Of songs of one vendor.")
@click.option("--type", "resource_type", type=click.IntRange(0, 99), help="Of one resource type.")
@click.option("--scene", "scene_id", type=click.IntRange(0, 99), help="Of one scene.")
@click.option("--mode", "billing_mode", type=click.IntRange(0, 99), help="Of one billing mode.")
@click.option("--song", "song_id", type=SONG_ID, help="Of one song.")
@click.option(
    "--entry", type=click.Choice([each.value for each in PostingKind]), help="Charges, or what was taken back."
)
@click.option("--limit", "at_most", type=click.IntRange(1, _MOST_TRACED), default=10_000, show_default=True)
@_format_options
def trace_command(
    *,
    key: str | None,
    grant_id: int | None,
    at_most: int,
    shape: str,
    data: str | None,
    as_json: bool,
    **asked: Any,
) -> None:
    """What is behind the line of a report whose `key` is KEY: every charge, share and play, with its grant.

    Instead of a key, options say which uses are meant: `--app` and `--period` at least.
    """
    said = {name: value for name, value in asked.items() if value is not None}
    if (key is not None) + (grant_id is not None) + bool(said) != 1:
        raise click.UsageError("say what to trace: a line's KEY, or --grant, or --app and --period with others")
    chosen = JSON if as_json else shape
    with open_installation(settings_for(data)) as installation:
        centre = installation.centre
        if grant_id is not None:
            of_grant = trace_grant(centre, grant_id)
            _print_traced(of_grant, of_grant.rows, chosen, with_keys=True)
            return
        found = trace(centre, _selection(key, said), at_most=at_most)
    _print_traced(found, found.rows, chosen)
    if chosen == TABLE:
        cut = f"; the first {at_most} are shown, --limit N shows more" if found.is_cut else ""
        click.echo(
            f"{found.requests} requests, {found.shared} shared, {found.plays} plays, {found.reversed} reversed: "
            f"{found.amount_minor}{cut}"
        )


@report.command("dsr")
@click.option("--period", type=PERIOD, required=True, help="The month, as 2026-11.")
@click.option("--vendor", "vendor_id", type=NUMBER, required=True, help="Whose songs.")
@click.option("--app", "app_id", type=NUMBER, help="Of one app. [default: all]")
@click.option("--to", "folder", type=click.Path(file_okay=False, path_type=Path), required=True, help="The folder.")
@click.option("--sender", default="", help="Your DDEX party id (DPID).")
@click.option("--sender-name", default="", help="Your name.")
@click.option("--recipient", default="", help="The vendor's DDEX party id.")
@click.option("--recipient-name", default="", help="The vendor's name.")
@click.option(
    "--blocks",
    "blocks_a_file",
    type=NUMBER,
    default=BLOCKS_A_FILE,
    show_default=True,
    help="How many songs a file has at most.",
)
@data_option
@json_option
def dsr(
    *,
    period: Period,
    vendor_id: int,
    app_id: int | None,
    folder: Path,
    sender: str,
    sender_name: str,
    recipient: str,
    recipient_name: str,
    blocks_a_file: int,
    data: str | None,
    as_json: bool,
) -> None:
    """A vendor's month as a DDEX sales report (DSR): tab-separated files, under a message id that is used once."""
    try:
        parties = Party(dpid=sender, name=sender_name), Party(dpid=recipient, name=recipient_name)
    except BadParty as error:
        raise click.UsageError(str(error)) from None
    with open_installation(settings_for(data)) as installation:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            written = write_sales_report(
                installation.centre,
                VendorId(vendor_id),
                period,
                command_author(),
                app_id=None if app_id is None else AppId(app_id),
                folder=folder,
                sender=parties[0],
                recipient=parties[1],
                blocks_a_file=blocks_a_file,
            )
        except OSError as error:
            raise click.FileError(str(folder), error.strerror or str(error)) from None
    if not sender:
        click.echo("no --sender: DDEX wants the sender's party id in every report; this one is a draft", err=True)
    for app in written.open_apps:
        click.echo(f"{period} of app {app} is not closed: what the report says may still change", err=True)
    if as_json:
        print_json(written)
    else:
        click.echo(f"Message {written.message_id}, {written.blocks} songs:")
        for file in written.files:
            click.echo(file)


def _scope(*, period: Period | None, vendor_id: int | None, app_id: int | None) -> ReportScope:
    return ReportScope(
        period=period,
        vendor_id=None if vendor_id is None else VendorId(vendor_id),
        app_id=None if app_id is None else AppId(app_id),
    )


def _selection(key: str | None, said: dict[str, Any]) -> Selection:
    if key is not None:
        try:
            return Selection.parse(key)
        except BadKey as error:
            raise click.UsageError(str(error)) from None
    if "app_id" not in said or "period" not in said:
        raise click.UsageError("a trace is of one app and one month: --app and --period")
    if "entry" in said:
        said["entry"] = PostingKind(said["entry"])
    if "song_id" in said:
        said["song_id"] = SongId(said["song_id"])
    return Selection(**said)


_COUNTS = ("requests", "covered", "unpriced", "shared", "plays", "reversed", "amount_minor")
_HEADS = {
    "period": "",
    "app_id": "App",
    "vendor_id": "Vendor",
    "resource_type": "Type",
    "scene_id": "Scene",
    "song_id": "Song",
    "price_id": "Price",
    "unit_minor": "Each",
    "amount_minor": "Amount",
    "rights_revision": "Revision",
}
"""What columns are called in tables for people, where that is not their name."""


def _print(found: Any, rows: Sequence[ReportRow], columns: Sequence[str], shape: str) -> None:
    """A report in the shape that was asked for. Tables for people leave out the keys, and what no line has."""
    if shape == JSON:
        print_json(found)
    elif shape == CSV:
        _print_csv(["period", *columns, "entry", "month", "currency", *_COUNTS, "key"], rows)
    elif not rows:
        click.echo("Nothing to tell.")
    else:
        told = {name for name in _COUNTS if any(getattr(row, name) for row in rows)} | {"requests", "shared"}
        is_mixed = any(row.entry != PostingKind.CHARGE.value for row in rows)
        _print_people(["period", *columns, *["entry"] * is_mixed, *(name for name in _COUNTS if name in told)], rows)


def _print_people(head: Sequence[str], rows: Sequence[Any]) -> None:
    """A table; what all lines of a report have in common is its title, so that it fits a terminal."""
    title = []
    if isinstance(rows[0], ReportRow):
        for name in ("period", "app_id", "vendor_id"):
            if len({getattr(row, name) for row in rows}) == 1:
                title.append(f"{_HEADS[name]} {getattr(rows[0], name)}".strip())
                head = [each for each in head if each != name]
    heads = [_HEADS.get(name, name.removesuffix("_id").capitalize()) for name in head]
    print_table(heads, [[_words(row, name) for name in head] for row in rows], title=", ".join(title) or None)


def _words(row: Any, name: str) -> str:
    """A cell as people read it: an amount with its currency, an adjustment with the month it is of."""
    value = getattr(row, name)
    if name == "amount_minor":
        return f"{value} {row.currency}".strip()
    if name == "entry" and isinstance(row, ReportRow) and row.month != row.period:
        return f"{value} of {row.month}"
    return "" if value is None else str(value)


def _print_traced(found: Any, rows: Sequence[TraceRow], shape: str, *, with_keys: bool = False) -> None:
    head = [name for name in TraceRow.__struct_fields__ if name != "keys"]
    match shape:
        case "json":
            print_json(found)
        case "csv":
            _print_csv(head, rows)
        case _:
            _print_people([name for name in head if name not in {"title", "reason", "currency"}], rows)
            for row in rows if with_keys else ():
                for name, key in row.keys.items():
                    click.echo(f"{row.entry} in the {name}: {key}")


def _print_csv(head: Sequence[str], rows: Sequence[msgspec.Struct]) -> None:
    text = io.StringIO(newline="")
    table = csv.writer(text)
    table.writerow(head)
    table.writerows([_harmless(getattr(row, name)) for name in head] for row in rows)
    click.echo(text.getvalue(), nl=False)


def _harmless(value: object) -> object:
    """A cell as no spreadsheet takes it for a formula: text that could be one gets an apostrophe before it."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _say_sums(found: InvoiceReport) -> None:
    for each in found.sums:
        state = "closed" if each.is_closed else "open"
        click.echo(
            f"App {each.app_id} owes {each.amount_minor} {each.currency} for {each.period} ({state}), as booked."
        )
