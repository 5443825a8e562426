"""WebVTT: cues with their times, and times inside them from which the rest is sung.

    WEBVTT

    NOTE ti: 月亮
    NOTE voice 1: 甲

    00:01.200 --> 00:04.600
    <v 甲>two <00:01.600>words<00:01.900></v>

A translation is a line of its own in the cue, `<c.translation>deux mots</c>`. A cue that is one timed word marks it
with `<c>`, since its own time says the rest.

Source: the WebVTT recommendation of the W3C (www.w3.org/TR/webvtt1), its sections on cue text and timestamps.
"""

import html
import re
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from yuefu.music.findings import FindingList
from yuefu.music.formats.text import (
    LONGEST_LINE,
    ParsedLyrics,
    Piece,
    collect,
    decode_text,
    flatten,
    numbered_lines,
    plain_line,
    read_line,
    take_lines,
)
from yuefu.music.formats.voices import SEPARATOR, VoiceBook, read_note, tells_voices, write_notes
from yuefu.music.lyrics import Line, Lyrics
from yuefu.music.unreadable import NotInFormat
from yuefu.units import HOUR_MS, MINUTE_MS, SECOND_MS

_TIME = r"(?:([0-9]{1,3}):)?([0-9]{1,2}):([0-9]{1,2})[.,]([0-9]{1,3})"
_TIMING = re.compile(rf"\s*{_TIME}\s+-->\s+{_TIME}(?:\s.*)?")
_STAMP = re.compile(rf"<{_TIME}>")
_VOICE = re.compile(r"<v(?:\.[^<>\s]*)?\s([^<>]*)>")
_TAG = re.compile(r"</?[^<>]*>")
_CLASS = re.compile(r"<c[.>\s]")
_TRANSLATION = re.compile(r"<c\.translation>([^<>]*)</c>")
_OUTSIDE = "a time inside a cue lies outside it"
_NOTE = re.compile(r"NOTE\s(.*)")
_NO_CUE = ("WEBVTT", "STYLE", "REGION", "NOTE")


def parse(data: bytes, *, file: str = "") -> ParsedLyrics:
    """The lyrics that `data` spells. Raises TooLarge, and NotInFormat for a text that does not say it is WebVTT."""
    findings = FindingList(file)
    text = decode_text(data, findings)
    if not text.lstrip().startswith("WEBVTT"):
        raise NotInFormat("WebVTT", "its first line is not WEBVTT")
    headers: dict[str, str] = {}
    book = VoiceBook()
    blocks = _blocks(numbered_lines(text, findings))
    lines = take_lines(_read_block(block, headers, book, findings) for block in blocks)
    return collect(lines, findings, headers=headers, voice_names=book.names)


def render(lyrics: Lyrics) -> str:
    """WebVTT with a cue for each line."""
    notes = [f"NOTE {note.replace('-->', '→')}" for note in write_notes(lyrics.headers, lyrics)]
    book = VoiceBook.of(lyrics)
    is_told = tells_voices(lyrics)
    cues = [_render_cue(line, book.write(line.voices) if is_told else "") for line in lyrics.lines]
    return "\n\n".join(["WEBVTT", *notes, *cues]) + "\n"


def _render_cue(line: Line, voice: str) -> str:
    text = "".join(_render_words(line)) if line.words else _escape(flatten(line.text))
    spoken = f"<v {_escape(voice)}>{text}</v>" if voice else text
    if translation := flatten(line.translation):
        spoken += f"\n<c.translation>{_escape(translation)}</c>"
    return f"{_format_time(line.begin_ms)} --> {_format_time(line.end_ms)}\n{spoken}"


def _render_words(line: Line) -> Iterator[str]:
    """Each syllable, with a time before it unless it begins where the cue begins or the one before it ends."""
    if len(line.syllables) == 1 and line.words[0].end_ms == line.end_ms:
        yield f"<c>{_escape(line.text)}</c>"
        return
    at_ms = line.begin_ms
    for syllable in line.syllables:
        if at_ms not in {syllable.begin_ms, line.begin_ms}:
            yield f"<{_format_time(at_ms)}>"
        if syllable.begin_ms != line.begin_ms:
            yield f"<{_format_time(syllable.begin_ms)}>"
        yield _escape(syllable.text)
        at_ms = syllable.end_ms
    if at_ms != line.end_ms:
        yield f"<{_format_time(at_ms)}>"


