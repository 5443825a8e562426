"""Deals, takedowns, and what they come to, in SQLite.

Term sheets and sets of blocks are immutable and shared, so each is read once and kept for good; a batch question then
costs one narrow row a song. Every change is a new revision of its song, kept as it was known and since when.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import apsw
import msgspec

from yuefu.catalogue.song import UnknownSong
from yuefu.ids import SongId, VendorId
from yuefu.rights.deal import Block, Chain, Deal, SongRights, Terms, TermSheet
from yuefu.rights.decision import decide
from yuefu.rights.grant import Need, PastUses, uses_of
from yuefu.rights.purpose import browsing
from yuefu.rights.record import Revision
from yuefu.rights.territory import ANYWHERE
from yuefu.storage.sqlite.database import Database, fetch, json_text
from yuefu.storage.sqlite.mirror import RightsMirror, decode_rights, read_blocks, read_sheet

_RIGHTS = """
SELECT revision, recordings.body, works.body, block_sets.body
FROM song_rights
LEFT JOIN term_sheets AS recordings ON recordings.sheet_id = recording_sheet
LEFT JOIN term_sheets AS works ON works.sheet_id = work_sheet
LEFT JOIN block_sets ON block_set_id = block_set
WHERE song_id = ? AND is_published
"""
_KNOWN_AT = """
SELECT revision, recording_sheet, work_sheet, block_set FROM rights_revisions
WHERE song_id = ? AND recorded_at_ms <= ? ORDER BY revision DESC LIMIT 1
"""
_REVISIONS = """
SELECT revision, recorded_at_ms, cause, chains, source, recording_sheet, work_sheet, block_set FROM rights_revisions
WHERE song_id = ? ORDER BY revision
"""
_PAST_USES = """
SELECT need, resource_type, scene_id, billing_mode, territory, count(*) FROM grants
WHERE song_id = ? AND granted_at_ms >= ? AND granted_at_ms < ? AND need <> '' AND shared_from IS NULL
GROUP BY need, resource_type, scene_id, billing_mode, territory
"""
_ROW = """
SELECT vendor_id, revision, recording_sheet, work_sheet, block_set, is_published, feed, feed_at_ms
FROM song_rights WHERE song_id = ?
"""
_LATEST_CHANGE = "SELECT coalesce(max(changed), 0) FROM song_rights"
_ADD_ROW = """
INSERT INTO song_rights (vendor_id, revision, recording_sheet, work_sheet, block_set, is_published, feed, feed_at_ms,
                         changed, song_id)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_SET_ROW = """
UPDATE song_rights SET vendor_id = ?, revision = ?, recording_sheet = ?, work_sheet = ?, block_set = ?,
                       is_published = ?, feed = ?, feed_at_ms = ?, changed = ?
WHERE song_id = ?
"""
_ADD_REVISION = "INSERT INTO rights_revisions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
_FOLLOWED = "SELECT coalesce(following_until_ms, followed_until_ms) FROM feed_clock"

_EVER_MS, _NEVER_MS = -(2**62), 2**62
_DEAL, _TAKEDOWN, _UNDO = "deal", "takedown", "undo"


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
        return self._mirror.rights_of(vendor_id, song_ids)

    def used(self, song_id: SongId, rights: SongRights, *, before_ms: int | None = None) -> dict[Terms, int]:
        """How many grants of the song each of its capped terms has seen, ever or before an instant, up to the cap."""
        return count_uses(self._database.reader, song_id, rights, before_ms=before_ms)

    def known_at(self, song_id: SongId, at_ms: int) -> SongRights:
        """What was known of a song's rights at an instant, whether it is still published or not."""
        reader = self._database.reader
        rows = fetch(reader, _KNOWN_AT, (song_id, at_ms))
        return to_rights(reader, *rows[0]) if rows else SongRights(revision=0, recording=None, work=None)

    def revisions(self, song_id: SongId) -> list[Revision]:
        """Every revision of a song's rights, in order."""
        reader = self._database.reader
        return [
            Revision(
                recorded_at_ms=recorded_at_ms,
                cause=cause,
                chains=msgspec.json.decode(chains, type=tuple[Chain, ...]),
                source=source,
                rights=to_rights(reader, revision, *known),
            )
            for revision, recorded_at_ms, cause, chains, source, *known in fetch(reader, _REVISIONS, (song_id,))
        ]


