"""`yuefu app …` and `yuefu token`."""

import time
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import click
import msgspec

from yuefu.access.app import MAX_CALLS_PER_S, SCENES, App
from yuefu.client import mint_login_token
from yuefu.ids import AppId
from yuefu.server.apps import (
    ShownApp,
    create_app,
    finish_rotation,
    grant_app,
    granting,
    new_app_id,
    shown_app,
    switch_app,
)
from yuefu.server.apps import rotate_secret as rotate
from yuefu.server.cli.options import (
    NUMBER,
    TERRITORY,
    command_author,
    print_json,
    print_table,
    settings_for,
    standard_options,
)
from yuefu.server.founding import new_app
from yuefu.server.wiring import Installation, open_installation
from yuefu.wire.operations import OPERATIONS
from yuefu.wire.signing import MAX_APP_ID
from yuefu.wire.vendor import BillingMode

F = TypeVar("F", bound=Callable[..., Any])

_DAY_S = 86_400
_NONE = "none"
_OWN_RATE = "default"


class GrantedNumber(click.ParamType[int | None]):
    """A number of a small range, or "none": nothing of this kind is granted."""

    name = "number"

    def __init__(self, highest: int, lowest: int) -> None:
        self._range = click.IntRange(lowest, highest)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | None:
        return None if value in {None, _NONE} else self._range.convert(value, param, ctx)


class QuotaType(click.ParamType[tuple[str, int | None]]):
    """`ACTION=N`: calls a second, or `ACTION=default` for the operation's own rate."""

    name = "action=n"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, int | None]:
        action, _, rate = value.partition("=")
        known = sorted(operation.action for operation in OPERATIONS)
        if action not in known:
            self.fail(f"{action!r} is no Action; there are {', '.join(known)}", param, ctx)
        if rate == _OWN_RATE:
            return action, None
        return action, click.IntRange(1, MAX_CALLS_PER_S).convert(rate, param, ctx)


