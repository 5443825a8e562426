"""`yuefu ern …`: rights messages in DDEX ERN."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
import msgspec

from yuefu.ingest.ern.document import MIB, MOST_BYTES
from yuefu.ingest.ern.message import MessageRefused
from yuefu.ingest.ern.period import Clock
from yuefu.ingest.ern.schema import SchemaFolder
from yuefu.ingest.report import describe_finding, with_section
from yuefu.music.findings import Finding
from yuefu.server.cli.options import (
    COUNT,
    NUMBER,
    command_author,
    json_option,
    print_json,
    print_table,
    settings_for,
    standard_options,
    write_file,
)
from yuefu.server.cli.tables import print_lifted
from yuefu.server.licensing import RIGHTS
from yuefu.server.programme import known_vendor
from yuefu.server.rights_messages import (
    IMPORT_FIRST,
    MessageReport,
    MessagesReport,
    Reading,
    ReceivedFile,
    receive,
    take_messages,
)
from yuefu.server.wiring import open_installation

TABLE_HEAD = ("File", "ERN", "Result", "What it holds", "Notes")
MOST_SHOWN = 100
"""Changes that people are shown; JSON has all of them."""

MOST_NOTES = 6
"""Findings of a file that a table shows."""


class ZoneType(click.ParamType[ZoneInfo]):
    """A time zone by its name in the IANA database."""

    name = "zone"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> ZoneInfo:
        if isinstance(value, ZoneInfo):
            return value
        try:
            return ZoneInfo(value)
        except (ValueError, OSError, KeyError):  # not in the database; no key that could be; a folder in it
            self.fail(f"{value!r} is no time zone; write one as Asia/Shanghai or UTC", param, ctx)


messages_argument = click.argument(
    "paths", nargs=-1, required=True, metavar="FILE…", type=click.Path(exists=True, path_type=Path)
)


@click.group()
def ern() -> None:
    """Rights messages of record companies and distributors (DDEX ERN 3.8, 4.1 to 4.3)."""


@ern.command("import")
@messages_argument
@click.option("--vendor", type=NUMBER, required=True, help="Whose songs the messages are about.")
@click.option(
    "--rights",
    type=click.Choice([name for name, chains in RIGHTS.items() if chains]),
    default="recording",
    show_default=True,
    help="Which rights the sender's deals are for.",
)
@click.option("--time-zone", type=ZoneType(), help="Where days and times without a zone are meant. [default: days UTC]")
@click.option("--our-channel", "our_channels", multiple=True, help="A distribution channel that is yours; repeat.")
@click.option("--channel", type=COUNT, default=0, show_default=True, help="The channel of the deals.")
@click.option("--dry-run", is_flag=True, help="Show what would change, write nothing.")
@click.option(
    "--report",
    "report_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Also write the table into this Markdown page, as a section of its own.",
)
@standard_options
def import_command(
    *,
    paths: tuple[Path, ...],
    vendor: int,
    rights: str,
    time_zone: ZoneInfo | None,
    our_channels: tuple[str, ...],
    channel: int,
    dry_run: bool,
    report_file: Path | None,
    data: str | None,
    as_json: bool,
) -> None:
    """Record the deals in messages, the oldest first; a folder stands for all files in it.

    Each message is taken in whole or refused with its reason. Exit status 1 when any was refused.
    """
    clock = Clock(time_zone)
    files = [_receive(name, path, clock) for name, path in _files(paths)]
    if not files:
        raise click.UsageError("there is no file in what was given")
    with open_installation(settings_for(data)) as installation:
        reading = Reading(
            vendor_id=known_vendor(installation.centre, vendor),
            chains=RIGHTS[rights],
            our_channels=our_channels,
            channel=channel,
        )
        report = take_messages(installation.centre, files, reading, command_author(), dry_run=dry_run)
    if report_file:
        page = report_file.read_text("utf-8") if report_file.exists() else ""
        write_file(report_file, with_section(page, markdown_section(report, paths)))
    if as_json:
        print_json(_spell(report))
    else:
        _print_report(report)
    sys.exit(1 if report.count("refused") else 0)


@ern.command("validate")
@messages_argument
@click.option(
    "--schemas",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    required=True,
    help="The folder of your ERN schemas (*.xsd), of one version or of several.",
)
@json_option
def validate(*, paths: tuple[Path, ...], schemas: Path, as_json: bool) -> None:
    """Hold messages against the schemas that DDEX licensed to you. Exit status 1 when any is not valid."""
    folder = SchemaFolder(schemas)
    found = {name: _violations(folder, name, path) for name, path in _files(paths)}
    if as_json:
        print_json([{"file": name, "is_valid": not findings, "findings": findings} for name, findings in found.items()])
    else:
        for name, findings in found.items():
            click.echo(f"{name}: {'not valid' if findings else 'valid'}")
            for finding in findings:
                click.echo(f"  {describe_finding(finding)}")
    sys.exit(1 if any(found.values()) else 0)


def _files(paths: Iterable[Path]) -> Iterator[tuple[str, Path]]:
    """Each file by the name that reports know it by: its path under the folder that was given."""
    for path in paths:
        if not path.is_dir():
            yield _spell_name(path.name), path
            continue
        for file in sorted(path.rglob("*")):
            if file.is_file():
                yield _spell_name(str(file.relative_to(path))), file


def _spell_name(name: str) -> str:
    """A file's name as text, also where it is none in UTF-8."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _receive(name: str, path: Path, clock: Clock) -> ReceivedFile:
    try:
        return receive(name, _read(path), clock)
    except (MessageRefused, OSError) as error:
        return ReceivedFile(name=name, reason=str(error))


