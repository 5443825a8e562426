"""KRC: lines with the time of each word inside its line, encrypted as it is distributed, or plain.

    [ti:Title] [ar:Singer] [offset:0]
    [language:…]                     Base64 of JSON: translations, and readings word by word
    [1200,3400]<0,400,0>two <400,300,0>words
    [bg:<300,200,0>(ooh)]            sung behind the line before it

Line times are milliseconds of the song, word times milliseconds from the line's begin; both are followed by durations.
Encrypted, a file is `krc1` and a zlib stream XORed with a key that is the same everywhere.

Source: the practice of players, as their open-source readers of the format show it.
"""

import re
import zlib
from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain

import msgspec

from yuefu.music.findings import FindingList
from yuefu.music.formats.text import ParsedLyrics, collect, decode_text, flatten, read_line, widen_brackets, write_tags
from yuefu.music.formats.timed_lines import WORD_TIME, TimedLine, TimedText, cut_words, read_timed_text
from yuefu.music.lyrics import Line, Lyrics, Syllable, with_words
from yuefu.music.text import LARGEST_BYTES, check_size, leave_printable
from yuefu.music.unreadable import NotInFormat, TooLarge

MAGIC = b"krc1"
LONG_TAGS = {"language": 1_000_000}
"""In characters: all translations of a song are one line."""
READING, TRANSLATION = 0, 1

_KEY = bytes.fromhex("404761775e3274475136312dced26e69")
_BACKGROUND = re.compile(r"\s*\[bg:(.*)\]\s*", re.IGNORECASE)
_WORD_TIME = re.compile(rf"<{WORD_TIME}(?:,-?[0-9]{{1,9}})?>")


class _Layer(msgspec.Struct):
    """Texts for each line of the song: a list for each of its words, or the line's one text, alone or in a list."""

    type: int
    lyric_content: Sequence[list[str] | str | None] = msgspec.field(name="lyricContent")
    language: int = 0

    def at(self, index: int) -> list[str]:
        """What it says of a line."""
        held = self.lyric_content[index] if index < len(self.lyric_content) else None
        texts = [held] if isinstance(held, str) else held or []
        return [leave_printable(text) for text in texts]


class _Layers(msgspec.Struct):
    content: list[_Layer] = []
    version: int = 1

    def at(self, index: int) -> dict[int, list[str]]:
        """What the layers say of a line, by their type."""
        return {each.type: each.at(index) for each in self.content}


def parse(data: bytes, *, file: str = "") -> ParsedLyrics:
    """The lyrics that `data` spells, encrypted or plain.

    Raises TooLarge, also for what unpacks to more than a text has, and NotInFormat for what cannot be unpacked.
    """
    findings = FindingList(file)
    behind: list[TimedLine] = []

    def take_background(number: int, line: str, read: TimedText) -> bool:
        background = _BACKGROUND.fullmatch(line)
        if background:
            behind.append(TimedLine(number, read.lines[-1].begin_ms if read.lines else 0, 0, background[1]))
        return background is not None

    text = decode_text(decrypt(data, findings), findings)
    read = read_timed_text(text, findings, long_tags=LONG_TAGS, other=take_background)
    layers = _read_layers(read.headers.pop("language", ""), findings)
    lines = (_read_line(line, layers.at(index), read.earlier_ms, findings) for index, line in enumerate(read.lines))
    sung_behind = (
        msgspec.structs.replace(line, is_background=True)
        for each in behind
        if (line := _read_line(each, {}, read.earlier_ms, findings))
    )
    return collect(chain(lines, sung_behind), findings, headers=read.headers)


def decrypt(data: bytes, findings: FindingList) -> bytes:
    """The text's bytes; those of a plain text as they are. Raises as `parse`."""
    check_size(data)
    if not data.startswith(MAGIC):
        return data
    unpacking = zlib.decompressobj()
    try:
        text = unpacking.decompress(_xor(data[len(MAGIC) :]), LARGEST_BYTES + 1)
    except zlib.error:
        raise NotInFormat("KRC", "what follows its mark does not unpack; it is damaged, or of another key") from None
    if len(text) > LARGEST_BYTES:
        raise TooLarge(len(text), LARGEST_BYTES, "bytes")
    if not unpacking.eof:
        findings.add("the packed text breaks off", "read what is there")
    return text


