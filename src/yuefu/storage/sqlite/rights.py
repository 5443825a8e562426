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

_RIGHTS = "SELECT vendor_id, revision, recording_sheet, work_sheet FROM song_rights WHERE song_id = ?"
_MANY = """
WITH wanted (song_id) AS (VALUES {places})
SELECT song_id, vendor_id, revision, recording_sheet, work_sheet FROM wanted CROSS JOIN song_rights USING (song_id)
"""
_SHEET = "SELECT body FROM term_sheets WHERE sheet_id = ?"
_SHEET_ID = "SELECT sheet_id FROM term_sheets WHERE body = ?"
_ADD_SHEET = "INSERT INTO term_sheets (body) VALUES (?) RETURNING sheet_id"
_ADD_DEAL = "INSERT INTO deals (song_id, chain, sheet_id, revision, recorded_at_ms) VALUES (?, ?, ?, ?, ?)"
_SET_SHEETS = """
UPDATE song_rights SET revision = revision + 1, recording_sheet = coalesce(?, recording_sheet),
                       work_sheet = coalesce(?, work_sheet)
WHERE song_id = ? RETURNING revision
"""
_LATEST = "SELECT sheet_id, revision FROM deals WHERE song_id = ? AND chain = ? ORDER BY deal_id DESC LIMIT 1"


class SqliteRights:
    """Reads of the rights in force, on the caller's thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sheets = _Sheets(database)

    def rights(self, song_id: SongId) -> SongRights:
        """What is known of a published song's rights. Raises `UnknownSong`."""
        found = self.rights_of(None, (song_id,))
        if not found:
            raise UnknownSong(song_id)
        return found[0]

    def rights_of(self, vendor_id: VendorId | None, song_ids: Sequence[SongId]) -> list[SongRights]:
        """The rights of those songs that the vendor has (any vendor when None), in the order asked.

        One statement for the whole batch: it costs a fifth of asking song by song, and all answers are of one moment.
        """
        if not song_ids:
            return []
        sheets = self._sheets
        return [
            SongRights(song_id=song_id, revision=revision, recording=sheets[recording], work=sheets[work])
            for song_id, owner, revision, recording, work in fetch(
                self._database.reader, _many(len(song_ids)), tuple(song_ids)
            )
            if vendor_id is None or owner == vendor_id
        ]


class _Sheets(dict[int | None, TermSheet | None]):
    """Term sheets by number, each read once; no number is no sheet."""

    def __init__(self, database: Database) -> None:
        super().__init__({None: None})
        self._database = database

    def __missing__(self, sheet_id: int | None) -> TermSheet | None:
        sheet = self[sheet_id] = _read_sheet(self._database.reader, sheet_id)
        return sheet


@lru_cache(maxsize=64)
def _many(count: int) -> str:
    """The batch statement for that many songs. The join follows the order of the values."""
    return _MANY.format(places=", ".join(["(?)"] * count))


def read_rights(connection: apsw.Connection, song_id: SongId) -> SongRights:
    """A song's rights as the caller's own transaction sees them. Raises `UnknownSong`."""
    rows = fetch(connection, _RIGHTS, (song_id,))
    if not rows:
        raise UnknownSong(song_id)
    _, revision, recording, work = rows[0]
    return SongRights(
        song_id=song_id,
        revision=revision,
        recording=None if recording is None else _read_sheet(connection, recording),
        work=None if work is None else _read_sheet(connection, work),
    )


def record_deal(connection: apsw.Connection, deal: Deal, *, at_ms: int) -> int:
    """Write a deal down, in place of the song's earlier deals for its chains, inside the caller's transaction.

    Returns the new revision of the song's rights. Raises `UnknownSong`.
    """
    sheet_id = _keep_sheet(connection, deal.sheet)
    recording, work = (sheet_id if chain in deal.chains else None for chain in (Chain.RECORDING, Chain.WORK))
    rows = fetch(connection, _SET_SHEETS, (recording, work, deal.song_id))
    if not rows:
        raise UnknownSong(deal.song_id)
    revision = int(rows[0][0])
    for chain in deal.chains:
        connection.execute(_ADD_DEAL, (deal.song_id, chain.value, sheet_id, revision, at_ms))
    return revision


def current_sheets(connection: apsw.Connection, song_id: SongId) -> tuple[dict[Chain, int], int]:
    """The sheets in force by chain, and the revision they make, from the record of deals."""
    sheets: dict[Chain, int] = {}
    latest = 0
    for chain in Chain:
        for sheet_id, revision in fetch(connection, _LATEST, (song_id, chain.value)):
            sheets[chain] = sheet_id
            latest = max(latest, revision)
    return sheets, latest


def _keep_sheet(connection: apsw.Connection, sheet: TermSheet) -> int:
    body = msgspec.json.encode(sheet).decode()
    rows = fetch(connection, _SHEET_ID, (body,)) or fetch(connection, _ADD_SHEET, (body,))
    return int(rows[0][0])


def _read_sheet(connection: apsw.Connection, sheet_id: int | None) -> TermSheet:
    return msgspec.json.decode(fetch(connection, _SHEET, (sheet_id,))[0][0], type=TermSheet)