def grant_options(command: F) -> F:
    """What an app may be granted."""
    options = (
        click.option("--vendor", "vendors", type=NUMBER, multiple=True, help="A vendor it may use; repeat."),
        click.option("--default-vendor", type=NUMBER, help="What VendorId 0 means."),
        click.option(
            "--scene", "scenes", type=GrantedNumber(4, lowest=1), multiple=True, help="A scene 1-4, or none; repeat."
        ),
        click.option(
            "--billing",
            "billing_modes",
            type=GrantedNumber(max(BillingMode), lowest=0),
            multiple=True,
            help="A billing mode 0-3, or none; repeat.",
        ),
        click.option("--territory", "home_territory", type=TERRITORY, help="Its home, ISO 3166-1 alpha-2."),
        click.option(
            "--quota",
            "quotas",
            type=QuotaType(),
            multiple=True,
            help="Calls a second of an Action, as QuerySong=50; QuerySong=default for the documented rate. Repeat.",
        ),
        click.option(
            "--replay-protection/--no-replay-protection",
            "is_replay_protected",
            default=None,
            help="Whether a nonce is good once only.",
        ),
        click.option(
            "--signature2/--no-signature2",
            "takes_signature2",
            default=None,
            help="Whether signature 2.0 is taken beside RFC 9421.",
        ),
        click.option(
            "--token04/--no-token04",
            "takes_token04",
            default=None,
            help="Whether login tokens may be Token04.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.group()
def app() -> None:
    """Apps: the tenants that may call this centre."""


@app.command("create")
@click.argument("name")
@click.option("--id", "app_id", type=click.IntRange(1, MAX_APP_ID), help="The AppId. [default: a random one]")
@grant_options
@standard_options
def create(*, name: str, app_id: int | None, data: str | None, as_json: bool, **grants: Any) -> None:
    """Create an app, with what the options grant it: at least one --vendor.

    The first --vendor is the default one, all scenes and billing per use are granted, the home is the setting
    home_territory, unless the options say otherwise. The ServerSecret is printed once, here; the store keeps it sealed.
    """
    if not grants["vendors"]:
        raise click.UsageError("Missing option '--vendor'.")
    grants["default_vendor"] = grants["default_vendor"] or grants["vendors"][0]
    grants["vendors"] += (grants["default_vendor"],)
    settings = settings_for(data)
    with open_installation(settings) as installation:
        fresh = new_app(
            name,
            app_id=app_id or new_app_id(),
            vendors=grants["vendors"],
            default_vendor=grants["default_vendor"],
            scenes=SCENES,
            billing=(BillingMode.PER_USE,),
            territory=settings.home_territory,
        )
        created = granting(installation.centre, *_said(grants))(fresh)
        create_app(installation.centre, created, command_author())
    _print_secret(created, as_json=as_json)


@app.command("grant")
@click.argument("app_id", metavar="APP", type=NUMBER)
@click.option("--name", help="What it is called.")
@grant_options
@standard_options
def grant(*, app_id: int, name: str | None, data: str | None, as_json: bool, **grants: Any) -> None:
    """Change what APP may do, at once and for running servers too.

    What an option names takes the place of what was granted before; what no option names stays. So
    `--vendor 1 --vendor 2` grants these two and no other.
    """
    with open_installation(settings_for(data)) as installation:
        changes, rates = _said({**grants, "name": name})
        changed = grant_app(installation.centre, AppId(app_id), changes, rates, command_author())
        shown = shown_app(installation.centre, changed)
    _print_app(shown, as_json=as_json)


@app.command("rotate-secret")
@click.argument("app_id", metavar="APP", type=NUMBER)
@click.option("--finish", is_flag=True, help="End the rotation: the old secret is good no more.")
@standard_options
def rotate_secret(*, app_id: int, finish: bool, data: str | None, as_json: bool) -> None:
    """Give APP a second ServerSecret, printed once, here. Both are good until the rotation is finished."""
    with open_installation(settings_for(data)) as installation:
        change = finish_rotation if finish else rotate
        changed = change(installation.centre, AppId(app_id), command_author())
        shown = shown_app(installation.centre, changed)
    if finish:
        _print_app(shown, as_json=as_json)
    else:
        _print_secret(changed, as_json=as_json)


@app.command("disable")
@click.argument("app_id", metavar="APP", type=NUMBER)
@standard_options
def disable(*, app_id: int, data: str | None, as_json: bool) -> None:
    """Switch APP off: its calls are refused and its sessions worth nothing, until it is enabled."""
    _switch(app_id, data=data, as_json=as_json, is_enabled=False)


@app.command("enable")
@click.argument("app_id", metavar="APP", type=NUMBER)
@standard_options
def enable(*, app_id: int, data: str | None, as_json: bool) -> None:
    """Switch APP on again."""
    _switch(app_id, data=data, as_json=as_json, is_enabled=True)


@app.command("show")
@click.argument("app_id", metavar="APP", type=NUMBER)
@standard_options
def show(*, app_id: int, data: str | None, as_json: bool) -> None:
    """What APP was granted and how it is billed. Secrets are never shown."""
    with open_installation(settings_for(data)) as installation:
        shown = shown_app(installation.centre, find_app(installation, app_id))
    _print_app(shown, as_json=as_json)


@app.command("list")
@standard_options
def list_apps(*, data: str | None, as_json: bool) -> None:
    """The apps and what they were granted."""
    with open_installation(settings_for(data)) as installation:
        apps = [shown_app(installation.centre, each) for each in installation.centre.apps.apps()]
    if as_json:
        print_json(apps)
        return
    rows = [
        (
            str(each.app_id),
            each.name,
            "on" if each.is_enabled else "off",
            _spaced(each.vendors),
            _spaced(each.scenes),
            _spaced(each.billing_modes),
        )
        for each in apps
    ]
    print_table(("AppId", "Name", "", "Vendors", "Scenes", "Billing"), rows)


@click.command()
@click.option("--app", "app_id", type=NUMBER, required=True)
@click.option("--user", "user_id", required=True)
@click.option("--life", "life_s", type=NUMBER, default=_DAY_S, show_default=True, help="Seconds.")
@click.option("--room", "rooms", multiple=True, help="A room it is good for; repeat. [default: every room]")
@click.option("--territory", type=TERRITORY, help="Where the user is. [default: the app's home]")
@click.option("--kind", type=click.Choice(["jwt", "token04"]), default="jwt", show_default=True)
@standard_options
def token(
    *,
    app_id: int,
    user_id: str,
    life_s: int,
    rooms: tuple[str, ...],
    territory: str | None,
    kind: str,
    data: str | None,
    as_json: bool,
) -> None:
    """Mint a login token for a user of an app, as the app's back end would."""
    with open_installation(settings_for(data)) as installation:
        text = mint_login_token(
            app_id=app_id,
            server_secret=find_app(installation, app_id).live_secrets[0],
            user_id=user_id,
            life_s=life_s,
            at_s=int(time.time()),
            rooms=rooms or None,
            territory=territory or "",
            kind="token04" if kind == "token04" else "jwt",
        )
    if as_json:
        print_json({"token": text, "user_id": user_id, "expires_in": life_s})
    else:
        click.echo(text)


def find_app(installation: Installation, app_id: int) -> App:
    """The app. Raises a usage error that says how to find the right one."""
    found = installation.centre.apps.app(AppId(app_id))
    if found is None:
        raise click.UsageError(f"there is no app {app_id}; `yuefu app list` shows those there are")
    return found


def _said(grants: dict[str, Any]) -> tuple[dict[str, Any], dict[str, int | None]]:
    """What the grant options say: values, and rates by Action. An option that was not given says nothing."""
    given = {name: value for name, value in grants.items() if value not in {None, ()}}
    rates = dict(given.pop("quotas", ()))
    return {
        name: frozenset(value) - {None} if isinstance(value, tuple) else value for name, value in given.items()
    }, rates


def _switch(app_id: int, *, data: str | None, as_json: bool, is_enabled: bool) -> None:
    with open_installation(settings_for(data)) as installation:
        changed = switch_app(installation.centre, AppId(app_id), command_author(), is_enabled=is_enabled)
        shown = shown_app(installation.centre, changed)
    _print_app(shown, as_json=as_json)


def _print_secret(app: App, *, as_json: bool) -> None:
    if as_json:
        print_json({"app_id": app.app_id, "name": app.name, "server_secret": app.live_secrets[0]})
        return
    click.echo(f"AppId         {app.app_id}\nServerSecret  {app.live_secrets[0]}")
    click.echo("Keep the secret: it is not shown again.")


def _print_app(app: ShownApp, *, as_json: bool) -> None:
    if as_json:
        print_json(app)
        return
    facts = msgspec.structs.asdict(app)
    plan = {f"plan {name}": value for name, value in msgspec.to_builtins(facts.pop("plan")).items()}
    for name, value in (facts | plan).items():
        click.echo(f"{name:<24}{_words(value)}")


def _words(value: object) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case list():
            return _spaced(value) or _NONE
        case dict():
            return " ".join(f"{name}={rate}" for name, rate in value.items()) or _OWN_RATE
        case None:
            return _NONE
        case _:
            return str(value)


def _spaced(numbers: Iterable[int]) -> str:
    return " ".join(str(number) for number in sorted(numbers))
