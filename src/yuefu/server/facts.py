r"""The facts of songs as a table: exported, mended in a spreadsheet, and imported again whole or not at all.

A row a song, in the columns of `FORM`. Fields of several values part them by "|"; one that belongs to a value is
written "\|", a backslash "\\".
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any, TextIO

import msgspec

from yuefu.access.audit import Author
from yuefu.catalogue.facts import FIELDS, LISTS, BadFact, changed_fields, read_fact, with_facts, write_fact
from yuefu.catalogue.song import Outcome, Publication, Song, SongFacts, UnknownSong
from yuefu.ids import SongId, parse_song_id
from yuefu.music.findings import Finding
from yuefu.server.centre import Centre, Transaction
from yuefu.server.table import Row, TableForm

FORM = TableForm(("song_id", "vendor_id", *FIELDS), needed=frozenset({"song_id"}))

_VALUE = re.compile(r"(?:\\[\\|]|[^|])+")


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A field of a song that has another value, both as a table writes them."""

    song_id: SongId
    field: str
    before: str
    after: str


class FactsImport(msgspec.Struct, frozen=True, kw_only=True):
    """What a table said: changes, and findings for which none was made. `notes` are about how it was read."""

    song_count: int
    changes: tuple[Change, ...] = ()
    findings: tuple[Finding, ...] = ()
    notes: tuple[Finding, ...] = ()


def export_facts(songs: Iterable[Song], file: TextIO) -> int:
    """Write the songs' facts; how many songs it were. `file` must leave line ends alone (`newline=""`)."""
    return FORM.write(map(_cells, songs), file)


class FactsEdit(msgspec.Struct, frozen=True, kw_only=True):
    """What correcting a song's facts came to: the song's revision from then on, and what changed."""

    revision: int
    changes: tuple[Change, ...]


def edit_facts(
    centre: Centre, song_id: SongId, edits: Mapping[str, Any], restored: Collection[str], author: Author
) -> FactsEdit:
    """Put values in place of a song's, and in the fields `restored` what the delivery says. Raises `UnknownSong`."""
    at_ms = centre.now_ms()

    def job(transaction: Transaction) -> FactsEdit:
        song = transaction.song(song_id)
        before, delivered = song.published.facts, song.delivered or song.published.facts
        after = with_facts(before, {**edits, **{field: getattr(delivered, field) for field in restored}})
        return _edit(transaction, song_id, before, after, author, at_ms=at_ms)

    return centre.work.run(job)


def remove_songs(centre: Centre, song_ids: Collection[SongId], author: Author) -> None:
    """Take songs out of the catalogue, all of them or none. Raises `UnknownSong`."""
    at_ms = centre.now_ms()

    def job(transaction: Transaction) -> None:
        for song_id in song_ids:
            song = transaction.song(song_id)
            transaction.remove_song(song_id, at_ms=at_ms)
            title, revision = song.published.facts.title, song.revision
            subject = _subject(song_id)
            transaction.audit(author.entry("song.remove", subject, at_ms=at_ms, before_revision=revision, title=title))

    centre.work.run(job)


def _edit(
    transaction: Transaction, song_id: SongId, before: SongFacts, after: SongFacts, author: Author, *, at_ms: int
) -> FactsEdit:
    publication: Publication = transaction.edit_song(song_id, after, at_ms=at_ms)
    changes = tuple(changes_between(song_id, before, after))
    if publication.outcome is not Outcome.UNCHANGED:
        detail = {change.field: {"before": change.before, "after": change.after} for change in changes}
        transaction.audit(
            author.entry(
                "song.edit",
                _subject(song_id),
                at_ms=at_ms,
                before_revision=publication.revision - 1,
                after_revision=publication.revision,
                **detail,
            )
        )
    return FactsEdit(revision=publication.revision, changes=changes)


def _subject(song_id: SongId) -> str:
    return f"song {song_id}"


def import_facts(centre: Centre, data: bytes, author: Author, *, file: str, dry_run: bool) -> FactsImport:
    """Make a table's facts those of its songs, in one transaction; with any finding, or in a dry run, change nothing.

    A column that is not there leaves its field alone, an empty cell empties it.
    """
    table = FORM.read(data, file=file)
    at_ms = centre.now_ms()

    def compare(song_of: Callable[[SongId], Song]) -> dict[SongId, tuple[SongFacts, SongFacts]]:
        return dict(_edits(table.rows, song_of))

    def job(transaction: Transaction) -> dict[SongId, tuple[SongFacts, SongFacts]]:
        edits = compare(transaction.song)
        if not table.findings.close():
            for song_id, (before, after) in edits.items():
                _edit(transaction, song_id, before, after, author, at_ms=at_ms)
        return edits

    edits = compare(centre.songs.song) if dry_run else centre.work.run(job)
    return FactsImport(
        song_count=len(table.rows),
        changes=tuple(change for song_id, facts in edits.items() for change in changes_between(song_id, *facts)),
        findings=table.findings.close(),
        notes=table.notes,
    )


def changes_between(song_id: SongId, before: SongFacts, after: SongFacts) -> list[Change]:
    """The fields in which a song's facts differ."""
    return [
        Change(song_id=song_id, field=field, before=write_cell(before, field), after=write_cell(after, field))
        for field in changed_fields(before, after)
    ]


def write_cell(facts: SongFacts, field: str) -> str:
    """A field as a table writes it."""
    texts = write_fact(facts, field)
    if field in LISTS:
        texts = tuple(text.replace("\\", "\\\\").replace("|", "\\|") for text in texts)
    return "|".join(texts)


def _cells(song: Song) -> tuple[object, ...]:
    facts = song.published.facts
    return (song.song_id, song.vendor_id, *(write_cell(facts, field) for field in FIELDS))


def _texts(cell: str, field: str) -> list[str]:
    if field not in LISTS:
        return [cell]
    return [re.sub(r"\\([\\|])", r"\1", text) for text in _VALUE.findall(cell)]


def _edits(
    rows: Iterable[Row], song_of: Callable[[SongId], Song]
) -> Iterator[tuple[SongId, tuple[SongFacts, SongFacts]]]:
    """The songs whose facts the rows change, with their facts before and after."""
    met: set[SongId] = set()
    for row in rows:
        text = row.text("song_id")
        song_id = parse_song_id(text)
        try:
            song = song_of(song_id) if song_id is not None else None
        except UnknownSong:
            song = None
        if song is None:
            row.wrong(f"there is no song {text[:40]!r}")
        elif song.song_id in met:
            row.wrong(f"song {song.song_id} is there twice")
        elif "vendor_id" in row.cells and row.text("vendor_id") != str(song.vendor_id):
            row.wrong(f"song {song.song_id} is vendor {song.vendor_id}'s")
        else:
            met.add(song.song_id)
            facts = song.published.facts
            after = _edited(facts, row)
            if after != facts:
                yield song.song_id, (facts, after)


def _edited(facts: SongFacts, row: Row) -> SongFacts:
    """The facts as a row has them. A cell that says what holds is believed, whatever it says."""
    changes = {}
    for field in FIELDS:
        cell = row.cells.get(field)
        if cell is None or cell == write_cell(facts, field):
            continue
        try:
            changes[field] = read_fact(field, _texts(cell, field))
        except BadFact as bad:
            row.wrong(f"{field}: {bad}")
    return with_facts(facts, changes)
