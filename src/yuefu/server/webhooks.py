"""What operators do with webhooks, and how one event is sent."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, assert_never

import msgspec

from yuefu.access.app import UnknownApp
from yuefu.access.audit import AuditEntry, Author
from yuefu.access.keyring import NotSealedHere
from yuefu.access.webhook import NewWebhook, Place, Tells, Webhook
from yuefu.ids import AppId
from yuefu.server.centre import Centre, Transaction
from yuefu.server.outward import (
    BadAddress,
    Destination,
    Messenger,
    Resolver,
    Unreachable,
    find_destination,
    resolve_name,
)
from yuefu.server.usage_events import latest_usage
from yuefu.units import SECOND_MS, format_instant
from yuefu.wire.changes import PATH, render_cursor
from yuefu.wire.webhook import (
    SECRET_BYTES,
    TEST,
    USAGE_SOURCE,
    ChangesData,
    ChangesEvent,
    UsageData,
    UsageRecorded,
    render_secret,
    signed_event_headers,
)

_PURPOSE = "webhook-secret"
_EVENT_ID_BYTES = 16
_OK = range(200, 300)
GONE = 410


class Outcome(NamedTuple):
    """How an attempt ended: `failure` is "" for a delivery. Gone means that nothing is wanted there any more."""

    failure: str
    is_gone: bool = False


class Post:
    """Sends events to webhooks, signed, and to no private address unless that is allowed."""

    def __init__(self, centre: Centre, *, allow_private: bool, resolve: Resolver = resolve_name) -> None:
        self._centre = centre
        self._messenger = Messenger()
        self._find = partial(find_destination, allow_private=allow_private, resolve=resolve)

    async def find(self, url: str) -> Destination:
        """Where a URL leads. Raises `BadAddress`, `Unreachable`."""
        return await self._find(url)

    async def send(self, webhook: Webhook, event_id: str, body: bytes) -> Outcome:
        """One attempt to send an event."""
        at_s = self._centre.now_ms() // SECOND_MS
        try:
            secret = self._centre.keys.open_sealed(webhook.sealed_secret, purpose=_PURPOSE)
            destination = await self._find(webhook.url)
            headers = signed_event_headers(event_id, body, secret=secret, at_s=at_s)
            status = await self._messenger.post(destination, headers=headers, body=body)
        except (BadAddress, Unreachable, NotSealedHere) as error:
            return Outcome(str(error))
        return Outcome("" if status in _OK else f"HTTP status {status}", is_gone=status == GONE)

    async def aclose(self) -> None:
        await self._messenger.aclose()


def new_event_id(centre: Centre) -> str:
    """An id that no event had."""
    return f"evt_{centre.random_bytes(_EVENT_ID_BYTES).hex()}"


def render_event(centre: Centre, event_id: str, kind: str, data: ChangesData | UsageData) -> bytes:
    """The body of an event, the same however often it is sent."""
    time = format_instant(centre.now_ms())
    match data:
        case ChangesData():
            source = f"{centre.public_url}{PATH}"
            return msgspec.json.encode(ChangesEvent(id=event_id, source=source, type=kind, time=time, data=data))
        case UsageData():
            source = f"{centre.public_url}{USAGE_SOURCE}"
            return msgspec.json.encode(UsageRecorded(id=event_id, source=source, type=kind, time=time, data=data))
        case unreachable:
            assert_never(unreachable)


async def add_webhook(
    centre: Centre, post: Post, app_id: AppId, url: str, author: Author, *, tells: Tells = Tells.CHANGES
) -> tuple[Webhook, str]:
    """Add a webhook that is told of whatever changes, or is used, from now on; it and its secret, shown this once.

    Raises `UnknownApp`, `BadAddress`, `Unreachable`.
    """
    if centre.apps.app(app_id) is None:
        raise UnknownApp(app_id)
    destination = await post.find(url)
    secret = centre.random_bytes(SECRET_BYTES)
    new = NewWebhook(
        app_id=app_id,
        url=url,
        tells=tells,
        sealed_secret=centre.keys.seal(secret, purpose=_PURPOSE),
        told_until=Place(centre.feed.latest()) if tells is Tells.CHANGES else latest_usage(centre),
    )
    at_ms = centre.now_ms()

    def job(transaction: Transaction) -> int:
        webhook_id = transaction.webhooks.add(new, at_ms=at_ms)
        detail = {"app_id": app_id, "host": destination.host, "tells": tells.value}
        transaction.audit(audit_entry("webhook.add", webhook_id, author, detail, at_ms=at_ms))
        return webhook_id

    return centre.webhooks.webhook(centre.work.run(job)), render_secret(secret)


def remove_webhook(centre: Centre, webhook_id: int, author: Author) -> Webhook:
    """Take a webhook away, with what was under way. Raises `UnknownWebhook`."""
    return _change(centre, "webhook.remove", webhook_id, author, lambda transaction: transaction.webhooks.remove)


def enable_webhook(centre: Centre, webhook_id: int, author: Author) -> Webhook:
    """Tell a webhook again, from where it broke off and at once. Raises `UnknownWebhook`."""
    at_ms = centre.now_ms()
    return _change(
        centre,
        "webhook.enable",
        webhook_id,
        author,
        lambda transaction: partial(transaction.webhooks.enable, at_ms=at_ms),
    )


async def try_webhook(centre: Centre, post: Post, webhook_id: int) -> Outcome:
    """Send a webhook an event that tells nothing, once. Raises `UnknownWebhook`."""
    webhook = centre.webhooks.webhook(webhook_id)
    event_id = new_event_id(centre)
    data = (
        ChangesData(changes=[], next=render_cursor(webhook.told_until.row))
        if webhook.tells is Tells.CHANGES
        else UsageData(usage=[])
    )
    return await post.send(webhook, event_id, render_event(centre, event_id, TEST, data))


def audit_entry(action: str, webhook_id: int, author: Author, detail: dict[str, Any], *, at_ms: int) -> AuditEntry:
    """What the audit says of a change to a webhook. A URL may hold a secret of its owner's and is left out."""
    return AuditEntry(
        at_ms=at_ms,
        actor=author.actor,
        origin=author.origin,
        action=action,
        subject=f"webhook {webhook_id}",
        detail=detail,
    )


def _change(
    centre: Centre,
    action: str,
    webhook_id: int,
    author: Author,
    change: Callable[[Transaction], Callable[[int], Webhook]],
) -> Webhook:
    at_ms = centre.now_ms()

    def job(transaction: Transaction) -> Webhook:
        before = change(transaction)(webhook_id)
        transaction.audit(audit_entry(action, webhook_id, author, {"app_id": before.app_id}, at_ms=at_ms))
        return before

    return centre.work.run(job)