def encrypt(text: bytes) -> bytes:
    """The bytes of a KRC file."""
    return MAGIC + _xor(zlib.compress(text))


def render(lyrics: Lyrics) -> str:
    """Plain KRC, its own lines ended by CRLF. A line without word times shares its time among its words."""
    lines = [with_words(line) for line in lyrics.lines]
    headers = {tag: value for tag, value in lyrics.headers.items() if tag != "language"}
    tags = [*write_tags(headers), "[offset:0]"]
    if language := _render_layers([line for line in lines if not line.is_background]):
        tags.append(f"[language:{language}]")
    return "".join(f"{line}\r\n" for line in (*tags, *_render_lines(lines)))


def render_encrypted(lyrics: Lyrics) -> bytes:
    """KRC as it is distributed."""
    return encrypt(b"\xef\xbb\xbf" + render(lyrics).encode())


def _render_lines(lines: Sequence[Line]) -> Iterator[str]:
    main_begin_ms: int | None = None
    for line in lines:
        if line.is_background and main_begin_ms is not None:
            yield f"[bg:{_render_words(line.syllables, main_begin_ms)}]"
        else:
            main_begin_ms = line.begin_ms
            yield f"[{line.begin_ms},{line.duration_ms}]{_render_words(line.syllables, line.begin_ms)}"


def _render_words(syllables: Sequence[Syllable], begin_ms: int) -> str:
    return "".join(
        f"<{each.begin_ms - begin_ms},{each.duration_ms},0>{widen_brackets(each.text, _WORD_TIME)}"
        for each in syllables
    )


def _render_layers(lines: Sequence[Line]) -> str:
    """The value of the language tag, "" where there is nothing to say."""
    layers = []
    if any(line.pronunciation for line in lines):
        content = [list(line.pronunciation) or [""] * len(line.syllables) for line in lines]
        layers.append(_Layer(type=READING, lyric_content=content))
    if any(line.translation for line in lines):
        layers.append(_Layer(type=TRANSLATION, lyric_content=[[flatten(line.translation)] for line in lines]))
    return b64encode(msgspec.json.encode(_Layers(content=layers))).decode() if layers else ""


def _read_layers(value: str, findings: FindingList) -> _Layers:
    if not value:
        return _Layers()
    try:
        layers = msgspec.json.decode(b64decode(value + "=" * (-len(value) % 4)), type=_Layers)
    except (ValueError, RecursionError):  # ValueError is the base of msgspec's and binascii's errors
        findings.add("the tag of languages cannot be read", "left out translations and readings")
        return _Layers()
    kept = {each.type: each for each in reversed(layers.content) if each.type in {READING, TRANSLATION}}
    if len(kept) < len(layers.content):
        findings.add("the tag of languages has several texts of a kind, or of an unknown one", "took the first of each")
    return _Layers(content=list(kept.values()))


def _read_line(line: TimedLine, layers: dict[int, list[str]], earlier_ms: int, findings: FindingList) -> Line | None:
    pieces = cut_words(line, _WORD_TIME, findings, origin_ms=line.begin_ms, time_first=True)
    readings = layers.get(READING, [])
    are_by_word = len(readings) == len(pieces) > 1
    if are_by_word:
        pieces = [replace(piece, pronunciation=reading) for piece, reading in zip(pieces, readings, strict=True)]
    end_ms = line.begin_ms + line.duration_ms
    read = read_line(pieces, findings, line.number, begin_ms=line.begin_ms, end_ms=end_ms, earlier_ms=earlier_ms)
    if read is None:
        return None
    if not are_by_word and (whole := flatten(" ".join(readings))):
        read = msgspec.structs.replace(read, pronunciation=_share_whole(whole, readings, len(read.syllables)))
    return msgspec.structs.replace(read, translation=flatten(" ".join(layers.get(TRANSLATION, []))))


def _share_whole(whole: str, readings: Sequence[str], syllable_count: int) -> tuple[str, ...]:
    """A line's reading by syllables where it comes in as many pieces, or words of its one piece, else as a whole."""
    texts = whole.split() if len(readings) == 1 else readings
    return tuple(map(flatten, texts)) if len(texts) == syllable_count else (whole,)


def _xor(data: bytes) -> bytes:
    key = (_KEY * (len(data) // len(_KEY) + 1))[: len(data)]
    return (int.from_bytes(data) ^ int.from_bytes(key)).to_bytes(len(data))
