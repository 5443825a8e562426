"""`yuefu plan` and `yuefu member …`."""

from typing import Any

import click
import msgspec

from yuefu.ids import AppId, UserId, VendorId
from yuefu.rights.plan import EVERY_VENDOR, BadPlan, Member, Membership, Plan, zone_of
from yuefu.server.charging import add_member, change_plan, find_plan, remove_member
from yuefu.server.cli.apps import find_app
from yuefu.server.cli.options import (
    COUNT,
    CURRENCY,
    INSTANT,
    NUMBER,
    command_author,
    print_json,
    print_table,
    settings_for,
    standard_options,
)
from yuefu.server.wiring import open_installation
from yuefu.units import format_instant

_NONE = "none"
_REPEATS = {"charged": False, "free": True}


class BoundType(click.ParamType[str]):
    """A whole number from 0, or "none"."""

    name = "n|none"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        return str(value) if value == _NONE else str(COUNT.convert(value, param, ctx))


_app = click.argument("app_id", metavar="APP", type=NUMBER)
_user = click.argument("user_id", metavar="USER")
_vendor = click.option(
    "--vendor", "vendor_id", type=COUNT, default=EVERY_VENDOR, help="At one vendor. [default: at all]"
)


def _checked_zone(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    try:
        return value if value is None else zone_of(value).key
    except BadPlan as error:
        raise click.BadParameter(str(error)) from None


@click.command("plan")
@_app
@click.option(
    "--membership", type=click.Choice([each.value for each in Membership]), help="Who is billed by the month."
)
@click.option("--repeats", type=click.Choice(list(_REPEATS)), help="A request for what the session still holds.")
@click.option("--time-zone", callback=_checked_zone, help="Whose months and days count, as Asia/Shanghai.")
@click.option("--currency", type=CURRENCY, help="As CNY; prices in others do not hold for it.")
@click.option("--monthly-cap", "monthly_cap_minor", type=BoundType(), help="The most of a month, in the smallest unit.")
@click.option("--songs-a-day", type=BoundType(), help="Different songs of one user in a day.")
@standard_options
def plan(*, app_id: int, data: str | None, as_json: bool, **said: str | None) -> None:
    """How APP is billed; with options, change it. What no option names stays."""
    changes = _changes(said)
    with open_installation(settings_for(data)) as installation:
        centre = installation.centre
        if changes:
            found = change_plan(centre, AppId(app_id), changes, command_author())
        else:
            found = find_plan(centre, AppId(app_id))
    _print_plan(found, as_json=as_json)


@click.group()
def member() -> None:
    """Monthly members, of apps whose plan says that memberships are granted."""


@member.command("add")
@_app
@_user
@_vendor
@click.option("--until", "until_ms", type=INSTANT, help="When it ends, with an offset. [default: when it is removed]")
@standard_options
def add(*, app_id: int, user_id: str, vendor_id: int, until_ms: int | None, data: str | None, as_json: bool) -> None:
    """Let USER of APP be billed by the month."""
    with open_installation(settings_for(data)) as installation:
        added = add_member(
            installation.centre,
            AppId(app_id),
            UserId(user_id),
            command_author(),
            vendor_id=VendorId(vendor_id),
            until_ms=until_ms,
        )
    if as_json:
        print_json(_facts(added))
    else:
        click.echo(f"{user_id} is a member.")


@member.command("list")
@_app
@standard_options
def list_members(*, app_id: int, data: str | None, as_json: bool) -> None:
    """The members of APP."""
    with open_installation(settings_for(data)) as installation:
        find_app(installation, app_id)
        members = installation.centre.plans.members(AppId(app_id))
    if as_json:
        print_json([_facts(each) for each in members])
        return
    rows = [(each.user_id, _vendor_words(each.vendor_id), _until(each) or "") for each in members]
    print_table(("User", "Vendor", "Until"), rows)


@member.command("remove")
@_app
@_user
@_vendor
@standard_options
def remove(*, app_id: int, user_id: str, vendor_id: int, data: str | None, as_json: bool) -> None:
    """End a membership at once. A month that was charged stays charged."""
    with open_installation(settings_for(data)) as installation:
        user = UserId(user_id)
        remove_member(installation.centre, AppId(app_id), user, command_author(), vendor_id=VendorId(vendor_id))
    if as_json:
        print_json({"app_id": app_id, "user_id": user_id, "vendor_id": vendor_id})
    else:
        click.echo(f"{user_id} is no longer a member.")


def _changes(said: dict[str, str | None]) -> dict[str, Any]:
    """What the options say of a plan."""
    given: dict[str, Any] = {name: value for name, value in said.items() if value is not None}
    for name in ("monthly_cap_minor", "songs_a_day"):
        if name in given:
            given[name] = None if given[name] == _NONE else int(given[name])
    if "membership" in given:
        given["membership"] = Membership(given["membership"])
    if "repeats" in given:
        given["is_repeat_free"] = _REPEATS[given.pop("repeats")]
    return given


def _print_plan(plan: Plan, *, as_json: bool) -> None:
    facts = msgspec.to_builtins(plan)
    if as_json:
        print_json(facts)
        return
    for name, value in facts.items():
        click.echo(f"{name:<20}{_words(value)}")


def _words(value: object) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case None:
            return _NONE
        case _:
            return str(value)


def _facts(member: Member) -> dict[str, Any]:
    return {
        "app_id": member.app_id,
        "user_id": member.user_id,
        "vendor_id": member.vendor_id,
        "added_at": format_instant(member.added_at_ms),
        "until": _until(member),
    }


def _until(member: Member) -> str | None:
    return None if member.until_ms is None else format_instant(member.until_ms)


def _vendor_words(vendor_id: int) -> str:
    return "all" if vendor_id == EVERY_VENDOR else str(vendor_id)
