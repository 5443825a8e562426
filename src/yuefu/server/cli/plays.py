"""`yuefu play …`."""

from typing import Any

import click
import msgspec

from yuefu.ids import AppId, SongId, UserId
from yuefu.rights.play import RecordedPlay
from yuefu.server.cli.options import COUNT, NUMBER, SONG_ID, print_json, print_table, settings_for, standard_options
from yuefu.server.wiring import open_installation
from yuefu.units import format_instant


@click.group()
def play() -> None:
    """Plays: what clients say was sung under their grants. They change no charge."""


@play.command("list")
@click.option("--app", "app_id", type=NUMBER, help="Of one app.")
@click.option("--user", "user_id", help="Of one user of the app.")
@click.option("--song", "song_id", type=SONG_ID, help="Of one song.")
@click.option("--defined/--undefined", "is_defined", default=None, help="Those that count, or those that do not.")
@click.option("--after", type=COUNT, default=0, help="Those after that number.")
@click.option("--limit", "at_most", type=click.IntRange(1, 10_000), default=100, show_default=True)
@standard_options
def list_plays(
    *,
    app_id: int | None,
    user_id: str | None,
    song_id: SongId | None,
    is_defined: bool | None,
    after: int,
    at_most: int,
    data: str | None,
    as_json: bool,
) -> None:
    """Plays, in the order they were first reported. Charts and statements count those that are defined."""
    if user_id is not None and (app_id is None or not user_id):
        raise click.UsageError("--user names a user of an app: say --app, too")
    with open_installation(settings_for(data)) as installation:
        found = installation.centre.plays.plays(
            None if app_id is None else AppId(app_id),
            user_id=None if user_id is None else UserId(user_id),
            song_id=song_id,
            is_defined=is_defined,
            after=after,
            at_most=at_most,
        )
    if as_json:
        print_json([_facts(each) for each in found])
        return
    head = ("Play", "Grant", "App", "User", "Song", "Seconds", "", "Score", "Reported at")
    print_table(head, [_row(each) for each in found])


def _facts(recorded: RecordedPlay) -> dict[str, Any]:
    facts = msgspec.structs.asdict(recorded)
    of, at_ms = facts.pop("play"), facts.pop("reported_at_ms")
    heard = of.heard
    return facts | {
        "song_id": str(recorded.song_id),
        "resource_id": of.resource_id,
        "duration_ms": of.duration_ms,
        "seconds": heard.seconds,
        "is_completed": heard.is_completed,
        "score": heard.score,
        "started_at": _instant(heard.started_at_ms),
        "reported_at": _instant(at_ms),
        "defined_at": _instant(of.defined_at_ms),
    }


def _instant(at_ms: int | None) -> str | None:
    return None if at_ms is None else format_instant(at_ms)


def _row(recorded: RecordedPlay) -> tuple[str, ...]:
    heard = recorded.play.heard
    return (
        str(recorded.number),
        str(recorded.grant_id),
        str(recorded.app_id),
        recorded.user_id,
        str(recorded.song_id),
        str(heard.seconds),
        "completed" if heard.is_completed else "" if recorded.play.defined_at_ms is None else "defined",
        "" if heard.score is None else str(heard.score),
        format_instant(recorded.reported_at_ms),
    )
