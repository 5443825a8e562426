"""A synthetic singer: a glottal pulse train, filtered by the formants of the vowels sung.

The source is a wave table of Rosenberg's glottal pulse (A. E. Rosenberg, 1971), read with a running phase and mixed
with breath; the filter is applied to short overlapping spectra, its vowels gliding into each other. Pitch slides from
note to note, starts phrases from below, drifts a little and takes on vibrato on notes that are held; consonants stop
or shade the voice and add their noises; a breath is taken before each phrase.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from yuefu.music.phonetics import Sound
from yuefu.music.synthesis import (
    SAMPLE_RATE_HZ,
    Signal,
    add_at,
    fade,
    frequency_hz,
    oscillate,
    samples,
    shaped_noise,
    wave_table,
)

CONTROL_STEP = 128
"""Samples between two values of a control curve: 2.9 ms."""

FRAME = 1_024
HOP = 512
FILTER_SIZE = 2_048

GLIDE_STEPS = 12
"""How finely a glide from one vowel to the next is cut: each step is a filter of its own."""

FORMANTS_HZ = {
    "a": (780, 1230, 2650, 3300, 4300),
    "e": (420, 2050, 2650, 3400, 4300),
    "E": (580, 1830, 2600, 3400, 4300),
    "A": (540, 1250, 2550, 3300, 4300),
    "i": (310, 2250, 3000, 3500, 4400),
    "I": (380, 1400, 2600, 3400, 4300),
    "o": (430, 830, 2600, 3200, 4200),
    "O": (560, 920, 2550, 3200, 4200),
    "u": (340, 780, 2400, 3200, 4200),
    "v": (310, 1850, 2300, 3300, 4300),
    "r": (480, 1350, 1750, 3100, 4200),
    "n": (280, 1150, 2300, 3200, 4200),
    "m": (260, 980, 2200, 3200, 4200),
}
"""Resonances of an adult male vocal tract by sound (letters as in `phonetics`), after the usual vowel charts."""

BANDWIDTHS_HZ = (85.0, 95.0, 130.0, 170.0, 240.0)


@dataclass(frozen=True, slots=True)
class Consonant:
    """How a syllable begins, ahead of its beat: the voice fades to `voicing` of its loudness for `seconds`; a noise of
    the given bands sounds for `noise_s` of them at `loudness`. `shade` names the sound the mouth forms meanwhile.
    """

    seconds: float
    voicing: float
    noise_s: float = 0.0
    loudness: float = 0.0
    bands: tuple[tuple[float, float], ...] = ()
    shade: str = ""


_HISS = ((0, 0), (3500, 0.05), (5000, 1), (9000, 1), (14000, 0.3))
_HUSH = ((0, 0), (1500, 0.05), (2600, 1), (5500, 0.8), (9000, 0.2))
_PUFF = ((0, 0), (400, 0.8), (1200, 1), (4000, 0.4), (9000, 0.1))
_TAP = ((0, 0.1), (1500, 0.4), (3500, 1), (6000, 0.5), (9000, 0.1))
_POP = ((0, 0.4), (300, 1), (1200, 0.6), (3000, 0.1), (9000, 0))
_CLICK = ((0, 0.1), (900, 0.7), (1900, 1), (3000, 0.3), (9000, 0))

CONSONANTS = {
    **dict.fromkeys("bp", Consonant(0.075, 0.0, 0.022, 0.5, _POP)),
    **dict.fromkeys("dt", Consonant(0.075, 0.0, 0.022, 0.5, _TAP)),
    **dict.fromkeys("gkcq", Consonant(0.085, 0.0, 0.03, 0.45, _CLICK)),
    **dict.fromkeys(["s", "z", "th", "ß"], Consonant(0.11, 0.0, 0.1, 0.3, _HISS)),
    **dict.fromkeys(["sh", "x", "ch", "zh", "j"], Consonant(0.11, 0.0, 0.09, 0.35, _HUSH)),
    **dict.fromkeys(["h", "f"], Consonant(0.09, 0.0, 0.085, 0.16, _PUFF)),
    **dict.fromkeys("nl", Consonant(0.075, 0.45, shade="n")),
    "m": Consonant(0.085, 0.4, shade="m"),
    "v": Consonant(0.07, 0.4, 0.06, 0.1, _HISS),
    "r": Consonant(0.07, 0.5, shade="r"),
    "y": Consonant(0.07, 0.8, shade="i"),
    **dict.fromkeys(["w", "wh"], Consonant(0.07, 0.7, shade="u")),
}

_BREATH = ((0, 0), (500, 0.4), (1500, 1), (3500, 0.6), (8000, 0.25), (14000, 0.05))


@dataclass(frozen=True, slots=True)
class Singer:
    """What makes a voice: its tract against an adult man's, its vibrato, how bright and how breathy it is."""

    tract: float = 1.0
    vibrato_hz: float = 5.4
    vibrato_cents: float = 26.0
    brightness: float = 0.6
    breath: float = 0.05


