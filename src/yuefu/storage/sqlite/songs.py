"""The catalogue's songs in SQLite."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import apsw
import msgspec

from yuefu.catalogue.song import (
    Blob,
    Highlight,
    Outcome,
    Part,
    PartKind,
    Publication,
    PublishedSong,
    Quality,
    Song,
    SongFacts,
    SongState,
    UnknownSong,
)
from yuefu.ids import SongId, VendorId
from yuefu.storage.sqlite.database import Database, fetch

_SONG = """
SELECT revision, vendor_id, source_key, fingerprint, title, singers, album, language, genre, year, duration_ms,
       accompaniment_duration_ms, highlight, states
FROM songs WHERE song_id = ? AND removed_at_ms IS NULL
"""
_PARTS = """
SELECT kind, quality, media_type, sha256, size_bytes, duration_ms, track_count FROM parts WHERE song_id = ?
ORDER BY kind, quality
"""
_FIND = "SELECT song_id, revision, fingerprint, removed_at_ms FROM songs WHERE vendor_id = ? AND source_key = ?"
_LIST = "SELECT song_id FROM songs WHERE removed_at_ms IS NULL AND (?1 IS NULL OR vendor_id = ?1) ORDER BY song_id"
_INSERT = """
INSERT INTO songs (vendor_id, source_key, revision, fingerprint, title, singers, album, language, genre, year,
                   duration_ms, accompaniment_duration_ms, highlight, states, published_at_ms)
