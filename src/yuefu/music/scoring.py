"""How well a singer hits the notes, line by line, while the song goes on.

A line's score is the share of its notes' time that was sung right, in any octave, beyond what chance would have got.
Each level of difficulty says how near right is; the rules are described in `docs/scoring.md`.
"""

from bisect import insort
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from statistics import median

import numpy as np
from numpy.typing import NDArray

from yuefu.music.f0 import HIGHEST_HZ, LOWEST_HZ
from yuefu.music.lyrics import Line, Lyrics
from yuefu.music.notes import Note, NoteKind, PitchLine, merge_voices

BEFORE_FIRST_LINE = -1
"""The previous line's score while there is none, as the wire says it."""

FULL_LINE = 100
GOLDEN_COUNTS = 2

STEP_MS = 10
REACH_MS = 50
"""How far from a moment the frame that answers for it may lie: singers are not clocks, and consonants have no pitch."""

SOFTEST_DB = -60.0
SUNG_RANGE_DB, LOUD_PERCENTILE = 30.0, 90
"""What is softer than anybody sings, or so much softer than this singer's loud parts, is another's sound."""

NEEDED_MOVEMENT = 0.5
"""The share of a line's ups and downs that a voice must make; one that stays where it is hums."""

LUCK = 0.1
"""How far beyond the mean of guesses those of one line often lie: a line has few notes."""


@dataclass(frozen=True, slots=True)
class Difficulty:
    """How many semitones off still count in full, and from how many on nothing does; evenly less in between."""

    full: float
    zero: float

    @property
    def chance(self) -> float:
        """What singing must count for to be taken for more than guesses, 0 to 1: their mean and some `LUCK`."""
        return (self.full + self.zero) / 12 + LUCK


LEVELS = (
    Difficulty(0.35, 0.75),
    Difficulty(0.6, 1.25),
    Difficulty(1.0, 2.0),
    Difficulty(1.5, 2.5),
    Difficulty(2.0, 3.5),
)
"""By the wire's numbers: 0 is the hardest, 4 the easiest."""

EASIEST = len(LEVELS) - 1

_FULL = np.array([[level.full] for level in LEVELS])
_ZERO = np.array([[level.zero] for level in LEVELS])
_CHANCE = np.array([level.chance for level in LEVELS])


@dataclass(frozen=True, slots=True)
class SungFrame:
    """What a singer's voice was at one instant of the song: its pitch, None where it has none, and its level in dBFS.

    Times are on the original recording's timeline; whoever makes frames takes off what the sound was late.
    """

    time_ms: float
    pitch_hz: float | None
    level_db: float

    @property
    def is_sung(self) -> bool:
        """Whether the voice has a pitch that people sing, and is loud enough to be one."""
        in_range = self.pitch_hz is not None and LOWEST_HZ <= self.pitch_hz <= HIGHEST_HZ
        return in_range and self.level_db >= SOFTEST_DB


@dataclass(frozen=True, slots=True)
class ScoredLine:
    """A line with the pitched notes that are sung in it, at least one; `number` is its place in the lyrics, from 0."""

    number: int
    notes: tuple[Note, ...]
    end_ms: int

    @property
    def begin_ms(self) -> int:
        return self.notes[0].begin_ms


@dataclass(frozen=True, slots=True)
class LineScore:
    """What a line got, 0 to 100, and how much of its notes' time was sung at all, right or wrong, 0 to 1."""

    number: int
    score: int
    coverage: float


