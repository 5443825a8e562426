"""What a lyric format can say, what becomes of lyrics in it, and so what is lost on the way."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import msgspec

from yuefu.music.lyrics import Line, Lyrics, Syllable, Word, with_words


@dataclass(frozen=True, slots=True, kw_only=True)
class Carries:
    """What a format can say. `headers` are the tags it has a place for, None for any; `resolution_ms` is its clock's.

    `free_lines`: lines without word times, as they are. `free_ends`: a line may end later than its last word.
    `overlaps`: a line without word times may last into the next.
    """

    words: bool = True
    syllables: bool = True
    free_lines: bool = True
    free_ends: bool = True
    overlaps: bool = True
    voices: bool = False
    translation: bool = False
    pronunciation: bool = False
    background: bool = False
    headers: tuple[str, ...] | None = None
    resolution_ms: int = 1


ASPECTS = ("Words", "Syllables", "Voices", "Translation", "Reading", "Background", "Headers", "Time in")
"""Heads of a table of what formats hold."""
YES, NO = "yes", "–"


def aspects(carries: Carries) -> tuple[str, ...]:
    """A format's row under `ASPECTS`."""
    words = {(True, True): YES, (True, False): "always"}.get((carries.words, carries.free_lines), NO)
    flags = (carries.syllables, carries.voices, carries.translation, carries.pronunciation, carries.background)
    headers = "any" if carries.headers is None else " ".join(carries.headers)
    return (words, *(YES if flag else NO for flag in flags), headers, f"{carries.resolution_ms} ms")


def carried(lyrics: Lyrics, carries: Carries) -> Lyrics:
    """The lyrics as they come back from a format."""
    lines = [_carry_line(line, carries) for line in lyrics.lines]
    if not carries.overlaps:
        lines = [*map(_end_at_next, lines, lines[1:]), *lines[-1:]]
    return Lyrics(
        lines=tuple(lines),
        voice_names=lyrics.voice_names if carries.voices else (),
        headers={
            tag: value
            for tag, value in lyrics.headers.items()
            if value and (carries.headers is None or tag in carries.headers)
        },
    )


def losses(lyrics: Lyrics, carries: Carries) -> list[str]:
    """What a format cannot say of these lyrics, each in a few words."""
    return list(_losses(lyrics, carries, carried(lyrics, carries)))


def _losses(lyrics: Lyrics, carries: Carries, left: Lyrics) -> Iterator[str]:
    lines = lyrics.lines
    if lyrics.has_words and not carries.words:
        yield "the times of words"
    elif not carries.syllables and any(len(word.syllables) > 1 for line in lines for word in line.words):
        yield "the times of syllables within words"
    if not carries.free_lines and (count := sum(not line.words for line in lines)):
        yield f"that {_lines(count)} had no word times: each word has an even share"
    if (
        carries.words
        and not carries.free_ends
        and any(line.words and line.words[-1].end_ms < line.end_ms for line in lines)
    ):
        yield "how long lines last after their last words"
    if not carries.overlaps:
        followed = [pair for pair in pairwise(lines) if not (carries.words and pair[0].words)]
        if count := sum(line.end_ms > following.begin_ms for line, following in followed):
            yield f"how long {_lines(count)} last into the next"
        if count := sum(line.begin_ms == following.begin_ms for line, following in followed):
            yield f"that {_lines(count)} began together with the one before: read as its translation"
    if not carries.voices and (len(lyrics.voices) > 1 or lyrics.voice_names):
        yield "who sings which line"
    if not carries.translation and any(line.translation for line in lines):
        yield "the translation"
    if not carries.pronunciation and any(line.pronunciation for line in lines):
        yield "how words are read"
    if not carries.background and any(line.is_background for line in lines):
        yield "what is sung in the background: those are lines like others"
    if missing := [tag for tag in lyrics.headers if tag not in left.headers]:
        yield f"headers: {', '.join(missing)}"
    if _is_rounded(lyrics, carries.resolution_ms):
        yield f"times finer than {carries.resolution_ms} ms"


def _lines(count: int) -> str:
    return f"{count} line{'' if count == 1 else 's'}"


def _is_rounded(lyrics: Lyrics, resolution_ms: int) -> bool:
    times = (time_ms for line in lyrics.lines for time_ms in (line.begin_ms, line.end_ms))
    return any(time_ms % resolution_ms for time_ms in times) or any(
        syllable.begin_ms % resolution_ms for line in lyrics.lines for syllable in line.syllables
    )


def _carry_line(line: Line, carries: Carries) -> Line:
    held = line if carries.free_lines else with_words(line)
    words = tuple(_carry_word(word, carries) for word in held.words) if carries.words else ()
    begin_ms, end_ms = _round(held.begin_ms, carries), _round(held.end_ms, carries)
    return Line(
        begin_ms=begin_ms,
        end_ms=end_ms if carries.free_ends or not words else words[-1].end_ms,
        text=held.text,
        words=words,
        voices=held.voices if carries.voices else (1,),
        translation=held.translation if carries.translation else "",
        pronunciation=held.pronunciation if carries.pronunciation else (),
        is_background=held.is_background and carries.background,
    )


def _carry_word(word: Word, carries: Carries) -> Word:
    if not carries.syllables:
        whole = Syllable(begin_ms=word.begin_ms, duration_ms=word.duration_ms, text=word.text)
        return Word(syllables=(_carry_syllable(whole, carries),))
    return Word(syllables=tuple(_carry_syllable(syllable, carries) for syllable in word.syllables))


def _carry_syllable(syllable: Syllable, carries: Carries) -> Syllable:
    begin_ms, end_ms = _round(syllable.begin_ms, carries), _round(syllable.end_ms, carries)
    return msgspec.structs.replace(syllable, begin_ms=begin_ms, duration_ms=end_ms - begin_ms)


def _round(time_ms: int, carries: Carries) -> int:
    return round(time_ms / carries.resolution_ms) * carries.resolution_ms


def _end_at_next(line: Line, following: Line) -> Line:
    if line.words or line.end_ms <= following.begin_ms:
        return line
    return msgspec.structs.replace(line, end_ms=following.begin_ms)
