"""Live pitch on the synthetic suite: how right, how old, how dear; and what the voice scores that is heard so."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import fmean

import numpy as np

from accuracy.measure import NO_FRAMES, Melody, compare_melody
from accuracy.scoring import song_score
from accuracy.suite import Item, heard, items, with_noise
from yuefu.music.f0 import FRAME_MS, RATE_HZ, Mono, PitchTrack
from yuefu.music.live import LivePitch
from yuefu.music.notes import Note, PitchLine
from yuefu.music.scoring import LEVELS, ScoredLine, SungFrame, scored_lines

ITEMS = 8
SEED = 41
"""Other excerpts than those that the rules of scoring were looked at with."""

BLOCK_SAMPLES = 128
"""What comes at a time, as browsers give sound; a block that is no part of a frame adds its own length to the age."""

SLOW_PERCENTILE = 95
CLEAN, NOISE_10 = "dry", "noise, 10 dB"


@dataclass(slots=True)
class LiveFigures:
    """What came out by condition: frames, and scores by level; a frame without pitch is wrong where there is singing.

    Ages are how far the sound had gone on beyond a frame when it came, times what finding it took.
    """

    melodies: dict[str, Melody] = field(default_factory=dict)
    scores: dict[str, list[list[float]]] = field(default_factory=dict)
    ages_ms: list[float] = field(default_factory=list)
    times_ms: list[float] = field(default_factory=list)

    @property
    def oldest_ms(self) -> float:
        return max(self.ages_ms)

    @property
    def slow_ms(self) -> float:
        return float(np.percentile(self.times_ms, SLOW_PERCENTILE))

    def mean_score(self, condition: str, level: int) -> float:
        return fmean(levels[level] for levels in self.scores[condition])


def measure_live(count: int = ITEMS) -> LiveFigures:
    """So many excerpts, alone and in noise."""
    figures = LiveFigures()
    for number, item in enumerate(items(count, seed=SEED)):
        dry, lines = heard(item.dry), _lines(item)
        for condition, sound in ((CLEAN, dry), (NOISE_10, with_noise(dry, 10, seed=number))):
            frames = list(_hear(sound, figures))
            melody = compare_melody(item.f0_hz[_places(frames, item)], _track(frames))
            figures.melodies[condition] = figures.melodies.get(condition, NO_FRAMES) + melody
            scores = [song_score(lines, frames, level=level) for level in range(len(LEVELS))]
            figures.scores.setdefault(condition, []).append(scores)
    return figures


def _hear(sound: Mono, figures: LiveFigures) -> Iterator[SungFrame]:
    live = LivePitch()
    for first in range(0, len(sound), BLOCK_SAMPLES):
        block = sound[first : first + BLOCK_SAMPLES]
        begun_s = time.perf_counter()
        frames = live.hear(block)
        taken_ms = 1_000 * (time.perf_counter() - begun_s)
        heard_ms = 1_000 * (first + len(block)) / RATE_HZ
        figures.times_ms += [taken_ms for _ in frames]
        figures.ages_ms += [heard_ms - frame.time_ms for frame in frames]
        yield from frames


def _track(frames: list[SungFrame]) -> PitchTrack:
    """The frames for comparing; what has no pitch is put where nobody sings."""
    return PitchTrack(
        np.array([frame.pitch_hz or 1.0 for frame in frames]),
        np.array([float(frame.pitch_hz is not None) for frame in frames]),
        np.array([frame.level_db for frame in frames]),
    )


def _places(frames: list[SungFrame], item: Item) -> list[int]:
    """Where in the item's `f0_hz` the frames lie, as far as it goes."""
    places = (round(frame.time_ms / FRAME_MS) for frame in frames)
    return [place for place in places if place < len(item.f0_hz)]


def _lines(item: Item) -> tuple[ScoredLine, ...]:
    notes = (
        Note(begin_ms=round(note.begin_ms), duration_ms=round(note.end_ms - note.begin_ms), pitch=round(note.pitch))
        for note in item.notes
    )
    return scored_lines(PitchLine(notes=tuple(notes)), item.lyrics)
