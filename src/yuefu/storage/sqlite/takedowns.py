"""Takedowns in SQLite: the cases, the songs each hit, and the bans that come over songs later."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import apsw
import msgspec

from yuefu.access.session import SESSION_LIFE_MS
from yuefu.catalogue.spelling import fold_name
from yuefu.ids import SongId, VendorId
from yuefu.rights.deal import Block
from yuefu.rights.takedown import Case, CaseEnded, Hits, NewCase, Reach, Revised, Scope, Subject, UnknownCase
from yuefu.storage.sqlite.database import Database, fetch, json_text
from yuefu.storage.sqlite.rights import SqliteRightsDesk

_OPEN = """
INSERT INTO takedowns (scope, reason, is_banned, from_ms, actor, recorded_at_ms) VALUES (?, ?, ?, ?, ?, ?)
RETURNING case_id
"""
_OF_SCOPE = "SELECT song_id FROM songs WHERE (?1 IS NULL OR vendor_id = ?1) AND {} ORDER BY song_id"
_LISTED = _OF_SCOPE.format("song_id IN (SELECT value FROM json_each(?2))")
_OF_RECORDING = _OF_SCOPE.format("isrc = ?2 AND isrc <> ''")
_OF_WORK = _OF_SCOPE.format("iswc = ?2 AND iswc <> ''")
_OF_SINGERS = _OF_SCOPE.format("singers IN (SELECT value FROM json_each(?2))")
_OF_VENDOR = _OF_SCOPE.format("?2 = ''")
_BILLINGS = "SELECT DISTINCT singers FROM songs WHERE ?1 IS NULL OR vendor_id = ?1"
_ADD_SONG = """
INSERT INTO takedown_songs (case_id, song_id, is_lifted) VALUES (?, ?, 0)
ON CONFLICT (case_id, song_id) DO UPDATE SET is_lifted = 0
"""
_UNLIFTED = "SELECT song_id FROM takedown_songs WHERE case_id = ? AND NOT is_lifted LIMIT ?"
_LIFT = "UPDATE takedown_songs SET is_lifted = 1 WHERE case_id = ? AND song_id = ?"
_CLOSE = "INSERT INTO takedown_endings VALUES (?, ?, ?)"
_CASES = """
WITH blocking (case_id, block_set) AS MATERIALIZED (
    SELECT json_extract(block.value, '$.case_id'), block_set_id FROM block_sets, json_each(body) AS block
)
SELECT case_id, scope, reason, is_banned, from_ms, takedowns.actor, takedowns.recorded_at_ms, endings.recorded_at_ms,
       (SELECT count(*) FROM takedown_songs WHERE case_id = takedowns.case_id),
       CASE WHEN endings.case_id IS NULL THEN (
           SELECT count(*) FROM takedown_songs AS hit JOIN song_rights USING (song_id)
           WHERE hit.case_id = takedowns.case_id
                 AND block_set IN (SELECT block_set FROM blocking WHERE case_id = takedowns.case_id)
       ) ELSE 0 END
FROM takedowns LEFT JOIN takedown_endings AS endings USING (case_id)
"""
_CASE = _CASES + " WHERE case_id = ?"
_ALL_CASES = _CASES + " ORDER BY case_id DESC"
_ENDED = "SELECT 1 FROM takedown_endings WHERE case_id = ?"
_KNOWN = "SELECT 1 FROM takedowns WHERE case_id = ?"
_BANS = """
SELECT case_id, scope, reason, from_ms FROM takedowns
WHERE is_banned AND NOT EXISTS (SELECT 1 FROM takedown_endings WHERE case_id = takedowns.case_id) ORDER BY case_id
"""
_SUBJECT = "SELECT vendor_id, isrc, iswc, singers FROM songs WHERE song_id = ?"
_LAID = "SELECT song_id FROM takedown_songs WHERE case_id = ? AND song_id BETWEEN ? AND ? AND NOT is_lifted"
_REACH = """
SELECT count(*), count(DISTINCT CASE WHEN grants.room_id <> '' THEN grants.app_id || ' ' || grants.room_id END)
FROM takedown_songs CROSS JOIN grants USING (song_id) CROSS JOIN sessions USING (session_id)
WHERE case_id = ?1 AND grants.granted_at_ms > ?2 - ?3 AND grants.expires_at_ms > ?2 AND sessions.expires_at_ms > ?2
"""


class SqliteTakedowns:
    """Reads of the cases, on the caller's thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def cases(self) -> list[Case]:
        """Every case, the latest first."""
        return [_to_case(row) for row in fetch(self._database.reader, _ALL_CASES)]

    def case(self, case_id: int) -> Case:
        """One case. Raises `UnknownCase`."""
        rows = fetch(self._database.reader, _CASE, (case_id,))
        if not rows:
            raise UnknownCase(case_id)
        return _to_case(rows[0])

    def reach(self, case_id: int, *, at_ms: int) -> Reach:
        """Who would still be using the songs of a case at that instant. No grant outlives its session."""
        grants, rooms = fetch(self._database.reader, _REACH, (case_id, at_ms, SESSION_LIFE_MS))[0]
        return Reach(grants=grants, rooms=rooms)


