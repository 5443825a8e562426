"""How many downloads a session may have under way."""

from contextlib import AbstractContextManager
from typing import Protocol

from yuefu.errors import YuefuError


class TooManyDownloads(YuefuError):
    """The session has as many downloads under way as it may."""

    def __init__(self, at_once: int) -> None:
        super().__init__(f"at most {at_once} downloads of a session at once; wait for one to end")


class DownloadSlots(Protocol):
    """Counts downloads under way, over all processes that serve the same sessions."""

    def hold(self, session_id: int) -> AbstractContextManager[None]:
        """One download of the session, for as long as it lasts. Entering raises `TooManyDownloads`."""
