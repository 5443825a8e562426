"""What commands that read or write CSV files share."""

import sys
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import click

from yuefu.music.findings import Finding
from yuefu.server.cli.options import print_json
from yuefu.server.licensing import LiftedCase
from yuefu.server.rights_words import say_lifting
from yuefu.server.table import TableReport

F = TypeVar("F", bound=Callable[..., Any])

_STANDARD_OUTPUT = "-"

export_file = click.argument("file", metavar="FILE.csv|-", type=click.Path(dir_okay=False, allow_dash=True))


def import_options(command: F) -> F:
    """The file to read, and whether to write what it says."""
    file = click.argument("file", metavar="FILE.csv|-", type=click.File("rb"))
    dry_run = click.option("--dry-run", is_flag=True, help="Check everything, write nothing.")
    return file(dry_run(command))


def write_table(table: str, file: str, *, as_json: bool) -> None:
    """The table into a file, with the mark by which spreadsheets know UTF-8, or plain on standard output."""
    if file == _STANDARD_OUTPUT:
        click.echo(table, nl=False)
        return
    with click.open_file(file, "wb", lazy=True) as target:
        target.write(table.encode("utf-8-sig"))
    if as_json:
        print_json({"file": file})
    else:
        click.echo(f"Written: {file}")


def print_report(report: TableReport, *, as_json: bool) -> None:
    """What an import did; with findings, exit status 1."""
    if as_json:
        print_json(report)
    else:
        print_findings(report.notes, report.findings)
        counts = ", ".join(f"{count} {what}" for what, count in report.counts.items())
        click.echo(f"{counts}: {'written' if report.is_written else 'nothing was written'}.")
    sys.exit(1 if report.findings else 0)


def print_lifted(lifted: Iterable[LiftedCase], *, dry_run: bool = False) -> None:
    """The takedowns that deals have lifted: nobody should do so without being told."""
    for each in lifted:
        click.echo(f"{'Written down, this' if dry_run else 'This'} {say_lifting(each.case, each.chains, each.songs)}.")


def print_findings(notes: Iterable[Finding], findings: Iterable[Finding]) -> None:
    """What was assumed of a file, and what keeps it out."""
    for note in notes:
        click.echo(f"{_place(note)}: {note.problem}: {note.action}", err=True)
    for finding in findings:
        click.echo(f"{_place(finding)}: {finding.problem}", err=True)


def _place(finding: Finding) -> str:
    return finding.file if finding.line is None else f"{finding.file}:{finding.line}"
