"""The catalogue's songs in SQLite."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import apsw
import msgspec

from yuefu.catalogue.facts import changed_fields, with_facts
from yuefu.catalogue.listing import covers_of, features_of
from yuefu.catalogue.song import (
    COVER_SIZES_PX,
    SINGER_PICTURE_PX,
    Blob,
    Highlight,
    Level,
    Outcome,
    Part,
    PartKind,
    Publication,
    PublishedSong,
    Quality,
    SingerPicture,
    Song,
    SongFacts,
    SongState,
    Tempo,
    UnknownSong,
    Version,
)
from yuefu.catalogue.spelling import bare_title, fold, recording_key, work_key
from yuefu.ids import SongId, VendorId
from yuefu.storage.sqlite.database import Database, fetch, json_text

_SONG = """
SELECT revision, vendor_id, source_key, fingerprint, title, aliases, singers, album, language, genre, genres, year, bpm,
       isrc, iswc, version, duration_ms, accompaniment_duration_ms, highlight, states, pictures, level, tempo,
       separated_by, delivered
FROM songs WHERE song_id = ? AND removed_at_ms IS NULL
"""
_PARTS = """
SELECT kind, quality, media_type, sha256, size_bytes, duration_ms, track_count FROM parts WHERE song_id = ?
ORDER BY kind, quality
"""
_FIND = "SELECT song_id, revision, fingerprint, removed_at_ms FROM songs WHERE vendor_id = ? AND source_key = ?"
_LIST = """
SELECT song_id FROM songs WHERE song_id > ?2 AND removed_at_ms IS NULL AND (?1 IS NULL OR vendor_id = ?1)
ORDER BY song_id LIMIT ?3
"""
_INSERT = """
INSERT INTO songs (vendor_id, source_key, revision, fingerprint, title, aliases, singers, album, language, genre,
                   genres, year, bpm, isrc, iswc, version, duration_ms, accompaniment_duration_ms, highlight, states,
                   title_key, singer_id, album_id, covers, features, pictures, level, tempo,
                   separated_by, delivered, published_at_ms)
