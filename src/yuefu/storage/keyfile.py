"""The installation's keys in a file of the data folder, readable by its owner alone."""

import os
from collections.abc import Callable
from pathlib import Path

import msgspec

from yuefu.access.keyring import KEY_BYTES, KeyRing, key_id
from yuefu.errors import YuefuError


class _KeyFile(msgspec.Struct, frozen=True):
    active: str
    keys: dict[str, bytes]


class DamagedKeys(YuefuError):
    """The key file is there and cannot be read: nothing is made in its place."""


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
