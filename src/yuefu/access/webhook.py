"""Webhooks: where an app's back end wants to be told of changes, or of usage, how far it was told, what is under way.

Each webhook has one event under way at a time, written down before it is first sent and the same at every attempt. So
whoever listens is told of everything in order and at least once, and knows by the event's id what came again.
"""

from enum import Enum
from typing import NamedTuple, Protocol

import msgspec

from yuefu.errors import YuefuError
from yuefu.ids import AppId
from yuefu.units import HOUR_MS, SECOND_MS

FIRST_WAIT_MS = SECOND_MS
LONGEST_WAIT_MS = HOUR_MS
_MOST_DOUBLINGS = 20


class Tells(Enum):
    """What a webhook is told."""

    CHANGES = "changes"
    """What became of songs' rights."""
    USAGE = "usage"
    """What its app used, and what that was charged."""


class Place(NamedTuple):
    """How far a webhook was told: up to which row of the change feed, or up to which grant and which posting."""

    row: int
    posting: int = 0


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """One webhook. `told_until` is the place up to which its app was told.

    While deliveries fail, `failing_since_ms` is when they began to and `failure` how the last one did.
    """

    webhook_id: int
    app_id: AppId
    url: str
    tells: Tells
    sealed_secret: str
    told_until: Place
    is_enabled: bool
    failing_since_ms: int | None
    failure: str
    created_at_ms: int


class NewWebhook(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook as it is added."""

    app_id: AppId
    url: str
    tells: Tells
    sealed_secret: str
    told_until: Place


class NewEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event that nobody was sent yet; it tells what came from one place to another."""

    event_id: str
    body: str
    tells_from: Place
    tells_until: Place


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """The event under way. `attempts` counts those begun."""

    webhook_id: int
    event_id: str
    body: str
    attempts: int
    next_attempt_ms: int


class UnknownWebhook(YuefuError):
    """No webhook of that number."""

    def __init__(self, webhook_id: int) -> None:
        super().__init__(f"there is no webhook {webhook_id}; `yuefu webhook list` shows those there are")
        self.webhook_id = webhook_id


class WebhookBook(Protocol):
    """Webhooks as they are now."""

    def webhooks(self) -> list[Webhook]:
        """All of them, by number."""

    def webhook(self, webhook_id: int) -> Webhook:
        """One of them. Raises `UnknownWebhook`."""

    def event(self, webhook_id: int) -> Event | None:
        """The event under way, None when there is none."""


class WebhookDesk(Protocol):
    """Where one transaction writes webhooks."""

    def add(self, webhook: NewWebhook, *, at_ms: int) -> int:
        """Add one; its number."""

    def remove(self, webhook_id: int) -> Webhook:
        """Take one away, with what was under way; what it was. Raises `UnknownWebhook`."""

    def enable(self, webhook_id: int, *, at_ms: int) -> Webhook:
        """Begin to tell again where it broke off, at once; what it was. Raises `UnknownWebhook`."""

    def skip(self, webhook_id: int, *, tells_from: Place, tells_until: Place) -> None:
        """Have a stretch that says nothing to the app count as told."""

    def claim(self, webhook_id: int, fresh: NewEvent | None, *, at_ms: int, until_ms: int) -> Event | None:
        """The event to send now, nobody else's until that instant: the one under way if it is due, else `fresh`.

        None when there is nothing to send, or somebody else sends it.
        """

    def delivered(self, event: Event) -> None:
        """Have an event count as told."""

    def failed(self, event: Event, failure: str, *, at_ms: int, next_attempt_ms: int) -> Webhook | None:
        """Write down that an attempt failed; the webhook as it is then, None when the attempt was not the last."""

    def disable(self, webhook_id: int) -> None:
        """Tell it nothing more until it is enabled."""


def wait_ms(attempts: int, chance: float) -> int:
    """How long to wait after that many failed attempts: twice as long each time, up to an hour.

    `chance` in 0–1 takes off up to half, so that what failed together does not come back together.
    """
    whole_ms = min(LONGEST_WAIT_MS, FIRST_WAIT_MS << min(attempts - 1, _MOST_DOUBLINGS))
    return whole_ms - int(whole_ms / 2 * chance)
