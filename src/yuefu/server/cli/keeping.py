"""`yuefu prune` and `yuefu user …`."""

import click
import msgspec

from yuefu.access.retention import Pruned
from yuefu.ids import AppId, UserId
from yuefu.server.cli.options import NUMBER, command_author, print_json, settings_for, standard_options
from yuefu.server.keeping import forget_user
from yuefu.server.keeping import prune as prune_now
from yuefu.server.wiring import open_installation


@click.command("prune")
@click.option("--dry-run", is_flag=True, help="Count what would go; prune nothing.")
@standard_options
def prune(*, dry_run: bool, data: str | None, as_json: bool) -> None:
    """Prune what is older than the settings keep_sessions_days and keep_users_days, as servers do by themselves."""
    settings = settings_for(data)
    with open_installation(settings) as installation:
        centre = installation.centre
        if dry_run:
            pruned = centre.retention.prunable(settings.retention.limits(at_ms=centre.now_ms()))
        else:
            pruned = prune_now(centre, settings.retention)
    if as_json:
        print_json({"dry_run": dry_run, **msgspec.to_builtins(pruned)})
    else:
        _print_pruned(pruned, ending=" would go." if dry_run else " went.")


@click.group()
def user() -> None:
    """Users of apps."""


@user.command("forget")
@click.argument("app_id", metavar="APP", type=NUMBER)
@click.argument("user_id", metavar="USER")
@click.option("--yes", is_flag=True, help="Don't ask first.")
@standard_options
def forget(*, app_id: int, user_id: str, yes: bool, data: str | None, as_json: bool) -> None:
    """Erase the id of USER of APP from every record, for good. No sum changes.

    The user's sessions, memberships and shares end. Whoever comes back under the same id is a new user: a month that
    was paid for is charged again.
    """
    with open_installation(settings_for(data)) as installation:
        if not yes:
            click.confirm(f"Forget {user_id!r} of app {app_id}? This cannot be undone.", abort=True, err=True)
        traces = forget_user(installation.centre, AppId(app_id), UserId(user_id), command_author())
    if as_json:
        print_json(traces)
        return
    named = ", ".join(f"{count} {kind}" for kind, count in msgspec.structs.asdict(traces).items() if count)
    click.echo(f"Forgotten: {named}." if named else "Nothing named that user.")


def _print_pruned(pruned: Pruned, *, ending: str) -> None:
    for kind, count in msgspec.structs.asdict(pruned).items():
        click.echo(f"{count:>10}  {kind.replace('_', ' ')}{ending}")
