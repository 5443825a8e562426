"""Splits in SQLite."""

from typing import Any

import apsw
import msgspec

from yuefu.ids import SongId, VendorId
from yuefu.rights.plan import Period
from yuefu.rights.split import Portion, RecordedSplit, Split
from yuefu.storage.sqlite.database import fetch, json_text

_SPLITS = """
SELECT split_id, vendor_id, song_id, from_period, portions, recorded_at_ms FROM splits
WHERE ?1 IS NULL OR vendor_id = ?1 ORDER BY split_id
"""
_ADD = """
INSERT INTO splits (vendor_id, song_id, from_period, portions, recorded_at_ms) VALUES (?, ?, ?, ?, ?)
RETURNING split_id
"""


class SqliteSplits:
    """Reads on whatever connection it is given: a reader, or a transaction's own."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    def splits(self, vendor_id: VendorId | None = None) -> list[RecordedSplit]:
        """All there are, of one vendor or of all, in the order they were written."""
        return [_to_split(row) for row in fetch(self._connection, _SPLITS, (vendor_id,))]


class SqliteSplitDesk(SqliteSplits):
    """Where one transaction writes splits."""

    def add(self, split: Split, *, at_ms: int) -> int:
        """Write a split down; its number."""
        row = (split.vendor_id, split.song_id, str(split.from_period), json_text(split.portions), at_ms)
        return int(fetch(self._connection, _ADD, row)[0][0])


def _to_split(row: tuple[Any, ...]) -> RecordedSplit:
    split_id, vendor_id, song_id, from_period, portions, recorded_at_ms = row
    return RecordedSplit(
        split_id=split_id,
        split=Split(
            vendor_id=VendorId(vendor_id),
            song_id=None if song_id is None else SongId(song_id),
            from_period=Period.parse(from_period),
            portions=msgspec.json.decode(portions, type=tuple[Portion, ...]),
        ),
        recorded_at_ms=recorded_at_ms,
    )