VALUES (?, ?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING song_id
"""
_UPDATE = """
UPDATE songs SET revision = ?, fingerprint = ?, title = ?, singers = ?, album = ?, language = ?, genre = ?, year = ?,
                 duration_ms = ?, accompaniment_duration_ms = ?, highlight = ?, states = ?, published_at_ms = ?,
                 removed_at_ms = NULL
WHERE song_id = ?
"""
_FORGET_PARTS = "DELETE FROM parts WHERE song_id = ?"
_ADD_PART = "INSERT INTO parts VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_SHOW = """
INSERT INTO song_rights (song_id, vendor_id, revision, is_published, changed)
VALUES (?, ?, 0, 1, (SELECT coalesce(max(changed), 0) + 1 FROM song_rights))
ON CONFLICT (song_id) DO UPDATE SET is_published = 1, changed = excluded.changed WHERE NOT is_published
"""
_HIDE = """
UPDATE song_rights SET is_published = 0, changed = (SELECT max(changed) + 1 FROM song_rights) WHERE song_id = ?
"""
_REMOVE = "UPDATE songs SET removed_at_ms = ? WHERE song_id = ? AND removed_at_ms IS NULL RETURNING song_id"
_BLOBS = "SELECT DISTINCT sha256 FROM parts"


class SqliteSongs:
    """Reads on the caller's thread, writes through the database's writer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def song(self, song_id: SongId) -> Song:
        """The published song. Raises `UnknownSong`."""
        return read_song(self._database.reader, song_id)

    def songs(self, vendor_id: VendorId | None = None) -> list[Song]:
        """All published songs, of one vendor or of all, by id."""
        reader = self._database.reader
        ids = fetch(reader, _LIST, (vendor_id,))
        return [read_song(reader, SongId(song_id)) for (song_id,) in ids]

    def find(self, vendor_id: VendorId, source_key: str) -> SongId | None:
        """The published song that came under that key, None when there is none."""
        row = _first(self._database.reader, _FIND, (vendor_id, source_key))
        return None if row is None or row[3] is not None else SongId(row[0])

    def fingerprint(self, vendor_id: VendorId, source_key: str) -> str | None:
        """The fingerprint of the published song that came under that key, None when there is none."""
        row = _first(self._database.reader, _FIND, (vendor_id, source_key))
        return None if row is None or row[3] is not None else row[2]

    def blobs_in_use(self) -> set[str]:
        """The hashes of all blobs that a part names."""
        return {row[0] for row in self._database.reader.execute(_BLOBS)}


def read_song(connection: apsw.Connection, song_id: SongId) -> Song:
    """The published song, seen through `connection`. Raises `UnknownSong`."""
    row = _first(connection, _SONG, (song_id,))
    if row is None:
        raise UnknownSong(song_id)
    return _to_song(song_id, _SongRow(*row), fetch(connection, _PARTS, (song_id,)))


def publish(connection: apsw.Connection, song: PublishedSong, *, at_ms: int) -> Publication:
    """Put a whole song before callers, inside the caller's transaction."""
    row = _first(connection, _FIND, (song.vendor_id, song.source_key))
    if row is None:
        song_id = SongId(_first(connection, _INSERT, (song.vendor_id, song.source_key, *_columns(song, at_ms)))[0])
        publication = Publication(song_id=song_id, revision=1, outcome=Outcome.NEW)
    else:
        song_id, revision, fingerprint, removed_at_ms = row
        if fingerprint == song.fingerprint and removed_at_ms is None:
            return Publication(song_id=song_id, revision=revision, outcome=Outcome.UNCHANGED)
        connection.execute(_UPDATE, (revision + 1, *_columns(song, at_ms), song_id))
        connection.execute(_FORGET_PARTS, (song_id,))
        publication = Publication(song_id=song_id, revision=revision + 1, outcome=Outcome.CHANGED)
    connection.executemany(_ADD_PART, (_part_row(song_id, part) for part in song.parts))
    connection.execute(_SHOW, (song_id, song.vendor_id))
    return publication


def remove_song(connection: apsw.Connection, song_id: SongId, *, at_ms: int) -> None:
    """Take a song out of the catalogue, inside the caller's transaction; should it come again, its id is still its own.

    Raises `UnknownSong`.
    """
    if not fetch(connection, _REMOVE, (at_ms, song_id)):
        raise UnknownSong(song_id)
    connection.execute(_HIDE, (song_id,))


class _SongRow(NamedTuple):
    revision: int
    vendor_id: int
    source_key: str
    fingerprint: str
    title: str
    singers: str
    album: str
    language: str
    genre: str
    year: int | None
    duration_ms: int
    accompaniment_duration_ms: int
    highlight: str | None
    states: str


def _to_song(song_id: SongId, row: _SongRow, parts: Iterable[Sequence[Any]]) -> Song:
    return Song(
        song_id=song_id,
        revision=row.revision,
        published=PublishedSong(
            vendor_id=VendorId(row.vendor_id),
            source_key=row.source_key,
            fingerprint=row.fingerprint,
            facts=SongFacts(
                title=row.title,
                singers=msgspec.json.decode(row.singers, type=tuple[str, ...]),
                album=row.album,
                language=row.language,
                genre=row.genre,
                year=row.year,
            ),
            duration_ms=row.duration_ms,
            accompaniment_duration_ms=row.accompaniment_duration_ms,
            highlight=None if row.highlight is None else msgspec.json.decode(row.highlight, type=Highlight),
            parts=tuple(_to_part(part) for part in parts),
            states=msgspec.json.decode(row.states, type=tuple[SongState, ...]),
        ),
    )


def _to_part(row: Sequence[Any]) -> Part:
    kind, quality, media_type, sha256, size_bytes, duration_ms, track_count = row
    return Part(
        kind=PartKind(kind),
        quality=Quality(quality),
        media_type=media_type,
        blob=Blob(sha256=sha256, size_bytes=size_bytes),
        duration_ms=duration_ms,
        track_count=track_count,
    )


def _part_row(song_id: SongId, part: Part) -> tuple[Any, ...]:
    return (
        song_id,
        part.kind.value,
        part.quality.value,
        part.media_type,
        part.blob.sha256,
        part.blob.size_bytes,
        part.duration_ms,
        part.track_count,
    )


def _columns(song: PublishedSong, at_ms: int) -> tuple[Any, ...]:
    return (
        song.fingerprint,
        song.facts.title,
        _json(song.facts.singers),
        song.facts.album,
        song.facts.language,
        song.facts.genre,
        song.facts.year,
        song.duration_ms,
        song.accompaniment_duration_ms,
        None if song.highlight is None else _json(song.highlight),
        _json(song.states),
        at_ms,
    )


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _first(connection: apsw.Connection, statement: str, bindings: tuple[Any, ...]) -> Any:
    rows = fetch(connection, statement, bindings)
    return rows[0] if rows else None
