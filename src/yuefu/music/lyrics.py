"""One model for every lyric format: lines of words of syllables, sung by voices, over one timeline.

Times are milliseconds on the timeline of the original recording. A format that knows less fills in less: a plain LRC
has lines without words, a KRC has words of one syllable, an UltraStar song has everything.
"""

from collections.abc import Iterable

import msgspec


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

    `voices` are the numbers (from 1) of those who sing it; several sing together.
    """

    begin_ms: int
    end_ms: int
    text: str
    words: tuple[Word, ...] = ()
    voices: tuple[int, ...] = (1,)

    @property
    def duration_ms(self) -> int:
        return self.end_ms - self.begin_ms


class Lyrics(msgspec.Struct, frozen=True, kw_only=True):
    """A song's lyrics: lines in order of `begin_ms` (all voices merged).

    `voice_names[i]` names voice i + 1 where the delivery does; it may be shorter than the number of voices.
    """

    lines: tuple[Line, ...]
    voice_names: tuple[str, ...] = ()

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
