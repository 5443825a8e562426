"""Keys that seal what must be read again: app secrets at rest, tokens in callers' hands.

AES-256-GCM. A sealed text names the key it was sealed with, so keys can be rotated: seal with the active one, open with
any that is still in the ring.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from yuefu.errors import YuefuError

KEY_BYTES = 32
_NONCE_BYTES = 12
_ID_BYTES = 4


class NotSealedHere(YuefuError):
    """Text that no key of the ring opens: altered, from elsewhere, or sealed with a key since retired."""


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Keys by id (8 hex characters); `active` is the one that seals. Never printed: `repr` shows ids only."""

    active: str
    keys: Mapping[str, bytes]
    random_bytes: Callable[[int], bytes]

    def __repr__(self) -> str:
        return f"KeyRing(active={self.active!r}, ids={sorted(self.keys)})"

    def seal(self, plain: bytes, *, purpose: str) -> str:
        """URL-safe text that `open_sealed` turns back, for the same purpose only."""
        nonce = self.random_bytes(_NONCE_BYTES)
        cipher = AESGCM(self.keys[self.active]).encrypt(nonce, plain, purpose.encode())
        return base64.urlsafe_b64encode(bytes.fromhex(self.active) + nonce + cipher).decode().rstrip("=")

    def open_sealed(self, text: str, *, purpose: str) -> bytes:
        """What was sealed. Raises `NotSealedHere`."""
        try:
            raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
            key = self.keys[raw[:_ID_BYTES].hex()]
            nonce, cipher = raw[_ID_BYTES : _ID_BYTES + _NONCE_BYTES], raw[_ID_BYTES + _NONCE_BYTES :]
            return AESGCM(key).decrypt(nonce, cipher, purpose.encode())
        except (binascii.Error, KeyError, InvalidTag, ValueError):
            raise NotSealedHere("not sealed with a key of this installation") from None

    def derive(self, purpose: str, *, key: str | None = None) -> bytes:
        """A key of 32 bytes for one purpose, from the active key or from the one of that id.

        Raises `NotSealedHere` when the ring holds no key of that id.
        """
        root = self.keys.get(self.active if key is None else key)
        if root is None:
            raise NotSealedHere("no key of this installation has that id")
        return hmac.digest(root, purpose.encode(), hashlib.sha256)


def sealing_key(text: str) -> str:
    """The id of the key that a sealed text names; "" when it names none."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)[:_ID_BYTES].hex()
    except (binascii.Error, ValueError):
        return ""


def key_id(key: bytes) -> str:
    """The id a key goes by: the first bytes of its hash, in hex."""
    return hashlib.sha256(key).hexdigest()[: 2 * _ID_BYTES]
