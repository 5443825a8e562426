"""The change feed in SQLite: the table of rights itself, in the order in which its rows were changed last."""

from collections.abc import Collection

from yuefu.ids import SongId, VendorId
from yuefu.rights.feed import ChangeKind, FeedPage, FeedRow
from yuefu.storage.sqlite.clock import is_behind
from yuefu.storage.sqlite.database import Database, fetch, json_text

MOST_LOOKED_AT = 20_000
"""Changes that one page goes through, also where most are of songs that its reader has nothing to do with."""

_LATEST = "SELECT coalesce(max(changed), 0) FROM song_rights"
_STRETCH = """
SELECT count(*), max(changed) FROM (SELECT changed FROM song_rights WHERE changed > ? ORDER BY changed LIMIT ?)
"""
_ROWS = """
SELECT song_id, vendor_id, feed, feed_at_ms, revision, changed FROM song_rights
WHERE changed > ?1 AND changed <= ?2 AND feed <> '' AND vendor_id IN (SELECT value FROM json_each(?3))
ORDER BY changed LIMIT ?4
"""


class SqliteFeed:
    """Reads of the change feed, on the caller's thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(self, vendors: Collection[int], *, after: int, at_most: int) -> FeedPage:
        """What changed after a place among the songs of some vendors; a page may be empty and not the last."""
        reader = self._database.reader
        count, until = fetch(reader, _STRETCH, (after, MOST_LOOKED_AT))[0]
        if not count:
            return FeedPage(rows=[], until=after, is_last=True)
        wanted = json_text(sorted(vendors))
        found = fetch(reader, _ROWS, (after, until, wanted, at_most + 1))
        rows = [
            FeedRow(
                song_id=SongId(song_id),
                vendor_id=VendorId(vendor_id),
                kind=ChangeKind(kind),
                at_ms=at_ms,
                revision=revision,
                place=place,
            )
            for song_id, vendor_id, kind, at_ms, revision, place in found[:at_most]
        ]
        if len(found) > at_most:
            return FeedPage(rows=rows, until=rows[-1].place, is_last=False)
        return FeedPage(rows=rows, until=until, is_last=count < MOST_LOOKED_AT)

    def latest(self) -> int:
        """The place of the latest change of all, 0 where there was none."""
        return int(fetch(self._database.reader, _LATEST)[0][0])

    def is_behind(self, at_ms: int) -> bool:
        """Whether deals or takedowns began or ended up to that instant that the feed does not tell yet."""
        return is_behind(self._database.reader, at_ms)
