"""Who sings, as marks in the words say it: 男：, (女), 【合】, Male:, or a singer's name and a colon.

A mark holds until the next one. What is written stays written: a mark is a part of its line's text.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from yuefu.music.lyrics import Line, Lyrics

MOST_SINGERS = 9
"""As many as a song text of version 1 or 2 can name."""
LONGEST_TURN = 4
"""Lines that one singer has before it is another's turn, where turns are made and not told."""
REST_MS = 3_000
"""A silence of this length ends a turn."""

_ALONE = {
    "男": "男", "男声": "男", "男聲": "男", "male": "男", "man": "男", "boy": "男", "m": "男",
    "女": "女", "女声": "女", "女聲": "女", "female": "女", "woman": "女", "girl": "女", "f": "女",
    "甲": "甲", "乙": "乙", "丙": "丙", "丁": "丁",
}  # fmt: skip
_TOGETHER = {
    "合", "合唱", "男女", "齐", "齊", "齐唱", "齊唱", "全体", "全體", "众", "眾",
    "all", "both", "duet", "together", "d",
}  # fmt: skip

_BOXED = re.compile(r"\s*[(（\[【〔]\s*([^()（）\[\]【】〔〕]{1,30}?)\s*[)）\]】〕]\s*[:：]?")
_WITH_COLON = re.compile(r"\s*([^:：()（）\[\]【】]{1,30}?)\s*[:：]")
_BETWEEN_NAMES = re.compile(r"[/／&＆+、,，]")


@dataclass(frozen=True, slots=True)
class _Mark:
    """Who is meant: singers by name, or everybody. `written` is the mark's own word."""

    names: tuple[str, ...]
    written: str


def names_in(text: str) -> tuple[str, ...]:
    """The singers that a header names in one text."""
    return tuple(filter(None, map(str.strip, _BETWEEN_NAMES.split(text))))


def read_mark(text: str) -> str:
    """The word of the mark that `text` begins with, "" when it begins with none."""
    mark = _find_mark(text, _ALONE)
    return mark.written if mark else ""


def tell_voices(lyrics: Lyrics, singers: Sequence[str] = ()) -> Lyrics:
    """The lyrics with the voices that marks in their lines tell; as they are where voices are known or marks missing.

    `singers` are names that count as marks too. Voices are numbered as they first sing; lines before the first mark
    are the first voice's.
    """
    if len(lyrics.voices) > 1:
        return lyrics
    known = {name.casefold(): name for name in singers} | _ALONE
    marks = [_find_mark(line.text, known) for line in lyrics.lines]
    names = list(dict.fromkeys(name for mark in marks if mark for name in mark.names))[:MOST_SINGERS]
    has_everybody = any(mark and not mark.names for mark in marks)
    if len(names) + has_everybody < 2:
        return lyrics
    everybody = tuple(range(1, max(len(names), 2) + 1))
    voices: tuple[int, ...] = (1,)
    lines: list[Line] = []
    for line, mark in zip(lyrics.lines, marks, strict=True):
        if mark:
            told = tuple(sorted(names.index(name) + 1 for name in mark.names if name in names))
            voices = told or everybody
        lines.append(msgspec.structs.replace(line, voices=voices))
    return msgspec.structs.replace(lyrics, lines=tuple(lines), voice_names=tuple(names))


def share_lines(lyrics: Lyrics, singer_count: int) -> Lyrics:
    """The lyrics as `singer_count` singers take turns in them: at a rest, or after four lines without one.

    The last turn is everybody's. Fewer turns than singers leave the last singers with that one alone.
    """
    turns = _turns(lyrics.lines)
    everybody = tuple(range(1, singer_count + 1))
    lines = [
        msgspec.structs.replace(line, voices=everybody if turn == len(turns) - 1 else (everybody[turn % singer_count],))
        for turn, turn_lines in enumerate(turns)
        for line in turn_lines
    ]
    return msgspec.structs.replace(lyrics, lines=tuple(lines), voice_names=())


def _turns(lines: Iterable[Line]) -> list[list[Line]]:
    turns: list[list[Line]] = []
    for line in lines:
        if turns and len(turns[-1]) < LONGEST_TURN and line.begin_ms - turns[-1][-1].end_ms < REST_MS:
            turns[-1].append(line)
        else:
            turns.append([line])
    return turns


def _find_mark(text: str, known: Mapping[str, str]) -> _Mark | None:
    found = _BOXED.match(text) or _WITH_COLON.match(text)
    if found is None:
        return None
    written = found[1].strip()
    if written.casefold() in _TOGETHER:
        return _Mark((), written)
    names = [known.get(word.casefold(), "") for word in names_in(written)]
    return _Mark(tuple(dict.fromkeys(names)), written) if names and all(names) else None
