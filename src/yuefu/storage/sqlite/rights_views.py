"""What operators ask of the rights of many songs at once, in SQLite: one pass over the narrow rows, page by page.

Term sheets and sets of blocks are few beside the songs that share them, so each is read once.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from yuefu.ids import SongId, VendorId
from yuefu.rights.deal import Block, SongRights, TermSheet
from yuefu.rights.record import LicensedSong
from yuefu.storage.sqlite.database import Database, fetch, json_text
from yuefu.storage.sqlite.mirror import read_blocks, read_sheet
from yuefu.storage.sqlite.songs import songs_of_recording, songs_of_work

_PAGE = 5_000

_SONGS = """
SELECT song_id, songs.vendor_id, source_key, isrc, title, states, song_rights.revision, recording_sheet, work_sheet,
       block_set
FROM song_rights JOIN songs USING (song_id)
WHERE song_id > ?1 AND is_published AND (?2 IS NULL OR songs.vendor_id = ?2) ORDER BY song_id LIMIT ?3
"""
_SONGS_OF_SHEETS = """
WITH wanted (sheet_id) AS MATERIALIZED (SELECT value FROM json_each(?4))
SELECT song_id, songs.vendor_id, source_key, isrc, title, states, song_rights.revision, recording_sheet, work_sheet,
       block_set
FROM song_rights JOIN songs USING (song_id)
WHERE song_id > ?1 AND is_published AND (?2 IS NULL OR songs.vendor_id = ?2)
      AND (recording_sheet IN (SELECT sheet_id FROM wanted) OR work_sheet IN (SELECT sheet_id FROM wanted))
ORDER BY song_id LIMIT ?3
"""
_BOUNDED = "SELECT DISTINCT sheet_id FROM sheet_boundaries WHERE at_ms >= ? AND at_ms < ?"
_IDS = """
SELECT song_id FROM song_rights WHERE song_id > ?1 AND is_published AND vendor_id = ?2 ORDER BY song_id LIMIT ?3
"""


class SqliteRightsViews:
    """Reads over all songs, on the caller's thread. Between two pages others may write; a page is of one moment."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sheets: dict[int | None, TermSheet | None] = {None: None}
        self._blocks: dict[int | None, tuple[Block, ...]] = {None: ()}

    def licensed(self, vendor_id: VendorId | None = None) -> Iterator[LicensedSong]:
        """All published songs beside their rights, of one vendor or of all, by id."""
        return map(self._to_song, self._pages(_SONGS, vendor_id))

    def bounded(self, vendor_id: VendorId | None, *, from_ms: int, until_ms: int) -> Iterator[LicensedSong]:
        """Those songs of which some terms begin or end in that span of time, its end exclusive."""
        sheets = [sheet_id for (sheet_id,) in fetch(self._database.reader, _BOUNDED, (from_ms, until_ms))]
        if not sheets:
            return iter(())
        return map(self._to_song, self._pages(_SONGS_OF_SHEETS, vendor_id, json_text(sheets)))

    def song_ids(self, vendor_id: VendorId) -> Iterator[SongId]:
        """The ids of a vendor's published songs, in order."""
        return (SongId(song_id) for (song_id,) in self._pages(_IDS, vendor_id))

    def recordings(self, vendor_id: VendorId, isrc: str) -> list[SongId]:
        """The vendor's published songs of the recording with that ISRC, by id."""
        return songs_of_recording(self._database.reader, vendor_id, isrc)

    def works(self, vendor_id: VendorId, iswc: str) -> list[SongId]:
        """The vendor's published songs of the work with that ISWC, by id."""
        return songs_of_work(self._database.reader, vendor_id, iswc)

    def _pages(self, statement: str, vendor_id: VendorId | None, *bindings: Any) -> Iterator[Any]:
        """The rows of a statement that goes by song id. Page by page, for what is unfinished pins its snapshot."""
        latest = 0
        while rows := fetch(self._database.reader, statement, (latest, vendor_id, _PAGE, *bindings)):
            yield from rows
            latest = rows[-1][0]

    def _to_song(self, row: Any) -> LicensedSong:
        song_id, vendor_id, source_key, isrc, title, states, revision, recording, work, block_set = row
        return LicensedSong(
            song_id=SongId(song_id),
            vendor_id=VendorId(vendor_id),
            source_key=source_key,
            isrc=isrc,
            title=title,
            states=() if states == "[]" else msgspec.json.decode(states, type=tuple[str, ...]),
            rights=SongRights(
                revision=revision,
                recording=self._sheet(recording),
                work=self._sheet(work),
                blocks=self._block_set(block_set),
            ),
        )

    def _sheet(self, sheet_id: int | None) -> TermSheet | None:
        if sheet_id is not None and sheet_id not in self._sheets:
            self._sheets[sheet_id] = read_sheet(self._database.reader, sheet_id)
        return self._sheets[sheet_id]

    def _block_set(self, block_set_id: int | None) -> tuple[Block, ...]:
        if block_set_id is not None and block_set_id not in self._blocks:
            self._blocks[block_set_id] = read_blocks(self._database.reader, block_set_id)
        return self._blocks[block_set_id]
