"""Scores of simulated singers on the demo's songs: who sings better must get more, at every level."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from statistics import fmean

import numpy as np

from yuefu.ingest.repertoire import entries
from yuefu.music import ultrastar
from yuefu.music.notes import Note
from yuefu.music.scoring import LEVELS, ScoredLine, Scoring, SungFrame, scored_lines

FRAME_MS = 48
"""How often live pitch gives a frame."""

SEEDS = range(100, 102)
"""None of those that the rules were looked at with, 0 to 9."""

LEVEL_DB = -20.0
SCOOP_S = 0.1


@dataclass(frozen=True, slots=True)
class _Manner:
    """How somebody sings, as spreads about what is written: of pitch by note, and of the time a note begins.

    A scoop is how far below its pitch a note begins; `lost` is the share of frames that are not heard as sung.
    """

    note_cents: float = 0.0
    vibrato_cents: float = 0.0
    scoop_cents: float = 0.0
    late_ms: float = 0.0
    early_end_ms: float = 0.0
    lost: float = 0.0


Sung = Callable[[Sequence[Note], np.random.Generator], Iterator[SungFrame]]


def _sung_by(manner: _Manner) -> Sung:
    def sing(notes: Sequence[Note], chance: np.random.Generator) -> Iterator[SungFrame]:
        for note in notes:
            off_cents = chance.normal(0, manner.note_cents)
            begin_ms = note.begin_ms + abs(chance.normal(0, manner.late_ms))
            for time_ms in _times(begin_ms, note.end_ms - manner.early_end_ms):
                age_s = (time_ms - begin_ms) / 1_000
                cents = off_cents + manner.vibrato_cents * np.sin(2 * np.pi * 5.5 * age_s)
                cents -= manner.scoop_cents * max(1 - age_s / SCOOP_S, 0)
                if chance.random() >= manner.lost:
                    yield _frame(time_ms, note.pitch + cents / 100)

    return sing


def _octave_down(sing: Sung) -> Sung:
    def lower(notes: Sequence[Note], chance: np.random.Generator) -> Iterator[SungFrame]:
        for frame in sing(notes, chance):
            yield replace(frame, pitch_hz=(frame.pitch_hz or 0) / 2)

    return lower


def _hum(notes: Sequence[Note], chance: np.random.Generator) -> Iterator[SungFrame]:
    """The song's commonest pitch all the time, give or take."""
    pitches = np.repeat([note.pitch for note in notes], [note.duration_ms for note in notes])
    pitch = float(np.bincount(pitches).argmax())
    for time_ms in _times(notes[0].begin_ms, notes[-1].end_ms):
        yield _frame(time_ms, pitch + chance.normal(0, 0.15))


def _at_random(notes: Sequence[Note], chance: np.random.Generator) -> Iterator[SungFrame]:
    """A pitch by chance on every note."""
    for note in notes:
        pitch = chance.uniform(48, 72)
        for time_ms in _times(note.begin_ms, note.end_ms):
            yield _frame(time_ms, pitch)


def _silent(notes: Sequence[Note], _: np.random.Generator) -> Iterator[SungFrame]:
    for time_ms in _times(notes[0].begin_ms, notes[-1].end_ms):
        yield SungFrame(time_ms, None, -90.0)


GOOD = _Manner(50, 30, 100, 30, 40, 0.03)
PERFECT, OCTAVE_DOWN, SILENT = "perfect", "good, an octave down", "silent"
HUMMING, RANDOM = "humming on one pitch", "any pitch on each note"
SINGERS: dict[str, Sung] = {
    PERFECT: _sung_by(_Manner()),
    "professional, with vibrato": _sung_by(_Manner(10, 70, 150, 20, 40, 0.02)),
    "good, 50 cents": _sung_by(GOOD),
    OCTAVE_DOWN: _octave_down(_sung_by(GOOD)),
    "average, 110 cents": _sung_by(_Manner(110, 30, 150, 50, 60, 0.06)),
    "weak, 250 cents": _sung_by(_Manner(250, 30, 200, 80, 80, 0.1)),
    HUMMING: _hum,
    RANDOM: _at_random,
    SILENT: _silent,
}
IN_ORDER = (PERFECT, "professional, with vibrato", "good, 50 cents", "average, 110 cents", "weak, 250 cents")
"""The best first; after them come those by chance, and then who is silent."""


@dataclass(slots=True)
class ScoringFigures:
    """The mean score of each singer, 0 to 100, at each level."""

    songs: int = 0
    means: dict[str, list[float]] = field(default_factory=dict)

    @property
    def smallest_step(self) -> float:
        """By how much the better singer is at least ahead of the next one, over all levels."""
        by_chance = [max(levels) for levels in zip(self.means[HUMMING], self.means[RANDOM], strict=True)]
        ranked = [*(self.means[name] for name in IN_ORDER), by_chance, self.means[SILENT]]
        return min(better - worse for pair in pairwise(ranked) for better, worse in zip(pair[0], pair[1], strict=True))

    @property
    def octave_difference(self) -> float:
        """By how much an octave changes a score at most."""
        pairs = zip(self.means["good, 50 cents"], self.means[OCTAVE_DOWN], strict=True)
        return max(abs(here - there) for here, there in pairs)


def measure_scoring(seeds: Iterable[int] = SEEDS) -> ScoringFigures:
    """Every singer on every song of the demo, at every level."""
    songs = [ultrastar.parse(text) for text in {entry.song: entry.song_text for entry in entries()}.values()]
    lines = [scored_lines(song.pitch_line, song.lyrics) for song in songs]
    return ScoringFigures(
        songs=len(songs),
        means={name: _means(sing, lines, list(seeds)) for name, sing in SINGERS.items()},
    )


def _means(sing: Sung, songs: Sequence[Sequence[ScoredLine]], seeds: Sequence[int]) -> list[float]:
    takes = [(lines, _take(sing, lines, seed)) for seed in seeds for lines in songs]
    return [fmean(song_score(lines, take, level=level) for lines, take in takes) for level in range(len(LEVELS))]


def _take(sing: Sung, lines: Sequence[ScoredLine], seed: int) -> list[SungFrame]:
    notes = sorted((note for line in lines for note in line.notes), key=lambda note: note.begin_ms)
    return list(sing(notes, np.random.default_rng(seed)))


def song_score(lines: Sequence[ScoredLine], frames: Iterable[SungFrame], *, level: int) -> float:
    """The mean score of a song's lines, 0 to 100, not rounded."""
    scoring = Scoring(lines, level=level)
    for frame in frames:
        scoring.hear(frame)
    scoring.finish()
    return 100 * scoring.total / scoring.full


def _times(begin_ms: float, end_ms: float) -> Iterator[float]:
    """The instants at which frames come between."""
    first = int(-(-begin_ms // FRAME_MS))
    yield from (float(FRAME_MS * number) for number in range(first, int(-(-end_ms // FRAME_MS))))


def _frame(time_ms: float, pitch: float) -> SungFrame:
    return SungFrame(time_ms, 440 * 2 ** ((pitch - 69) / 12), LEVEL_DB)