@dataclass(frozen=True, slots=True)
class SungNote:
    """A note of a phrase: times in seconds, MIDI pitch, the sound of its syllable; None sings on the last one."""

    begin_s: float
    end_s: float
    pitch: float
    sound: Sound | None


Phrase = Sequence[SungNote]


def sing(phrases: Sequence[Phrase], singer: Singer, *, seconds: float, seed: int) -> Signal:
    """The phrases sung, dry and mono, over `seconds`; peaks lie near 0.5. The same seed sings the same twice."""
    rng = np.random.default_rng(seed)
    n = samples(seconds)
    noises = np.zeros(n, np.float32)
    if not phrases:
        return noises
    curves = _draw(phrases, n, rng)
    for phrase in phrases:
        _add_consonants(noises, phrase)
        breath = fade(_noise(_BREATH)[: samples(0.3)], attack_s=0.22, release_s=0.06)
        add_at(noises, phrase[0].begin_s - 0.36, breath, 0.02)
    top_hz = frequency_hz(max(note.pitch for phrase in phrases for note in phrase) + 1)
    f0_hz = curves.f0_hz(singer, rng)
    loudness = curves.loudness * (1 + 0.03 * _drift(len(curves.loudness), 40.0, rng))
    source = oscillate(_to_samples(f0_hz, n), _glottal_table(singer.brightness, int(20_000 / top_hz)))
    air = rng.standard_normal(n).astype(np.float32) * (0.4 + 0.6 * np.abs(source))
    source = np.asarray((source + singer.breath * air) * _to_samples(loudness, n), dtype=np.float32)
    return _filtered(source, curves, singer) + noises