class _ByContent(NamedTuple):
    """How something is stored that is written once, never changed, and shared by all that say the same."""

    find: str
    add: str
    add_boundary: str


_SHEETS = _ByContent(
    find="SELECT sheet_id FROM term_sheets WHERE body = ?",
    add="INSERT INTO term_sheets (body) VALUES (?) RETURNING sheet_id",
    add_boundary="INSERT INTO sheet_boundaries VALUES (?, ?)",
)
_BLOCK_SETS = _ByContent(
    find="SELECT block_set_id FROM block_sets WHERE body = ?",
    add="INSERT INTO block_sets (body) VALUES (?) RETURNING block_set_id",
    add_boundary="INSERT INTO block_boundaries VALUES (?, ?)",
)


@dataclass(slots=True)
class _Row:
    """A song's narrow row as the transaction leaves it."""

    vendor_id: int
    revision: int
    recording_sheet: int | None
    work_sheet: int | None
    block_set: int | None
    is_published: bool
    feed: str
    feed_at_ms: int
    is_new: bool = False
    touched_at_ms: int | None = None

    @property
    def known(self) -> tuple[int | None, int | None, int | None]:
        """The numbers of the sheets and blocks."""
        return self.recording_sheet, self.work_sheet, self.block_set


class SqliteRightsDesk:
    """Where one transaction changes rights. Rows are written at its end, once a song however often it was changed."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._rows: dict[SongId, _Row] = {}
        self._revisions: list[tuple[Any, ...]] = []
        self._sheet_ids: dict[TermSheet, int] = {}
        self._usable: dict[tuple[Any, ...], bool] = {}
        self._followed_ms = 0

    def rights(self, song_id: SongId) -> SongRights:
        """A published song's rights as the transaction leaves them so far. Raises `UnknownSong`."""
        row = self._rows.get(song_id)
        if row is None:
            return read_rights(self._connection, song_id)
        if not row.is_published:
            raise UnknownSong(song_id)
        return to_rights(self._connection, row.revision, *row.known)

    def add(self, song_id: SongId, vendor_id: VendorId, *, at_ms: int) -> None:
        """Begin the row of a song that is new to the catalogue: published, with no rights."""
        self._rows[song_id] = _Row(vendor_id, 0, None, None, None, True, "", 0, is_new=True, touched_at_ms=at_ms)  # noqa: FBT003

    def show(self, song_id: SongId, *, at_ms: int) -> None:
        """Have a known song before callers; its facts may be new."""
        self._touch(song_id, at_ms).is_published = True

    def hide(self, song_id: SongId, *, at_ms: int) -> None:
        """Have a song before callers no longer."""
        self._touch(song_id, at_ms).is_published = False

    def record_deal(self, deal: Deal, *, at_ms: int) -> int:
        """Write a deal down, in place of the song's earlier deals for its chains; if it has terms, it lifts blocks.

        Returns the new revision of the song's rights. Raises `UnknownSong`.
        """
        if not self._row(deal.song_id).is_published:
            raise UnknownSong(deal.song_id)
        row = self._touch(deal.song_id, at_ms)
        sheet_id = self._sheet_id(deal.sheet)
        if Chain.RECORDING in deal.chains:
            row.recording_sheet = sheet_id
        if Chain.WORK in deal.chains:
            row.work_sheet = sheet_id
        if row.block_set is not None and deal.sheet.terms:
            self._change_blocks(row, lambda blocks: _renewed(blocks, deal.chains, at_ms=at_ms))
        return self._revise(deal.song_id, row, (_DEAL, _spell_chains(deal.chains), deal.source))

    def block(self, song_id: SongId, block: Block, *, source: str, at_ms: int) -> int:
        """Lay a takedown's block over a song, published or not; the new revision. Raises `UnknownSong`."""
        row = self._touch(song_id, at_ms)
        laid = msgspec.structs.replace(block, is_at_once=block.from_ms <= at_ms)
        self._change_blocks(row, lambda blocks: (*blocks, laid))
        return self._revise(song_id, row, (_TAKEDOWN, "[]", source))

    def unblock(self, song_id: SongId, case_id: int, *, source: str, at_ms: int) -> int:
        """Take what is left of a case's block from a song; the new revision. Raises `UnknownSong`."""
        row = self._touch(song_id, at_ms)
        self._change_blocks(row, lambda blocks: tuple(block for block in blocks if block.case_id != case_id))
        return self._revise(song_id, row, (_UNDO, "[]", source))

    def touch(self, song_id: SongId, *, at_ms: int) -> None:
        """Have the change feed speak of a song once more, at that instant."""
        self._touch(song_id, at_ms)

    def finish(self) -> None:
        """Write the rows and revisions."""
        touched = [(song_id, row) for song_id, row in self._rows.items() if row.touched_at_ms is not None]
        if not touched:
            return
        latest = int(fetch(self._connection, _LATEST_CHANGE)[0][0])
        self._followed_ms = _followed_until(self._connection)
        added: list[tuple[Any, ...]] = []
        updated: list[tuple[Any, ...]] = []
        for changed, (song_id, row) in enumerate(touched, latest + 1):
            self._tell(row)
            written = added if row.is_new else updated
            written.append(
                (row.vendor_id, row.revision, *row.known, row.is_published, row.feed, row.feed_at_ms, changed, song_id)
            )
        self._connection.executemany(_ADD_ROW, added)
        self._connection.executemany(_SET_ROW, updated)
        self._connection.executemany(_ADD_REVISION, self._revisions)
        self._rows.clear()
        self._revisions.clear()

    def _tell(self, row: _Row) -> None:
        """Settle what the change feed says of a song: only those are in it that somebody could use some time."""
        was_usable = row.feed not in {"", "withdrawn"}
        if row.is_published and self._is_usable(row):
            row.feed = "changed" if was_usable else "restored" if row.feed else "added"
        elif was_usable:
            row.feed = "withdrawn"
        else:
            return
        row.feed_at_ms = row.touched_at_ms or 0

    def _is_usable(self, row: _Row) -> bool:
        """As of the touch, or of the instant up to which the clock has told everything, if that is later."""
        at_ms = max(row.touched_at_ms or 0, self._followed_ms)
        key = (*row.known, at_ms)
        if key not in self._usable:
            rights = to_rights(self._connection, row.revision, *row.known)
            self._usable[key] = decide(rights, browsing(ANYWHERE), at_ms=at_ms).any_right
        return self._usable[key]

    def _touch(self, song_id: SongId, at_ms: int) -> _Row:
        row = self._row(song_id)
        row.touched_at_ms = at_ms
        return row

    def _row(self, song_id: SongId) -> _Row:
        row = self._rows.get(song_id)
        if row is None:
            found = fetch(self._connection, _ROW, (song_id,))
            if not found:
                raise UnknownSong(song_id)
            row = self._rows[song_id] = _Row(*found[0])
        return row

    def _revise(self, song_id: SongId, row: _Row, why: tuple[str, str, str]) -> int:
        row.revision += 1
        self._revisions.append((song_id, row.revision, row.touched_at_ms, *row.known, *why))
        return row.revision

    def _change_blocks(self, row: _Row, change: Callable[[tuple[Block, ...]], tuple[Block, ...]]) -> None:
        blocks = change(() if row.block_set is None else read_blocks(self._connection, row.block_set))
        instants_ms = sorted({block.from_ms for block in blocks})
        row.block_set = _keep(self._connection, _BLOCK_SETS, blocks, instants_ms) if blocks else None

    def _sheet_id(self, sheet: TermSheet) -> int:
        sheet_id = self._sheet_ids.get(sheet)
        if sheet_id is None:
            sheet_id = self._sheet_ids[sheet] = _keep(self._connection, _SHEETS, sheet, sheet.boundaries_ms)
        return sheet_id


