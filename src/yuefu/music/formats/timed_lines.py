"""Texts whose lines begin with `[begin,duration]` in ms, and whose words have times of the same kind beside them."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from yuefu.music.findings import FindingList
from yuefu.music.formats.text import (
    LONGEST_LINE,
    ParsedLyrics,
    Piece,
    collect,
    numbered_lines,
    read_line,
    read_tag,
    take_offset,
)

_NUMBER = "-?[0-9]{1,9}"
WORD_TIME = rf"({_NUMBER}),({_NUMBER})"
"""The pattern of a word's begin and duration, without the brackets around them."""

NO_LONG_TAGS: Mapping[str, int] = {}

_LINE = re.compile(rf"\s*\[{WORD_TIME}\](.*)")


@dataclass(frozen=True, slots=True)
class TimedLine:
    """A line as it is written. `begin_ms` is in the time of the text, before its offset."""

    number: int
    begin_ms: int
    duration_ms: int
    words: str


@dataclass(slots=True)
class TimedText:
    """A text's lines and header tags; `earlier_ms` is how much earlier than written all of it is meant."""

    lines: list[TimedLine] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    earlier_ms: int = 0


def read_timed_text(
    text: str,
    findings: FindingList,
    *,
    long_tags: Mapping[str, int] = NO_LONG_TAGS,
    other: Callable[[int, str, TimedText], bool] = lambda *_: False,
) -> TimedText:
    """The lines of `text`; `other` is shown those that are neither timed nor tags, and says whether it took them.

    `long_tags` says of tags how many characters their lines may have, where more than others. Raises TooLarge.
    """
    read = TimedText()
    for number, line in numbered_lines(text, findings, longest=max(long_tags.values(), default=LONGEST_LINE)):
        if len(line) > LONGEST_LINE:
            tag = read_tag(line)
            if tag and len(line) <= long_tags.get(tag[0], 0):
                read.headers.setdefault(*tag)
            else:
                findings.add(f"a line has more than {LONGEST_LINE:,} characters", "ignored", number)
        elif timed := _LINE.fullmatch(line):
            read.lines.append(TimedLine(number, int(timed[1]), int(timed[2]), timed[3]))
        elif other(number, line, read):
            continue
        elif tag := read_tag(line):
            read.headers.setdefault(*tag)
        else:
            findings.add("a line has no time", "left out", number)
    read.earlier_ms = take_offset(read.headers, findings)
    return read


def lyrics_of(read: TimedText, word_time: re.Pattern[str], findings: FindingList, *, time_first: bool) -> ParsedLyrics:
    """The lyrics of a text whose words have times of the song, written before their texts or after them."""
    lines = (
        read_line(
            cut_words(line, word_time, findings, origin_ms=0, time_first=time_first),
            findings,
            line.number,
            begin_ms=line.begin_ms,
            end_ms=line.begin_ms + line.duration_ms,
            earlier_ms=read.earlier_ms,
        )
        for line in read.lines
    )
    return collect(lines, findings, headers=read.headers)


def cut_words(
    line: TimedLine, word_time: re.Pattern[str], findings: FindingList, *, origin_ms: int, time_first: bool
) -> list[Piece]:
    """The words of a line, whose times count from `origin_ms` and are written before their texts or after them.

    A text without any word time has the line's.
    """
    before, *rest = word_time.split(line.words)
    begins, durations, texts = rest[0::3], rest[1::3], rest[2::3]
    if not begins:
        return [Piece(line.begin_ms, line.begin_ms + line.duration_ms, before)]
    if time_first:
        untimed = before
    else:
        untimed, texts = texts[-1], [before, *texts[:-1]]
    if untimed.strip():
        findings.add("a word has no time", "left out", line.number)
    return [
        Piece(origin_ms + int(begin), origin_ms + int(begin) + int(duration), text)
        for begin, duration, text in zip(begins, durations, texts, strict=True)
    ]
