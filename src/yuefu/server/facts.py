r"""The facts of songs as a table: exported, mended in a spreadsheet, and imported again whole or not at all.

A CSV of UTF-8 with a head; a row a song, in the columns of `COLUMNS`. Fields of several values part them by "|"; one
that belongs to a value is written "\|", a backslash "\\".
"""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TextIO

import msgspec

from yuefu.catalogue.facts import FIELDS, LISTS, BadFact, changed_fields, read_fact, with_facts, write_fact
from yuefu.catalogue.song import Song, SongFacts, UnknownSong
from yuefu.ids import SongId, parse_song_id
from yuefu.music.findings import Finding, FindingList
from yuefu.music.text import decode
from yuefu.server.centre import Centre, Transaction

COLUMNS = ("song_id", "vendor_id", *FIELDS)

_DELIMITERS = ",;\t"
_LONGEST_CELL = 1_000_000
_VALUE = re.compile(r"(?:\\[\\|]|[^|])+")
_REFUSED = "nothing is imported"


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


@dataclass(frozen=True, slots=True)
class _Row:
    """A song's cells by column, and the line they begin in."""

    line: int
    cells: Mapping[str, str]


def export_facts(songs: Iterable[Song], file: TextIO) -> int:
    """Write the songs' facts; how many songs it were. `file` must leave line ends alone (`newline=""`)."""
    table = csv.writer(file)
    table.writerow(COLUMNS)
    count = 0
    for count, song in enumerate(songs, start=1):  # noqa: B007  the last one is the answer
        facts = song.published.facts
        table.writerow((song.song_id, song.vendor_id, *(write_cell(facts, field) for field in FIELDS)))
    return count


def import_facts(centre: Centre, data: bytes, *, file: str, dry_run: bool) -> FactsImport:
    """Make a table's facts those of its songs, in one transaction; with any finding, or in a dry run, change nothing.

    A column that is not there leaves its field alone, an empty cell empties it.
    """
    decoded = decode(data, file=file)
    findings = FindingList(file)
    rows = list(_read_rows(decoded.text, findings))
    at_ms = centre.now_ms()

    def compare(song_of: Callable[[SongId], Song]) -> dict[SongId, tuple[SongFacts, SongFacts]]:
        return dict(_edits(rows, song_of, findings))

    def job(transaction: Transaction) -> dict[SongId, tuple[SongFacts, SongFacts]]:
        edits = compare(transaction.song)
        if not findings.close():
            for song_id, (_, after) in edits.items():
                transaction.edit_song(song_id, after, at_ms=at_ms)
        return edits

    edits = compare(centre.songs.song) if dry_run else centre.work.run(job)
    return FactsImport(
        song_count=len(rows),
        changes=tuple(change for song_id, facts in edits.items() for change in changes_between(song_id, *facts)),
        findings=findings.close(),
        notes=decoded.findings,
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


def _texts(cell: str, field: str) -> list[str]:
    if field not in LISTS:
        return [cell]
    return [re.sub(r"\\([\\|])", r"\1", text) for text in _VALUE.findall(cell)]


def _read_rows(text: str, findings: FindingList) -> Iterator[_Row]:
    """The rows of a table, as far as it can be read as one."""
    csv.field_size_limit(_LONGEST_CELL)
    head_line = text.partition("\n")[0]
    delimiter = next((mark for mark in _DELIMITERS if mark in head_line), _DELIMITERS[0])
    table = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    try:
        columns = [name.strip() for name in next(table, [])]
        if not _check_head(columns, findings):
            return
        line = table.line_num + 1
        for cells in table:
            if len(cells) == len(columns):
                yield _Row(line, dict(zip(columns, cells, strict=True)))
            elif any(cells):
                findings.add(f"{len(cells)} cells under {len(columns)} columns", _REFUSED, line)
            line = table.line_num + 1
    except csv.Error as error:
        findings.add(f"no CSV: {error}", _REFUSED, line)


def _check_head(columns: list[str], findings: FindingList) -> bool:
    problems = [f"the column {name!r} is unknown" for name in columns if name not in COLUMNS]
    problems += [f"the column {name!r} is there twice" for name in sorted(set(columns)) if columns.count(name) > 1]
    if "song_id" not in columns:
        problems.append("there is no column song_id")
    for problem in problems:
        findings.add(problem, _REFUSED, 1)
    return not problems


def _edits(
    rows: Iterable[_Row], song_of: Callable[[SongId], Song], findings: FindingList
) -> Iterator[tuple[SongId, tuple[SongFacts, SongFacts]]]:
    """The songs whose facts the rows change, with their facts before and after."""
    met: set[SongId] = set()
    for row in rows:
        text = row.cells["song_id"].strip()
        song_id = parse_song_id(text)
        try:
            song = song_of(song_id) if song_id is not None else None
        except UnknownSong:
            song = None
        if song is None:
            findings.add(f"there is no song {text[:40]!r}", _REFUSED, row.line)
        elif song.song_id in met:
            findings.add(f"song {song.song_id} is there twice", _REFUSED, row.line)
        elif row.cells.get("vendor_id", str(song.vendor_id)).strip() != str(song.vendor_id):
            findings.add(f"song {song.song_id} is vendor {song.vendor_id}'s", _REFUSED, row.line)
        else:
            met.add(song.song_id)
            facts = song.published.facts
            after = _edited(facts, row, findings)
            if after != facts:
                yield song.song_id, (facts, after)


def _edited(facts: SongFacts, row: _Row, findings: FindingList) -> SongFacts:
    """The facts as a row has them. A cell that says what holds is believed, whatever it says."""
    changes = {}
    for field in FIELDS:
        cell = row.cells.get(field)
        if cell is None or cell == write_cell(facts, field):
            continue
        try:
            changes[field] = read_fact(field, _texts(cell, field))
        except BadFact as bad:
            findings.add(f"{field}: {bad}", _REFUSED, row.line)
    return with_facts(facts, changes)