def read_rights(connection: apsw.Connection, song_id: SongId) -> SongRights:
    """A published song's rights as that connection sees them. Raises `UnknownSong`."""
    rows = fetch(connection, _RIGHTS, (song_id,))
    if not rows:
        raise UnknownSong(song_id)
    return decode_rights(*rows[0])


def count_uses(
    connection: apsw.Connection, song_id: SongId, rights: SongRights, *, before_ms: int | None = None
) -> dict[Terms, int]:
    """How many paid grants of the song count against each of its capped terms, ever or before an instant."""
    last_ms = _NEVER_MS if before_ms is None else before_ms
    chains = _capped(rights)
    return {terms: uses_of(terms, chains[terms], _past_uses(connection, song_id, terms, last_ms)) for terms in chains}


def _capped(rights: SongRights) -> dict[Terms, list[Chain]]:
    """The capped terms, and the chains that each of them is for."""
    capped: dict[Terms, list[Chain]] = {}
    for chain in Chain:
        sheet = rights.sheet(chain)
        for terms in sheet.terms if sheet else ():
            if terms.max_uses is not None:
                capped.setdefault(terms, []).append(chain)
    return capped


def _past_uses(connection: apsw.Connection, song_id: SongId, terms: Terms, last_ms: int) -> list[PastUses]:
    return [
        PastUses(
            need=Need(need),
            resource_type=resource_type,
            scene_id=scene_id,
            billing_mode=billing_mode,
            territory=territory,
            count=count,
        )
        for need, resource_type, scene_id, billing_mode, territory, count in fetch(
            connection, _PAST_USES, (song_id, *_validity(terms, last_ms))
        )
    ]


