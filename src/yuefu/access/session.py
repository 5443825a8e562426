"""A client's session: begun at `init`, ended at `destroy` or after a day, held by whoever has its token."""

import base64
import hashlib
from typing import Protocol

import msgspec

from yuefu.errors import YuefuError
from yuefu.ids import AppId, RoomId, UserId
from yuefu.units import DAY_MS

SESSION_LIFE_MS = DAY_MS
TOKEN_BYTES = 32


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """Who is behind a session token, and where. Only the token's hash is kept.

    `rooms` is None when the login token was good for every room, else the only rooms it is good for.
    """

    session_id: int
    app_id: AppId
    user_id: UserId
    rooms: tuple[RoomId, ...] | None
    territory: str
    expires_at_ms: int


class NewSession(msgspec.Struct, frozen=True, kw_only=True):
    """A session about to begin. `joined_rooms` are the rooms its client says it is in."""

    token_hash: bytes
    app_id: AppId
    user_id: UserId
    user_name: str
    rooms: tuple[RoomId, ...] | None
    joined_rooms: tuple[RoomId, ...]
    territory: str
    started_at_ms: int
    expires_at_ms: int


class SessionUnknown(YuefuError):
    """No such session, or it has ended."""

    def __init__(self) -> None:
        super().__init__("no such session, or it has ended; call init")


class SessionDesk(Protocol):
    """Where sessions are looked up by the hash of their token."""

    def session(self, token_hash: bytes) -> Session | None:
        """The session, ended or not; None when there is none."""


def new_token(random: bytes) -> str:
    """A session token from `TOKEN_BYTES` random bytes."""
    return base64.urlsafe_b64encode(random).decode().rstrip("=")


def hash_token(token: str) -> bytes:
    """What is stored of a session token."""
    return hashlib.sha256(token.encode()).digest()


def live_session(desk: SessionDesk, token: str, *, at_ms: int) -> Session:
    """The session a bearer token opens. Raises `SessionUnknown`."""
    session = desk.session(hash_token(token))
    if session is None or session.expires_at_ms <= at_ms:
        raise SessionUnknown
    return session
