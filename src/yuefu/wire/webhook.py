"""What a webhook is sent: a CloudEvents 1.0 event in structured mode, signed by Standard Webhooks 1.0.0.

The signature covers the event's id, the instant of the attempt and the body as it is sent, so it is another at every
attempt while the first and the last stay the same.
"""

import base64
import hashlib
import hmac
from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from yuefu.wire.changes import Change

SECRET_PREFIX = "whsec_"  # noqa: S105 - the mark by which secrets are known, no secret
SECRET_BYTES = 32
MEDIA_TYPE = "application/cloudevents+json"
CATALOGUE_CHANGED = "yuefu.catalogue.changed"
USAGE_RECORDED = "yuefu.usage.recorded"
USAGE_SOURCE = "/usage"
"""Behind the centre's address, where its events of usage come from; nothing is asked there."""

TEST = "yuefu.webhook.test"


class ChangesData(msgspec.Struct, frozen=True, kw_only=True):
    """Some changes, as `GET /v1/changes` tells them, and the cursor that comes after them."""

    changes: list[Change]
    next: str


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that became of one use. The amounts of an app's month come to what it is billed."""

    usage_id: str
    """Its own for good: what comes again under it is the same."""
    kind: Literal["charged", "shared", "reversed", "adjusted"]
    """`shared` is free; `reversed` and `adjusted` take a charge back, while its month is open or after that."""
    of: str | UnsetType = UNSET
    """The `usage_id` of the use that was shared or taken back."""
    at: str
    """When, ISO 8601 in UTC."""
    song_id: str
    vendor_id: int
    resource_type: int
    scene_id: int
    mode: int
    user_id: str
    """"" of a user who was forgotten."""
    room_id: str
    territory: str
    """Where the rights were asked."""
    rights_revision: int
    """By which the song was granted."""
    amount_minor: int
    """What it adds to the month, in the currency's smallest unit; below 0 where it is taken back."""
    currency: str | UnsetType = UNSET
    period: str | UnsetType = UNSET
    """The month it is billed in, as 2026-11."""
    unpriced: int = 0
    """1: nobody had set a price."""
    reason: str | UnsetType = UNSET
    """Why it was taken back."""


class UsageData(msgspec.Struct, frozen=True, kw_only=True):
    """Some uses of one app, in the order in which they were recorded."""

    usage: list[Usage]


class CloudEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One event; `source` and `id` together are its own for good."""

    id: str
    source: str
    type: str
    time: str
    specversion: str = "1.0"
    datacontenttype: str = "application/json"


class ChangesEvent(CloudEvent, frozen=True, kw_only=True):
    """Songs changed."""

    data: ChangesData


class UsageRecorded(CloudEvent, frozen=True, kw_only=True):
    """An app used songs."""

    data: UsageData


def render_secret(secret: bytes) -> str:
    """A secret as its owner writes it."""
    return SECRET_PREFIX + base64.b64encode(secret).decode()


def signed_event_headers(event_id: str, body: bytes, *, secret: bytes, at_s: int) -> dict[str, str]:
    """The headers of one attempt to send an event."""
    signed = f"{event_id}.{at_s}.".encode() + body
    signature = base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode()
    return {
        "content-type": MEDIA_TYPE,
        "webhook-id": event_id,
        "webhook-timestamp": str(at_s),
        "webhook-signature": f"v1,{signature}",
    }
