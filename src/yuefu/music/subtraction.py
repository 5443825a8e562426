"""A recording minus its backing: the voice alone.

It works where both are one production, for then the backing is in the recording sample by sample. So that is looked at
first, at several places of the song, and whatever else the two may be is said instead of guessed: another performance,
another cut, another speed.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from yuefu.music.f0 import Mono
from yuefu.units import SECOND_MS

WINDOW_S = 16
"""How much of both is compared at one place."""

FEWEST_PLACES, PLACES = 4, 7
FARTHEST_S = 12
"""How much later or earlier one may begin."""

LOWEST_HZ, HIGHEST_HZ = 80.0, 5_500.0
"""The band that lossy codecs keep."""

CLEAR_PEAK = 8.0
"""How far the likeness at the right offset must stand out of that at all others, in their standard deviations."""

FARTHEST_APART_S = 0.000_3
"""How far offsets at two places may differ before it counts as drift: a cancellation of about 10 dB at 1 kHz."""

LEAST_DROP_DB = 10.0
"""How much quieter the backing must become."""

GAIN_S = 4.0
"""How long the gain is taken to stay the same: a limiter turns a recording down where it is loud."""

GAIN_DOUBT = 0.05
TAPS = 16
BLOCK_SAMPLES = 1 << 18
SILENCE = 1e-4
TINY = 1e-12

MOMENT_S = 0.25
FRAME_SAMPLES, MOST_FRAMES = 2_048, 400
"""What is looked at to see how well a backing was taken out."""

LEAST_SHARE = 0.05
"""The parts of a backing below this share of its mean power say nothing about that."""


Powers = NDArray[np.float64]


class NotThatBacking(Exception):
    """The backing is not in the recording as it is; the text says why."""


@dataclass(frozen=True, slots=True)
class Residual:
    """What is left of a recording without its backing, at the recording's rate and of its length.

    `offset_s` is how much later the backing lies in the recording than in its own file; `drop_db` is how much quieter
    the backing has become.
    """

    voice: Mono
    offset_s: float
    drop_db: float


def subtract(recording: Mono, backing: Mono, rate_hz: int) -> Residual:
    """Take the backing out of the recording.

    Beside the two it holds one array of their length. Raises `NotThatBacking`.
    """
    offset = _find_offset(recording, backing, rate_hz)
    voice = _place(backing, offset, len(recording))
    hop = round(MOMENT_S * rate_hz)
    gains = _gains(_products(recording, voice, hop), _products(voice, voice, hop))
    middles = (np.arange(len(gains)) + 0.5) * hop
    for part in _blocks(len(recording)):
        voice[part] *= np.interp(np.arange(part.start, part.stop), middles, gains).astype(np.float32)
        np.subtract(recording[part], voice[part], out=voice[part])
    gone_db = measure_drop_db(recording, voice)
    if gone_db < LEAST_DROP_DB:
        raise NotThatBacking(
            f"only {max(gone_db, 0):.0f} dB of it can be taken out of the original; it may be another recording"
        )
    return Residual(voice, offset / rate_hz, gone_db)


# Alignment


def _find_offset(recording: Mono, backing: Mono, rate_hz: int) -> float:
    """How many samples late the backing lies in the recording. Raises `NotThatBacking`."""
    size = min(WINDOW_S * rate_hz, len(recording) // FEWEST_PLACES, len(backing))
    places = [place for place in _places(len(recording), size) if _level(recording[place : place + size]) > SILENCE]
    rough = None
    for place in sorted(places, key=lambda place: abs(2 * place + size - len(recording))):
        rough = _compare(recording, backing, rate_hz, place, size, around=0, reach=FARTHEST_S * rate_hz)
        if rough is not None:
            break
    if rough is None:
        raise NotThatBacking("it is not in the original: another recording, or another speed")
    found = [
        _compare(recording, backing, rate_hz, place, size, around=round(rough), reach=rate_hz // 4) for place in places
    ]
    offsets = [offset for offset in found if offset is not None]
    apart_s = (max(offsets, default=0) - min(offsets, default=0)) / rate_hz
    if apart_s > FARTHEST_APART_S:
        raise NotThatBacking(f"it runs {apart_s * SECOND_MS:.1f} ms away from the original in the course of the song")
    if 2 * len(offsets) <= len(found):
        raise NotThatBacking(f"it is in the original at {len(offsets)} of {len(found)} places: another cut")
    return float(np.median(offsets))


def _places(length: int, size: int) -> list[int]:
    """Where the windows begin that are compared, evenly over the song."""
    count = max(1, min(PLACES, length // max(size, 1)))
    return [round(place) for place in np.linspace(0, length - size, count)]


def _compare(
    recording: Mono, backing: Mono, rate_hz: int, place: int, size: int, *, around: int, reach: int
) -> float | None:
    """The offset, within `reach` of `around`, at which a window of the recording has the backing in it.

    By cross-correlation with a whitened spectrum (GCC-PHAT: Knapp and Carter, 1976). None where nothing stands out.
    """
    first = place - around - reach
    bins = 1 << (size + 2 * reach - 1).bit_length()
    beside = np.fft.rfft(_stretch(backing, first, size + 2 * reach), bins)
    cross = np.fft.rfft(recording[place : place + size], bins) * np.conj(beside)
    low, high = (round(hz * bins / rate_hz) for hz in (LOWEST_HZ, HIGHEST_HZ))
    cross[:low] = cross[high:] = 0
    cross /= np.maximum(np.abs(cross), np.finfo(np.float32).tiny)
    # Lag 0 is a backing that lies `around + reach` samples late.
    likeness = np.roll(np.fft.irfft(cross, bins), 2 * reach)[: 2 * reach + 1]
    peak = int(np.argmax(likeness))
    if not likeness[peak] > CLEAR_PEAK * np.std(likeness):
        return None
    return around + peak - reach + _refine(cross[low:high], np.arange(low, high) / bins, peak - 2 * reach)


def _refine(cross: NDArray[np.complexfloating], frequencies: NDArray[np.float64], lag: int) -> float:
    """How far beside that lag, at most half a sample, the likeness is greatest."""
    steps = np.linspace(-0.75, 0.75, 7)
    turned = cross * np.exp(2j * np.pi * frequencies * (lag + steps[0]))
    onward = np.exp(2j * np.pi * frequencies * (steps[1] - steps[0]))
    likeness = []
    for _ in steps:
        likeness.append(turned.real.sum())
        turned *= onward
    best = min(max(int(np.argmax(likeness)), 1), len(steps) - 2)
    before, at, after = likeness[best - 1 : best + 2]
    curve = before - 2 * at + after
    return float(steps[best] + (0.125 * (before - after) / curve if curve < 0 else 0.0))


def _stretch(sound: Mono, first: int, size: int) -> Mono:
    """So many samples from `first` on, silence where the sound has none."""
    held = sound[max(first, 0) : max(first + size, 0)]
    lead = min(max(-first, 0), size)
    return np.pad(held, (lead, size - lead - len(held)))


def _place(backing: Mono, offset: float, length: int) -> Mono:
    """The backing as it lies in a recording of that length, moved between the samples too."""
    whole = int(np.floor(offset))
    kernel = np.sinc(np.arange(-TAPS, TAPS + 1) - (offset - whole)) * np.hanning(2 * TAPS + 3)[1:-1]
    placed = np.empty(length, np.float32)
    for part in _blocks(length):
        beside = _stretch(backing, part.start - whole - TAPS, part.stop - part.start + 2 * TAPS)
        placed[part] = np.convolve(beside, kernel.astype(np.float32), "valid")
    return placed


def _blocks(length: int) -> Iterator[slice]:
    for first in range(0, length, BLOCK_SAMPLES):
        yield slice(first, min(first + BLOCK_SAMPLES, length))


# Gain


def _gains(alike: Powers, backed: Powers) -> Powers:
    """How loud the backing is in the recording, moment by moment: least squares over windows of `GAIN_S`."""
    usual = alike.sum() / max(backed.sum(), TINY)
    window = np.hanning(round(GAIN_S / MOMENT_S) + 2)[1:-1]
    size = min(len(window), len(alike))
    alike, own = (np.convolve(sums, window[:size], "same") for sums in (alike, backed))
    faint = GAIN_DOUBT * own.mean() + TINY  # where the backing all but rests its gain is as usual
    return np.asarray((alike + faint * usual) / (own + faint))


def measure_drop_db(recording: Mono, voice: Mono) -> float:
    """How much of the backing is gone where `voice`, of the same length, is what is left of the recording.

    It is that in the best third of the tones and instants in which the backing sounds. A singer is in few of these at
    once, so that some show the backing alone even where nobody rests. Two sounds that are not the same cancel by
    chance, and hardly anywhere by much.
    """
    size = min(FRAME_SAMPLES, len(recording))
    if not size:
        return 0.0
    begins = np.unique(np.linspace(0, len(recording) - size, min(MOST_FRAMES, len(recording) // size)).astype(int))
    frames = begins[:, None] + np.arange(size)
    before, after = (np.fft.rfft(sound[frames] * np.hanning(size), axis=1) for sound in (recording, voice))
    taken = np.abs(before - after) ** 2
    sounding = taken > LEAST_SHARE * taken.mean()
    if not sounding.any():
        return 0.0
    drops_db = 10 * np.log10((np.abs(before) ** 2 + TINY) / (np.abs(after) ** 2 + TINY))
    return float(np.percentile(drops_db[sounding], 67))


def _products(first: Mono, second: Mono, hop: int) -> Powers:
    """The sums of the products of each `hop` samples; the last few samples count with those before."""
    count = max(len(first) // hop, 1)
    pairs = (sound[: count * hop].reshape(count, -1) for sound in (first, second))
    return np.asarray(np.einsum("ij,ij->i", *pairs), np.float64)


def _level(sound: Mono) -> float:
    return float(np.sqrt(np.vdot(sound, sound) / len(sound))) if len(sound) else 0.0
