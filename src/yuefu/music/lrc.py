"""LRC: lines of text with the time they begin, and its enhanced form (A2) with the time of each word.

    [ti:Title]                       tags of the header
    [offset:+200]                    the whole text 200 ms earlier
    [00:12.34][01:02.34]a line       sung twice
    [00:15.00]<00:15.00>two <00:15.40>words<00:16.00>
    [00:18.00]                       nothing is sung from here on

Sources: the A2 player's page on its format (www.cdmi.net/a2player/lrc_center.html) for words; otherwise the practice of
players, which write fractions of one to three digits after a point or a colon.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import accumulate, pairwise

import msgspec

from yuefu.music.findings import Finding, FindingList
from yuefu.music.lyrics import Line, Lyrics, Syllable, add_text, gather_words, line_of_words
from yuefu.music.text import check_size, decode, split_lines
from yuefu.music.unreadable import TooLarge
from yuefu.units import MINUTE_MS, SECOND_MS

MOST_LINES = 20_000
LONGEST_LINE_MS = 10 * SECOND_MS
"""A line is taken to be sung until the next begins, but no longer than this: after it comes a break."""
LAST_LINE_MS = 5 * SECOND_MS

_TIME = r"([0-9]{1,3}):([0-9]{1,2})(?:[.:]([0-9]{1,3}))?"
_STAMP = re.compile(rf"\s*\[{_TIME}\]")
_WORD_STAMP = re.compile(rf"<{_TIME}>")
_TAG = re.compile(r"\s*\[([^\W\d][^:：\]]{0,30})[:：](.*)\]\s*")
_OFFSET = re.compile(r"[+-]?[0-9]{1,7}")


class LrcLyrics(msgspec.Struct, frozen=True, kw_only=True):
    """Lyrics and the header's tags in lower case ("ti", "ar", "al", "by", …); `offset` is already applied."""

    lyrics: Lyrics
    headers: dict[str, str] = {}
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class _Entry:
    """What one stamp of a line says: `texts[0]` from `begin_ms` on, each later text from its time in `words_ms`."""

    begin_ms: int
    texts: tuple[str, ...]
    words_ms: tuple[int, ...] = ()

    @property
    def text(self) -> str:
        return " ".join("".join(self.texts).split())


def parse(data: bytes, *, file: str = "") -> LrcLyrics:
    """The lyrics that `data` spells, without lines when nothing in it carries a time (then a finding).

    A stamp without text ends the line before it. Raises TooLarge.
    """
    check_size(data)
    findings = FindingList(file)
    decoded = decode(data)
    findings.add_all(decoded.findings)
    headers: dict[str, str] = {}
    entries: list[_Entry] = []
    for number, line in enumerate(split_lines(decoded.text), 1):
        if read := _read_entries(line):
            entries += read
        elif tag := _TAG.fullmatch(line):
            headers.setdefault(tag[1].strip().lower(), tag[2].strip())
        elif line.strip():
            findings.add("a line has no time", "left out", number)
        if len(entries) > MOST_LINES:
            raise TooLarge(len(entries), MOST_LINES, "lines")
    if not entries:
        findings.add("no line carries a time", "took no lyrics from it")
    lines = _time_lines(entries, earlier_ms=_read_offset(headers, findings))
    return LrcLyrics(lyrics=Lyrics(lines=lines), headers=headers, findings=findings.close())


def render(lyrics: Lyrics, headers: Mapping[str, str] | None = None) -> str:
    """LRC text with the times of lines, its own lines ended by CRLF.

    Times are rounded to the hundredth of a second that LRC can write. The ends of lines are not written.
    """
    tags = [f"[{tag}:{_flatten(value)}]" for tag, value in (headers or {}).items() if value]
    lines = [f"[{format_stamp(line.begin_ms)}]{_flatten(line.text)}" for line in lyrics.lines]
    return "".join(f"{line}\r\n" for line in tags + lines)


def format_stamp(time_ms: int) -> str:
    """`mm:ss.xx`."""
    minutes, hundredths = divmod(round(time_ms / 10), MINUTE_MS // 10)
    return f"{minutes:02}:{hundredths // 100:02}.{hundredths % 100:02}"


def _flatten(text: str) -> str:
    return " ".join(text.split())


def _read_entries(line: str) -> list[_Entry]:
    """An entry for each stamp at the beginning of `line`. Word times belong to the first and move with the others."""
    begins_ms: list[int] = []
    position = 0
    while stamp := _STAMP.match(line, position):
        begins_ms.append(_read_time(stamp))
        position = stamp.end()
    text = line[position:]
    texts = _WORD_STAMP.sub("\0", text).split("\0")
    words_ms = [_read_time(stamp) for stamp in _WORD_STAMP.finditer(text)]
    return [
        _Entry(begin_ms, tuple(texts), tuple(word_ms + begin_ms - begins_ms[0] for word_ms in words_ms))
        for begin_ms in begins_ms
    ]


def _read_time(stamp: re.Match[str]) -> int:
    minutes, seconds, fraction = stamp.groups()
    return int(minutes) * MINUTE_MS + int(seconds) * SECOND_MS + int((fraction or "").ljust(3, "0"))


def _read_offset(headers: dict[str, str], findings: FindingList) -> int:
    text = headers.pop("offset", "")
    if _OFFSET.fullmatch(text):
        return int(text)
    if text:
        findings.add(f"the offset {text[:40]!r} is no number", "ignored")
    return 0


def _time_lines(entries: Iterable[_Entry], *, earlier_ms: int) -> tuple[Line, ...]:
    """Lines in order of time. Several may begin together, as a line and its translation do."""
    moved = sorted((_move(entry, -earlier_ms) for entry in entries), key=lambda entry: entry.begin_ms)
    following_ms = dict(pairwise(sorted({entry.begin_ms for entry in moved})))
    return tuple(_time_line(entry, following_ms.get(entry.begin_ms)) for entry in moved if entry.text)


def _move(entry: _Entry, by_ms: int) -> _Entry:
    """The entry at its time in the song, which begins at 0."""
    words_ms = tuple(max(word_ms + by_ms, 0) for word_ms in entry.words_ms)
    return _Entry(max(entry.begin_ms + by_ms, 0), entry.texts, words_ms)


def _time_line(entry: _Entry, following_ms: int | None) -> Line:
    """The line and, when its words have times, its words. A time after the last word is where that word ends."""
    if following_ms is None:
        end_ms = entry.begin_ms + LAST_LINE_MS
    else:
        end_ms = min(following_ms, entry.begin_ms + LONGEST_LINE_MS)
    if not entry.words_ms:
        return Line(begin_ms=entry.begin_ms, end_ms=end_ms, text=entry.text)
    begins_ms = list(accumulate((entry.begin_ms, *entry.words_ms), max))
    ends_ms = [*begins_ms[1:], max(end_ms, begins_ms[-1] + 1)]
    syllables: list[Syllable] = []
    for text, word_begin_ms, word_end_ms in zip(entry.texts, begins_ms, ends_ms, strict=True):
        add_text(syllables, text, begin_ms=word_begin_ms, end_ms=word_end_ms)
    return line_of_words(gather_words(syllables))
