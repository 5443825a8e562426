"""`yuefu song edit`, `yuefu song export` and `yuefu song import`: the facts that an operator corrects."""

import io
import sys
from pathlib import Path
from typing import Any

import click
import msgspec

from yuefu.catalogue.facts import FIELDS, BadFact, read_fact
from yuefu.catalogue.song import Version
from yuefu.ids import SongId
from yuefu.server.cli.options import (
    NUMBER,
    SONG_ID,
    command_author,
    print_json,
    print_table,
    settings_for,
    standard_options,
    write_file,
)
from yuefu.server.cli.tables import print_findings
from yuefu.server.facts import FactsImport, edit_facts, export_facts, import_facts
from yuefu.server.programme import known_vendor
from yuefu.server.wiring import open_installation

_OPTIONS = {"aliases": "alias", "singers": "singer", "genres": "genre"} | {
    field: field for field in FIELDS if field not in {"aliases", "singers", "genres"}
}
"""What a field is called on the command line: those of several values by one of them."""

_FIELD_CHOICE = click.Choice(list(_OPTIONS.values()))


@click.command("edit")
@click.argument("song_id", type=SONG_ID)
@click.option("--title")
@click.option("--alias", "aliases", multiple=True, help="Another title it is found by; repeat.")
@click.option("--singer", "singers", multiple=True, help="Repeat for several.")
@click.option("--album")
@click.option("--genre", "genres", multiple=True, help="A number from 1 to 27 or its name; repeat.")
@click.option("--bpm", help="The tempo, beats per minute.")
@click.option("--isrc", help="The recording's code.")
@click.option("--iswc", help="The work's code.")
@click.option("--version", type=click.Choice(["studio", *(each.value for each in Version if each.value)]))
@click.option("--language")
@click.option("--year")
@click.option("--clear", "cleared", type=_FIELD_CHOICE, multiple=True, help="Say nothing in this field; repeat.")
@click.option(
    "--restore", "restored", type=_FIELD_CHOICE, multiple=True, help="Say again what the delivery says; repeat."
)
@standard_options
def edit(
    *, song_id: int, cleared: tuple[str, ...], restored: tuple[str, ...], data: str | None, as_json: bool, **said: Any
) -> None:
    """Correct a song's facts. They outlast the next delivery, which changes the other facts only."""
    edits = _read_edits(said, cleared)
    fields = {name: field for field, name in _OPTIONS.items()}
    back = [fields[name] for name in restored]
    if both := edits.keys() & back:
        raise click.UsageError(f"--restore {_OPTIONS[min(both)]} cannot be said beside another value for it")
    if not edits and not back:
        raise click.UsageError("say what to change, as in --title TITLE; `yuefu song edit --help` lists the options")
    with open_installation(settings_for(data)) as installation:
        done = edit_facts(installation.centre, SongId(song_id), edits, back, command_author())
    if as_json:
        print_json({"song_id": str(song_id), "revision": done.revision, "changes": done.changes})
    elif done.changes:
        print_table(("Field", "Before", "Now"), [(each.field, each.before, each.after) for each in done.changes])
    else:
        click.echo("Nothing to change: the song says so already.")


@click.command("export")
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path))
@click.option("--vendor", type=NUMBER, help="The songs of one vendor only.")
@standard_options
def export(*, file: Path, vendor: int | None, data: str | None, as_json: bool) -> None:
    """Write the facts of all songs to FILE as CSV, or to standard output for "-"."""
    with open_installation(settings_for(data)) as installation:
        centre = installation.centre
        songs = centre.songs.songs(None if vendor is None else known_vendor(centre, vendor))
    table = io.StringIO(newline="")
    count = export_facts(songs, table)
    if str(file) == "-":
        click.echo(table.getvalue().encode(), nl=False)
        return
    write_file(file, table.getvalue(), encoding="utf-8-sig")  # the mark by which spreadsheets know UTF-8
    if as_json:
        print_json({"file": str(file), "songs": count})
    else:
        click.echo(f"{count} songs in {file}.")


@click.command("import")
@click.argument("file", type=click.File("rb"))
@click.option("--dry-run", is_flag=True, help="Show what would change, change nothing.")
@standard_options
def import_(*, file: io.BufferedReader, dry_run: bool, data: str | None, as_json: bool) -> None:
    """Correct the facts of the songs in FILE, a CSV as `yuefu song export` writes it ("-" for standard input).

    Columns that are not there leave their facts alone, empty cells empty theirs. All of it or nothing: exit status 1
    when a line is wrong.
    """
    with open_installation(settings_for(data)) as installation:
        outcome = import_facts(
            installation.centre, file.read(), command_author(), file=Path(file.name).name, dry_run=dry_run
        )
    if as_json:
        print_json({**msgspec.structs.asdict(outcome), "dry_run": dry_run})
    else:
        _print_outcome(outcome, dry_run=dry_run)
    sys.exit(1 if outcome.findings else 0)


def _read_edits(said: dict[str, Any], cleared: tuple[str, ...]) -> dict[str, Any]:
    """The new values by field. Raises a usage error for what a field cannot take."""
    edits = {}
    for field, name in _OPTIONS.items():
        texts = [said[field]] if isinstance(said[field], str) else list(said[field] or ())
        if texts and name in cleared:
            raise click.UsageError(f"--clear {name} cannot be said beside --{name}")
        if not texts and name not in cleared:
            continue
        try:
            edits[field] = read_fact(field, texts)
        except BadFact as bad:
            raise click.UsageError(f"--{name}: {bad}") from None
    return edits


def _print_outcome(outcome: FactsImport, *, dry_run: bool) -> None:
    print_findings(outcome.notes, outcome.findings)
    if outcome.findings:
        click.echo("Nothing was imported: mend the lines above first.", err=True)
        return
    if outcome.changes:
        rows = [(str(each.song_id), each.field, each.before, each.after) for each in outcome.changes]
        print_table(("Song", "Field", "Before", "After" if dry_run else "Now"), rows)
    changed = len({change.song_id for change in outcome.changes})
    click.echo(f"{outcome.song_count} songs read, {changed} {'would be changed' if dry_run else 'changed'}.")
