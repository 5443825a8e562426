"""`yuefu chart …`."""

from pathlib import Path
from typing import Any, get_args

import click
import msgspec

from yuefu.catalogue.chart import Chart, Counted, make_rule
from yuefu.ids import SongId, VendorId
from yuefu.server.cli.options import (
    COUNT,
    NUMBER,
    SONG_ID,
    command_author,
    print_json,
    print_table,
    settings_for,
    standard_options,
)
from yuefu.server.cli.tables import export_file, import_options, print_report, write_table
from yuefu.server.programme import (
    compute_charts,
    known_vendor,
    list_charts,
    remove_chart,
    rule_chart,
    set_chart,
    show_chart,
)
from yuefu.server.programme_tables import export_charts, import_charts
from yuefu.server.wiring import Installation, open_installation
from yuefu.units import format_instant

_vendor_option = click.option("--vendor", type=NUMBER, required=True, help="Whose chart.")
_one_vendor_option = click.option("--vendor", type=NUMBER, help="Of one vendor only.")
_COUNTED = {"grants": "granted", "plays": "played"}
_name_option = click.option("--name", help="What it is called. [default: as before, or as documented]")


@click.group()
def chart() -> None:
    """Charts: songs in an order, kept by hand or counted by a rule."""


@chart.command("list")
@_one_vendor_option
@standard_options
def list_command(*, vendor: int | None, data: str | None, as_json: bool) -> None:
    """The charts there are: the documented ones, filled or not, and your own."""
    with open_installation(settings_for(data)) as installation:
        shown = [
            _facts(chart) | {"songs": len(installation.centre.programme.charted(chart.top_id, chart.vendor_id) or ())}
            for chart in list_charts(installation.centre, _vendor(installation, vendor))
        ]
    if as_json:
        print_json(shown)
        return
    rows = [
        (
            str(each["vendor_id"]),
            each["top_id"],
            each["name"],
            str(each["songs"]),
            _rule(each),
            each["as_of"] or "never",
        )
        for each in shown
    ]
    print_table(("Vendor", "Chart", "Name", "Songs", "Rule", "As of"), rows)


@chart.command("show")
@click.argument("top_id")
@_vendor_option
@standard_options
def show(*, top_id: str, vendor: int, data: str | None, as_json: bool) -> None:
    """One chart: its rule, the instant it speaks of, its songs and how often each was granted or played."""
    with open_installation(settings_for(data)) as installation:
        centre = installation.centre
        found, entries = show_chart(centre, known_vendor(centre, vendor), top_id)
        listings = {each.song_id: each for each in centre.listings.listings([entry.song_id for entry in entries])}
    facts = _facts(found)
    songs: list[dict[str, Any]] = [
        {
            "song_id": str(entry.song_id),
            "song_name": listing.title if (listing := listings.get(entry.song_id)) else None,
            "singer_name": "/".join(listing.singers) if listing else None,
            "uses": entry.uses,
        }
        for entry in entries
    ]
    if as_json:
        print_json(facts | {"songs": songs})
        return
    click.echo(f"{found.name}: {_rule(facts)}, as of {facts['as_of'] or 'never'}")
    rows = [
        (
            str(place),
            each["song_id"],
            each["song_name"] or "(not published now)",
            each["singer_name"] or "",
            str(each["uses"]),
        )
        for place, each in enumerate(songs, start=1)
    ]
    print_table(("Place", "Song", "Title", "Singers", "Uses"), rows)


@chart.command("set")
@click.argument("top_id")
@click.argument("song_ids", metavar="SONG...", type=SONG_ID, nargs=-1, required=True)
@_vendor_option
@_name_option
@standard_options
def set_command(
    *, top_id: str, song_ids: tuple[SongId, ...], vendor: int, name: str | None, data: str | None, as_json: bool
) -> None:
    """Keep a chart by hand: these songs in this order, in place of what it was."""
    with open_installation(settings_for(data)) as installation:
        centre = installation.centre
        written = set_chart(centre, known_vendor(centre, vendor), top_id, song_ids, name=name, author=command_author())
    _say([written], as_json=as_json)


