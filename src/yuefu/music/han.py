"""Chinese lyrics in the other script, and how their characters are read.

The dictionaries behind both are loaded when they are first needed.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import islice
from typing import Any, Literal

import msgspec

from yuefu.music.formats.text import flatten
from yuefu.music.lyrics import Line, Lyrics, Word

Script = Literal["simplified", "traditional"]

_CLOSING = re.compile(r" (?=[，。、：；？！）】〕》〉」』”’…,.:;?!)\]])")
_OPENING = re.compile(r"(?<=[（【〔《〈「『“‘(\[]) ")

_CONVERSIONS: dict[Script, str] = {"simplified": "t2s", "traditional": "s2tw"}


def convert_script(lyrics: Lyrics, script: Script) -> Lyrics:
    """The lyrics in that script, names and headers too; traditional characters are those that Taiwan writes.

    A character stands for several in the other script, which one its neighbours tell: lines are converted whole.
    """
    convert = _converter(script)
    return msgspec.structs.replace(
        lyrics,
        lines=tuple(_convert_line(line, convert) for line in lyrics.lines),
        voice_names=tuple(map(convert, lyrics.voice_names)),
        headers={tag: convert(value) for tag, value in lyrics.headers.items()},
    )


def add_pinyin(lyrics: Lyrics) -> Lyrics:
    """The lyrics with the pinyin of each line that has Han characters, in place of any reading it had.

    A character of several readings has the one that its neighbours make likely.
    """
    return msgspec.structs.replace(lyrics, lines=tuple(map(_add_pinyin, lyrics.lines)))


@cache
def _converter(script: Script) -> Callable[[str], str]:
    from opencc import OpenCC  # noqa: PLC0415 - see above

    converter: Any = OpenCC(_CONVERSIONS[script])
    return lambda text: str(converter.convert(text))


def _convert_line(line: Line, convert: Callable[[str], str]) -> Line:
    lengths = [len(syllable.text) for syllable in line.syllables] or [len(line.text)]
    whole = "".join(syllable.text for syllable in line.syllables) or line.text
    converted = convert(whole)
    if len(converted) == len(whole):
        texts = list(_cut(converted, lengths))
    else:  # nobody could tell which syllable a character belongs to
        texts = [convert(text) for text in _cut(whole, lengths)]
    of_syllables = iter(texts)
    return msgspec.structs.replace(
        line,
        text="".join(texts).strip(),
        words=tuple(_with_texts(word, of_syllables) for word in line.words),
        translation=convert(line.translation),
    )


def _cut(text: str, lengths: Iterable[int]) -> Iterator[str]:
    """`text` in pieces of those lengths."""
    characters = iter(text)
    return ("".join(islice(characters, length)) for length in lengths)


def _with_texts(word: Word, texts: Iterator[str]) -> Word:
    return Word(syllables=tuple(msgspec.structs.replace(each, text=next(texts)) for each in word.syllables))


def _add_pinyin(line: Line) -> Line:
    from pypinyin import Style, lazy_pinyin  # noqa: PLC0415 - see above

    whole = "".join(syllable.text for syllable in line.syllables) or line.text
    apart: Any = list  # its annotation forgets that others than Han may come back in pieces
    readings = lazy_pinyin(whole, style=Style.TONE, errors=apart)
    if "".join(readings) == whole:
        return line
    if not line.words:
        return msgspec.structs.replace(line, pronunciation=(_join_readings(lazy_pinyin(whole, style=Style.TONE)),))
    in_order = iter("" if reading == character else reading for reading, character in zip(readings, whole, strict=True))
    of_syllables = (islice(in_order, len(syllable.text)) for syllable in line.syllables)
    return msgspec.structs.replace(line, pronunciation=tuple(" ".join(filter(None, each)) for each in of_syllables))


def _join_readings(readings: Iterable[str]) -> str:
    """The readings with blanks between them, but for signs that stand close to what they belong to."""
    return _OPENING.sub("", _CLOSING.sub("", flatten(" ".join(readings))))