VALUES (?, ?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (vendor_id, source_key) DO NOTHING
"""
_UPDATE = """
UPDATE songs SET revision = ?, fingerprint = ?, title = ?, aliases = ?, singers = ?, album = ?, language = ?, genre = ?,
                 genres = ?, year = ?, bpm = ?, isrc = ?, iswc = ?, version = ?, duration_ms = ?,
                 accompaniment_duration_ms = ?, highlight = ?, states = ?,
                 title_key = ?, singer_id = ?, album_id = ?, covers = ?, features = ?, pictures = ?, level = ?,
                 tempo = ?, separated_by = ?, delivered = ?, published_at_ms = ?, removed_at_ms = NULL
WHERE song_id = ?
"""
_ALL_OF_THEM = -1
_FORGET_PARTS = "DELETE FROM parts WHERE song_id = ?"
_ADD_PART = "INSERT INTO parts VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_REMOVE = "UPDATE songs SET removed_at_ms = ? WHERE song_id = ? AND removed_at_ms IS NULL RETURNING song_id"
_FACTS = """
SELECT title, aliases, singers, album, language, genre, genres, year, bpm, isrc, iswc, version, delivered
FROM songs WHERE song_id = ?
"""
_OF_RECORDING = """
SELECT song_id FROM songs
WHERE isrc = ? AND isrc <> '' AND vendor_id = ? AND removed_at_ms IS NULL ORDER BY song_id
"""
_OF_WORK = """
SELECT song_id FROM songs
WHERE iswc = ? AND iswc <> '' AND vendor_id = ? AND removed_at_ms IS NULL ORDER BY song_id
"""
_NAMES = "SELECT title, singers, isrc, iswc FROM songs WHERE song_id = ?"
_RELATIVES = """
SELECT song_id, title, singers, isrc, iswc FROM songs
WHERE (isrc <> '' AND isrc = (SELECT isrc FROM songs WHERE song_id = ?1)
       OR iswc <> '' AND iswc = (SELECT iswc FROM songs WHERE song_id = ?1)
       OR title_key >= ?2 AND title_key < ?2 || char(1114111))
      AND removed_at_ms IS NULL
ORDER BY song_id
"""
_SINGER = "SELECT singer_id FROM singers WHERE name = ?"
_ADD_SINGER = "INSERT INTO singers (name) VALUES (?)"
_ALBUM = "SELECT album_id FROM albums WHERE title = ? AND singer_id = ?"
_ADD_ALBUM = "INSERT INTO albums (title, singer_id) VALUES (?, ?)"
_ADD_IMAGE = "INSERT INTO images VALUES (?, ?) ON CONFLICT DO NOTHING"
_PICTURE_SINGER = """
INSERT INTO singers (name, image) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET image = excluded.image
"""


class SqliteSongs:
    """Reads on the caller's thread, writes through the database's writer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def song(self, song_id: SongId) -> Song:
        """The published song. Raises `UnknownSong`."""
        return read_song(self._database.reader, song_id)

    def songs(
        self, vendor_id: VendorId | None = None, *, after: SongId | None = None, at_most: int | None = None
    ) -> list[Song]:
        """The published songs, of one vendor or of all, by id; or so many that come after an id."""
        reader = self._database.reader
        ids = fetch(reader, _LIST, (vendor_id, after or 0, _ALL_OF_THEM if at_most is None else at_most))
        return [read_song(reader, SongId(song_id)) for (song_id,) in ids]

    def find(self, vendor_id: VendorId, source_key: str) -> SongId | None:
        """The published song that came under that key, None when there is none."""
        row = _first(self._database.reader, _FIND, (vendor_id, source_key))
        return None if row is None or row[3] is not None else SongId(row[0])

    def fingerprint(self, vendor_id: VendorId, source_key: str) -> str | None:
        """The fingerprint of the published song that came under that key, None when there is none."""
        row = _first(self._database.reader, _FIND, (vendor_id, source_key))
        return None if row is None or row[3] is not None else row[2]

    def twins(self, song_id: SongId) -> list[SongId]:
        """The other published entries of the same recording, at any vendor, by id."""
        return self._relatives(song_id)[0]

    def versions(self, song_id: SongId) -> list[SongId]:
        """The published entries of other recordings of the same work, by id."""
        return self._relatives(song_id)[1]

    def _relatives(self, song_id: SongId) -> tuple[list[SongId], list[SongId]]:
        """Entries of the same recording, and of other recordings of the same work. For people: it reads all songs."""
        reader = self._database.reader
        own = _Names.of(*fetch(reader, _NAMES, (song_id,))[0])
        twins, versions = [], []
        for other_id, *columns in fetch(reader, _RELATIVES, (song_id, own.bare_title)):
            other = _Names.of(*columns)
            if other_id != song_id and own.same_recording(other):
                twins.append(SongId(other_id))
            elif other_id != song_id and own.same_work(other):
                versions.append(SongId(other_id))
        return twins, versions


class _Names(NamedTuple):
    """All by which two entries may be told to be one recording, or one work."""

    bare_title: str
    recording: str
    work: str
    isrc: str
    iswc: str

    @classmethod
    def of(cls, title: str, singers: str, isrc: str, iswc: str) -> "_Names":
        people = msgspec.json.decode(singers, type=tuple[str, ...])
        return cls(
            bare_title=bare_title(title),
            recording=recording_key(title=title, singers=people),
            work=work_key(title=title, singers=people),
            isrc=isrc,
            iswc=iswc,
        )

    def same_recording(self, other: "_Names") -> bool:
        return bool(self.isrc and self.isrc == other.isrc) or self.recording == other.recording

    def same_work(self, other: "_Names") -> bool:
        return bool(self.iswc and self.iswc == other.iswc) or self.work == other.work


def songs_of_recording(connection: apsw.Connection, vendor_id: VendorId, isrc: str) -> list[SongId]:
    """The vendor's published songs of the recording with that ISRC, by id."""
    return [SongId(song_id) for (song_id,) in fetch(connection, _OF_RECORDING, (isrc, vendor_id))]


def songs_of_work(connection: apsw.Connection, vendor_id: VendorId, iswc: str) -> list[SongId]:
    """The vendor's published songs of the work with that ISWC, by id."""
    return [SongId(song_id) for (song_id,) in fetch(connection, _OF_WORK, (iswc, vendor_id))]


def read_song(connection: apsw.Connection, song_id: SongId) -> Song:
    """The published song, seen through `connection`. Raises `UnknownSong`."""
    row = _first(connection, _SONG, (song_id,))
    if row is None:
        raise UnknownSong(song_id)
    return _to_song(song_id, _SongRow(*row), fetch(connection, _PARTS, (song_id,)))


def publish(connection: apsw.Connection, song: PublishedSong, *, at_ms: int) -> Publication:
    """Put a whole song before callers, inside the caller's transaction; what was edited by hand stays edited."""
    columns = _columns(connection, song, song.facts, at_ms)
    connection.execute(_INSERT, (song.vendor_id, song.source_key, *columns))
    if connection.changes():  # first of all, for a catalogue comes by the million
        song_id = SongId(connection.last_insert_rowid())
        publication = Publication(song_id=song_id, revision=1, outcome=Outcome.NEW)
    else:
        song_id, revision, fingerprint, removed_at_ms = _first(connection, _FIND, (song.vendor_id, song.source_key))
        if fingerprint == song.fingerprint and removed_at_ms is None:
            return Publication(song_id=song_id, revision=revision, outcome=Outcome.UNCHANGED)
        edited = msgspec.structs.replace(song, facts=_with_edits(connection, song_id, song.facts))
        publication = _revise(connection, song_id, revision, edited, delivered=song.facts, at_ms=at_ms)
        connection.execute(_FORGET_PARTS, (song_id,))
    _write_parts(connection, song_id, song)
    return publication


def edit_song(connection: apsw.Connection, song_id: SongId, facts: SongFacts, *, at_ms: int) -> Publication:
    """Put an operator's facts in place of a published song's, inside the caller's transaction.

    Where they differ from the delivery's they outlast it: a later delivery changes the other facts only. Raises
    `UnknownSong`.
    """
    song = read_song(connection, song_id)
    if facts == song.published.facts:
        return Publication(song_id=song_id, revision=song.revision, outcome=Outcome.UNCHANGED)
    edited = msgspec.structs.replace(song.published, facts=facts)
    delivered = song.delivered or song.published.facts
    return _revise(connection, song_id, song.revision, edited, delivered=delivered, at_ms=at_ms)


def set_highlight(
    connection: apsw.Connection, song_id: SongId, highlight: Highlight | None, cuts: Iterable[Part], *, at_ms: int
) -> Publication:
    """Put another highlight, and what was cut by it, in place of a published song's. Raises `UnknownSong`."""
    song = read_song(connection, song_id)
    kept = (part for part in song.published.parts if part.kind not in {PartKind.CLIP, PartKind.SEGMENT})
    changed = msgspec.structs.replace(song.published, highlight=highlight, parts=(*kept, *cuts))
    delivered = song.delivered or song.published.facts
    publication = _revise(connection, song_id, song.revision, changed, delivered=delivered, at_ms=at_ms)
    connection.execute(_FORGET_PARTS, (song_id,))
    _write_parts(connection, song_id, changed)
    return publication


def _revise(
    connection: apsw.Connection,
    song_id: SongId,
    revision: int,
    song: PublishedSong,
    *,
    delivered: SongFacts,
    at_ms: int,
) -> Publication:
    """Write a known song's next revision, all but its parts."""
    connection.execute(_UPDATE, (revision + 1, *_columns(connection, song, delivered, at_ms), song_id))
    return Publication(song_id=song_id, revision=revision + 1, outcome=Outcome.CHANGED)


def _with_edits(connection: apsw.Connection, song_id: SongId, delivered: SongFacts) -> SongFacts:
    """What a delivery says now, under what an operator said in place of the one before."""
    *columns, before = _first(connection, _FACTS, (song_id,))
    if before is None:
        return delivered
    held, before = _to_facts(*columns), msgspec.json.decode(before, type=SongFacts)
    return with_facts(delivered, {field: getattr(held, field) for field in changed_fields(before, held)})


def _write_parts(connection: apsw.Connection, song_id: SongId, song: PublishedSong) -> None:
    """Write a song's parts, and its pictures among those that anyone may fetch."""
    if not song.parts and not song.pictures:
        return  # a catalogue that comes without files comes by the million
    connection.executemany(_ADD_PART, (_part_row(song_id, part) for part in song.parts))
    covers = ((part.blob.sha256, COVER_SIZES_PX[part.kind]) for part in song.parts if part.kind in COVER_SIZES_PX)
    connection.executemany(_ADD_IMAGE, covers)
    connection.executemany(_ADD_IMAGE, ((picture.blob.sha256, SINGER_PICTURE_PX) for picture in song.pictures))
    connection.executemany(_PICTURE_SINGER, ((picture.singer, picture.blob.sha256) for picture in song.pictures))


def remove_song(connection: apsw.Connection, song_id: SongId, *, at_ms: int) -> None:
    """Take a song out of the catalogue, inside the caller's transaction; should it come again, its id is still its own.

    Raises `UnknownSong`.
    """
    if not fetch(connection, _REMOVE, (at_ms, song_id)):
        raise UnknownSong(song_id)


class _SongRow(NamedTuple):
    revision: int
    vendor_id: int
    source_key: str
    fingerprint: str
    title: str
    aliases: str
    singers: str
    album: str
    language: str
    genre: str
    genres: str
    year: int | None
    bpm: int | None
    isrc: str
    iswc: str
    version: str
    duration_ms: int
    accompaniment_duration_ms: int
    highlight: str | None
    states: str
    pictures: str
    level: str | None
    tempo: str | None
    separated_by: str
    delivered: str | None


def _to_song(song_id: SongId, row: _SongRow, parts: Iterable[Sequence[Any]]) -> Song:
    return Song(
        song_id=song_id,
        revision=row.revision,
        published=PublishedSong(
            vendor_id=VendorId(row.vendor_id),
            source_key=row.source_key,
            fingerprint=row.fingerprint,
            facts=_to_facts(*row[4:16]),
            duration_ms=row.duration_ms,
            accompaniment_duration_ms=row.accompaniment_duration_ms,
            highlight=None if row.highlight is None else msgspec.json.decode(row.highlight, type=Highlight),
            parts=tuple(_to_part(part) for part in parts),
            states=msgspec.json.decode(row.states, type=tuple[SongState, ...]),
            pictures=msgspec.json.decode(row.pictures, type=tuple[SingerPicture, ...]),
            level=None if row.level is None else msgspec.json.decode(row.level, type=Level),
            tempo=None if row.tempo is None else msgspec.json.decode(row.tempo, type=Tempo),
            separated_by=row.separated_by,
        ),
        delivered=None if row.delivered is None else msgspec.json.decode(row.delivered, type=SongFacts),
    )


def _to_facts(*columns: Any) -> SongFacts:
    title, aliases, singers, album, language, genre, genres, year, bpm, isrc, iswc, version = columns
    return SongFacts(
        title=title,
        aliases=msgspec.json.decode(aliases, type=tuple[str, ...]),
        singers=msgspec.json.decode(singers, type=tuple[str, ...]),
        album=album,
        language=language,
        genre=genre,
        genres=msgspec.json.decode(genres, type=tuple[int, ...]),
        year=year,
        bpm=bpm,
        isrc=isrc,
        iswc=iswc,
        version=Version(version),
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


def _columns(connection: apsw.Connection, song: PublishedSong, delivered: SongFacts, at_ms: int) -> tuple[Any, ...]:
    """What `_INSERT` and `_UPDATE` write; `delivered` only where it is not what holds."""
    facts = song.facts
    covers = covers_of(song)
    singer_id = _known(connection, _SINGER, _ADD_SINGER, facts.singers[:1])
    return (
        song.fingerprint,
        facts.title,
        json_text(facts.aliases),
        json_text(facts.singers),
        facts.album,
        facts.language,
        facts.genre,
        json_text(facts.genres),
        facts.year,
        facts.bpm,
        facts.isrc,
        facts.iswc,
        facts.version.value,
        song.duration_ms,
        song.accompaniment_duration_ms,
        None if song.highlight is None else json_text(song.highlight),
        json_text(song.states),
        fold(facts.title),
        singer_id,
        _known(connection, _ALBUM, _ADD_ALBUM, (facts.album, singer_id) if facts.album else ()),
        None if covers is None else json_text(covers),
        int(features_of(song)),
        json_text(song.pictures),
        None if song.level is None else json_text(song.level),
        None if song.tempo is None else json_text(song.tempo),
        song.separated_by,
        None if delivered is facts or delivered == facts else json_text(delivered),
        at_ms,
    )


def _known(connection: apsw.Connection, find: str, add: str, facts: tuple[Any, ...]) -> int:
    """The id under which something is known, given now if it is new; 0 for nothing."""
    if not facts:
        return 0
    row = _first(connection, find, facts)
    return _add(connection, add, facts) if row is None else int(row[0])


def _add(connection: apsw.Connection, statement: str, bindings: tuple[Any, ...]) -> int:
    """The id of the row that `statement` inserts. Not by RETURNING, which has SQLite copy every page it touches."""
    connection.execute(statement, bindings)
    return connection.last_insert_rowid()


def _first(connection: apsw.Connection, statement: str, bindings: tuple[Any, ...]) -> Any:
    rows = fetch(connection, statement, bindings)
    return rows[0] if rows else None
