"""`yuefu deal import` and `export`."""

import io
import sys
from pathlib import Path

import click
import msgspec

from yuefu.server.cli.options import NUMBER, command_author, print_json, print_table, settings_for, standard_options
from yuefu.server.cli.tables import export_file, import_options, print_findings, print_lifted, write_table
from yuefu.server.deal_tables import LARGEST_BYTES, DealsImport, export_deals, import_deals
from yuefu.server.programme import known_vendor
from yuefu.server.wiring import open_installation

MOST_SHOWN = 100
"""Changes that people are shown; JSON has all of them."""


@click.command("import")
@import_options
@click.option("--vendor", type=NUMBER, required=True, help="Whose songs the file is about.")
@click.option("--skip-bad", is_flag=True, help="Leave out the songs of rows that are wrong, write the others.")
@standard_options
def import_command(
    *, file: io.BufferedReader, dry_run: bool, vendor: int, skip_bad: bool, data: str | None, as_json: bool
) -> None:
    """Record the deals in FILE, a CSV as `yuefu deal export` writes it ("-" for standard input).

    Rows for the same song and rights are the terms of one deal, which takes the place of the earlier one; what is on
    record already is no new deal. All of it or nothing: exit status 1 when a row is wrong.
    """
    with open_installation(settings_for(data)) as installation:
        outcome = import_deals(
            installation.centre,
            known_vendor(installation.centre, vendor),
            file.read(LARGEST_BYTES + 1),
            command_author(),
            file=Path(file.name).name,
            dry_run=dry_run,
            skip_bad=skip_bad,
        )
    if as_json:
        changes = [{**msgspec.to_builtins(each), "song_id": str(each.song_id)} for each in outcome.changes]
        print_json({**msgspec.to_builtins(outcome), "changes": changes, "dry_run": dry_run})
    else:
        _print_outcome(outcome, dry_run=dry_run)
    sys.exit(1 if outcome.is_refused else 0)


@click.command("export")
@export_file
@click.option("--vendor", type=NUMBER, required=True, help="Whose songs.")
@standard_options
def export_command(*, file: str, vendor: int, data: str | None, as_json: bool) -> None:
    """Write the deals of a vendor's songs as CSV; `-` is standard output."""
    table = io.StringIO(newline="")
    with open_installation(settings_for(data)) as installation:
        centre = installation.centre
        export_deals(centre.rights_views.licensed(known_vendor(centre, vendor)), table)
    write_table(table.getvalue(), file, as_json=as_json)


def _print_outcome(outcome: DealsImport, *, dry_run: bool) -> None:
    print_findings(outcome.notes, outcome.findings)
    if outcome.is_refused and not dry_run:
        click.echo(
            "Nothing was imported: mend the lines above first, or leave their songs out with --skip-bad.", err=True
        )
        return
    rows = [(str(each.song_id), each.chain.value, each.before, each.after) for each in outcome.changes[:MOST_SHOWN]]
    if rows:
        print_table(("Song", "Rights", "Before", "After" if dry_run else "Now"), rows)
    if len(outcome.changes) > MOST_SHOWN:
        click.echo(f"… and {len(outcome.changes) - MOST_SHOWN} more; --json lists all of them.")
    print_lifted(outcome.lifted, dry_run=dry_run)
    done = "would be recorded" if dry_run else "recorded"
    click.echo(f"{outcome.row_count} rows read: {len(outcome.changes)} deals {done}, {outcome.unchanged} as they were.")
