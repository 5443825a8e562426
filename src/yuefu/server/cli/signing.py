"""`yuefu sign`."""

import shlex
import time

import click

from yuefu.client import new_nonce, signed_url
from yuefu.server.cli.apps import find_app
from yuefu.server.cli.options import TERRITORY, print_json, settings_for, standard_options
from yuefu.server.demo import demo_base_url
from yuefu.server.wiring import open_installation
from yuefu.wire.operations import OPERATIONS


@click.command()
@click.argument("action", metavar="ACTION", type=click.Choice([operation.action for operation in OPERATIONS]))
@click.argument("params", nargs=-1)
@click.option("--app", "app_id", type=int, required=True)
@click.option("--user", "user_id", default="yuefu-sign", show_default=True)
@click.option("--vendor", "vendor_id", type=int, default=0, show_default=True)
@click.option("--room", "room_id", default="")
@click.option("--territory", type=TERRITORY, help="Where the user is. [default: the app's home]")
@click.option("--base-url", help="Where the centre is. [default: the demo's, else that of the settings]")
@standard_options
def sign(
    *,
    action: str,
    params: tuple[str, ...],
    app_id: int,
    user_id: str,
    vendor_id: int,
    room_id: str,
    territory: str | None,
    base_url: str | None,
    data: str | None,
    as_json: bool,
) -> None:
    """Print a signed URL that asks ACTION with PARAMS, good once and for ten minutes.

    PARAMS are NAME=VALUE in the spelling of the server API; write a list's name with brackets and repeat it:

        yuefu sign QuerySongsCopyright 'SongsId[]=100000001' 'SongsId[]=100000002' --app 12345 --vendor 1
    """
    settings = settings_for(data)
    with open_installation(settings) as installation:
        secret = find_app(installation, app_id).live_secrets[0]
    url = signed_url(
        base_url or demo_base_url(settings) or settings.base_url,
        action,
        _collect(params),
        app_id=app_id,
        server_secret=secret,
        user_id=user_id,
        vendor_id=vendor_id,
        room_id=room_id,
        territory=territory or "",
        nonce=new_nonce(),
        timestamp_s=int(time.time()),
    )
    if as_json:
        print_json({"url": url, "curl": f"curl {shlex.quote(url)}"})
    else:
        click.echo(f"{url}\n\ncurl {shlex.quote(url)}")


def _collect(params: tuple[str, ...]) -> dict[str, str | list[str]]:
    collected: dict[str, str | list[str]] = {}
    for param in params:
        name, separator, value = param.partition("=")
        if not name or not separator:
            raise click.UsageError(f"{param!r} is not NAME=VALUE")
        if name.endswith("[]"):
            held = collected.setdefault(name[:-2], [])
            if isinstance(held, list):
                held.append(value)
        else:
            collected[name] = value
    return collected
