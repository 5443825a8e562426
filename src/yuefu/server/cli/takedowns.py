"""`yuefu takedown`."""

import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from yuefu.catalogue.identifier import BadIdentifier, parse_isrc, parse_iswc
from yuefu.catalogue.spelling import fold_name
from yuefu.ids import SongId, VendorId
from yuefu.rights.takedown import BadScope, Case, CaseReport, NewCase, Scope
from yuefu.server.centre import Centre
from yuefu.server.cli.options import (
    INSTANT,
    NUMBER,
    SONG_ID,
    command_author,
    print_json,
    print_table,
    settings_for,
    standard_options,
)
from yuefu.server.cli.tables import print_findings
from yuefu.server.takedowns import read_song_ids, take_down, undo
from yuefu.server.wiring import open_installation
from yuefu.units import format_instant

_SHOWN_IDS = 10


@click.command("takedown")
@click.option("--song", "songs", type=SONG_ID, multiple=True, help="A song's id; repeat.")
@click.option(
    "--file", type=click.File("rb"), help='Song ids, one a line; "#" begins a comment, "-" is standard input.'
)
@click.option("--recording", metavar="ISRC", help="All songs of a recording.")
@click.option("--work", metavar="ISWC", help="All songs of a work.")
@click.option("--singer", metavar="NAME", help="All songs of a singer, however the name is spelt.")
@click.option("--vendor", type=NUMBER, help="Of one vendor only; by itself, all of its songs.")
@click.option("--reason", metavar="TEXT", help="Why; it is kept with the case.")
@click.option("--banned", is_flag=True, help="Hold against later deals, and for songs that come later, until undone.")
@click.option("--at", type=INSTANT, help="Since when, ISO 8601 with offset. [default: now]")
@click.option("--undo", "undone", metavar="CASE", type=NUMBER, help="Undo a case.")
@click.option("--list", "is_list", is_flag=True, help="Show all cases.")
@standard_options
def takedown(
    *,
    songs: tuple[SongId, ...],
    file: io.BufferedReader | None,
    reason: str | None,
    banned: bool,
    at: int | None,
    undone: int | None,
    is_list: bool,
    data: str | None,
    as_json: bool,
    **where: Any,
) -> None:
    """Take songs down at once, for running servers too: when this returns, nothing of them is served any more.

    What is taken down is a case of its own: `--undo CASE` gives back what it took, `--list` shows all of them.
    """
    is_new = bool(songs) or banned or any(value is not None for value in (file, reason, at, *where.values()))
    if is_new + (undone is not None) + is_list != 1:
        raise click.UsageError("say either what to take down and why (--reason), or --undo CASE, or --list")
    if is_new:
        listed = [] if file is None else _read_list(file)
        scope = _read_scope((*songs, *listed), **where)
        if reason is None:
            raise click.UsageError("Missing option '--reason'.")
    with open_installation(settings_for(data)) as installation:
        centre = installation.centre
        if is_list:
            _list_cases(centre, as_json=as_json)
        elif undone is not None:
            _undo(centre, undone, as_json=as_json)
        else:
            from_ms = centre.now_ms() if at is None else at
            try:
                case = NewCase(scope=scope, reason=reason or "", is_banned=banned, from_ms=from_ms)
                report = take_down(centre, case, command_author())
            except BadScope as error:
                raise click.UsageError(str(error)) from None
            _print_report(report, is_to_come=from_ms > centre.now_ms(), as_json=as_json)


def _read_list(file: io.BufferedReader) -> list[SongId]:
    """The ids in a file; with anything wrong in it, exit status 1."""
    song_ids, findings = read_song_ids(file.read(), file=Path(file.name).name)
    if findings:
        print_findings((), findings)
        raise click.ClickException("nothing was taken down: mend the lines above first")
    if not song_ids:
        raise click.UsageError(f"{file.name} names no song")
    return song_ids


