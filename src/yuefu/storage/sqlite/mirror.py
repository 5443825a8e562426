"""The rights of all songs, in memory: a few bytes a song, never behind the file.

Most songs came with the same few term sheets, so what is held of a song is a small number that stands for "this vendor,
this revision, these two sheets, these blocks". Every row says in which order it was last changed; whenever the file has
been written to, the rows changed since are read again before anything is answered. Asking SQLite row by row costs more
in handing the interpreter's lock to and fro than in looking up.
"""

from array import array
from collections.abc import Sequence
from functools import lru_cache
from itertools import repeat

import apsw
import msgspec

from yuefu.ids import SongId, VendorId
from yuefu.rights.deal import Block, SongRights, TermSheet
from yuefu.storage.sqlite.database import ENGINE_FAILURES, Database, failure, fetch
from yuefu.storage.sqlite.schema import FIRST_SONG_ID

_CHANGED = """
SELECT song_id, vendor_id, revision, recording_sheet, work_sheet, block_set, is_published, changed FROM song_rights
WHERE changed > ? ORDER BY changed
"""
_SHEET = "SELECT body FROM term_sheets WHERE sheet_id = ?"
_BLOCKS = "SELECT body FROM block_sets WHERE block_set_id = ?"

_NOTHING = 0
"""The number of a song of which nothing is held: there is none, or it is not published."""

_Held = tuple[int, int, int | None, int | None, int | None]


class RightsMirror:
    """What is held of each published song; loaded at the first question, about a second a million songs."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._generation = -1
        self._changed = 0
        self._sheets: dict[int, TermSheet] = {}
        self._numbers: dict[_Held, int] = {}
        self._held: dict[VendorId | None, list[SongRights | None]] = {None: [None]}
        self._by_song = array("I")

    def refresh(self) -> None:
        """Take in what anyone has written since the last time. Raises `StorageFailed`, and holds what it held."""
        generation = self._database.generation()
        if generation == self._generation:
            return
        latest = self._changed
        try:
            for song_id, *held, is_published, changed in self._database.reader.execute(_CHANGED, (latest,)):
                number = self._number((*held,)) if is_published else _NOTHING
                self._set(song_id - FIRST_SONG_ID, number)
                latest = changed
        except ENGINE_FAILURES as error:
            raise failure(error) from error
        self._changed, self._generation = latest, generation  # last: what broke off is read again from its start

    def rights_of(self, vendor_id: VendorId | None, song_ids: Sequence[SongId]) -> list[tuple[SongId, SongRights]]:
        """The published ones among those songs that the vendor has (any vendor when None), in the order asked."""
        held = self._held.get(vendor_id)
        if held is None:
            return []
        by_song, end, found = self._by_song, len(self._by_song), []
        for song_id in song_ids:
            place = song_id - FIRST_SONG_ID
            if 0 <= place < end and (rights := held[by_song[place]]) is not None:
                found.append((song_id, rights))
        return found

    def _set(self, place: int, number: int) -> None:
        by_song = self._by_song
        if place >= len(by_song):
            by_song.extend(repeat(_NOTHING, max(place + 1 - len(by_song), len(by_song) // 8)))
        by_song[place] = number

    def _number(self, key: _Held) -> int:
        """The number that stands for such a holding."""
        number = self._numbers.get(key)
        if number is None:
            vendor_id, revision, recording, work, block_set = key
            rights = SongRights(
                revision=revision,
                recording=self._sheet(recording),
                work=self._sheet(work),
                blocks=() if block_set is None else read_blocks(self._database.reader, block_set),
            )
            number = self._numbers[key] = len(self._held[None])
            self._held.setdefault(VendorId(vendor_id), [None] * number)
            for holder, held in self._held.items():
                held.append(rights if holder in {None, vendor_id} else None)
        return number

    def _sheet(self, sheet_id: int | None) -> TermSheet | None:
        if sheet_id is None:
            return None
        sheet = self._sheets.get(sheet_id)
        if sheet is None:
            sheet = self._sheets[sheet_id] = read_sheet(self._database.reader, sheet_id)
        return sheet


def read_sheet(connection: apsw.Connection, sheet_id: int) -> TermSheet:
    """A term sheet by its number; there is one, and it never changes."""
    return _decode_sheet(fetch(connection, _SHEET, (sheet_id,))[0][0])


@lru_cache(maxsize=4096)
def _decode_sheet(body: str) -> TermSheet:
    return msgspec.json.decode(body, type=TermSheet)


def read_blocks(connection: apsw.Connection, block_set_id: int) -> tuple[Block, ...]:
    """A set of blocks by its number; there is one, and it never changes."""
    return _decode_blocks(fetch(connection, _BLOCKS, (block_set_id,))[0][0])


@lru_cache(maxsize=4096)
def decode_rights(revision: int, recording: str | None, work: str | None, blocks: str | None) -> SongRights:
    """What a revision, two sheets and a set of blocks make; None for one that is not there."""
    return SongRights(
        revision=revision,
        recording=None if recording is None else _decode_sheet(recording),
        work=None if work is None else _decode_sheet(work),
        blocks=() if blocks is None else _decode_blocks(blocks),
    )


def _decode_blocks(body: str) -> tuple[Block, ...]:
    return msgspec.json.decode(body, type=tuple[Block, ...])