def scored_lines(pitch_line: PitchLine, lyrics: Lyrics, *, voice: int | None = None) -> tuple[ScoredLine, ...]:
    """The lines that are scored, in the order in which they end.

    For one voice its own lines, otherwise everybody's as `merge_voices` has them. A note is its line's in whose time
    its middle lies; lines without notes to hit, and notes outside the lines, are free.
    """
    own = (note for note in pitch_line.notes if note.voice == voice and note.kind.is_pitched and note.duration_ms)
    by_line: dict[int, list[Note]] = {}
    for note in merge_voices(pitch_line) if voice is None else own:
        number = _line_of(note, lyrics.lines)
        if number is not None:
            by_line.setdefault(number, []).append(note)
    lines = (
        ScoredLine(number, tuple(held), max(lyrics.lines[number].end_ms, held[-1].end_ms))
        for number, held in by_line.items()
    )
    return tuple(sorted(lines, key=lambda line: (line.end_ms, line.number)))


def _line_of(note: Note, lines: Sequence[Line]) -> int | None:
    """The place of the last line that was begun by the note's middle, is its voice's, and is not over."""
    middle_ms = note.begin_ms + note.duration_ms / 2
    holding = (
        number
        for number, line in enumerate(lines)
        if line.begin_ms <= middle_ms < line.end_ms and note.voice in line.voices and not line.is_background
    )
    return max(holding, default=None)


