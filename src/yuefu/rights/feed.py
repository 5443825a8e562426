"""The change feed: every song that anybody could ever use, once, at the latest change of it.

Changes are numbered through the whole centre, so a place in the feed is a number: whoever has read up to it is told
next what changed after it. Read from 0 it is first a list of all songs.
"""

from collections.abc import Collection
from enum import Enum
from typing import Protocol

import msgspec

from yuefu.ids import SongId, VendorId


class ChangeKind(Enum):
    """What became of a song's rights, for callers as a whole; what it means for one of them is asked of the rights."""

    ADDED = "added"
    CHANGED = "changed"
    WITHDRAWN = "withdrawn"
    RESTORED = "restored"


class FeedRow(msgspec.Struct, frozen=True, kw_only=True):
    """The latest change of one song. `place` is its number, `revision` that of the song's rights."""

    song_id: SongId
    vendor_id: VendorId
    kind: ChangeKind
    at_ms: int
    revision: int
    place: int


class FeedPage(msgspec.Struct, frozen=True, kw_only=True):
    """Some rows in order. What is after `until` has not been looked at; `is_last` says that nothing was there."""

    rows: list[FeedRow]
    until: int
    is_last: bool


class ChangeFeed(Protocol):
    """Where the feed is read. It tells what the clock has brought once that was followed."""

    def page(self, vendors: Collection[int], *, after: int, at_most: int) -> FeedPage:
        """What changed after a place among the songs of some vendors; a page may be empty and not the last."""

    def latest(self) -> int:
        """The place of the latest change of all, 0 where there was none."""

    def is_behind(self, at_ms: int) -> bool:
        """Whether deals or takedowns began or ended up to that instant that the feed does not tell yet."""