def _read_scope(
    songs: Iterable[SongId], *, recording: str | None, work: str | None, singer: str | None, vendor: int | None
) -> Scope:
    for option, text in (("--recording", recording), ("--work", work), ("--singer", singer)):
        if text is not None and not text.strip():
            raise click.UsageError(f"{option} is blank: say what is meant, or leave it out")
    try:
        return Scope(
            songs=tuple(dict.fromkeys(songs)),
            recording="" if recording is None else parse_isrc(recording),
            work="" if work is None else parse_iswc(work),
            singer="" if singer is None else fold_name(singer.strip()),
            vendor_id=None if vendor is None else VendorId(vendor),
        )
    except (BadScope, BadIdentifier) as error:
        raise click.UsageError(str(error)) from None


def _print_report(report: CaseReport, *, is_to_come: bool, as_json: bool) -> None:
    case = report.case
    if as_json:
        print_json(
            {
                "case": report.case_id,
                "songs": list(map(str, report.songs)),
                "unknown": list(map(str, report.unknown)),
                "grants_revoked": report.grants_revoked,
                "rooms_affected": report.rooms_affected,
                "from": format_instant(case.from_ms),
                "is_banned": case.is_banned,
                "reason": case.reason,
            }
        )
        return
    done = "banned" if case.is_banned else "taken down"
    instant = format_instant(case.from_ms)
    when = f"from {instant} on" if is_to_come else f"since {instant}"
    click.echo(f"Case {report.case_id}: {_count(len(report.songs), 'song')} {done} {when}.")
    if report.songs:
        click.echo(f"Songs: {_enumerate(report.songs)}")
    if report.unknown:
        click.echo(f"Unknown, and so not {done}: {_enumerate(report.unknown)}", err=True)
    grants, rooms = _count(report.grants_revoked, "live grant"), _count(report.rooms_affected, "room")
    click.echo(f"Revoked: {grants} in {rooms}.")
    click.echo(f"To undo it: yuefu takedown --undo {report.case_id}")


def _undo(centre: Centre, case_id: int, *, as_json: bool) -> None:
    songs = undo(centre, case_id, command_author())
    if as_json:
        print_json({"case": case_id, "songs": songs})
    else:
        freed = _count(songs, "song")
        click.echo(f"Case {case_id} is undone: {freed} may be used again, as their deals and other cases allow.")


def _list_cases(centre: Centre, *, as_json: bool) -> None:
    cases = centre.takedowns.cases()
    if as_json:
        print_json([_shown(case) for case in cases])
        return
    rows = [
        (
            str(each.case_id),
            _describe(each.case.scope),
            str(each.songs),
            "ban" if each.case.is_banned else "takedown",
            format_instant(each.case.from_ms),
            _state(each),
            each.actor,
            each.case.reason,
        )
        for each in cases
    ]
    print_table(("Case", "What", "Songs", "Kind", "Since", "State", "By", "Reason"), rows)


def _shown(case: Case) -> dict[str, Any]:
    return {
        "case": case.case_id,
        "what": _describe(case.case.scope),
        "songs": case.songs,
        "blocked_songs": case.blocked_songs,
        "is_banned": case.case.is_banned,
        "from": format_instant(case.case.from_ms),
        "reason": case.case.reason,
        "actor": case.actor,
        "recorded_at": format_instant(case.recorded_at_ms),
        "ended_at": None if case.ended_at_ms is None else format_instant(case.ended_at_ms),
    }


def _state(case: Case) -> str:
    """Whether a case still does what it was opened for."""
    if case.ended_at_ms is not None:
        return f"undone {format_instant(case.ended_at_ms)}"
    if case.blocked_songs < case.songs:
        return f"blocks {case.blocked_songs:,} of {case.songs:,}: later deals lifted it"
    return "in force"


def _describe(scope: Scope) -> str:
    """What a case is about, in words."""
    kinds = (("recording", scope.recording), ("work", scope.work), ("singer", scope.singer))
    what = [f"{kind} {name}" for kind, name in kinds if name]
    if scope.songs:
        what.append(f"{'song' if len(scope.songs) == 1 else 'songs'} {_enumerate(scope.songs, at_most=3)}")
    if scope.vendor_id is not None:
        what.append(f"vendor {scope.vendor_id}")
    return ", ".join(what)


def _enumerate(song_ids: tuple[SongId, ...], *, at_most: int = _SHOWN_IDS) -> str:
    named = ", ".join(map(str, song_ids[:at_most]))
    return named if len(song_ids) <= at_most else f"{named} and {len(song_ids) - at_most:,} more"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"
