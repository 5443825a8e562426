r"""ASS: subtitles whose karaoke tags say how long each syllable lasts.

    [Script Info]
    Title: 月亮
    ; voice 1: 甲
    [Events]
    Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
    Dialogue: 0,0:00:01.20,0:00:04.60,Default,甲,0,0,0,,{\k40}two {\kf30}words

`\k`, `\K`, `\kf` and `\ko` take hundredths of a second and differ only in how they are drawn. A tag before no text is
a pause. Who sings is the field Name; the style Background is sung behind, and the style Translation holds the
translation of the line before, at its time. Other tags, comments and drawings say
nothing of lyrics and are left out.

Source: the Aegisub manual's page on override tags.
"""

import re
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from yuefu.music.findings import FindingList
from yuefu.music.formats.text import (
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
from yuefu.music.formats.voices import VoiceBook, read_note, tells_voices, write_notes
from yuefu.music.lyrics import Line, Lyrics
from yuefu.music.unreadable import NotInFormat
from yuefu.units import HOUR_MS, MINUTE_MS, SECOND_MS

BACKGROUND, TRANSLATION = "Background", "Translation"

_FIELDS = ("layer", "start", "end", "style", "name", "marginl", "marginr", "marginv", "effect", "text")
_TIME = re.compile(r"\s*([0-9]{1,3}):([0-9]{1,2}):([0-9]{1,2})(?:[.:]([0-9]{1,3}))?\s*")
_BLOCK = re.compile(r"\{([^{}]*)\}")
_SUNG = re.compile(r"\\(?:k[fo]?|K)\s{0,9}([0-9]{1,6})")
_DRAWING = re.compile(r"\\p[1-9]")
_BREAK = re.compile(r"\\[Nnh]")

_HEAD = """\
ScriptType: v4.00+
WrapStyle: 0
PlayResX: 1280
PlayResY: 720

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, \
StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding
Style: Default,sans-serif,56,&H0000D7FF,&H00FFFFFF,&H00202020,&H80000000,0,0,0,0,100,100,0,0,1,3,1,2,40,40,40,1
Style: Background,sans-serif,40,&H0000D7FF,&H00FFFFFF,&H00202020,&H80000000,0,1,0,0,100,100,0,0,1,2,1,8,40,40,40,1
Style: Translation,sans-serif,36,&H00FFFFFF,&H00FFFFFF,&H00202020,&H80000000,0,0,0,0,100,100,0,0,1,2,1,2,40,40,8,1

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text"""


def parse(data: bytes, *, file: str = "") -> ParsedLyrics:
    """The lyrics that `data` spells. Raises TooLarge, and NotInFormat for a text without events."""
    findings = FindingList(file)
    dialogue: list[tuple[int, dict[str, str]]] = []
    headers: dict[str, str] = {}
    book = VoiceBook()
    fields: tuple[str, ...] = _FIELDS
    section, has_events = "", False
    for number, text in numbered_lines(decode_text(data, findings), findings):
        kind, _, value = text.partition(":")
        kind, value = kind.strip().lower(), value.strip()
        if text.lstrip().startswith("["):
            section = text.strip().lower()
            has_events = has_events or section == "[events]"
        elif section == "[script info]" and kind == "title" and value:
            headers["ti"] = value
        elif section == "[script info]" and text.startswith(";"):
            read_note(text[1:], headers, book)
        elif section == "[events]" and kind == "format":
            fields = tuple(field.strip().lower() for field in value.split(","))
        elif section == "[events]" and kind == "dialogue":
            said = dict(zip(fields, value.split(",", len(fields) - 1), strict=False))
            dialogue.append((number, said))
    if not has_events:
        raise NotInFormat("ASS", "it has no section [Events]")
    lines = take_lines(_read_dialogue(dialogue, book, findings))
    return collect(lines, findings, headers=headers, voice_names=book.names)


def render(lyrics: Lyrics) -> str:
    r"""ASS with a `\kf` tag for each syllable, for a screen of 1280 by 720.

    Times are rounded to the hundredth of a second that ASS can write.
    """
    notes = write_notes({tag: text for tag, text in lyrics.headers.items() if tag != "ti"}, lyrics)
    head = ["[Script Info]", f"Title: {flatten(lyrics.headers.get('ti', ''))}", *(f"; {note}" for note in notes), _HEAD]
    return "\n".join([*head, *_render_lines(lyrics), ""]).replace("\n", "\r\n")


def _render_lines(lyrics: Lyrics) -> Iterator[str]:
    book, is_told = VoiceBook.of(lyrics), tells_voices(lyrics)
    for line in lyrics.lines:
        style = BACKGROUND if line.is_background else "Default"
        text = _render_words(line) if line.words else _escape(line.text)
        who = book.write(line.voices) if is_told else ""
        times = f"{_format_time(line.begin_ms)},{_format_time(line.end_ms)}"
        yield f"Dialogue: 0,{times},{style},{who},0,0,0,,{text}"
        if line.translation:
            yield f"Dialogue: 0,{times},{TRANSLATION},,0,0,0,,{_escape(flatten(line.translation))}"


def _render_words(line: Line) -> str:
    written: list[str] = []
    at_cs = round(line.begin_ms / 10)
    for syllable in line.syllables:
        begin_cs, end_cs = round(syllable.begin_ms / 10), round(syllable.end_ms / 10)
        if begin_cs > at_cs:
            written.append(f"{{\\k{begin_cs - at_cs}}}")
        written.append(f"{{\\kf{end_cs - begin_cs}}}{_escape(syllable.text)}")
        at_cs = end_cs
    return "".join(written)


def _escape(text: str) -> str:
    """The text without what would be a tag; brackets of another width look the same."""
    return text.translate({ord("{"): "｛", ord("}"): "｝", ord("\\"): "＼"})


def _format_time(time_ms: int) -> str:
    seconds, hundredths = divmod(round(time_ms / 10), 100)
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}.{hundredths:02}"


