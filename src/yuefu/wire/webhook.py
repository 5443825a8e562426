"""What a webhook is sent: a CloudEvents 1.0 event in structured mode, signed by Standard Webhooks 1.0.0.

The signature covers the event's id, the instant of the attempt and the body as it is sent, so it is another at every
attempt while the first and the last stay the same.
"""

import base64
import hashlib
import hmac

import msgspec

from yuefu.wire.changes import Change

SECRET_PREFIX = "whsec_"  # noqa: S105 - the mark by which secrets are known, no secret
SECRET_BYTES = 32
MEDIA_TYPE = "application/cloudevents+json"
CATALOGUE_CHANGED = "yuefu.catalogue.changed"
TEST = "yuefu.webhook.test"


class ChangesData(msgspec.Struct, frozen=True, kw_only=True):
    """Some changes, as `GET /v1/changes` tells them, and the cursor that comes after them."""

    changes: list[Change]
    next: str


class CloudEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One event; `source` and `id` together are its own for good."""

    id: str
    source: str
    type: str
    time: str
    data: ChangesData
    specversion: str = "1.0"
    datacontenttype: str = "application/json"


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
