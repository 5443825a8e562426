"""Tables as CSV: any file is read as far as it is one, and says where it is not."""

import io
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuefu.server.table import LONGEST_CELL, Row, TableForm

FORM = TableForm(("song_id", "title", "note"), needed=frozenset({"song_id", "title"}))
HEAD = b"song_id,title,note\n"
CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)


def written(*rows: Sequence[object]) -> bytes:
    file = io.StringIO(newline="")
    assert FORM.write(rows, file) == len(rows)
    return file.getvalue().encode()


def cells_of(row: Row) -> list[str]:
    return [row.cells[column] for column in FORM.columns]


@given(st.lists(st.tuples(CELLS, CELLS, CELLS).filter(lambda cells: any(map(str.strip, cells)))))
def test_what_is_written_is_read_again(rows: list[tuple[str, str, str]]) -> None:
    table = FORM.read(written(*rows), file="t.csv")
    assert [tuple(cells_of(row)) for row in table.rows] == rows
    assert (table.findings.close(), table.notes) == ((), ())


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "gb18030"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_a_table_comes_as_a_spreadsheet_saves_it(encoding: str, delimiter: str, line_end: str) -> None:
    lines = ["", " title ,song_id", " 茉莉花 ,1", ",", "", '"送, ;\t别",2', ""]
    text = line_end.join(line if '"' in line else line.replace(",", delimiter) for line in lines)
    text = text.replace('",2', f'"{delimiter}2')
    table = FORM.read(text.encode(encoding), file="t.csv")
    assert [(row.line, row.text("song_id"), row.text("title"), row.text("note")) for row in table.rows] == [
        (3, "1", "茉莉花", ""),
        (6, "2", "送, ;\t别", ""),
    ]
    assert table.rows[0].cells["title"] == " 茉莉花 "
    assert table.findings.close() == ()
    assert bool(table.notes) == (encoding in {"utf-16-le", "gb18030"})


@pytest.mark.parametrize(
    ("raw", "line", "problem"),
    [
        (b"", None, "is empty; the first line must name the columns song_id,title,note"),
        (b"\xef\xbb\xbf\r\n\r\n,,\r\n", None, "is empty"),
        (b"\xff\xfe", None, "is empty"),
        (b"song_id\n1\n", 1, "there is no column title; the columns are song_id,title,note"),
        (b"\nsong_id,title,colour\n", 2, "there is no such column as 'colour'"),
        (b"song_id,title,title\n", 1, "the column 'title' is there twice"),
        (HEAD + b"1,a\n", 2, "has 2 cells where the head has 3"),
        (HEAD + b'1,"a\nb",\n2\n', 4, "has 1 cells where the head has 3"),
        (HEAD + b'1,"a\nb', 2, "is not CSV"),
        (HEAD + b'1,"a"b,', 2, "is not CSV"),
        (b'"song_id', 1, "is not CSV"),
        (HEAD + b"1,a,b\n1," + b"a" * (LONGEST_CELL + 1) + b",", 3, "is not CSV: field larger than field limit"),
    ],
)
def test_a_file_that_is_no_table_says_where(raw: bytes, line: int | None, problem: str) -> None:
    (finding,) = FORM.read(raw, file="t.csv").findings.close()
    assert (finding.file, finding.line) == ("t.csv", line)
    assert finding.problem.startswith(problem)


def test_what_a_caller_finds_wrong_has_the_row_s_line() -> None:
    table = FORM.read(HEAD + b'1,"a\nb",\n2,c,d\n', file="t.csv")
    for row in reversed(table.rows):
        row.wrong(f"song_id: {row.text('song_id')} is unknown")
    assert [(finding.line, finding.problem) for finding in table.findings.close()] == [
        (2, "song_id: 1 is unknown"),
        (4, "song_id: 2 is unknown"),
    ]


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_read_or_have_a_finding(raw: bytes) -> None:
    alone = FORM.read(raw, file="t.csv")
    assert alone.rows or alone.findings.close() or b"title" in raw
    for row in FORM.read(HEAD + raw, file="t.csv").rows:
        assert set(row.cells) == set(FORM.columns)