def _violations(folder: SchemaFolder, name: str, path: Path) -> tuple[Finding, ...]:
    try:
        return folder.violations(_read(path), file=name)
    except (MessageRefused, OSError) as error:
        return (Finding(problem=str(error), action="refused", file=name),)


def _read(path: Path) -> bytes:
    """The file's bytes. Raises `MessageRefused` before a large one is read."""
    if path.stat().st_size > MOST_BYTES:
        raise MessageRefused(f"it is larger than {MOST_BYTES // MIB} MiB")
    return path.read_bytes()


def _spell(report: MessagesReport) -> dict[str, Any]:
    """The report as JSON has it: song ids are texts on every wire."""
    spelt: dict[str, Any] = msgspec.to_builtins(report)
    for file in spelt["files"]:
        for change in file["changes"]:
            change["song_id"] = str(change["song_id"])
    return spelt


def _print_report(report: MessagesReport) -> None:
    print_table(TABLE_HEAD, [_row(file) for file in report.files])
    changes = [change for file in report.files for change in file.changes]
    rows = [
        (str(change.song_id), change.title, change.chain.value, change.before, change.after)
        for change in changes[:MOST_SHOWN]
    ]
    if rows:
        print_table(("Song", "Title", "Rights", "Before", "After" if report.dry_run else "Now"), rows)
    if len(changes) > MOST_SHOWN:
        click.echo(f"… and {len(changes) - MOST_SHOWN} more; --json lists all of them.")
    for file in report.files:
        for finding in file.findings:
            click.echo(describe_finding(finding), err=True)
    for file in report.files:
        print_lifted(file.lifted, dry_run=report.dry_run)
    done = "would be recorded" if report.dry_run else "recorded"
    click.echo(f"{_count(len(report.files), 'file')}: {_counts(report)}. {_count(len(changes), 'deal')} {done}.")


def markdown_section(report: MessagesReport, paths: Sequence[Path]) -> str:
    """The report as a section of a page, which says how to make it again."""
    in_order = sorted(report.files, key=lambda file: file.file)
    rows = [TABLE_HEAD, tuple("---" for _ in TABLE_HEAD), *(_row(file) for file in in_order)]
    table = "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in rows)
    named = " ".join(path.name for path in paths)
    dry_run = " --dry-run" if report.dry_run else ""
    return (
        f"## Rights messages\n\n{_count(len(report.files), 'file')}: {_counts(report)}.\n\n"
        f"Made by `yuefu ern import {named} --vendor N{dry_run} --report FILE`; a file is named by its path in the "
        f"folder.\n\n{table}\n"
    )


def _counts(report: MessagesReport) -> str:
    fates = {"read": "read", "known": "taken in before", "refused": "refused"}
    counted = ((sum(file.fate == fate for file in report.files), words) for fate, words in fates.items())
    return ", ".join(f"{count} {words}" for count, words in counted if count) or "none"


def _row(file: MessageReport) -> tuple[str, str, str, str, str]:
    return file.file, file.version, file.fate, _holds(file), "; ".join(_notes(file))


def _holds(file: MessageReport) -> str:
    if not file.kind:
        return ""
    counts = [_count(file.recordings, "recording"), _count(file.releases, "release"), _count(file.deals, "deal")]
    here = f"; {_count(file.matched_songs, 'song')} here" if file.matched_songs else ""
    return f"{file.kind}: {', '.join(counts)}{here}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _notes(file: MessageReport) -> list[str]:
    """The reason and the first findings, without the file's name, and in a word those that a later import mends."""
    others = [finding for finding in file.findings if finding.action != IMPORT_FIRST]
    notes = [file.reason] if file.reason else []
    notes += [f"{finding.problem}: {finding.action}" for finding in others[:MOST_NOTES]]
    if len(others) > MOST_NOTES:
        notes.append(f"and {len(others) - MOST_NOTES} more")
    if file.unmatched_recordings:
        notes.append(f"recordings of no song here: {file.unmatched_recordings}")
    return notes