class SqliteTakedownDesk:
    """Where one transaction writes takedowns."""

    def __init__(self, connection: apsw.Connection, rights: SqliteRightsDesk) -> None:
        self._connection = connection
        self._rights = rights

    def open(self, case: NewCase, *, actor: str, at_ms: int) -> Hits:
        """Write a case down and say what it hits, published or not; no song is blocked yet."""
        scope = json_text(case.scope)
        row = (scope, case.reason, case.is_banned, case.from_ms, actor, at_ms)
        case_id = int(fetch(self._connection, _OPEN, row)[0][0])
        vars(self).pop("_bans", None)
        hit = self._resolve(case.scope)
        known = frozenset(hit)
        return Hits(
            case_id=case_id,
            songs=hit,
            unknown=tuple(song_id for song_id in dict.fromkeys(case.scope.songs) if song_id not in known),
        )

    def lay(self, case_id: int, block: Block, song_ids: Sequence[SongId], *, at_ms: int) -> tuple[Revised, ...]:
        """Lay a case's block over songs in order of id, published or not, but for those that have it; over which.

        Raises `UnknownSong`, `CaseEnded`.
        """
        if not song_ids:
            return ()
        if fetch(self._connection, _ENDED, (case_id,)):
            raise CaseEnded(case_id)
        laid = {song_id for (song_id,) in fetch(self._connection, _LAID, (case_id, song_ids[0], song_ids[-1]))}
        due = [song_id for song_id in song_ids if song_id not in laid]
        source = _source(case_id)
        laid_now = [Revised(each, self._rights.block(each, block, source=source, at_ms=at_ms)) for each in due]
        self._connection.executemany(_ADD_SONG, ((case_id, song_id) for song_id in due))
        return tuple(laid_now)

    def lift(self, case_id: int, *, at_most: int, at_ms: int) -> tuple[Revised, ...]:
        """Lift what is left of a case's blocks from that many songs; from which. Raises `UnknownCase`, `CaseEnded`."""
        if not fetch(self._connection, _KNOWN, (case_id,)):
            raise UnknownCase(case_id)
        if fetch(self._connection, _ENDED, (case_id,)):
            raise CaseEnded(case_id)
        song_ids = [SongId(song_id) for (song_id,) in fetch(self._connection, _UNLIFTED, (case_id, at_most))]
        source = _source(case_id)
        lifted = [Revised(each, self._rights.unblock(each, case_id, source=source, at_ms=at_ms)) for each in song_ids]
        self._connection.executemany(_LIFT, ((case_id, song_id) for song_id in song_ids))
        return tuple(lifted)

    def close(self, case_id: int, *, actor: str, at_ms: int) -> None:
        """Write down that a case has ended."""
        self._connection.execute(_CLOSE, (case_id, actor, at_ms))

    def lay_bans(self, song_id: SongId, *, at_ms: int) -> None:
        """Lay the bans in force over a song that came, or was edited, into their scope."""
        if not self._bans:
            return
        subject = self._subject(song_id)
        for case_id, ban in self._bans:
            if ban.scope.covers(subject):
                self.lay(case_id, ban.block(case_id), [song_id], at_ms=at_ms)

    @cached_property
    def _bans(self) -> list[tuple[int, NewCase]]:
        """Read once a transaction: a catalogue comes by the million, and there are few bans or none."""
        return [
            (case_id, NewCase(scope=_to_scope(scope), reason=reason, is_banned=True, from_ms=from_ms))
            for case_id, scope, reason, from_ms in fetch(self._connection, _BANS)
        ]

    def _subject(self, song_id: SongId) -> Subject:
        vendor_id, isrc, iswc, singers = fetch(self._connection, _SUBJECT, (song_id,))[0]
        return Subject(
            song_id=song_id, vendor_id=VendorId(vendor_id), recording=isrc, work=iswc, singers=_folded(singers)
        )

    def _resolve(self, scope: Scope) -> tuple[SongId, ...]:
        if scope.songs:
            statement, wanted = _LISTED, json_text(scope.songs)
        elif scope.recording:
            statement, wanted = _OF_RECORDING, scope.recording
        elif scope.work:
            statement, wanted = _OF_WORK, scope.work
        elif scope.singer:
            statement, wanted = _OF_SINGERS, json_text(self._billings(scope))
        else:
            statement, wanted = _OF_VENDOR, ""
        return tuple(SongId(song_id) for (song_id,) in fetch(self._connection, statement, (scope.vendor_id, wanted)))

    def _billings(self, scope: Scope) -> list[str]:
        """The lists of singers, as they are stored, that the singer is in however it is spelt there."""
        stored = fetch(self._connection, _BILLINGS, (scope.vendor_id,))
        return [singers for (singers,) in stored if scope.singer in _folded(singers)]


def _folded(singers: str) -> tuple[str, ...]:
    return tuple(map(fold_name, msgspec.json.decode(singers, type=list[str])))


def _to_case(row: tuple[Any, ...]) -> Case:
    case_id, scope, reason, is_banned, from_ms, actor, recorded_at_ms, ended_at_ms, songs, blocked_songs = row
    return Case(
        case_id=case_id,
        case=NewCase(scope=_to_scope(scope), reason=reason, is_banned=bool(is_banned), from_ms=from_ms),
        songs=songs,
        blocked_songs=blocked_songs,
        actor=actor,
        recorded_at_ms=recorded_at_ms,
        ended_at_ms=ended_at_ms,
    )


def _to_scope(body: str) -> Scope:
    return msgspec.json.decode(body, type=Scope)


def _source(case_id: int) -> str:
    return f"case {case_id}"