def _validity(terms: Terms, last_ms: int) -> tuple[int, int]:
    begin_ms = _EVER_MS if terms.valid_from_ms is None else terms.valid_from_ms
    return begin_ms, last_ms if terms.valid_until_ms is None else min(terms.valid_until_ms, last_ms)


def _renewed(blocks: Iterable[Block], chains: tuple[Chain, ...], *, at_ms: int) -> tuple[Block, ...]:
    """What is left of blocks once new deals have come for some chains: bans, and what was not yet in force."""
    left = (
        block
        if block.is_banned or block.from_ms > at_ms
        else msgspec.structs.replace(block, chains=tuple(chain for chain in block.chains if chain not in chains))
        for block in blocks
    )
    return tuple(block for block in left if block.chains)


def to_rights(
    connection: apsw.Connection, revision: int, recording: int | None, work: int | None, block_set: int | None
) -> SongRights:
    """What numbers of sheets and blocks stand for."""
    return SongRights(
        revision=revision,
        recording=None if recording is None else read_sheet(connection, recording),
        work=None if work is None else read_sheet(connection, work),
        blocks=() if block_set is None else read_blocks(connection, block_set),
    )


def _keep(connection: apsw.Connection, kind: _ByContent, content: object, instants_ms: Iterable[int]) -> int:
    """The number of what is stored by its content, given now if it is new; and then what the clock looks at."""
    body = json_text(content)
    rows = fetch(connection, kind.find, (body,))
    if rows:
        return int(rows[0][0])
    number = int(fetch(connection, kind.add, (body,))[0][0])
    connection.executemany(kind.add_boundary, ((at_ms, number) for at_ms in instants_ms))
    return number


def _followed_until(connection: apsw.Connection) -> int:
    """Up to when the clock has told of songs, of some of them at least."""
    rows = fetch(connection, _FOLLOWED)
    return int(rows[0][0]) if rows else 0


@lru_cache(maxsize=16)
def _spell_chains(chains: tuple[Chain, ...]) -> str:
    return json_text(chains)
