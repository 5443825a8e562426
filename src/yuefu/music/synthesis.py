"""The few tools every instrument here is made of. Pure numpy, written so that a song takes a second.

Signals are float32 arrays, nominally within -1 … 1: mono has the shape (n,), stereo (n, 2). Times are in seconds,
chance is a `numpy.random.Generator` that the caller seeds.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE_HZ = 44_100
TABLE_SIZE = 2_048

Signal = NDArray[np.float32]
Numbers = Sequence[float] | NDArray[np.floating]


def samples(seconds: float) -> int:
    """How many samples `seconds` last, to the nearest one."""
    return round(seconds * SAMPLE_RATE_HZ)


def frequency_hz(pitch: float) -> float:
    """The frequency of a MIDI note number (69 = 440 Hz); fractions are parts of a semitone."""
    return float(440.0 * 2.0 ** ((pitch - 69.0) / 12.0))


def ring(
    frequencies_hz: Numbers,
    decays_per_s: Numbers,
    amplitudes: Numbers,
    phases: Numbers,
    seconds: float,
) -> Signal:
    """The sum of decaying partials `a·exp(-d·t)·cos(2πft + φ)`: a string, a bell, a held chord (decay 0).

    A damped oscillation over a block is the block's first value times one and the same curve, so the whole sum is one
    matrix product of (blocks, partials) by (partials, samples of a block): some fifty times faster than one cosine a
    sample.
    """
    n = samples(seconds)
    block = max(1, int(np.sqrt(n)))
    blocks = -(-n // block)
    rate = (-np.asarray(decays_per_s) + 2j * np.pi * np.asarray(frequencies_hz)) / SAMPLE_RATE_HZ
    start = np.asarray(amplitudes) * np.exp(1j * np.asarray(phases))
    heads = start * np.exp(np.outer(np.arange(blocks) * block, rate))
    curve = np.exp(np.outer(rate, np.arange(block)))
    summed = heads.real.astype(np.float32) @ curve.real.astype(np.float32)
    summed -= heads.imag.astype(np.float32) @ curve.imag.astype(np.float32)
    return np.asarray(summed.reshape(-1)[:n])


def wave_table(spectrum: NDArray[np.complex128]) -> Signal:
    """One period of the sound whose harmonics 1, 2, … have the complex amplitudes of `spectrum`, at a peak of 1.

    The first value is repeated at the end, for interpolation.
    """
    bins = np.zeros(TABLE_SIZE // 2 + 1, np.complex128)
    bins[1 : len(spectrum) + 1] = spectrum
    period = np.fft.irfft(bins, TABLE_SIZE)
    period /= np.max(np.abs(period))
    return np.append(period, period[0]).astype(np.float32)


def oscillate(f0_hz: NDArray[np.float64], table: Signal) -> Signal:
    """The table read at a frequency given for every sample, its phase running on without a break."""
    position = np.cumsum(f0_hz * (TABLE_SIZE / SAMPLE_RATE_HZ)) % TABLE_SIZE
    index = position.astype(np.int32)
    part = (position - index).astype(np.float32)
    low = table[index]
    return np.asarray(low + (table[index + 1] - low) * part)


def shaped_noise(n: int, bands: Sequence[tuple[float, float]], rng: np.random.Generator) -> Signal:
    """Noise whose spectrum follows straight lines through (frequency in Hz, gain), at an RMS of 1."""
    size = 1 << (n - 1).bit_length()
    spectrum = np.fft.rfft(rng.standard_normal(size).astype(np.float32))
    frequencies, gains = zip(*bands, strict=True)
    spectrum *= np.interp(np.fft.rfftfreq(size, 1 / SAMPLE_RATE_HZ), frequencies, gains).astype(np.float32)
    noise = np.fft.irfft(spectrum, size)[:n]
    return np.asarray(noise / np.sqrt(np.mean(noise**2)), dtype=np.float32)


def fade(signal: Signal, *, attack_s: float = 0.0, release_s: float = 0.0) -> Signal:
    """The signal with raised-cosine ends."""
    shaped = signal.copy()
    for seconds, piece in ((attack_s, shaped), (release_s, shaped[::-1])):
        n = min(samples(seconds), len(signal))
        piece[:n] *= (0.5 - 0.5 * np.cos(np.pi * np.arange(n) / max(n, 1))).astype(np.float32)
    return shaped


def add_at(track: Signal, at_s: float, sound: Signal, gain: float = 1.0) -> None:
    """Add a sound to a track from an instant on, in place; what lies outside the track is not heard."""
    begin = samples(at_s)
    skip = max(0, -begin)
    end = min(begin + len(sound), len(track))
    if end > begin + skip:
        track[begin + skip : end] += gain * sound[skip : end - begin]


def pan(signal: Signal, position: float) -> Signal:
    """Mono to stereo at equal power: position -1 is left, 0 the middle, 1 right."""
    angle = (position + 1.0) * np.pi / 4.0
    return np.outer(signal, np.array([np.cos(angle), np.sin(angle)], np.float32))


def reverberate(signal: Signal, *, seconds: float, seed: int) -> Signal:
    """The stereo echo alone of a mono signal in a room whose sound dies away by 60 dB in `seconds`.

    Convolution with two unlike decaying noises, darker the longer they ring, at half the sample rate: a room of this
    kind answers nothing above 11 kHz.
    """
    half_hz = SAMPLE_RATE_HZ / 2
    room = _room(round(seconds * half_hz), half_hz, seconds, np.random.default_rng(seed))
    padded = np.append(signal, np.zeros(len(signal) % 2, np.float32))
    coarse = padded.reshape(-1, 2).mean(axis=1)
    block = 1 << (len(room) - 1).bit_length()
    count = -(-len(coarse) // block)
    blocks = np.zeros((count, block), np.float32)
    blocks.reshape(-1)[: len(coarse)] = coarse
    spectra = np.fft.rfft(blocks, 2 * block, axis=1)
    wet = np.empty((len(padded), 2), np.float32)
    for side in (0, 1):
        pieces = np.fft.irfft(spectra * np.fft.rfft(room[:, side], 2 * block), 2 * block, axis=1)
        line = np.zeros(block * (count + 1), np.float32)
        line[: count * block] = pieces[:, :block].reshape(-1)
        line[block:] += pieces[:, block:].reshape(-1)
        wet[0::2, side] = line[: len(coarse)]
        wet[1:-1:2, side] = (line[: len(coarse) - 1] + line[1 : len(coarse)]) / 2
        wet[-1, side] = line[len(coarse) - 1]
    return np.asarray(wet[: len(signal)])


def _room(n: int, rate_hz: float, seconds: float, rng: np.random.Generator) -> Signal:
    noise = rng.standard_normal((n, 2))
    dark = np.cumsum(noise, axis=0)
    dark = (dark - np.vstack([np.zeros((12, 2)), dark[:-12]])) / np.sqrt(12)
    age = (np.arange(n) / n)[:, None]
    tail = (noise * (1 - age) ** 2 + dark * age) * np.exp(-6.91 * np.arange(n) / (rate_hz * seconds))[:, None]
    tail[: round(0.012 * rate_hz)] = 0.0
    return np.asarray(tail / np.sqrt(np.sum(tail**2, axis=0)), dtype=np.float32)


def level_db(signal: Signal) -> float:
    """RMS in dBFS of the parts that sound (blocks of 0.4 s within 20 dB of the loudest), after EBU R 128's gating.

    There is no frequency weighting: for music like ours the figure lies within about 2 dB of LUFS.
    """
    block = samples(0.4)
    power = np.square(signal, dtype=np.float32).reshape(len(signal), -1).sum(axis=1)
    means = power[: len(power) // block * block].reshape(-1, block).mean(axis=1)
    loud = means[means > means.max() / 100]
    return float(10 * np.log10(loud.mean())) if len(loud) else -np.inf


def limiting_gain(signal: Signal, ceiling: float) -> Signal:
    """A smooth gain (n,), at most 1, under which no sample of a stereo signal exceeds `ceiling`.

    It is handed out instead of applied, so that the parts of a mix can take the very same one and still add up.
    """
    block = samples(0.005)
    count = -(-len(signal) // block)
    peaks = np.zeros(count * block, np.float32)
    left, right = np.abs(signal).T
    np.maximum(left, right, out=peaks[: len(signal)])
    needed = np.minimum(1.0, ceiling / np.maximum(peaks.reshape(-1, block).max(axis=1), 1e-9))
    reach = 12
    padded = np.pad(needed, reach, mode="edge")
    lowest = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1).min(axis=1)
    window = np.hanning(2 * reach + 1)
    smooth = np.convolve(np.pad(lowest, reach, mode="edge"), window / window.sum(), mode="valid")
    safe = np.minimum(smooth, np.lib.stride_tricks.sliding_window_view(np.pad(needed, 1, mode="edge"), 3).min(axis=1))
    middles = (np.arange(count) + 0.5) * block
    return np.asarray(np.interp(np.arange(len(signal)), middles, safe), dtype=np.float32)
