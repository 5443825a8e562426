"""What the readers of text formats share: lines out of bytes, tags, syllables out of timed pieces."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import msgspec

from yuefu.music.findings import Finding, FindingList
from yuefu.music.lyrics import Line, Lyrics, Syllable, add_text, end_word, gather_words, line_of_words
from yuefu.music.text import check_size, decode, split_lines
from yuefu.music.unreadable import TooLarge
from yuefu.units import HOUR_MS

MOST_LINES = 20_000
LONGEST_LINE = 20_000
"""In characters. A longer one is no line of lyrics, and nobody should have to look through it."""
MOST_CHARACTERS = 200_000
"""In all lines together, many times what is sung in the longest song."""
LATEST_MS = 6 * HOUR_MS
LAST_LINE_MS = 5_000
"""How long a line is taken to last that nothing ends."""

_TAG = re.compile(r"\s*\[([^\W\d][^:：\]]{0,30})[:：](.*)\]\s*")
_OFFSET = re.compile(r"\s*[+-]?[0-9]{1,7}\s*")
_WIDE = str.maketrans("<>()[]", "＜＞（）［］")
_UNWRITABLE = re.compile(r"[\[\]\r\n]")


class ParsedLyrics(msgspec.Struct, frozen=True, kw_only=True):
    """What a text spells, and what its owner should know of it."""

    lyrics: Lyrics
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Piece:
    """What is sung in one time of its own, as a text writes it: blanks at its ends part words."""

    begin_ms: int
    end_ms: int
    text: str
    pronunciation: str = ""


def decode_text(data: bytes, findings: FindingList, *, declared: str | None = None) -> str:
    """The text in `data`. Raises TooLarge."""
    check_size(data)
    decoded = decode(data, declared=declared)
    findings.add_all(decoded.findings)
    return decoded.text


def numbered_lines(text: str, findings: FindingList, *, longest: int = LONGEST_LINE) -> list[tuple[int, str]]:
    """The lines with something in them, each with its number. Raises TooLarge at more lines than lyrics have."""
    lines = split_lines(text)
    if len(lines) > MOST_LINES:
        raise TooLarge(len(lines), MOST_LINES, "lines")
    for number, line in enumerate(lines, 1):
        if len(line) > longest:
            findings.add(f"a line has more than {longest:,} characters", "ignored", number)
    return [(number, line) for number, line in enumerate(lines, 1) if line.strip() and len(line) <= longest]


def read_tag(line: str) -> tuple[str, str] | None:
    """Name (lower case) and value of a tag line `[name:value]`; None when `line` is none."""
    tag = _TAG.fullmatch(line)
    return (tag[1].strip().lower(), tag[2].strip()) if tag else None


def write_tags(headers: dict[str, str]) -> list[str]:
    """A tag line for each header that such a line can hold."""
    return [f"[{name}:{flatten(value)}]" for name, value in headers.items() if value and not _UNWRITABLE.search(name)]


def take_offset(headers: dict[str, str], findings: FindingList) -> int:
    """Take the offset out of the headers: how much earlier everything is meant than it is written, in ms."""
    text = headers.pop("offset", "")
    if _OFFSET.fullmatch(text):
        return int(text)
    if text:
        findings.add(f"the offset {text[:40]!r} is no number", "ignored")
    return 0


def widen_brackets(text: str, mark: re.Pattern[str]) -> str:
    """The text with full-width brackets around what would else be read as a mark of time."""
    return mark.sub(lambda found: found[0].translate(_WIDE), text)


def flatten(text: str) -> str:
    """The text on one line, with single blanks."""
    return " ".join(text.split())


def read_line(
    pieces: Sequence[Piece],
    findings: FindingList,
    number: int | None,
    *,
    begin_ms: int,
    end_ms: int,
    earlier_ms: int = 0,
) -> Line | None:
    """The line that those pieces are sung in, None when there is nothing to sing.

    Pieces come in the order they are sung, each from where the one before ends at the earliest. A piece of several
    words, which has but one time, shares it among them. Everything is meant `earlier_ms` earlier than it is given.
    """
    if earlier_ms:
        pieces = [
            replace(each, begin_ms=each.begin_ms - earlier_ms, end_ms=each.end_ms - earlier_ms) for each in pieces
        ]
        begin_ms, end_ms = begin_ms - earlier_ms, end_ms - earlier_ms
    syllables: list[Syllable] = []
    readings: list[str] = []
    free_ms = 0
    for piece in _in_order(pieces, findings, number):
        count = len(syllables)
        if piece.text.strip():
            piece_begin_ms = max(piece.begin_ms, free_ms)
            free_ms = max(piece.end_ms, piece_begin_ms + 1)
            add_text(syllables, piece.text, begin_ms=piece_begin_ms, end_ms=free_ms)
        elif piece.text:
            end_word(syllables)
        readings += _share_reading(piece.pronunciation, len(syllables) - count)
    words = gather_words(syllables)
    if not words:
        return None
    if words[0].begin_ms < begin_ms:
        findings.add("a word begins before its line", "the line begins with it", number)
    line = line_of_words(words, end_ms=min(end_ms, LATEST_MS))
    return msgspec.structs.replace(line, pronunciation=tuple(readings) if any(readings) else ())


def _in_order(pieces: Sequence[Piece], findings: FindingList, number: int | None) -> list[Piece]:
    """The pieces of a line that lie in a song, with times that do not run backwards."""
    kept: list[Piece] = []
    latest_ms = 0
    for piece in pieces:
        held = _in_song(piece, findings, number)
        if held is None:
            continue
        if held.begin_ms < latest_ms and held.text.strip():
            findings.add("a word begins before the one before it ends", "begins where that ends", number)
        if held.text.strip():
            latest_ms = max(latest_ms, held.end_ms)
        kept.append(held)
    return kept


def _in_song(piece: Piece, findings: FindingList, number: int | None) -> Piece | None:
    if not piece.text.strip():
        return piece
    if piece.begin_ms > LATEST_MS:
        findings.add("a word begins later than any song ends", "left out", number)
        return None
    if piece.begin_ms < 0:
        findings.add("a word begins before the song", "cut there", number)
    if piece.end_ms < piece.begin_ms:
        findings.add("a word ends before it begins", "kept as short as can be", number)
    elif piece.end_ms > LATEST_MS:
        findings.add("a word ends later than any song", "cut there", number)
    begin_ms = max(piece.begin_ms, 0)
    return Piece(begin_ms, min(max(piece.end_ms, begin_ms), LATEST_MS), piece.text, piece.pronunciation)


def _share_reading(reading: str, syllable_count: int) -> list[str]:
    """One text for each of the syllables that a piece came to be."""
    words = reading.split()
    if len(words) == syllable_count:
        return words
    return [flatten(reading), *[""] * (syllable_count - 1)] if syllable_count else []


def plain_line(text: str, *, begin_ms: int, end_ms: int, findings: FindingList, number: int | None) -> Line | None:
    """A line without word times, None for one without text or outside every song."""
    held = flatten(text)
    if not held:
        return None
    if begin_ms > LATEST_MS:
        findings.add("a line begins later than any song ends", "left out", number)
        return None
    if begin_ms < 0:
        findings.add("a line begins before the song", "begins with it", number)
    if end_ms <= max(begin_ms, 0):
        findings.add("a line ends before it begins", "kept as short as can be", number)
    begin_ms = max(begin_ms, 0)
    return Line(begin_ms=begin_ms, end_ms=min(max(end_ms, begin_ms + 1), LATEST_MS + 1), text=held)


def take_lines(lines: Iterable[Line | None]) -> list[Line]:
    """The lines that came to something, read no further than lyrics go on. Raises TooLarge."""
    taken: list[Line] = []
    character_count = 0
    for line in filter(None, lines):
        character_count += len(line.text)
        if character_count > MOST_CHARACTERS:
            raise TooLarge(character_count, MOST_CHARACTERS, "characters")
        taken.append(line)
        if len(taken) > MOST_LINES:
            raise TooLarge(len(taken), MOST_LINES, "lines")
    return taken


def collect(
    lines: Iterable[Line | None],
    findings: FindingList,
    *,
    headers: dict[str, str] | None = None,
    voice_names: Sequence[str] = (),
) -> ParsedLyrics:
    """The lyrics that lines make, in order of time; None is a line that came to nothing. Raises TooLarge."""
    in_order = tuple(sorted(take_lines(lines), key=lambda line: line.begin_ms))
    if not in_order:
        findings.add("no line carries a time", "took no lyrics from it")
    names = list(voice_names)
    while names and not names[-1]:
        names.pop()
    return ParsedLyrics(
        lyrics=Lyrics(lines=in_order, voice_names=tuple(names), headers=headers or {}), findings=findings.close()
    )
