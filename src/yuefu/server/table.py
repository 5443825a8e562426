"""Tables that operators keep in spreadsheets: CSV with a head of documented columns, in any order, and a line a row.

    FORM = TableForm(("song_id", "title"), needed=frozenset({"song_id"}))

    table = FORM.read(data, file="songs.csv")
    for row in table.rows:
        if not row.text("title"):
            row.wrong("title: empty")
    findings = table.findings.close()

Reading never raises: what cannot be is a finding with its line, and so is what a caller finds wrong with a row. Whoever
imports a table takes it in whole, or with any finding not at all.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TextIO

import msgspec

from yuefu.music.findings import Finding, FindingList
from yuefu.music.text import decode

LONGEST_CELL = 1_000_000

_DELIMITERS = ",;\t"
_REFUSED = "refused"


class TableReport(msgspec.Struct, frozen=True, kw_only=True):
    """What an import read, and whether it was written: not when there are findings, nor when it was a rehearsal.

    `notes` are about how the file was read; they keep nothing out.
    """

    counts: dict[str, int]
    findings: tuple[Finding, ...]
    notes: tuple[Finding, ...] = ()
    is_written: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One row: the line it begins on, and its cells as they are written, by column."""

    line: int
    cells: Mapping[str, str]
    findings: FindingList = field(repr=False)

    def text(self, column: str) -> str:
        """A cell without the blanks about it, "" where the file lacks the column."""
        return self.cells.get(column, "").strip()

    def wrong(self, problem: str) -> None:
        """Note what cannot be in this row."""
        self.findings.add(problem, _REFUSED, self.line)


@dataclass(frozen=True, slots=True)
class Table:
    """A file as far as it is a table of its form. `findings` are open for more; `notes` say how the text was read."""

    rows: tuple[Row, ...]
    findings: FindingList
    notes: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class TableForm:
    """The columns that a table may have, and of those the ones `needed`."""

    columns: tuple[str, ...]
    needed: frozenset[str]

    def write(self, rows: Iterable[Sequence[object]], file: TextIO) -> int:
        """Write the head and the rows; how many these were. `file` must leave line ends alone (`newline=""`)."""
        table = csv.writer(file)
        table.writerow(self.columns)
        count = 0
        for count, row in enumerate(rows, start=1):  # noqa: B007  the last one is the answer
            table.writerow(row)
        return count

    def read(self, data: bytes, *, file: str) -> Table:
        """The table in a file of any encoding, its cells parted by commas, semicolons or tabs. Never raises."""
        text, notes = _read_text(data, file)
        findings = FindingList(file)
        return Table(tuple(self._rows(text, findings)), findings, notes)

    def _rows(self, text: str, findings: FindingList) -> Iterator[Row]:
        """The rows that have a cell for every column of the head; those without any text are left out."""
        head: list[str] = []
        for line, cells in _numbered(text, findings):
            if not any(map(str.strip, cells)):
                continue
            if not head:
                head = [cell.strip() for cell in cells]
                if not self._is_head(head, line, findings):
                    return
            elif len(cells) != len(head):
                findings.add(f"has {len(cells)} cells where the head has {len(head)}", _REFUSED, line)
            else:
                yield Row(line, dict(zip(head, cells, strict=True)), findings)
        if not head and not findings.close():
            findings.add(f"is empty; the first line must name the columns {self._listed}", _REFUSED)

    def _is_head(self, head: list[str], line: int, findings: FindingList) -> bool:
        missing = [column for column in self.columns if column in self.needed and column not in head]
        problems = [f"there is no column {column}" for column in missing]
        problems += [f"there is no such column as {name[:40]!r}" for name in head if name not in self.columns]
        problems += [f"the column {name[:40]!r} is there twice" for name in dict.fromkeys(head) if head.count(name) > 1]
        for problem in problems:
            findings.add(f"{problem}; the columns are {self._listed}", _REFUSED, line)
        return not problems

    @property
    def _listed(self) -> str:
        return ",".join(self.columns)


def _read_text(data: bytes, file: str) -> tuple[str, tuple[Finding, ...]]:
    """The text, to the last character where it is UTF-8; zeros betray wider characters."""
    if b"\0" not in data:
        try:
            return data.decode("utf-8-sig"), ()
        except UnicodeDecodeError:
            pass
    decoded = decode(data, file=file)
    return decoded.text, decoded.findings


def _numbered(text: str, findings: FindingList) -> Iterator[tuple[int, list[str]]]:
    """Each row with the line it begins on."""
    csv.field_size_limit(LONGEST_CELL)
    table = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    line = 1
    try:
        for cells in table:
            yield line, cells
            line = table.line_num + 1
    except csv.Error as error:
        findings.add(f"is not CSV: {error}", _REFUSED, line)


def _delimiter(text: str) -> str:
    """What parts the cells of the head, the first line with any text; no column's name has one of these in it."""
    head = next(filter(str.strip, io.StringIO(text, newline="")), "")
    return next((mark for mark in _DELIMITERS if mark in head), _DELIMITERS[0])