class Scoring:
    """The score of one singer through one song, at one level. The same frames in the same order give the same scores.

    Frames come by `hear`, silent ones too: they tell the time. Each must lie less than 2 * `REACH_MS` after the one
    before, or the time between counts as silent.
    """

    def __init__(self, lines: Sequence[ScoredLine], *, level: int = EASIEST) -> None:
        """`lines` as `scored_lines` gives them. Raises IndexError for a level that there is not."""
        if level not in range(len(LEVELS)):
            raise IndexError(level)
        self._lines = lines
        self._level = level
        self._frames: list[SungFrame] = []
        self._levels_db: list[float] = []
        self._scores: list[LineScore] = []

    @property
    def scores(self) -> tuple[LineScore, ...]:
        """Of the lines that are over, in the order in which they ended."""
        return tuple(self._scores)

    @property
    def previous(self) -> int:
        """The score of the line that ended last, `BEFORE_FIRST_LINE` before any did."""
        return self._scores[-1].score if self._scores else BEFORE_FIRST_LINE

    @property
    def total(self) -> int:
        """The sum of the scores of the lines that are over."""
        return sum(line.score for line in self._scores)

    @property
    def full(self) -> int:
        """The most that the whole song can give: 100 a line."""
        return FULL_LINE * len(self._lines)

    @property
    def average(self) -> int:
        """The mean score of the lines that are over, 0 to 100; at the song's end its score."""
        return round(self.total / len(self._scores)) if self._scores else 0

    def hear(self, frame: SungFrame) -> tuple[LineScore, ...]:
        """Take in a frame; the scores of the lines that are over by it, which is `REACH_MS` after their end.

        A frame that comes when its line is over changes nothing.
        """
        ended = self._end(before_ms=frame.time_ms - REACH_MS)
        if frame.is_sung and len(self._scores) < len(self._lines):
            self._frames.append(frame)
            insort(self._levels_db, frame.level_db)
        return ended

    def finish(self) -> tuple[LineScore, ...]:
        """The scores of the lines that were left when the singing ended."""
        return self._end(before_ms=np.inf)

    def _end(self, *, before_ms: float) -> tuple[LineScore, ...]:
        waiting = self._lines[len(self._scores) :]
        ended = list(takewhile(lambda line: line.end_ms < before_ms, waiting))
        if not ended:
            return ()
        floor_db = self._floor_db()
        loud = [frame for frame in self._frames if frame.level_db >= floor_db]
        scores = tuple(score_line(line, loud, level=self._level) for line in ended)
        self._scores += scores
        needed_ms = min((line.begin_ms for line in waiting[len(ended) :]), default=np.inf) - REACH_MS
        self._frames = [frame for frame in self._frames if frame.time_ms >= needed_ms]
        return scores

    def _floor_db(self) -> float:
        """The level from which a frame is the singer's, by all that was sung so far."""
        if not self._levels_db:
            return SOFTEST_DB
        return self._levels_db[len(self._levels_db) * LOUD_PERCENTILE // 100] - SUNG_RANGE_DB


def score_line(line: ScoredLine, frames: Sequence[SungFrame], *, level: int = EASIEST) -> LineScore:
    """The score of one line by the frames that are sung, in any order.

    A frame that chance got right is made up for by those it got wrong: sung without regard to the notes a line gives
    little, at any level, and silence nothing. What a line gives at a harder level it gives at an easier one as well.
    """
    times_ms = np.array([frame.time_ms for frame in frames], np.float64)
    pitches = np.array([69 + 12 * np.log2((frame.pitch_hz or LOWEST_HZ) / 440) for frame in frames], np.float64)
    right, sung, whole_ms = np.zeros(len(LEVELS)), 0.0, 0.0
    for note in line.notes:
        near = (times_ms >= note.begin_ms - REACH_MS) & (times_ms < note.end_ms + REACH_MS)
        weight_ms = note.duration_ms * (GOLDEN_COUNTS if note.kind is NoteKind.GOLDEN else 1)
        shares = _shares(note, times_ms[near], pitches[near])
        right, sung, whole_ms = right + weight_ms * shares[:-1], sung + weight_ms * shares[-1], whole_ms + weight_ms
    beyond_chance = (right - _CHANCE * sung) / (whole_ms * (1 - _CHANCE))
    share = max(float(beyond_chance[: level + 1].max()), 0.0) * _movement(line.notes, times_ms, pitches)
    return LineScore(line.number, round(FULL_LINE * share), float(sung / whole_ms))


def _shares(note: Note, times_ms: NDArray[np.float64], pitches: NDArray[np.float64]) -> NDArray[np.float64]:
    """The share of the note's time that is right, by level, and as the last value that is sung at all.

    For each `STEP_MS` the best frame within `REACH_MS` answers.
    """
    margin = REACH_MS // STEP_MS
    steps = max(-(-note.duration_ms // STEP_MS), 1)
    places = ((times_ms - note.begin_ms) // STEP_MS).astype(np.int64) + margin
    credit = np.zeros((len(LEVELS) + 1, steps + 2 * margin))
    np.maximum.at(credit.T, places, np.vstack([_credit(pitches - note.pitch), np.ones(len(places))]).T)
    best = np.lib.stride_tricks.sliding_window_view(credit, 2 * margin + 1, axis=1).max(axis=2)
    return np.asarray(best.mean(axis=1))


def _credit(semitones: NDArray[np.float64]) -> NDArray[np.float64]:
    """What being off by so much counts, in a row for each level, 0 to 1; by whole octaves is not off."""
    off = np.abs((semitones + 6) % 12 - 6)
    return np.asarray(np.clip((_ZERO - off) / (_ZERO - _FULL), 0, 1))


def _movement(notes: Iterable[Note], times_ms: NDArray[np.float64], pitches: NDArray[np.float64]) -> float:
    """How far the voice goes along with the notes it sings, 0 to 1, right or wrong; 1 where they stay on one pitch."""
    sung = list(_sung_pitches(notes, times_ms, pitches))
    written_range = _range([pitch for pitch, _ in sung])
    if not written_range:
        return 1.0
    return min(_range([pitch for _, pitch in sung]) / (NEEDED_MOVEMENT * written_range), 1.0)


def _sung_pitches(
    notes: Iterable[Note], times_ms: NDArray[np.float64], pitches: NDArray[np.float64]
) -> Iterator[tuple[float, float]]:
    """The pitch that was sung on each note, where any was, after the note's own in the octave nearest to that."""
    for note in notes:
        during = (times_ms >= note.begin_ms) & (times_ms < note.end_ms)
        if during.any():
            sung = float(median(pitches[during]))
            yield note.pitch + 12 * round((sung - note.pitch) / 12), sung


def _range(pitches: Sequence[float]) -> float:
    """How far pitches lie from their middle, on average."""
    return float(np.mean(np.abs(np.array(pitches) - np.median(pitches)))) if pitches else 0.0
