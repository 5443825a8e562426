"""Deals, and what they come to, in SQLite.

Term sheets are immutable and shared, so each is read once and kept for good; a batch question then costs one narrow
row a song.
"""

from collections.abc import Sequence
from functools import lru_cache

import apsw
import msgspec

from yuefu.catalogue.song import UnknownSong
from yuefu.ids import SongId, VendorId
from yuefu.rights.deal import Chain, Deal, SongRights, TermSheet
from yuefu.storage.sqlite.database import Database, fetch
from yuefu.storage.sqlite.mirror import RightsMirror, read_sheet

_RIGHTS = """
SELECT revision, recording_sheet, work_sheet FROM song_rights WHERE song_id = ? AND is_published
"""
_SHEET_ID = "SELECT sheet_id FROM term_sheets WHERE body = ?"
_ADD_SHEET = "INSERT INTO term_sheets (body) VALUES (?) RETURNING sheet_id"
_ADD_DEAL = "INSERT INTO deals (song_id, chain, sheet_id, revision, recorded_at_ms) VALUES (?, ?, ?, ?, ?)"
_REVISION = "SELECT revision FROM song_rights WHERE song_id = ? AND is_published"
_SET_SHEETS = """
UPDATE song_rights SET revision = ?, recording_sheet = coalesce(?, recording_sheet),
                       work_sheet = coalesce(?, work_sheet), changed = (SELECT max(changed) + 1 FROM song_rights)
WHERE song_id = ?
"""


class SqliteRights:
    """Reads of the rights in force, on the caller's thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._mirror = RightsMirror(database)

    def rights(self, song_id: SongId) -> SongRights:
        """What is known of a published song's rights. Raises `UnknownSong`."""
        return read_rights(self._database.reader, song_id)

    def rights_of(self, vendor_id: VendorId | None, song_ids: Sequence[SongId]) -> list[tuple[SongId, SongRights]]:
        """Those songs that the vendor has (any vendor when None) and their rights, in the order asked."""
        self._mirror.refresh()
        holding = self._mirror.holding
        return [
            (song_id, held.rights)
            for song_id in song_ids
            if (held := holding(song_id)) is not None and (vendor_id is None or held.vendor_id == vendor_id)
        ]


def read_rights(connection: apsw.Connection, song_id: SongId) -> SongRights:
    """A song's rights as the caller's own transaction sees them. Raises `UnknownSong`."""
    rows = fetch(connection, _RIGHTS, (song_id,))
    if not rows:
        raise UnknownSong(song_id)
    revision, recording, work = rows[0]
    return SongRights(
        revision=revision,
        recording=None if recording is None else read_sheet(connection, recording),
        work=None if work is None else read_sheet(connection, work),
    )


def record_deal(connection: apsw.Connection, deal: Deal, *, at_ms: int) -> int:
    """Write a deal down, in place of the song's earlier deals for its chains, inside the caller's transaction.

    Returns the new revision of the song's rights. Raises `UnknownSong`.
    """
    rows = fetch(connection, _REVISION, (deal.song_id,))
    if not rows:
        raise UnknownSong(deal.song_id)
    revision = int(rows[0][0]) + 1
    sheet_id = _keep_sheet(connection, deal.sheet)
    recording, work = (sheet_id if chain in deal.chains else None for chain in (Chain.RECORDING, Chain.WORK))
    connection.execute(_SET_SHEETS, (revision, recording, work, deal.song_id))
    recorded = [(deal.song_id, chain.value, sheet_id, revision, at_ms) for chain in deal.chains]
    connection.executemany(_ADD_DEAL, recorded)
    return revision


def _keep_sheet(connection: apsw.Connection, sheet: TermSheet) -> int:
    body = _spell_sheet(sheet)
    rows = fetch(connection, _SHEET_ID, (body,)) or fetch(connection, _ADD_SHEET, (body,))
    return int(rows[0][0])


@lru_cache(maxsize=1024)
def _spell_sheet(sheet: TermSheet) -> str:
    """A sheet as it is stored; the same few come with thousands of songs."""
    return msgspec.json.encode(sheet).decode()
