"""Cuts and loudness: what the media side makes, held against what it should be."""

import tempfile
import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from accuracy.codec import read_sound
from yuefu.ingest.loudness import LoudnessMeter
from yuefu.ingest.media import AAC_96K, FLAC, SAMPLE_RATE_HZ, Form, PyAvStudio, Sound, Take
from yuefu.units import Span

SPAN = Span(begin_ms=3_217, end_ms=9_583)

# EBU Tech 3341, cases 1 to 5: (dBFS, seconds) of a stereo sine of 1 kHz, and the loudness it must have.
EBU_CASES = (
    (((-23, 20),), -23.0),
    (((-33, 20),), -33.0),
    (((-36, 10), (-23, 60), (-36, 10)), -23.0),
    (((-72, 10), (-36, 10), (-23, 60), (-36, 10), (-72, 10)), -23.0),
    (((-26, 20), (-20, 20.1), (-26, 20)), -23.0),
)


@dataclass(frozen=True, slots=True)
class MediaFigures:
    """Errors of a stretch cut out of a recording, by its form, and of the loudness, by case."""

    begin_samples: dict[str, int]
    length_ms: dict[str, float]
    loudness_lu: tuple[float, ...]


def measure_media() -> MediaFigures:
    begin_samples, length_ms = {}, {}
    for name, form in (("AAC 96k", AAC_96K), ("FLAC", FLAC)):
        begin_samples[name], length_ms[name] = _cut(form)
    return MediaFigures(begin_samples, length_ms, tuple(_loudness(parts) - true for parts, true in EBU_CASES))


def _cut(form: Form) -> tuple[int, float]:
    """By how many samples a stretch of noise begins late, and by how many ms it is too long."""
    noise = np.random.default_rng(3).standard_normal((2, 12 * SAMPLE_RATE_HZ)).astype(np.float32)
    smooth = np.stack([np.convolve(channel, np.hanning(32), "same") for channel in noise])
    sound = (0.3 * smooth / np.abs(smooth).max()).astype(np.float32)
    with tempfile.TemporaryDirectory(prefix="yuefu-accuracy-") as folder:
        source, cut = Path(folder, "source.wav"), Path(folder, f"cut{form.suffix}")
        write_wav(source, sound)
        PyAvStudio().record([source], [Take(cut, SPAN, form)])
        found = read_sound(cut)
        told_ms = PyAvStudio().duration_ms(cut)
    first, last = (round(ms * SAMPLE_RATE_HZ / 1_000) for ms in (SPAN.begin_ms, SPAN.end_ms))
    size = 1 << 20
    spectra = [np.fft.rfft(part[0], size) for part in (found, sound[:, first:last])]
    likeness = np.fft.irfft(spectra[0] * np.conj(spectra[1]), size)
    late = int(np.argmax(likeness))
    return late - size * (late > size // 2), told_ms - SPAN.duration_ms


def write_wav(path: Path, sound: Sound) -> None:
    """Write a sound of `SAMPLE_RATE_HZ` as it is, in 16 bits."""
    with wave.open(str(path), "wb") as file:
        file.setparams((2, 2, SAMPLE_RATE_HZ, 0, "NONE", ""))
        file.writeframes((sound.T * 32_767).astype("<i2").tobytes())


def _loudness(parts: tuple[tuple[float, float], ...]) -> float:
    meter = LoudnessMeter()
    for level_db, seconds in parts:
        times_s = np.arange(round(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
        tone = (10 ** (level_db / 20) * np.sin(2 * np.pi * 1_000 * times_s)).astype(np.float32)
        for first in range(0, len(tone), 8_192):
            meter.hear(np.stack([tone[first : first + 8_192]] * 2))
    return meter.finish().integrated_lufs or 0.0
