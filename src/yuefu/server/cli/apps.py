"""`yuefu app …` and `yuefu token`."""

import secrets
import time

import click

from yuefu.access.app import SCENES, App
from yuefu.client import mint_login_token
from yuefu.ids import AppId
from yuefu.server.cli.options import print_json, print_table, settings_for, standard_options
from yuefu.server.founding import new_app
from yuefu.server.wiring import Installation, open_installation
from yuefu.wire.signing import MAX_APP_ID
from yuefu.wire.vendor import BillingMode

_DAY_S = 86_400


@click.group()
def app() -> None:
    """Apps: the tenants that may call this centre."""


@app.command("create")
@click.argument("name")
@click.option("--id", "app_id", type=click.IntRange(1, MAX_APP_ID), help="The AppId. [default: a random one]")
@click.option("--vendor", "vendors", type=int, multiple=True, required=True, help="A vendor it may use; repeat.")
@click.option("--default-vendor", type=int, help="What VendorId 0 means. [default: the first --vendor]")
@click.option("--scene", "scenes", type=click.IntRange(1, 4), multiple=True, help="A scene; repeat. [default: all]")
@click.option("--billing", type=click.IntRange(0, 3), multiple=True, help="A billing mode; repeat. [default: 0]")
@click.option("--territory", help="Its home, ISO 3166-1 alpha-2. [default: the setting home_territory]")
@standard_options
def create(
    *,
    name: str,
    app_id: int | None,
    vendors: tuple[int, ...],
    default_vendor: int | None,
    scenes: tuple[int, ...],
    billing: tuple[int, ...],
    territory: str | None,
    data: str | None,
    as_json: bool,
) -> None:
    """Create an app. Its ServerSecret is printed once, here; the store keeps it sealed."""
    settings = settings_for(data)
    with open_installation(settings) as installation:
        _check_vendors(installation, (*vendors, *((default_vendor,) if default_vendor else ())))
        created = new_app(
            name,
            app_id=app_id or secrets.randbelow(MAX_APP_ID) + 1,
            vendors=vendors,
            default_vendor=default_vendor or vendors[0],
            scenes=scenes or SCENES,
            billing=billing or (BillingMode.PER_USE,),
            territory=territory or settings.home_territory,
        )
        installation.centre.apps.create(created, at_ms=installation.centre.now_ms())
    if as_json:
        print_json({"app_id": created.app_id, "name": name, "server_secret": created.live_secrets[0]})
        return
    click.echo(f"AppId         {created.app_id}\nServerSecret  {created.live_secrets[0]}")
    click.echo("Keep the secret: it is not shown again.")


@app.command("list")
@standard_options
def list_apps(*, data: str | None, as_json: bool) -> None:
    """The apps and what they were granted."""
    with open_installation(settings_for(data)) as installation:
        apps = installation.centre.apps.apps()
    if as_json:
        print_json([_shown(each) for each in apps])
        return
    rows = [
        (str(each.app_id), each.name, _numbers(each.vendors), _numbers(each.scenes), _numbers(each.billing_modes))
        for each in apps
    ]
    print_table(("AppId", "Name", "Vendors", "Scenes", "Billing"), rows)


@click.command()
@click.option("--app", "app_id", type=int, required=True)
@click.option("--user", "user_id", required=True)
@click.option("--life", "life_s", type=click.IntRange(1), default=_DAY_S, show_default=True, help="Seconds.")
@click.option("--room", "rooms", multiple=True, help="A room it is good for; repeat. [default: every room]")
@click.option("--territory", default="", help="Where the user is, ISO 3166-1 alpha-2.")
@click.option("--kind", type=click.Choice(["jwt", "token04"]), default="jwt", show_default=True)
@standard_options
def token(
    *,
    app_id: int,
    user_id: str,
    life_s: int,
    rooms: tuple[str, ...],
    territory: str,
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
            territory=territory,
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


def _check_vendors(installation: Installation, vendors: tuple[int, ...]) -> None:
    known = sorted(vendor for vendor in installation.centre.profiles if vendor)
    for vendor in vendors:
        if vendor not in known:
            raise click.UsageError(f"there is no vendor {vendor}; there are {', '.join(map(str, known))}")


def _numbers(numbers: frozenset[int]) -> str:
    return " ".join(str(number) for number in sorted(numbers))


def _shown(app: App) -> dict[str, object]:
    return {
        "app_id": app.app_id,
        "name": app.name,
        "is_enabled": app.is_enabled,
        "default_vendor": app.default_vendor,
        "vendors": sorted(app.vendors),
        "scenes": sorted(app.scenes),
        "billing_modes": sorted(app.billing_modes),
        "home_territory": app.home_territory,
    }
