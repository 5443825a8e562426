"""LRC: lines of text with the time they begin, and its enhanced form (A2) with the time of each word.

    [ti:Title]                       tags of the header
    [offset:+200]                    the whole text 200 ms earlier
    [00:12.34][01:02.34]a line       sung twice
    [00:12.34][01:02.34]une ligne    its translation begins with it
    [00:15.00]<00:15.00>two <00:15.40>words<00:16.00>
    [00:18.00]                       nothing is sung from here on

Sources: the A2 player's page on its format (www.cdmi.net/a2player/lrc_center.html) for words; otherwise the practice of
players, which write fractions of one to three digits after a point or a colon.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain, groupby, pairwise, repeat

import msgspec

from yuefu.music.findings import FindingList
from yuefu.music.formats.text import (
    LAST_LINE_MS,
    LATEST_MS,
    MOST_LINES,
    ParsedLyrics,
    collect,
    decode_text,
    flatten,
    numbered_lines,
    read_tag,
    take_lines,
    take_offset,
    widen_brackets,
    write_tags,
)
from yuefu.music.lyrics import Line, Lyrics, Syllable, add_text, gather_words, line_of_words
from yuefu.music.singers import read_mark
from yuefu.music.unreadable import TooLarge
from yuefu.units import MINUTE_MS, SECOND_MS

LONGEST_LINE_MS = 10 * SECOND_MS
"""A line is taken to be sung until the next begins, but no longer than this: after it comes a break."""

_TIME = r"([0-9]{1,3}):([0-9]{1,2})(?:[.:]([0-9]{1,3}))?"
_STAMP = re.compile(rf"\s*\[{_TIME}\]")
_WORD_STAMP = re.compile(rf"<{_TIME}>")
_ANY_STAMP = re.compile(rf"<{_TIME}>|\[{_TIME}\]")


@dataclass(frozen=True, slots=True)
class _Sung:
    """What line `number` holds after its stamps, which share it: `texts[0]`, and each later text from its time on.

    `words_ms` belong to the stamp at `first_ms` and move with the others. `text` is the whole of it.
    """

    number: int
    text: str
    texts: tuple[str, ...]
    words_ms: tuple[int, ...]
    first_ms: int


@dataclass(frozen=True, slots=True)
class _Entry:
    """What one stamp of a line says: `sung`, from `begin_ms` on."""

    begin_ms: int
    sung: _Sung


def parse(data: bytes, *, file: str = "") -> ParsedLyrics:
    """The lyrics that `data` spells, without lines when nothing in it carries a time (then a finding).

    A stamp without text ends the line before it. Of two lines that begin together the second is the translation of the
    first, unless it has word times or a singer's mark of its own. Raises TooLarge.
    """
    findings = FindingList(file)
    headers: dict[str, str] = {}
    entries: list[_Entry] = []
    for number, line in numbered_lines(decode_text(data, findings), findings):
        if read := _read_entries(line, number):
            entries += read
            if _runs_back(read[0].sung):
                findings.add("a word begins before the one before it", "begins with that", number)
        elif tag := read_tag(line):
            headers.setdefault(*tag)
        else:
            findings.add("a line has no time", "left out", number)
        if len(entries) > MOST_LINES:
            raise TooLarge(len(entries), MOST_LINES, "lines")
    earlier_ms = take_offset(headers, findings)
    lines = take_lines(_time_lines(_in_song(entries, earlier_ms, findings), earlier_ms=earlier_ms))
    return collect(_join_translations(lines), findings, headers=headers)


def render(lyrics: Lyrics, headers: Mapping[str, str] | None = None, *, words: bool = False, ends: bool = False) -> str:
    """LRC text, its own lines ended by CRLF, with the time of each word where `words` asks for it.

    Times are rounded to the hundredth of a second that LRC can write. Where `ends` asks for it a stamp without text
    ends each line that is not ended by the next. `headers` are written in place of the lyrics' own.
    """
    tags = write_tags(dict(lyrics.headers if headers is None else headers))
    return "".join(f"{line}\r\n" for line in [*tags, *_render_lines(lyrics, words=words, ends=ends)])


def format_stamp(time_ms: int) -> str:
    """`mm:ss.xx`."""
    minutes, hundredths = divmod(round(time_ms / 10), MINUTE_MS // 10)
    return f"{minutes:02}:{hundredths // 100:02}.{hundredths % 100:02}"


def _render_lines(lyrics: Lyrics, *, words: bool, ends: bool) -> Iterator[str]:
    following: Iterator[Line | None] = chain(lyrics.lines[1:], repeat(None))
    for line, next_line in zip(lyrics.lines, following, strict=False):
        stamp = format_stamp(line.begin_ms)
        yield f"[{stamp}]{_render_words(line) if words and line.words else _write_text(line.text)}"
        if line.translation:
            yield f"[{stamp}]{_write_text(line.translation)}"
        if ends and not (words and line.words) and _needs_end(line, next_line):
            yield f"[{format_stamp(line.end_ms)}]"


def _needs_end(line: Line, following: Line | None) -> bool:
    """Whether a reader would think otherwise of the line's end."""
    if following is None or round(following.begin_ms / 10) > round(line.end_ms / 10):
        return True
    return following.begin_ms == line.end_ms and line.duration_ms > LONGEST_LINE_MS


