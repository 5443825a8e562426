"""`yuefu sign`."""

import shlex
import time
from typing import Any

import click

from yuefu.client import new_nonce, signed_headers, signed_url
from yuefu.client.signed import question_url
from yuefu.server.cli.apps import find_app
from yuefu.server.cli.options import COUNT, NUMBER, TERRITORY, print_json, settings_for, standard_options
from yuefu.server.demo import demo_base_url
from yuefu.server.wiring import open_installation
from yuefu.wire.operations import OPERATIONS


@click.command()
@click.argument("action", metavar="ACTION", type=click.Choice([operation.action for operation in OPERATIONS]))
@click.argument("params", nargs=-1)
@click.option("--app", "app_id", type=NUMBER, required=True)
@click.option("--user", "user_id", default="yuefu-sign", show_default=True)
@click.option("--vendor", "vendor_id", type=COUNT, default=0, show_default=True)
@click.option("--room", "room_id", default="")
@click.option("--territory", type=TERRITORY, help="Where the user is. [default: the app's home]")
@click.option("--base-url", help="Where the centre is. [default: the demo's, else that of the settings]")
@click.option("--http", "by_headers", is_flag=True, help="Sign by headers (RFC 9421) instead of signature 2.0.")
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
    by_headers: bool,
    data: str | None,
    as_json: bool,
) -> None:
    """Print a signed URL that asks ACTION with PARAMS, good once and for ten minutes.

    With --http what signs it is headers, good for five. PARAMS are NAME=VALUE in the spelling of the server API; write
    a list's name with brackets and repeat it:

        yuefu sign QuerySongsCopyright 'SongsId[]=100000001' 'SongsId[]=100000002' --app 12345 --vendor 1
    """
    settings = settings_for(data)
    with open_installation(settings) as installation:
        secret = find_app(installation, app_id).live_secrets[0]
    at = base_url or demo_base_url(settings) or settings.base_url
    asker: dict[str, Any] = {
        "user_id": user_id,
        "vendor_id": vendor_id,
        "room_id": room_id,
        "territory": territory or "",
    }
    nonce, at_s = new_nonce(), int(time.time())
    headers: dict[str, str] = {}
    if by_headers:
        url = question_url(at, action, _collect(params), **asker)
        headers = signed_headers(url, app_id=app_id, server_secret=secret, nonce=nonce, created_s=at_s)
    else:
        signer: dict[str, Any] = {"app_id": app_id, "server_secret": secret, "nonce": nonce}
        url = signed_url(at, action, _collect(params), **asker, **signer, timestamp_s=at_s)
    _print(url, headers, as_json=as_json)


def _print(url: str, headers: dict[str, str], *, as_json: bool) -> None:
    lines = [f"{name}: {value}" for name, value in headers.items()]
    curl = shlex.join(["curl", *(word for line in lines for word in ("-H", line)), url])
    if as_json:
        print_json({"url": url, "headers": headers, "curl": curl})
    else:
        click.echo("\n".join([url, *lines, "", curl]))


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