@chart.command("rule")
@click.argument("top_id")
@_vendor_option
@click.option("--days", type=COUNT, required=True, help="How many days before the cut-off count.")
@click.option("--threshold", type=COUNT, help="Grants, or plays, a song must have. [default: 1]")
@click.option("--cut-off", "cut_off_hour", type=COUNT, help="The hour at which it is counted, 0 to 23. [default: 0]")
@click.option("--zone", "time_zone", help="Whose hour. [default: Asia/Shanghai]")
@click.option("--size", type=COUNT, help="Songs at most. [default: 100]")
@click.option("--count", "counted", type=click.Choice(get_args(Counted)), help="What is counted. [default: grants]")
@_name_option
@standard_options
def rule_command(
    *, top_id: str, vendor: int, name: str | None, data: str | None, as_json: bool, **facts: int | str | None
) -> None:
    """Have a chart counted by a rule: now, and from now on soon after each cut-off while a server runs."""
    rule = make_rule({field: value for field, value in facts.items() if value is not None})
    with open_installation(settings_for(data)) as installation:
        centre = installation.centre
        counted = rule_chart(centre, known_vendor(centre, vendor), top_id, rule, name=name, author=command_author())
    _say([counted], as_json=as_json)


@chart.command("compute")
@click.argument("top_id", required=False)
@_one_vendor_option
@standard_options
def compute(*, top_id: str | None, vendor: int | None, data: str | None, as_json: bool) -> None:
    """Count the charts that have a rule again, all or some."""
    with open_installation(settings_for(data)) as installation:
        counted = compute_charts(installation.centre, _vendor(installation, vendor), top_id, author=command_author())
    if not counted:
        raise click.UsageError("no such chart has a rule; `yuefu chart list` shows the rules")
    _say(counted, as_json=as_json)


@chart.command("remove")
@click.argument("top_id")
@_vendor_option
@standard_options
def remove(*, top_id: str, vendor: int, data: str | None, as_json: bool) -> None:
    """Take a chart away. A documented one stays, without songs."""
    with open_installation(settings_for(data)) as installation:
        centre = installation.centre
        remove_chart(centre, known_vendor(centre, vendor), top_id, author=command_author())
    if as_json:
        print_json({"vendor_id": vendor, "removed": top_id})
    else:
        click.echo(f"Chart {top_id} of vendor {vendor} is removed.")


@chart.command("export")
@export_file
@_one_vendor_option
@standard_options
def export_command(*, file: str, vendor: int | None, data: str | None, as_json: bool) -> None:
    """Write the filled charts as CSV; `-` is standard output."""
    with open_installation(settings_for(data)) as installation:
        table = export_charts(installation.centre, _vendor(installation, vendor))
    write_table(table, file, as_json=as_json)


@chart.command("import")
@import_options
@standard_options
def import_command(*, file: Any, dry_run: bool, data: str | None, as_json: bool) -> None:
    """Take in charts from CSV: the whole file or, with findings, nothing and exit status 1."""
    with open_installation(settings_for(data)) as installation:
        report = import_charts(
            installation.centre, file.read(), author=command_author(), file=Path(file.name).name, dry_run=dry_run
        )
    print_report(report, as_json=as_json)


def _vendor(installation: Installation, vendor: int | None) -> VendorId | None:
    return None if vendor is None else known_vendor(installation.centre, vendor)


def _say(charts: list[Chart], *, as_json: bool) -> None:
    if as_json:
        print_json([_facts(chart) for chart in charts])
        return
    for chart in charts:
        facts = _facts(chart)
        click.echo(
            f"Chart {chart.top_id} of vendor {chart.vendor_id}, {chart.name}: {_rule(facts)}, as of {facts['as_of']}"
        )


def _facts(chart: Chart) -> dict[str, Any]:
    return {
        "vendor_id": chart.vendor_id,
        "top_id": chart.top_id,
        "name": chart.name,
        "rule": msgspec.to_builtins(chart.rule),
        "as_of": None if chart.as_of_ms is None else format_instant(chart.as_of_ms),
    }


def _rule(facts: dict[str, Any]) -> str:
    rule = facts["rule"]
    if rule is None:
        return "kept by hand" if facts["as_of"] else "empty"
    return (
        f"{_COUNTED[rule['counted']]} {rule['threshold']} times or more in {rule['days']} days before "
        f"{rule['cut_off_hour']:02}:00 {rule['time_zone']}, the first {rule['size']}"
    )
