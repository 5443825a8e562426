"""The installation's keys: in a file that its owner alone can read, or handed in as text."""

import base64
import binascii
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from yuefu.access.keyring import KEY_BYTES, KeyRing, key_id
from yuefu.errors import YuefuError


class _KeyFile(msgspec.Struct, frozen=True):
    active: str
    keys: dict[str, bytes]


class DamagedKeys(YuefuError):
    """The key file is there and cannot be read: nothing is made in its place."""


class BadKeys(YuefuError):
    """Text that is no key. Says which of them, never what it holds."""


def read_keyring(texts: Sequence[str], random_bytes: Callable[[int], bytes]) -> KeyRing:
    """The ring of keys written in base64, in either alphabet; the first is the active one. Raises `BadKeys`."""
    keys = [_read_key(text, place) for place, text in enumerate(texts, start=1)]
    return KeyRing(active=key_id(keys[0]), keys={key_id(key): key for key in keys}, random_bytes=random_bytes)


def _read_key(text: str, place: int) -> bytes:
    try:
        key = base64.b64decode(text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise BadKeys(f"key {place} is not {KEY_BYTES} bytes in base64")
    return key


def open_keyring(path: Path, random_bytes: Callable[[int], bytes]) -> KeyRing:
    """The key ring in that file; made with one new key when there is no such file yet.

    Two processes that start together agree: the file is created exclusively, and whoever comes second reads it.
    """
    key = random_bytes(KEY_BYTES)
    fresh = _KeyFile(active=key_id(key), keys={key_id(key): key})
    staged = path.with_suffix(f".{os.getpid()}")
    try:
        if not path.exists():
            handle = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(msgspec.json.encode(fresh))
                os.fsync(file.fileno())
            os.link(staged, path)
    except FileExistsError:
        pass
    finally:
        staged.unlink(missing_ok=True)
    try:
        held = msgspec.json.decode(path.read_bytes(), type=_KeyFile)
    except msgspec.DecodeError as error:
        raise DamagedKeys(f"{path} is damaged ({error}); without it the sealed secrets cannot be read") from None
    return KeyRing(active=held.active, keys=held.keys, random_bytes=random_bytes)
