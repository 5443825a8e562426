"""Keys of the admin API: who may look, who may see who did what, who may change things."""

import base64
import hashlib
from collections.abc import Callable
from enum import Enum
from typing import Protocol

import msgspec

from yuefu.access.app import check_name
from yuefu.access.audit import Author
from yuefu.access.quota import Rate
from yuefu.errors import YuefuError

PREFIX = "yuefu_admin_"
"""What every key begins with, so that people and scanners know one that lies about."""

RATE = Rate(calls_per_s=50, burst=100)
"""How often one key may call."""

_KEY_BYTES = 32
_ID_BYTES = 4


class Role(Enum):
    """What a key is for."""

    OPERATOR = "operator"
    FINANCE = "finance"
    VIEWER = "viewer"


class AdminKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key as it is kept: of the key itself there is a hash only. `key_id` names it and is no secret."""

    key_id: str
    name: str
    role: Role
    created_at_ms: int
    revoked_at_ms: int | None = None

    def author(self, origin: str) -> Author:
        """Who the audit says made a change with this key, from an address."""
        return Author(actor=f"key:{self.name}", origin=origin)


class NewAdminKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key that was just made: the only moment at which it can be shown."""

    key: AdminKey
    secret: str

    def __repr__(self) -> str:
        """Without the secret, wherever it may be printed."""
        return f"NewAdminKey({self.key.key_id}, {self.key.name!r})"


class UnknownAdminKey(YuefuError):
    """No key goes by that id."""

    def __init__(self, key_id: str) -> None:
        super().__init__(f"there is no admin key {key_id[:40]!r}; `yuefu admin key list` shows those there are")


class AdminKeyRevoked(YuefuError):
    """The key was revoked before."""

    def __init__(self, key_id: str) -> None:
        super().__init__(f"admin key {key_id} was revoked before")


class AdminKeyNameTaken(YuefuError):
    """A live key has that name; the audit could not tell the two apart."""

    def __init__(self, name: str) -> None:
        super().__init__(f"there is an admin key named {name!r} already; give another --name, or revoke that one")


class AdminKeyBook(Protocol):
    """Where admin keys are kept."""

    def find(self, secret: str) -> AdminKey | None:
        """The key that somebody shows; None when there is none, or when it was revoked."""

    def all_keys(self) -> list[AdminKey]:
        """All keys, the revoked ones too, in the order they were made."""


class AdminKeyDesk(Protocol):
    """Where one transaction writes admin keys."""

    def add(self, new: NewAdminKey) -> None:
        """Add a key. Raises `AdminKeyNameTaken`."""

    def revoke(self, key_id: str, *, at_ms: int) -> AdminKey:
        """Revoke a key. Raises `UnknownAdminKey`, `AdminKeyRevoked`."""


def make_key(name: str, role: Role, *, at_ms: int, random_bytes: Callable[[int], bytes]) -> NewAdminKey:
    """A fresh key of 32 random bytes. Raises `BadAppName`."""
    key = AdminKey(key_id=random_bytes(_ID_BYTES).hex(), name=check_name(name), role=role, created_at_ms=at_ms)
    text = base64.urlsafe_b64encode(random_bytes(_KEY_BYTES)).decode().rstrip("=")
    return NewAdminKey(key=key, secret=f"{PREFIX}{text}")


def hash_key(secret: str) -> bytes:
    """What is kept of a key, and what it is looked up by: nobody learns from how long a look-up takes."""
    return hashlib.sha256(secret.encode(errors="surrogatepass")).digest()