def _render_words(line: Line) -> str:
    """Each syllable after its time; an end of one is written where the next begins later."""
    written: list[str] = []
    end = ""
    for syllable in line.syllables:
        begin = format_stamp(syllable.begin_ms)
        if end and end != begin:
            written.append(f"<{end}>")
        written.append(f"<{begin}>{widen_brackets(syllable.text, _ANY_STAMP)}")
        end = format_stamp(syllable.end_ms)
    return "".join([*written, f"<{end}>"])


def _write_text(text: str) -> str:
    return widen_brackets(flatten(text), _ANY_STAMP)


def _read_entries(line: str, number: int) -> list[_Entry]:
    """An entry for each stamp at the beginning of `line`."""
    begins_ms: list[int] = []
    position = 0
    while stamp := _STAMP.match(line, position):
        begins_ms.append(_read_time(stamp))
        position = stamp.end()
    if not begins_ms:
        return []
    text = line[position:]
    texts = tuple(_WORD_STAMP.sub("\0", text).split("\0"))
    words_ms = tuple(_read_time(stamp) for stamp in _WORD_STAMP.finditer(text))
    sung = _Sung(number, flatten("".join(texts)), texts, words_ms, begins_ms[0])
    return [_Entry(begin_ms, sung) for begin_ms in begins_ms]


def _read_time(stamp: re.Match[str]) -> int:
    minutes, seconds, fraction = stamp.groups()
    return int(minutes) * MINUTE_MS + int(seconds) * SECOND_MS + int((fraction or "").ljust(3, "0"))


def _runs_back(sung: _Sung) -> bool:
    return any(after < before for before, after in pairwise((sung.first_ms, *sung.words_ms)))


def _in_song(entries: Iterable[_Entry], earlier_ms: int, findings: FindingList) -> list[_Entry]:
    """The entries that begin while a song may last, at their times in it."""
    kept: list[_Entry] = []
    for entry in entries:
        if entry.begin_ms - earlier_ms > LATEST_MS:
            findings.add("a line begins later than any song ends", "left out", entry.sung.number)
            continue
        if entry.begin_ms < earlier_ms:
            findings.add("a line begins before the song", "begins with it", entry.sung.number)
        kept.append(entry)
    return kept


def _time_lines(entries: Iterable[_Entry], *, earlier_ms: int) -> Iterator[Line]:
    """Lines in order of time. Several may begin together, as a line and its translation do."""
    moved = sorted(((max(entry.begin_ms - earlier_ms, 0), entry) for entry in entries), key=lambda begun: begun[0])
    following_ms = dict(pairwise(sorted({begin_ms for begin_ms, _ in moved})))
    silences_ms = {begin_ms for begin_ms, entry in moved if not entry.sung.text}
    for begin_ms, entry in moved:
        if not entry.sung.text:
            continue
        next_ms = following_ms.get(begin_ms)
        if next_ms is None:
            end_ms = begin_ms + LAST_LINE_MS
        else:
            end_ms = next_ms if next_ms in silences_ms else min(next_ms, begin_ms + LONGEST_LINE_MS)
        later_ms = entry.begin_ms - entry.sung.first_ms - earlier_ms
        words_ms = [max(word_ms + later_ms, 0) for word_ms in entry.sung.words_ms]
        yield _time_line(entry.sung, words_ms, begin_ms=begin_ms, end_ms=end_ms)


def _time_line(sung: _Sung, words_ms: Sequence[int], *, begin_ms: int, end_ms: int) -> Line:
    """The line and, when its words have times, its words. A time after the last word is where that word ends.

    What has no time before the next begins, as a singer's mark before the first word, is sung with that.
    """
    if not words_ms:
        return Line(begin_ms=begin_ms, end_ms=end_ms, text=sung.text)
    begins_ms = list(accumulate((begin_ms, *words_ms), max))
    ends_ms = [*begins_ms[1:], max(end_ms, begins_ms[-1] + 1)]
    syllables: list[Syllable] = []
    waiting = ""
    for text, word_begin_ms, word_end_ms in zip(sung.texts, begins_ms, ends_ms, strict=True):
        waiting += text
        if word_begin_ms < word_end_ms:
            add_text(syllables, waiting, begin_ms=word_begin_ms, end_ms=word_end_ms)
            waiting = ""
    return line_of_words(gather_words(syllables))


def _join_translations(lines: Iterable[Line]) -> Iterator[Line]:
    for _, together in groupby(lines, key=lambda line: line.begin_ms):
        line, *others = together
        if others and not others[0].words and not read_mark(others[0].text):
            translation, *others = others
            line = msgspec.structs.replace(line, translation=translation.text)
        yield line
        yield from others