def _is_translation(said: Mapping[str, str], line: Line, before: Line) -> bool:
    is_styled = said.get("style", "").strip().casefold() == TRANSLATION.casefold()
    return is_styled and line.begin_ms == before.begin_ms


def _read_dialogue(
    dialogue: Iterable[tuple[int, Mapping[str, str]]], book: VoiceBook, findings: FindingList
) -> Iterator[Line]:
    """The lines of what is said, each with the translation that follows it."""
    before: Line | None = None
    for number, said in dialogue:
        line = _read_said(said, number, book, findings)
        if line and before and _is_translation(said, line, before):
            before = msgspec.structs.replace(before, translation=line.text)
        elif line:
            if before:
                yield before
            before = line
    if before:
        yield before


def _read_said(said: Mapping[str, str], number: int, book: VoiceBook, findings: FindingList) -> Line | None:
    begin, end = _TIME.fullmatch(said.get("start", "")), _TIME.fullmatch(said.get("end", ""))
    if begin is None or end is None or "text" not in said:
        findings.add("a line of dialogue has no time or no text", "left out", number)
        return None
    begin_ms, end_ms = _read_time(begin), _read_time(end)
    pieces = list(_read_pieces(said["text"], begin_ms))
    if any(piece.end_ms > begin_ms for piece in pieces):
        line = read_line(pieces, findings, number, begin_ms=begin_ms, end_ms=end_ms)
    else:
        text = "".join(piece.text for piece in pieces)
        line = plain_line(text, begin_ms=begin_ms, end_ms=end_ms, findings=findings, number=number)
    if line is None:
        return None
    is_background = said.get("style", "").strip().casefold() == BACKGROUND.casefold()
    return msgspec.structs.replace(line, voices=book.read(said.get("name", "")), is_background=is_background)


def _read_time(time: re.Match[str]) -> int:
    hours, minutes, seconds, fraction = time.groups()
    fraction_ms = int((fraction or "").ljust(3, "0"))
    return int(hours) * HOUR_MS + int(minutes) * MINUTE_MS + int(seconds) * SECOND_MS + fraction_ms


def _read_pieces(text: str, begin_ms: int) -> Iterator[Piece]:
    """What follows each karaoke tag, at its time; all at `begin_ms` and without length where there is none."""
    at_ms = end_ms = begin_ms
    is_drawing = False
    before, *rest = _BLOCK.split(text)
    yield Piece(at_ms, at_ms, _read_text(before))
    for block, following in zip(rest[0::2], rest[1::2], strict=True):
        if "\\p" in block:
            is_drawing = _DRAWING.search(block) is not None
        for duration in _SUNG.finditer(block):
            at_ms, end_ms = end_ms, end_ms + int(duration[1]) * 10
        if not is_drawing:
            yield Piece(at_ms, end_ms, _read_text(following))


def _read_text(text: str) -> str:
    return _BREAK.sub(" ", text)
