"""How much the phrases of a song stand out: by how loud the music is, by how it swells, by how high they are sung."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from yuefu.music.f0 import RATE_HZ, Mono
from yuefu.music.notes import PitchLine
from yuefu.units import SECOND_MS, Span

STEP_MS = 100
SWELL_MS = 8 * SECOND_MS
"""How much of the music before and after a phrase's begin is compared."""

SILENCE_DB = -70.0
SAME_DB, SAME_SEMITONES = 1.5, 1.5
"""How much phrases usually differ; a song in which they differ by less is not to be told by that little."""

MOST = 2.0

Curve = NDArray[np.float64]


def loudness_curve(sound: Mono) -> Curve:
    """The level of a sound at `RATE_HZ`, in dB, each `STEP_MS`."""
    step = RATE_HZ * STEP_MS // SECOND_MS
    steps = sound[: len(sound) // step * step].reshape(-1, step)
    power = np.einsum("ij,ij->i", steps, steps).astype(np.float64) / step
    return np.asarray(10 * np.log10(power + 10 ** (SILENCE_DB / 10)))


@dataclass(frozen=True, slots=True)
class Prominence:
    """For each phrase how far it lies above the song's usual one, in spreads of the song's phrases (-2 to 2)."""

    loudness: Curve
    swell: Curve
    height: Curve

    @property
    def is_known(self) -> bool:
        """Whether anything stands out."""
        return bool(self.loudness.any() or self.height.any())


def prominence_of(phrases: Sequence[Span], loudness_db: Curve | None, pitch_line: PitchLine) -> Prominence:
    """How much each phrase stands out; by what is not known, none does."""
    if loudness_db is None or not len(loudness_db):
        loudness = swell = np.zeros(len(phrases))
    else:
        loudness = np.array([_mean(loudness_db, span.begin_ms, span.end_ms) for span in phrases])
        swell = np.array([_swell(loudness_db, span.begin_ms, float(np.median(loudness))) for span in phrases])
    height = _heights(phrases, pitch_line)
    return Prominence(_spread(loudness, SAME_DB), _spread(swell, SAME_DB), _spread(height, SAME_SEMITONES))


def _swell(loudness_db: Curve, at_ms: int, usual_db: float) -> float:
    """How much louder it gets; after an intro or a break, how much louder than usual, for there anything is louder."""
    before_db = _mean(loudness_db, at_ms - SWELL_MS, at_ms)
    return _mean(loudness_db, at_ms, at_ms + SWELL_MS) - max(before_db, usual_db)


def _mean(curve: Curve, begin_ms: int, end_ms: int) -> float:
    """The curve's mean over a stretch, its nearest value for one that lies beside it."""
    last = len(curve) - 1
    first = min(max(begin_ms // STEP_MS, 0), last)
    return float(curve[first : max(end_ms // STEP_MS, first + 1)].mean())


def _heights(phrases: Sequence[Span], pitch_line: PitchLine) -> Curve:
    """The mean pitch of each phrase's notes, the song's own for one without."""
    notes = [note for note in pitch_line.notes if note.kind.is_pitched]
    if not notes:
        return np.zeros(len(phrases))
    begins_ms = np.array([note.begin_ms for note in notes])
    lengths_ms = np.array([max(note.duration_ms, 1) for note in notes], np.float64)
    pitches = np.array([note.pitch for note in notes], np.float64)
    usual = np.average(pitches, weights=lengths_ms)
    heights = np.full(len(phrases), usual)
    for place, span in enumerate(phrases):
        first, last = np.searchsorted(begins_ms, (span.begin_ms, span.end_ms))
        if last > first:
            heights[place] = np.average(pitches[first:last], weights=lengths_ms[first:last])
    return heights


def _spread(values: Curve, usual: float) -> Curve:
    """Values as distances from their median, in standard deviations or in `usual` ones where those are smaller."""
    return np.clip((values - np.median(values)) / max(float(np.std(values)), usual), -MOST, MOST)
