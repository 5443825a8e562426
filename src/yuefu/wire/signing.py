"""Signature 2.0: `md5(AppId + SignatureNonce + ServerSecret + Timestamp)` in lowercase hex.

It covers these four values and nothing else, and joins them without separators, so its grammar is kept strict here: an
AppId without leading zeros, a nonce of 1 to 64 plain characters, a Timestamp of exactly ten digits. With a loose
grammar one signature would be good for several requests. (Contract: server API, `signature`; decisions G14, G15.)
"""

import hashlib
import hmac
import re
from collections.abc import Iterable
from typing import ClassVar, NamedTuple

import msgspec

from yuefu.ids import AppId
from yuefu.wire.query import parse_query
from yuefu.wire.refusal import illegal

FRESHNESS_S = 600
"""How far a Timestamp may be from the server's clock, inclusive, either way."""

SIGNATURE_VERSION = "2.0"
SIGNATURE_FIELDS = frozenset({"AppId", "Signature", "SignatureNonce", "SignatureVersion", "Timestamp"})
MAX_APP_ID = 2**32 - 1
MAX_USER_ID_LENGTH = 256
MAX_ROOM_ID_LENGTH = 256

_NONCE = re.compile(r"[0-9A-Za-z_-]{1,64}", re.ASCII)
_SIGNATURE = re.compile(r"[0-9A-Fa-f]{32}", re.ASCII)
_TIMESTAMP = re.compile(r"[0-9]{10}", re.ASCII)
_APP_ID = re.compile(r"[1-9][0-9]{0,9}", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_TERRITORY = re.compile(r"[A-Z]{2}", re.ASCII)
_VENDOR_ID = re.compile(r"-?[0-9]{1,9}", re.ASCII)


class SignedQuery(msgspec.Struct, frozen=True, kw_only=True):
    """A query of the server API whose common parameters have the right shape; nothing is proven yet.

    `vendor_id` is what the caller wrote: 0 still means "the app's default", as `territory` "" means its home.
    `business` holds the operation's own parameters as they came. The class itself is that of signature 2.0; what else
    proves a query is a class of its own.
    """

    freshness_s: ClassVar[int] = FRESHNESS_S
    timestamp_name: ClassVar[str] = "Timestamp"
    nonce_name: ClassVar[str] = "SignatureNonce"
    is_signature2: ClassVar[bool] = True

    action: str
    app_id: AppId
    signature: str
    nonce: str
    timestamp_s: int
    user_id: str
    room_id: str
    vendor_id: int
    territory: str
    business: dict[str, list[str]]

    def is_signed_with(self, live_secrets: Iterable[str]) -> bool:
        """Whether it was signed with one of `live_secrets`."""
        return signature_matches(self, live_secrets)


def sign(*, app_id: int, nonce: str, secret: str, timestamp_s: int) -> str:
    """The signature of one call: 32 lowercase hex characters."""
    message = f"{app_id}{nonce}{secret}{timestamp_s}"
    return hashlib.md5(message.encode(), usedforsecurity=False).hexdigest()


def signature_matches(query: SignedQuery, live_secrets: Iterable[str]) -> bool:
    """Whether `query` was signed with one of `live_secrets`; takes the same time whichever it is."""
    given = query.signature.lower()
    matches = False
    for secret in live_secrets:
        expected = sign(app_id=query.app_id, nonce=query.nonce, secret=secret, timestamp_s=query.timestamp_s)
        matches |= hmac.compare_digest(expected, given)
    return matches


def is_fresh(timestamp_s: int, *, at_s: int, within_s: int = FRESHNESS_S) -> bool:
    """Whether a Timestamp is within `within_s` of `at_s`, before or after."""
    return abs(at_s - timestamp_s) <= within_s


def parse_signed_query(raw_query: bytes) -> SignedQuery:
    """The signed query in a raw query string.

    Raises `Refusal` (illegal parameter) naming the first common parameter that is missing or misshapen. Whether the
    Action exists is the registry's to say, so an unknown one passes here.
    """
    return signed_query(parse_query(raw_query))


def signed_query(fields: dict[str, list[str]], *, needs_user: bool = True) -> SignedQuery:
    """The signed query that parsed `fields` make; takes its common parameters out of them."""
    action = single(fields, "Action")
    app_id = _shaped(fields, "AppId", _APP_ID, "a decimal number from 1 to 4294967295 without leading zeros")
    if int(app_id) > MAX_APP_ID:
        raise illegal("AppId", "more than 4294967295")
    signature = _shaped(fields, "Signature", _SIGNATURE, "32 hex characters")
    nonce = _shaped(fields, "SignatureNonce", _NONCE, "1 to 64 of 0-9 A-Z a-z _ -")
    version = single(fields, "SignatureVersion")
    if version != SIGNATURE_VERSION:
        raise illegal("SignatureVersion", f"must be {SIGNATURE_VERSION}")
    timestamp = _shaped(fields, "Timestamp", _TIMESTAMP, "Unix time in seconds, ten digits")
    asker = read_asker(fields, needs_user=needs_user)
    return SignedQuery(
        action=action,
        app_id=AppId(int(app_id)),
        signature=signature,
        nonce=nonce,
        timestamp_s=int(timestamp),
        user_id=asker.user_id,
        room_id=asker.room_id,
        vendor_id=asker.vendor_id,
        territory=asker.territory,
        business=fields,
    )


class Asker(NamedTuple):
    """For whom a call asks, in which room, of which vendor and where: the common parameters that no signature needs."""

    user_id: str
    room_id: str
    vendor_id: int
    territory: str


def read_asker(fields: dict[str, list[str]], *, needs_user: bool = True) -> Asker:
    """UserId, RoomId and Territory ("" for none), VendorId (0 for none); takes them out of `fields`.

    Territory is our own: the documents know none. Raises `Refusal`.
    """
    user_id = _text(fields, "UserId", MAX_USER_ID_LENGTH) if needs_user else ""
    room_id = _text(fields, "RoomId", MAX_ROOM_ID_LENGTH) if fields.get("RoomId", [""]) != [""] else ""
    vendor_id = _shaped(fields, "VendorId", _VENDOR_ID, "a whole number") if "VendorId" in fields else "0"
    territory = _shaped(fields, "Territory", _TERRITORY, "an ISO 3166-1 alpha-2 code") if "Territory" in fields else ""
    return Asker(user_id, room_id, int(vendor_id), territory)


def single(fields: dict[str, list[str]], name: str) -> str:
    """The one value of a common parameter; takes it out of `fields`. Raises `Refusal`."""
    values = fields.pop(name, None)
    if values is None:
        raise illegal(name, "missing")
    if len(values) > 1:
        raise illegal(name, "given more than once")
    if not values[0]:
        raise illegal(name, "empty")
    return values[0]


def _shaped(fields: dict[str, list[str]], name: str, shape: re.Pattern[str], wanted: str) -> str:
    value = single(fields, name)
    if shape.fullmatch(value) is None:
        raise illegal(name, f"must be {wanted}")
    return value


def _text(fields: dict[str, list[str]], name: str, max_length: int) -> str:
    value = single(fields, name)
    if len(value) > max_length:
        raise illegal(name, f"longer than {max_length} characters")
    if _CONTROL.search(value):
        raise illegal(name, "contains control characters")
    return value