def _escape(text: str) -> str:
    return html.escape(text, quote=False)


def _format_time(time_ms: int) -> str:
    seconds, thousandths = divmod(time_ms, SECOND_MS)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{thousandths:03}"


def _blocks(lines: Iterable[tuple[int, str]]) -> list[list[tuple[int, str]]]:
    """The lines as blank lines between them part them; blank ones are not among them, but their numbers are missing."""
    blocks: list[list[tuple[int, str]]] = []
    for number, line in lines:
        if blocks and blocks[-1][-1][0] == number - 1:
            blocks[-1].append((number, line))
        else:
            blocks.append([(number, line)])
    return blocks


def _read_block(
    block: Sequence[tuple[int, str]], headers: dict[str, str], book: VoiceBook, findings: FindingList
) -> Line | None:
    number, first = block[0]
    place, timing = next(
        ((i, found) for i, (_, line) in enumerate(block[:2]) if (found := _TIMING.fullmatch(line))), (0, None)
    )
    if timing is None:
        if note := _NOTE.fullmatch(first):
            read_note(note[1], headers, book)
        elif not first.startswith(_NO_CUE):
            findings.add("a cue has no time", "left out", number)
        return None
    begin_ms, end_ms = _read_time(timing.groups()[:4]), _read_time(timing.groups()[4:])
    text = " ".join(line for _, line in block[place + 1 :])
    if len(text) > LONGEST_LINE:
        findings.add(f"a cue has more than {LONGEST_LINE:,} characters", "ignored", number)
        return None
    translation = " ".join(_TRANSLATION.findall(text))
    text = _TRANSLATION.sub("", text)
    voices = dict.fromkeys(map(html.unescape, _VOICE.findall(text)))
    if len(voices) > 1:
        findings.add("several singers share a cue", "all of them sing it", number)
    text = _VOICE.sub("", text)
    if _STAMP.search(text) or _CLASS.search(text):
        pieces = _read_pieces(text, begin_ms, end_ms)
        if any(piece.begin_ms < begin_ms for piece in pieces):
            findings.add(_OUTSIDE, "a word does not begin before the one before it", number)
        if any(piece.begin_ms > end_ms for piece in pieces):
            findings.add(_OUTSIDE, "the line lasts as long as its words", number)
        line = read_line(pieces, findings, number, begin_ms=begin_ms, end_ms=end_ms)
    else:
        line = plain_line(_read_text(text), begin_ms=begin_ms, end_ms=end_ms, findings=findings, number=number)
    if line is None:
        return None
    return msgspec.structs.replace(
        line,
        voices=book.read(SEPARATOR.join(voices)),
        translation=flatten(_read_text(translation)),
    )


def _read_pieces(text: str, begin_ms: int, end_ms: int) -> list[Piece]:
    """What is sung from each time on until the next."""
    parts = _STAMP.split(text)
    begins_ms = [begin_ms, *(_read_time(parts[i : i + 4]) for i in range(1, len(parts), 5))]
    return [
        Piece(piece_begin_ms, piece_end_ms, _read_text(part))
        for piece_begin_ms, piece_end_ms, part in zip(begins_ms, [*begins_ms[1:], end_ms], parts[0::5], strict=True)
    ]


def _read_text(text: str) -> str:
    return html.unescape(_TAG.sub("", text))


def _read_time(time: Sequence[str | None]) -> int:
    hours, minutes, seconds, fraction = (part or "0" for part in time)
    fraction_ms = int(fraction.ljust(3, "0"))
    return int(hours) * HOUR_MS + int(minutes) * MINUTE_MS + int(seconds) * SECOND_MS + fraction_ms
