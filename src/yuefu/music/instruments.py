"""The instruments of the band: what one note or one stroke of each sounds like.

Strings, keys, bells and pads are sums of decaying partials (`synthesis.ring`), drums are noise and falling sines. A
sound that is asked for twice is made once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from yuefu.music.synthesis import (
    SAMPLE_RATE_HZ,
    Signal,
    add_at,
    fade,
    frequency_hz,
    oscillate,
    ring,
    samples,
    shaped_noise,
    wave_table,
)


@dataclass(frozen=True, slots=True)
class Timbre:
    """A struck or plucked sound: partials up to `partials`, plucked at a share of the string, damped by `decay` a
    second plus `damping` for each partial, stretched by `stiffness`; `dark` is how fast partials get weaker.
    """

    partials: int
    pluck: float
    dark: float
    decay: float
    damping: float
    stiffness: float = 0.0
    seconds: float = 2.4
    ratios: tuple[float, ...] = ()
    attack_s: float = 0.002


TIMBRES = {
    "zheng": Timbre(26, 0.11, 1.0, 1.3, 0.28, 0.00012, 2.6),
    "koto": Timbre(24, 0.07, 0.85, 1.8, 0.4, 0.0002, 2.2),
    "guitar": Timbre(20, 0.19, 1.25, 1.6, 0.5, 0.00005, 2.0),
    "piano": Timbre(20, 0.125, 1.35, 1.1, 0.35, 0.0004, 2.4, attack_s=0.004),
    "harp": Timbre(14, 0.35, 1.5, 1.5, 0.6, 0.0, 2.2),
    "bells": Timbre(5, 0.0, 1.4, 1.2, 0.8, 0.0, 2.4, ratios=(1.0, 2.0, 3.01, 5.43, 8.21)),
    "bass": Timbre(9, 0.22, 1.6, 1.8, 0.5, 0.0, 1.6, attack_s=0.008),
}


@cache
def string_sound(name: str, pitch: int) -> Signal:
    timbre = TIMBRES[name]
    rng = np.random.default_rng(pitch)
    numbers = np.arange(1, timbre.partials + 1)
    ratios = np.array(timbre.ratios) if timbre.ratios else numbers * np.sqrt(1 + timbre.stiffness * numbers**2)
    frequencies = frequency_hz(pitch) * ratios
    heard = frequencies < SAMPLE_RATE_HZ * 0.45
    shape = np.abs(np.sin(np.pi * numbers * timbre.pluck)) + 0.02 if timbre.pluck else np.ones(len(numbers))
    amplitudes = shape * numbers.astype(float) ** -timbre.dark * (0.9 + 0.2 * rng.random(len(numbers)))
    decays = (timbre.decay + timbre.damping * (numbers - 1)) * (frequency_hz(pitch) / 260) ** 0.4
    phases = -np.pi / 2 + 0.3 * rng.standard_normal(len(numbers))
    sound = ring(frequencies[heard], decays[heard], amplitudes[heard], phases[heard], timbre.seconds)
    return fade(sound / np.float32(np.max(np.abs(sound))), attack_s=timbre.attack_s, release_s=0.5)


@cache
def pad_sound(pitches: tuple[int, ...], seconds: float, detune: int) -> Signal:
    """A soft held chord; `detune` (±1) leans its partials so that two of them, left and right, drift apart."""
    partials = [(pitch, number) for pitch in pitches for number in (1, 2, 3, 4)]
    frequencies = [frequency_hz(pitch + 0.05 * detune * (1 + 0.3 * number)) * number for pitch, number in partials]
    amplitudes = [1.0 / number**1.7 for _, number in partials]
    phases = [1.9 * index for index in range(len(partials))]
    sound = ring(frequencies, [0.0] * len(partials), amplitudes, phases, seconds)
    return fade(sound, attack_s=min(0.35, seconds / 3), release_s=min(0.45, seconds / 3))


@dataclass(frozen=True, slots=True)
class Drum:
    """A drum on the desk: its loudness, its place, and how much of it the room hears."""

    make: Callable[[np.random.Generator], Signal]
    gain: float
    position: float = 0.0
    room: float = 0.1


def _tone(begin_hz: float, end_hz: float, seconds: float, decay_per_s: float) -> Signal:
    """A sine that falls from one frequency to another as it dies: the skin of a drum."""
    ages = np.arange(samples(seconds)) / SAMPLE_RATE_HZ
    f0: NDArray[np.float64] = end_hz + (begin_hz - end_hz) * np.exp(-ages * 28)
    phase = 2 * np.pi * np.cumsum(f0) / SAMPLE_RATE_HZ
    return fade((np.sin(phase) * np.exp(-decay_per_s * ages)).astype(np.float32), attack_s=0.002, release_s=0.02)


def _burst(
    seconds: float, decay_per_s: float, bands: Sequence[tuple[float, float]], rng: np.random.Generator
) -> Signal:
    n = samples(seconds)
    curve = np.exp(-decay_per_s * np.arange(n) / SAMPLE_RATE_HZ).astype(np.float32)
    return fade(shaped_noise(n, bands, rng) * curve / np.float32(4), attack_s=0.001, release_s=0.01)


def _kick(rng: np.random.Generator) -> Signal:
    sound = _tone(130, 48, 0.32, 12)
    add_at(sound, 0.0, _burst(0.02, 200, ((0, 0), (1000, 1), (3000, 0.5), (8000, 0)), rng), 0.5)
    return sound


def _snare(rng: np.random.Generator) -> Signal:
    sound = _burst(0.24, 20, ((0, 0), (600, 0.3), (2500, 1), (6000, 0.9), (14000, 0.3)), rng) * 1.4
    add_at(sound, 0.0, _tone(260, 185, 0.16, 24), 0.5)
    return sound


def _hat(rng: np.random.Generator) -> Signal:
    return _burst(0.08, 55, ((0, 0), (5500, 0), (8500, 1), (16000, 0.8)), rng)


def _shaker(rng: np.random.Generator) -> Signal:
    return fade(_burst(0.09, 30, ((0, 0), (3500, 0), (6500, 1), (12000, 0.4)), rng), attack_s=0.02)


def _block(rng: np.random.Generator) -> Signal:
    sound = ring([880, 1410, 2230], [38, 52, 70], [1, 0.6, 0.3], rng.random(3), 0.18)
    return fade(sound / np.float32(2), attack_s=0.001, release_s=0.02)


def _tom(rng: np.random.Generator) -> Signal:
    sound = _tone(190, 118, 0.4, 11)
    add_at(sound, 0.0, _burst(0.05, 90, ((0, 0), (400, 1), (2500, 0.3), (8000, 0)), rng), 0.6)
    return sound


def _small_gong(rng: np.random.Generator) -> Signal:
    frequencies = np.array([523, 784, 1012, 1460, 1985, 2610, 3370])
    sound = ring(frequencies, 3 + np.arange(7) * 0.9, 1 / np.arange(1, 8) ** 0.7, 6.28 * rng.random(7), 0.9)
    return fade(sound / np.float32(3), attack_s=0.004, release_s=0.1)


DRUMS = {
    "kick": Drum(_kick, 0.5, room=0.03),
    "snare": Drum(_snare, 0.22, 0.08, 0.25),
    "hat": Drum(_hat, 0.12, 0.35, 0.08),
    "shaker": Drum(_shaker, 0.12, -0.4, 0.15),
    "block": Drum(_block, 0.15, -0.3, 0.4),
    "tom": Drum(_tom, 0.42, -0.15, 0.25),
    "gong": Drum(_small_gong, 0.12, 0.3, 0.5),
}


@cache
def drum_sound(name: str) -> Signal:
    return DRUMS[name].make(np.random.default_rng(sum(name.encode())))


@cache
def _flute_table() -> Signal:
    return wave_table(np.array([1.0, 0.32j, 0.16, 0.05j, 0.03, 0.012j]))


@cache
def _flute_air() -> Signal:
    return shaped_noise(
        samples(6.0), ((0, 0), (700, 0.3), (2500, 1), (7000, 0.3), (12000, 0.05)), np.random.default_rng(5)
    )


def flute_sound(pitch: float, seconds: float, rng: np.random.Generator) -> Signal:
    n = samples(seconds)
    ages = np.arange(n) / SAMPLE_RATE_HZ
    depth = 0.18 * np.clip((ages - 0.2) / 0.4, 0, 1)
    bent = pitch + depth * np.sin(2 * np.pi * 5.0 * ages) - 0.5 * np.exp(-ages * 45)
    sound = oscillate(440.0 * 2.0 ** ((bent - 69) / 12), _flute_table())
    begin = int(rng.integers(0, samples(1.0)))
    sound = sound + 0.05 * np.resize(_flute_air()[begin:], n)
    swell = (0.85 + 0.15 * np.sin(np.pi * np.minimum(ages / max(ages[-1], 1e-3), 1))).astype(np.float32)
    return fade(sound * swell, attack_s=0.05, release_s=0.09)