def melody(
    phrases: Sequence[Phrase], singer: Singer, *, seconds: float, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The pitch in Hz and the loudness (0 to 1) that `sing` gives the same phrases, each CONTROL_STEP samples."""
    rng = np.random.default_rng(seed)
    curves = _draw(phrases, samples(seconds), rng)
    return curves.f0_hz(singer, rng), curves.loudness


@dataclass(slots=True)
class _Curves:
    """Control curves, one value each CONTROL_STEP samples. A glide runs from vowel `left` to `right` by `mixture`."""

    pitch: NDArray[np.float64]
    vibrato: NDArray[np.float64]
    loudness: NDArray[np.float64]
    left: NDArray[np.int16]
    right: NDArray[np.int16]
    mixture: NDArray[np.float64]
    vowels: list[str] = field(default_factory=lambda: list(FORMANTS_HZ))

    @classmethod
    def at_rest(cls, n: int) -> "_Curves":
        size = n // CONTROL_STEP + 2
        zeros = [np.zeros(size) for _ in range(4)]
        return cls(zeros[0], zeros[1], zeros[2], np.zeros(size, np.int16), np.zeros(size, np.int16), zeros[3])

    def span(self, begin_s: float, end_s: float) -> slice:
        return slice(max(0, _step(begin_s)), max(0, min(_step(end_s), len(self.pitch))))

    def f0_hz(self, singer: Singer, rng: np.random.Generator) -> NDArray[np.float64]:
        """Pitch with all that makes it human: vibrato, slow drift, fast jitter, about 30 cents in the extreme."""
        size = len(self.pitch)
        seconds = np.arange(size) * CONTROL_STEP / SAMPLE_RATE_HZ
        wave = np.sin(2 * np.pi * singer.vibrato_hz * seconds + 0.8 * _drift(size, 1.0, rng))
        cents = singer.vibrato_cents * self.vibrato * wave
        cents += 4.0 * _drift(size, 2.0, rng) + 2.0 * _drift(size, 60.0, rng)
        sung = np.where(self.pitch > 0, self.pitch, 60.0)
        return np.asarray(440.0 * 2.0 ** ((sung - 69.0 + cents / 100.0) / 12.0))


def _step(seconds: float) -> int:
    return round(seconds * SAMPLE_RATE_HZ / CONTROL_STEP)


def _to_samples(curve: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    return np.interp(np.arange(n), np.arange(len(curve)) * CONTROL_STEP, curve)


def _drift(size: int, rate_hz: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """A curve that wanders about 0 with an RMS near 1, turning about `rate_hz` times a second."""
    seconds = size * CONTROL_STEP / SAMPLE_RATE_HZ
    knots = rng.standard_normal(int(seconds * rate_hz * 2) + 4)
    return np.interp(np.linspace(0, len(knots) - 1, size), np.arange(len(knots)), knots)


def _draw(phrases: Sequence[Phrase], n: int, rng: np.random.Generator) -> _Curves:
    curves = _Curves.at_rest(n)
    for phrase in phrases:
        _draw_phrase(curves, phrase, rng)
    return curves


def _draw_phrase(curves: _Curves, phrase: Phrase, rng: np.random.Generator) -> None:
    """Write a phrase's pitch, vibrato, loudness and vowels into the curves."""
    begin_s, end_s = phrase[0].begin_s, phrase[-1].end_s
    whole = curves.span(begin_s - 0.15, end_s + 0.25)
    size = whole.stop - whole.start
    if size <= 0:
        return
    knots: list[tuple[float, float]] = [
        (begin_s - 0.15, phrase[0].pitch - 0.7),
        (begin_s - 0.02, phrase[0].pitch - 0.5),
    ]
    knots.append((begin_s + 0.06, phrase[0].pitch))
    for before, after in pairwise(phrase):
        slide_s = min(0.09, 0.35 * (before.end_s - before.begin_s), 0.35 * (after.end_s - after.begin_s))
        knots += [(after.begin_s - 0.6 * slide_s, before.pitch), (after.begin_s + 0.4 * slide_s, after.pitch)]
    times = (whole.start + np.arange(size)) * CONTROL_STEP / SAMPLE_RATE_HZ
    curves.pitch[whole] = _smooth(np.interp(times, [at_s for at_s, _ in knots], [pitch for _, pitch in knots]), 0.03)
    arch = np.interp(times, [begin_s, begin_s + 0.4 * (end_s - begin_s), end_s], [0.85, 1.0, 0.8])
    ends = np.interp(times, [begin_s - 0.02, begin_s + 0.05, end_s - 0.09, end_s + 0.03], [0, 1, 1, 0])
    curves.loudness[whole] = arch * ends
    for note in phrase:
        _draw_vibrato(curves, note, rng)
    for syllable in _syllables(phrase):
        _draw_syllable(curves, syllable)
    curves.loudness[whole] = _smooth(curves.loudness[whole], 0.012)


def _draw_vibrato(curves: _Curves, note: SungNote, rng: np.random.Generator) -> None:
    onset_s = note.begin_s + 0.25 + 0.05 * rng.random()
    if note.end_s > onset_s + 0.1:
        part = curves.span(onset_s, note.end_s)
        ages = np.arange(part.stop - part.start) * CONTROL_STEP / SAMPLE_RATE_HZ
        curves.vibrato[part] = np.minimum(1.0, ages / 0.3) * np.minimum(1.0, ages[::-1] / 0.06)


def _smooth(curve: NDArray[np.float64], seconds: float) -> NDArray[np.float64]:
    width = max(1, _step(seconds)) | 1
    window = np.hanning(width + 2)[1:-1]
    return np.convolve(np.pad(curve, width // 2, mode="edge"), window / window.sum(), mode="valid")


def _syllables(phrase: Phrase) -> Iterable[tuple[Sound, float, float]]:
    """Each syllable with its begin and end in seconds, the notes it runs on over included."""
    begins = [index for index, note in enumerate(phrase) if index == 0 or note.sound is not None]
    for begin, end in pairwise([*begins, len(phrase)]):
        yield phrase[begin].sound or Sound("", "a"), phrase[begin].begin_s, phrase[end - 1].end_s


def _draw_syllable(curves: _Curves, syllable: tuple[Sound, float, float]) -> None:
    """Shade the syllable's consonant and let its vowels glide: heads and tails are brief, the nucleus is held."""
    sound, begin_s, end_s = syllable
    consonant = CONSONANTS.get(sound.onset)
    path = [*sound.vowels, *sound.coda]
    if consonant is not None:
        curves.loudness[curves.span(begin_s - consonant.seconds, begin_s)] *= consonant.voicing
        path = [consonant.shade, *path] if consonant.shade else path
    glide_s = min(0.09, (end_s - begin_s) / (len(path) + 2))
    nucleus = _nucleus(path)
    heads = [begin_s + index * glide_s for index in range(nucleus)]
    tails = [end_s - (len(path) - 1 - index) * 1.3 * glide_s for index in range(nucleus, len(path) - 1)]
    lead_s = consonant.seconds if consonant is not None else 0.04
    _glide(curves, (path[0], path[0]), curves.span(begin_s - lead_s, end_s + 0.06), glide_s)
    for vowels, at_s in zip(pairwise(path), [*heads, *tails], strict=True):
        _glide(curves, vowels, curves.span(at_s, end_s + 0.06), glide_s)
    if sound.coda:
        humming = curves.span(end_s - 1.0 * glide_s, end_s)
        curves.loudness[humming] *= 0.6


def _nucleus(path: Sequence[str]) -> int:
    """Which vowel of a syllable is held: the most open one."""
    openness = {"a": 5, "E": 4, "O": 4, "A": 4, "e": 3, "o": 3, "r": 3, "u": 2, "v": 2, "i": 2, "I": 2}
    return max(range(len(path)), key=lambda index: (openness.get(path[index], 0), -index))


def _glide(curves: _Curves, vowels: tuple[str, str], part: slice, glide_s: float) -> None:
    curves.left[part], curves.right[part] = (curves.vowels.index(vowel) for vowel in vowels)
    ages = np.arange(part.stop - part.start) * CONTROL_STEP / SAMPLE_RATE_HZ
    curves.mixture[part] = np.clip(ages / max(glide_s, 0.001), 0, 1)


def _add_consonants(noises: Signal, phrase: Phrase) -> None:
    for sound, begin_s, _ in _syllables(phrase):
        consonant = CONSONANTS.get(sound.onset)
        if consonant is not None and consonant.noise_s:
            length = samples(consonant.noise_s + 0.02)
            noise = fade(_noise(consonant.bands)[:length], attack_s=consonant.noise_s / 3, release_s=0.025)
            add_at(noises, begin_s - consonant.noise_s, noise, 0.12 * consonant.loudness)


@cache
def _noise(bands: tuple[tuple[float, float], ...]) -> Signal:
    return shaped_noise(samples(0.35), bands, np.random.default_rng(len(bands)))


@cache
def _glottal_table(brightness: float, harmonics: int) -> Signal:
    """One period of the flow's derivative under Rosenberg's pulse: open for 55 to 65 % of it, shut quickly."""
    grid = np.arange(4096) / 4096
    opening, closing = 0.45, 0.2 - 0.1 * brightness
    rising = 0.5 - 0.5 * np.cos(np.pi * grid / opening)
    falling = np.cos(np.pi / 2 * (grid - opening) / closing)
    flow = np.where(grid < opening, rising, np.where(grid < opening + closing, falling, 0.0))
    spectrum = np.fft.rfft(np.gradient(flow))[1 : harmonics + 1]
    numbers = np.arange(1, len(spectrum) + 1)
    return wave_table(spectrum * np.minimum(1.0, (harmonics + 1 - numbers) / (0.3 * harmonics)))


def _filtered(source: Signal, curves: _Curves, singer: Singer) -> Signal:
    """The source through the vowels: overlapping frames, each with the filter of the moment in its middle."""
    n = len(source)
    count = n // HOP + 2
    padded = np.zeros((count + 1) * HOP, np.float32)
    padded[HOP : HOP + n] = source
    frames = np.lib.stride_tricks.sliding_window_view(padded, FRAME)[::HOP]
    active = np.flatnonzero(np.max(np.abs(frames[:, ::16]), axis=1) > 1e-4)
    steps = np.minimum(active * HOP // CONTROL_STEP, len(curves.mixture) - 1)
    stages = np.round(curves.mixture[steps] * GLIDE_STEPS).astype(np.int64)
    keys = np.stack([curves.left[steps], curves.right[steps], stages], axis=1)
    distinct, which = np.unique(keys, axis=0, return_inverse=True)
    filters = np.stack(
        [_tract(curves.vowels[a], curves.vowels[b], int(stage), singer.tract) for a, b, stage in distinct]
    )
    window = np.hanning(FRAME + 1)[:-1].astype(np.float32)
    spectra = np.fft.rfft(frames[active] * window, FILTER_SIZE, axis=1)
    spectra *= filters[which.reshape(-1)]
    pieces = np.fft.irfft(spectra, FILTER_SIZE, axis=1)
    sung = np.zeros((count + FILTER_SIZE // HOP, HOP), np.float32)
    for part in range(FILTER_SIZE // HOP):
        sung[active + part] += pieces[:, part * HOP : (part + 1) * HOP]
    return np.asarray(sung.reshape(-1)[HOP : HOP + n])


@cache
def _tract(before: str, after: str, stage: int, scale: float) -> NDArray[np.complex64]:
    """The vocal tract's response on the way from one vowel to another, evened out so that vowels sound equally loud."""
    share = stage / GLIDE_STEPS
    formants = (1 - share) * np.array(FORMANTS_HZ[before]) + share * np.array(FORMANTS_HZ[after])
    s = 2j * np.pi * np.fft.rfftfreq(FILTER_SIZE, 1 / SAMPLE_RATE_HZ)
    response = np.ones(len(s), np.complex128)
    for formant, bandwidth in zip(formants * scale, BANDWIDTHS_HZ, strict=True):
        pole = np.pi * bandwidth * scale + 2j * np.pi * formant
        response *= np.abs(pole) ** 2 / ((s + pole) * (s + np.conj(pole)))
    frequencies = np.imag(s) / (2 * np.pi)
    response *= (1 + (frequencies / 1600) ** 2) ** 0.7  # the tract's higher resonances, which no pole above stands for
    tilt = 1.0 / np.maximum(frequencies, 150.0)
    tilt[frequencies < 120] = 0
    loudness = np.sqrt(np.sum(np.abs(response * tilt) ** 2) / np.sum(tilt**2))
    return np.asarray(0.32 * response / loudness, dtype=np.complex64)
