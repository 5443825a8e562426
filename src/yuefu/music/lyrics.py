"""One model for every lyric format: lines of words of syllables, sung by voices, over one timeline.

Times are milliseconds on the timeline of the original recording. A format that knows less fills in less: a plain LRC
has lines without words, a KRC has words of one syllable, an UltraStar song has everything.
"""

import re
from collections.abc import Iterable

import msgspec

_HAN = "\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_KANA = "\u3040-\u30ff"
_OPENING = "「『《〈（【〔“‘([{<"

# What is sung as one: a Han character with the signs around it, or a run of anything else up to a blank.
_PIECE = re.compile(rf"[{_OPENING}]*[{_HAN}][^\w\s{_OPENING}]*\s*|[^\s{_HAN}]+\s*")
_STARTS_UNSPACED = re.compile(rf"[^\w\s]*[{_HAN}{_KANA}]")
_LAST_LETTER_UNSPACED = re.compile(rf"[{_HAN}{_KANA}][\W_]*\Z")
_LETTER = re.compile(r"\w")


class Syllable(msgspec.Struct, frozen=True, kw_only=True):
    """The smallest piece that is sung on a time of its own."""

    begin_ms: int
    duration_ms: int
    text: str

    @property
    def end_ms(self) -> int:
        return self.begin_ms + self.duration_ms


class Word(msgspec.Struct, frozen=True, kw_only=True):
    """What lights up at once for a reader: a word of Latin text, a character of Chinese.

    The blank that separates a word from the next belongs to its last syllable, so joining texts gives the line back.
    """

    syllables: tuple[Syllable, ...]

    @property
    def text(self) -> str:
        return "".join(syllable.text for syllable in self.syllables)

    @property
    def begin_ms(self) -> int:
        return self.syllables[0].begin_ms

    @property
    def end_ms(self) -> int:
        return self.syllables[-1].end_ms

    @property
    def duration_ms(self) -> int:
        return self.end_ms - self.begin_ms


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A line of lyrics. `words` is empty when only the line's time is known; `text` has no blank at either end.

    `voices` are the numbers (from 1) of those who sing it; several sing together. `translation` is the line in another
    language. `pronunciation` is how it is read, in Latin letters: one text for each syllable ("" where there is nothing
    to say), or a single one for the whole line.
    """

    begin_ms: int
    end_ms: int
    text: str
    words: tuple[Word, ...] = ()
    voices: tuple[int, ...] = (1,)
    translation: str = ""
    pronunciation: tuple[str, ...] = ()
    is_background: bool = False

    @property
    def duration_ms(self) -> int:
        return self.end_ms - self.begin_ms

    @property
    def syllables(self) -> tuple[Syllable, ...]:
        return tuple(syllable for word in self.words for syllable in word.syllables)


class Lyrics(msgspec.Struct, frozen=True, kw_only=True):
    """A song's lyrics: lines in order of `begin_ms` (all voices merged).

    `voice_names[i]` names voice i + 1 where the delivery does; it may be shorter than the number of voices. `headers`
    are what the text says of itself, by LRC's tags in lower case ("ti", "ar", "al", "by"); an offset is not among them,
    for times are as they are meant.
    """

    lines: tuple[Line, ...]
    voice_names: tuple[str, ...] = ()
    headers: dict[str, str] = {}

    @property
    def has_words(self) -> bool:
        """Whether words carry times, so that word-by-word display is possible."""
        return any(line.words for line in self.lines)

    @property
    def begin_ms(self) -> int:
        return self.lines[0].begin_ms if self.lines else 0

    @property
    def end_ms(self) -> int:
        return max((line.end_ms for line in self.lines), default=0)

    @property
    def voices(self) -> tuple[int, ...]:
        """The numbers of those who sing, in order."""
        return tuple(sorted({voice for line in self.lines for voice in line.voices}))


def line_of_words(words: Iterable[Word], *, voices: tuple[int, ...] = (1,), end_ms: int | None = None) -> Line:
    """The line its words make: text and times follow from them. `words` must not be empty."""
    held = tuple(words)
    return Line(
        begin_ms=held[0].begin_ms,
        end_ms=max(held[-1].end_ms, end_ms or 0),
        text="".join(word.text for word in held).strip(),
        words=held,
        voices=voices,
    )


def split_text(text: str) -> list[str]:
    """The pieces of `text` that light up one after the other: each Han character, each run of others between blanks.

    Signs stay with the piece they belong to, blanks with the piece before; joined, the pieces give the text back except
    for blanks at its beginning.
    """
    return _PIECE.findall(text)


def share_time(text: str, *, begin_ms: int, duration_ms: int) -> list[Syllable]:
    """One syllable for each piece of `text`, with an even share of the time; a single one when there is too little."""
    pieces = split_text(text)
    if len(pieces) > duration_ms:
        pieces = [text]
    edges = [begin_ms + duration_ms * i // len(pieces) for i in range(len(pieces) + 1)] if pieces else []
    return [
        Syllable(begin_ms=begin, duration_ms=end - begin, text=piece)
        for piece, begin, end in zip(pieces, edges, edges[1:], strict=False)
    ]


def with_words(line: Line) -> Line:
    """The line with words that have an even share of its time, where it has none with times of their own."""
    if line.words:
        return line
    return msgspec.structs.replace(
        line, words=gather_words(share_time(line.text, begin_ms=line.begin_ms, duration_ms=line.duration_ms))
    )


def add_text(syllables: list[Syllable], text: str, *, begin_ms: int, end_ms: int) -> None:
    """Add what is sung in that time to a line's syllables.

    A blank at the beginning of `text` ends the word before it, as one at its end ends its own: authors do either.
    """
    if text[:1].isspace():
        end_word(syllables)
    syllables += share_time(" ".join(text.split()), begin_ms=begin_ms, duration_ms=end_ms - begin_ms)
    if text[-1:].isspace():
        end_word(syllables)


def end_word(syllables: list[Syllable]) -> None:
    """Put a blank after the last syllable, if there is one."""
    if syllables:
        last = syllables[-1]
        syllables[-1] = msgspec.structs.replace(last, text=last.text.rstrip() + " ")


def gather_words(syllables: Iterable[Syllable]) -> tuple[Word, ...]:
    """The words that a line's syllables make.

    A blank ends a word. Han characters and kana need none: each begins a word and ends the one before. The last
    syllable loses its blank, since a line's text has none at its end.
    """
    words: list[list[Syllable]] = []
    letters = ""
    for syllable in syllables:
        if words and _continues(words[-1][-1].text, letters, syllable.text):
            words[-1].append(syllable)
        else:
            words.append([syllable])
            letters = ""
        if _LETTER.search(syllable.text):
            letters = syllable.text
    if words:
        last = words[-1][-1]
        words[-1][-1] = msgspec.structs.replace(last, text=last.text.rstrip())
    return tuple(Word(syllables=tuple(word)) for word in words)


def _continues(before: str, letters: str, text: str) -> bool:
    """Whether `text` belongs to the word that ends with `before`; `letters` is its last syllable that has any."""
    if before[-1:].isspace():
        return False
    if not _LETTER.search(text):
        return True
    return not (_LAST_LETTER_UNSPACED.search(letters) or _STARTS_UNSPACED.match(text))
