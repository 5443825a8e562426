"""The lyrics that a centre answers with: JSON of lines (LRC), or of lines and words (KRC).

    {"lines": [{"begin_time": 1200, "end_time": 4600, "content": "two words"}], "lrc_format": "…", "ti": "…"}
    {"lines": [{"begin_time": 1200, "duration": 3400, "content": "two words",
                "words": [{"offset": 0, "duration": 400, "word": "two "}]}], "krc_format_offset": 0, "ti": "…"}

Times are milliseconds of the original recording; an offset of a word counts from its line. The length keeps its
documented spelling, `lenght`.
"""

from typing import Any

import msgspec

from yuefu.music.findings import FindingList
from yuefu.music.formats import lrc
from yuefu.music.formats.text import (
    LONGEST_LINE,
    MOST_LINES,
    ParsedLyrics,
    Piece,
    collect,
    decode_text,
    plain_line,
    read_line,
)
from yuefu.music.lyrics import Line, Lyrics, with_words
from yuefu.music.text import leave_printable
from yuefu.music.unreadable import NotInFormat, TooLarge

TAGS = ("ti", "ar", "al")


class _Word(msgspec.Struct):
    offset: int
    duration: int
    word: str


class _Line(msgspec.Struct):
    begin_time: int
    content: str
    end_time: int | None = None
    duration: int | None = None
    words: list[_Word] = []


class _Answer(msgspec.Struct):
    lines: list[_Line]
    ti: str = ""
    ar: str = ""
    al: str = ""


def is_answer(data: bytes) -> bool:
    """Whether `data` looks like lyrics at all: JSON lies beside songs for many reasons."""
    return b'"lines"' in data and b'"begin_time"' in data


def parse(data: bytes, *, file: str = "") -> ParsedLyrics:
    """The lyrics of either answer. Raises TooLarge and NotInFormat."""
    findings = FindingList(file)
    try:
        answer = msgspec.json.decode(decode_text(data, findings), type=_Answer)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise NotInFormat("JSON of lyrics", str(error)[:200]) from None
    if len(answer.lines) > MOST_LINES:
        raise TooLarge(len(answer.lines), MOST_LINES, "lines")
    headers = {tag: value for tag in TAGS if (value := leave_printable(getattr(answer, tag)))}
    return collect((_read_line(line, findings) for line in answer.lines), findings, headers=headers)


def render_lrc(lyrics: Lyrics) -> bytes:
    """The answer with line lyrics."""
    lines = [{"begin_time": line.begin_ms, "end_time": line.end_ms, "content": line.text} for line in lyrics.lines]
    return _encode({"lines": lines, "lrc_format": lrc.render(lyrics), **_tags(lyrics), "offset": 0})


def render_krc(lyrics: Lyrics) -> bytes:
    """The answer with word lyrics. A line without word times shares its time among its words."""
    return _encode(
        {"lines": [_write_line(with_words(line)) for line in lyrics.lines], "krc_format_offset": 0, **_tags(lyrics)}
    )


def _write_line(line: Line) -> dict[str, object]:
    return {
        "begin_time": line.begin_ms,
        "duration": line.duration_ms,
        "content": line.text,
        "words": [
            {"offset": word.begin_ms - line.begin_ms, "duration": word.duration_ms, "word": word.text}
            for word in line.words
        ],
    }


def _tags(lyrics: Lyrics) -> dict[str, object]:
    return {**{tag: lyrics.headers.get(tag, "") for tag in TAGS}, "lenght": lyrics.end_ms}


def _encode(answer: dict[str, Any]) -> bytes:
    return msgspec.json.format(msgspec.json.encode(answer), indent=2) + b"\n"


def _read_line(line: _Line, findings: FindingList) -> Line | None:
    begin_ms = line.begin_time
    end_ms = line.end_time if line.end_time is not None else begin_ms + (line.duration or 0)
    if max(len(line.content), sum(len(word.word) for word in line.words)) > LONGEST_LINE:
        findings.add(f"a line has more than {LONGEST_LINE:,} characters", "ignored")
        return None
    pieces = [
        Piece(begin_ms + word.offset, begin_ms + word.offset + word.duration, leave_printable(word.word))
        for word in line.words
    ]
    if pieces:
        return read_line(pieces, findings, None, begin_ms=begin_ms, end_ms=end_ms)
    return plain_line(leave_printable(line.content), begin_ms=begin_ms, end_ms=end_ms, findings=findings, number=None)
