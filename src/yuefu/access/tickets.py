"""Tokens we hand out and take back: the krc token, sealed, and the share token, signed."""

from functools import lru_cache

import msgspec
from joserfc import jwt
from joserfc.jwk import OctKey

from yuefu.access.keyring import KeyRing, NotSealedHere
from yuefu.errors import YuefuError
from yuefu.ids import AppId, SongId

_KRC_PURPOSE = "krc-token"
_SHARE_PURPOSE = "share-token"


class KrcTicket(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """The word lyrics of one song, for one app, until an instant."""

    app_id: AppId
    song_id: SongId
    expires_at_ms: int


class ShareTicket(msgspec.Struct, frozen=True, kw_only=True):
    """One shared resource, for callers of the old way of sharing."""

    app_id: AppId
    room_id: str
    vendor_id: int
    song_id: SongId
    resource_type: int
    expires_at_ms: int


class TicketMalformed(YuefuError):
    """Not a token of this installation."""


class TicketExpired(YuefuError):
    """A token of ours past its time."""


def seal_krc_ticket(ticket: KrcTicket, keys: KeyRing) -> str:
    """The krc token: nobody but us can read or make it."""
    return keys.seal(msgspec.msgpack.encode(ticket), purpose=_KRC_PURPOSE)


def open_krc_ticket(token: str, keys: KeyRing, *, at_ms: int) -> KrcTicket:
    """What a krc token stands for. Raises `TicketMalformed` or `TicketExpired`."""
    try:
        ticket = msgspec.msgpack.decode(keys.open_sealed(token, purpose=_KRC_PURPOSE), type=KrcTicket)
    except (NotSealedHere, msgspec.DecodeError):
        raise TicketMalformed("the krc token is not one of ours") from None
    if ticket.expires_at_ms <= at_ms:
        raise TicketExpired("the krc token has expired")
    return ticket


def sign_share_ticket(ticket: ShareTicket, keys: KeyRing) -> str:
    """The share token: a JWT (HS256) whose `kid` names the key."""
    claims = {
        "app": str(ticket.app_id),
        "room": ticket.room_id,
        "vendor": ticket.vendor_id,
        "song": str(ticket.song_id),
        "type": ticket.resource_type,
        "exp": ticket.expires_at_ms // 1000,
    }
    key = _signing_key(keys.derive(_SHARE_PURPOSE))
    return jwt.encode({"alg": "HS256", "kid": keys.active}, claims, key, algorithms=["HS256"])


@lru_cache(maxsize=16)
def _signing_key(secret: bytes) -> OctKey:
    return OctKey.import_key(secret)
