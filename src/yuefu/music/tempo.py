"""The tempo of a recording: how many beats a minute a listener would tap.

The onsets of all that is played are looked at twice: by what comes back after a while (autocorrelation), which is as
strong at half the tempo as at the tempo, and by what oscillates (Fourier), which is as strong at twice of it. Their
product stands out at the tempo alone (G. Peeters, "Time variable tempo detection and beat marking", 2005).

How fast the beat is felt, once or twice as fast, that does not say. How many onsets come in a second hints at it; how
fast the words come says it more often.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from yuefu.music.f0 import RATE_HZ, Mono

SLOWEST_BPM, FASTEST_BPM = 40.0, 220.0
STEPS_PER_OCTAVE = 240
"""How finely tempi are told apart before the best is refined: 0.3 %."""

HOP = 160
FRAMES_PER_S = RATE_HZ // HOP
FRAME = 1_024
BANDS = 32
COMPRESSION = 1_000.0
"""How much more than its loudest moments a sound's soft ones count."""

WINDOW_S = 12
STEP_S = 4
SHORTEST_S = 6
"""A shorter sound has no tempo that could be told."""

FELT_BPM, FELT_OCTAVES = 100.0, 0.6
"""Where and how widely tempi lie that are felt as the beat."""

ONSETS_PER_BEAT, ONSET_OCTAVES = 2.0, 0.6
"""How many onsets usually stand out on a beat; wide, as the synthetic band plays eighths alone, and others do not."""

SYLLABLES_PER_BEAT, SYLLABLE_OCTAVES = 1.4, 0.8
"""How many syllables are usually sung on a beat."""

KINSHIPS = (0.5, 2.0, 3.0, 1 / 3, 2 / 3, 1.5)
NEIGHBOUR_OCTAVES = 0.1

Curve = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Tempo:
    """`bpm`, and the tempo that it is most likely to be taken for; `confidence` that it is not is from 0 to 1."""

    bpm: float
    bpm_alt: float
    confidence: float


def find_tempo(sound: Mono, *, syllables_per_s: float | None = None) -> Tempo | None:
    """The tempo of a sound at `RATE_HZ`, None where no beat stands out.

    `syllables_per_s` is how fast words come while somebody sings.
    """
    if len(sound) < SHORTEST_S * RATE_HZ:
        return None
    onsets = onset_strength(sound)
    onsets_per_s = _onsets_per_s(onsets)
    if not onsets_per_s:
        return None
    tempi = SLOWEST_BPM * 2 ** (np.arange(_step(FASTEST_BPM) + 1) / STEPS_PER_OCTAVE)
    likeness = _likeness(onsets, tempi)
    felt = likeness * _nearness(tempi, FELT_BPM, FELT_OCTAVES)
    felt *= _nearness(60 * onsets_per_s / tempi, ONSETS_PER_BEAT, ONSET_OCTAVES)
    if syllables_per_s:
        felt *= _nearness(60 * syllables_per_s / tempi, SYLLABLES_PER_BEAT, SYLLABLE_OCTAVES)
    best = int(np.argmax(felt))
    if not felt[best] > 0:
        return None
    bpm = _refine(onsets, tempi[best])
    apart = np.abs(np.log2(tempi / tempi[best])) > NEIGHBOUR_OCTAVES
    second = int(np.argmax(np.where(apart, felt, 0)))
    return Tempo(bpm=bpm, bpm_alt=_kin(bpm, tempi[second]), confidence=float(1 - felt[second] / felt[best]))


def onset_strength(sound: Mono) -> Curve:
    """How much begins to sound, `FRAMES_PER_S` times a second: the rise of loudness over bands of frequency."""
    window = np.hanning(FRAME).astype(np.float32)
    edges = np.unique(np.geomspace(2, FRAME // 2, BANDS + 1).astype(int))
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(sound, (FRAME // 2, FRAME // 2)), FRAME)[::HOP]
    bands = [
        np.add.reduceat(np.abs(np.fft.rfft(part * window, axis=1)), edges[:-1], axis=1)
        for part in np.array_split(frames, max(1, len(frames) // 500))
    ]
    loudness = np.concatenate(bands)
    loudness = np.log1p(loudness * (COMPRESSION / max(float(loudness.max()), 1e-9)))
    rise = np.maximum(np.diff(loudness, axis=0, prepend=loudness[:1]), 0).sum(axis=1, dtype=np.float64)
    usual = np.convolve(rise, np.hanning(FRAMES_PER_S) / np.hanning(FRAMES_PER_S).sum(), "same")
    return np.asarray(np.maximum(rise - usual, 0))


def _onsets_per_s(onsets: Curve) -> float:
    """How many onsets a second stand out: peaks above the root mean square."""
    before, here, after = onsets[:-2], onsets[1:-1], onsets[2:]
    peaks = (here > before) & (here >= after) & (here > np.sqrt(np.mean(onsets**2)))
    return float(peaks.sum()) * FRAMES_PER_S / len(onsets)


def _likeness(onsets: Curve, tempi: Curve) -> Curve:
    """How much of the onsets comes in each tempo: autocorrelation times spectrum, over windows of `WINDOW_S`."""
    size = min(WINDOW_S * FRAMES_PER_S, len(onsets))
    window = np.hanning(size)
    turns = np.exp(-2j * np.pi * np.outer(np.arange(size) / FRAMES_PER_S, tempi / 60))
    lags = 60 * FRAMES_PER_S / tempi
    total = np.zeros(len(tempi))
    for first in range(0, len(onsets) - size + 1, STEP_S * FRAMES_PER_S):
        part = onsets[first : first + size] * window
        if not part.any():
            continue
        power = np.abs(np.fft.rfft(part - part.mean(), 2 * size)) ** 2
        again = np.fft.irfft(power)[:size]
        came_back = np.maximum(np.interp(lags, np.arange(size), again / again[0]), 0)
        total += came_back * np.abs((part - part.mean()) @ turns) / part.sum()
    return total


def _nearness(values: Curve, usual: float, octaves: float) -> Curve:
    return np.asarray(np.exp(-0.5 * (np.log2(values / usual) / octaves) ** 2))


def _refine(onsets: Curve, bpm: float) -> float:
    """The tempo near `bpm` in which the onsets stay together longest."""
    tempi = bpm * np.linspace(0.99, 1.01, 41)
    size = min(2 * WINDOW_S * FRAMES_PER_S, len(onsets))
    turns = np.exp(-2j * np.pi * np.outer(np.arange(size) / FRAMES_PER_S, tempi / 60))
    parts = np.lib.stride_tricks.sliding_window_view(onsets, size)[:: size // 2] * np.hanning(size)
    return float(tempi[int(np.argmax(np.abs(parts @ turns).sum(axis=0)))])


def _kin(bpm: float, near: float) -> float:
    """The simple multiple of `bpm` that is nearest to a tempo."""
    return min((bpm * kinship for kinship in KINSHIPS), key=lambda kin: abs(np.log2(kin / near)))


def _step(bpm: float) -> int:
    return int(np.log2(bpm / SLOWEST_BPM) * STEPS_PER_OCTAVE)
