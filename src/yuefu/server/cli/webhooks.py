"""`yuefu webhook …`."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import click

from yuefu.access.webhook import Tells, Webhook
from yuefu.ids import AppId
from yuefu.server.cli.options import NUMBER, command_author, print_json, print_table, settings_for, standard_options
from yuefu.server.webhooks import Outcome, Post, add_webhook, enable_webhook, remove_webhook, try_webhook
from yuefu.server.wiring import Installation, open_installation
from yuefu.units import format_instant

_number = click.argument("webhook_id", metavar="ID", type=NUMBER)


@click.group()
def webhook() -> None:
    """Webhooks: where apps' back ends are told of changes, or of usage."""


@webhook.command("add")
@click.option("--app", "app_id", type=NUMBER, required=True, help="Whose back end it is.")
@click.option("--url", required=True, help="Where events are posted, as https://app.example.org/yuefu.")
@click.option(
    "--tells",
    type=click.Choice([each.value for each in Tells]),
    default=Tells.CHANGES.value,
    show_default=True,
    help="What of: changes of songs' rights, or what the app used and was charged.",
)
@standard_options
def add(*, app_id: int, url: str, tells: str, data: str | None, as_json: bool) -> None:
    """Have an app told of whatever changes, or is used, from now on. Its secret is printed once, here."""
    with open_installation(settings_for(data)) as installation:
        added, secret = asyncio.run(_add(installation, AppId(app_id), url, Tells(tells)))
    if as_json:
        print_json({**_facts(added), "secret": secret})
        return
    click.echo(f"Webhook  {added.webhook_id}\nSecret   {secret}")
    click.echo("Keep the secret: it is not shown again.")


@webhook.command("list")
@standard_options
def list_webhooks(*, data: str | None, as_json: bool) -> None:
    """The webhooks, and how they fare."""
    with open_installation(settings_for(data)) as installation:
        found = installation.centre.webhooks.webhooks()
    if as_json:
        print_json([_facts(each) for each in found])
        return
    rows = [
        (
            str(each.webhook_id),
            str(each.app_id),
            each.url,
            each.tells.value,
            "on" if each.is_enabled else "off",
            "" if each.failing_since_ms is None else format_instant(each.failing_since_ms),
            each.failure,
        )
        for each in found
    ]
    print_table(("Id", "AppId", "URL", "Tells", "", "Failing since", "Last failure"), rows)


@webhook.command("remove")
@_number
@standard_options
def remove(*, webhook_id: int, data: str | None, as_json: bool) -> None:
    """Tell webhook ID nothing more, and forget it."""
    with open_installation(settings_for(data)) as installation:
        removed = remove_webhook(installation.centre, webhook_id, command_author())
    if as_json:
        print_json({"webhook_id": removed.webhook_id})
    else:
        click.echo(f"Webhook {removed.webhook_id} is removed.")


@webhook.command("enable")
@_number
@standard_options
def enable(*, webhook_id: int, data: str | None, as_json: bool) -> None:
    """Tell webhook ID again, from where it broke off."""
    with open_installation(settings_for(data)) as installation:
        enable_webhook(installation.centre, webhook_id, command_author())
        found = installation.centre.webhooks.webhook(webhook_id)
    if as_json:
        print_json(_facts(found))
    else:
        click.echo(f"Webhook {webhook_id} is on.")


@webhook.command("test")
@_number
@standard_options
def test(*, webhook_id: int, data: str | None, as_json: bool) -> None:
    """Send webhook ID an event that tells nothing; exit status 1 when it does not arrive."""
    with open_installation(settings_for(data)) as installation:
        outcome = asyncio.run(_try(installation, webhook_id))
    if as_json:
        print_json({"is_delivered": not outcome.failure, "failure": outcome.failure})
    else:
        click.echo(f"Not delivered: {outcome.failure}" if outcome.failure else "Delivered.")
    sys.exit(1 if outcome.failure else 0)


async def _add(installation: Installation, app_id: AppId, url: str, tells: Tells) -> tuple[Webhook, str]:
    async with _post(installation) as post:
        return await add_webhook(installation.centre, post, app_id, url, command_author(), tells=tells)


async def _try(installation: Installation, webhook_id: int) -> Outcome:
    async with _post(installation) as post:
        return await try_webhook(installation.centre, post, webhook_id)


@asynccontextmanager
async def _post(installation: Installation) -> AsyncIterator[Post]:
    post = Post(installation.centre, allow_private=installation.settings.webhook_allow_private)
    try:
        yield post
    finally:
        await post.aclose()


def _facts(webhook: Webhook) -> dict[str, object]:
    """Everything of a webhook but its secret."""
    since_ms = webhook.failing_since_ms
    return {
        "webhook_id": webhook.webhook_id,
        "app_id": webhook.app_id,
        "url": webhook.url,
        "tells": webhook.tells.value,
        "is_enabled": webhook.is_enabled,
        "failing_since": None if since_ms is None else format_instant(since_ms),
        "failure": webhook.failure,
        "created_at": format_instant(webhook.created_at_ms),
    }
