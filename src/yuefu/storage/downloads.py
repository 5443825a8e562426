"""Downloads under way, as locks on the bytes of one empty file: so many in a row are a session's.

The locks are POSIX record locks. They hold between processes, beyond the end of the file too, and the kernel frees
those of a process that dies. Within a process they do not hold, so each keeps count of its own.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from yuefu.access.downloads import TooManyDownloads


class DownloadLocks:
    """One process's part in the count; for one thread. The file is made when it is first needed.

    Whoever closes any other handle of the file in this process frees its locks: open it once.
    """

    def __init__(self, file: Path, *, at_once: int) -> None:
        self._file = file
        self._at_once = at_once
        self._handle = -1
        self._held: set[int] = set()

    @contextmanager
    def hold(self, session_id: int) -> Iterator[None]:
        """One download of the session, for as long as it lasts. Raises `TooManyDownloads`, OSError."""
        place = self._take(session_id)
        try:
            yield
        finally:
            self._free(place)

    def close(self) -> None:
        """Let go of the file, and of all that is held."""
        if self._handle >= 0:
            os.close(self._handle)
        self._handle = -1
        self._held.clear()

    def _take(self, session_id: int) -> int:
        if self._handle < 0:
            self._handle = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        first = session_id * self._at_once
        for place in range(first, first + self._at_once):
            if place not in self._held and self._lock(place):
                self._held.add(place)
                return place
        raise TooManyDownloads(self._at_once)

    def _lock(self, place: int) -> bool:
        """Whether the place was free."""
        try:
            fcntl.lockf(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
        except (BlockingIOError, PermissionError):  # POSIX allows both
            return False
        return True

    def _free(self, place: int) -> None:
        if place in self._held:  # else everything was let go of already
            self._held.remove(place)
            fcntl.lockf(self._handle, fcntl.LOCK_UN, 1, place)
