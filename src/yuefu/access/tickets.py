"""Tokens we hand out and take back: the krc token, sealed, and the share token, signed.

Both name the key they were made with, so keys can be rotated while tokens are out. They are made and read by one
installation's clocks: callers' clocks play no part, and a token ends at its instant, with no leeway either way.
"""

from functools import lru_cache

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import GuestProtocol, OctKey

from yuefu.access.keyring import KeyRing, NotSealedHere
from yuefu.errors import YuefuError
from yuefu.ids import AppId, SongId
from yuefu.units import SECOND_MS

_KRC_PURPOSE = "krc-token"
_SHARE_PURPOSE = "share-token"
_SHARE_ALGORITHM = "HS256"


class KrcTicket(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """The word lyrics of one song, for one app, until an instant."""

    app_id: AppId
    song_id: SongId
    expires_at_ms: int


class ShareTicket(msgspec.Struct, frozen=True, kw_only=True):
    """One shared resource, for callers of the old way of sharing; `grant_id` is the payer's grant."""

    app_id: AppId
    room_id: str
    vendor_id: int
    song_id: SongId
    resource_type: int
    grant_id: int
    expires_at_ms: int


class _ShareClaims(msgspec.Struct, frozen=True, kw_only=True):
    """The same as the token has it. `exp` is in seconds, rounded up: nobody gets less time than they were told."""

    app: str
    room: str
    vendor: int
    song: str
    type: int
    grant: int
    exp: int


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
    claims = _ShareClaims(
        app=str(ticket.app_id),
        room=ticket.room_id,
        vendor=ticket.vendor_id,
        song=str(ticket.song_id),
        type=ticket.resource_type,
        grant=ticket.grant_id,
        exp=-(-ticket.expires_at_ms // SECOND_MS),
    )
    header = {"alg": _SHARE_ALGORITHM, "kid": keys.active}
    key = _signing_key(keys.derive(_SHARE_PURPOSE))
    return jwt.encode(header, msgspec.structs.asdict(claims), key, algorithms=[_SHARE_ALGORITHM])


def open_share_ticket(token: str, keys: KeyRing, *, at_ms: int) -> ShareTicket:
    """What a share token stands for. Raises `TicketMalformed` or `TicketExpired`."""

    def named_key(read: GuestProtocol) -> OctKey:
        key = read.headers().get("kid")
        return _signing_key(keys.derive(_SHARE_PURPOSE, key=key if isinstance(key, str) else ""))

    try:
        decoded = jwt.decode(token, named_key, algorithms=[_SHARE_ALGORITHM])
        claims = msgspec.convert(decoded.claims, _ShareClaims)
        ticket = ShareTicket(
            app_id=AppId(int(claims.app)),
            room_id=claims.room,
            vendor_id=claims.vendor,
            song_id=SongId(int(claims.song)),
            resource_type=claims.type,
            grant_id=claims.grant,
            expires_at_ms=claims.exp * SECOND_MS,
        )
    except (NotSealedHere, JoseError, ValueError, TypeError, msgspec.ValidationError):
        raise TicketMalformed("the share token is not one of ours") from None  # TypeError: a header as {"crit": 5}
    if ticket.expires_at_ms <= at_ms:
        raise TicketExpired("the share token has expired")
    return ticket


@lru_cache(maxsize=16)
def _signing_key(secret: bytes) -> OctKey:
    return OctKey.import_key(secret)
