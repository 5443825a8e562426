"""Files that one process or thread at a time may hold. The system lets go of them when their holder dies."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

if sys.platform == "win32":
    import msvcrt

    def _take(descriptor: int, *, wait: bool) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _take(descriptor: int, *, wait: bool) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))


class Taken(Exception):
    """Somebody else holds it."""


@contextmanager
def hold(path: Path) -> Iterator[None]:
    """Hold the lock file at `path`, which is there meanwhile and gone afterwards. Raises `Taken`, OSError."""
    descriptor = _held_file(path)
    try:
        yield
    finally:
        # Unlinked before it is let go of: whoever opened it meanwhile sees by its absence that it is no longer the one.
        # Where an open file cannot be unlinked, an empty file stays behind.
        with suppress(OSError):
            path.unlink()
        os.close(descriptor)


def _held_file(path: Path) -> int:
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _take(descriptor, wait=False)
            if _is_at(descriptor, path):
                return descriptor
        except (BlockingIOError, PermissionError):
            os.close(descriptor)
            raise Taken from None
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


@contextmanager
def wait_for(path: Path) -> Iterator[None]:
    """Hold the lock file at `path`, which stays, as soon as nobody else does. For short moments. Raises OSError."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _take(descriptor, wait=True)
        yield
    finally:
        os.close(descriptor)
