"""What hearing and encoding a song costs, each in a process of its own: speed, and the memory of a long one."""

import subprocess
import sys
from dataclasses import dataclass

MINUTES = 10
TIERS_S = 210
"""How long a song is, that is made in all qualities."""

ROUNDS = 3
"""Of each the least disturbed one counts: others on the machine only ever make it slower."""

_HEAR = f"""
import resource, time
import numpy as np
from yuefu.music.f0 import RATE_HZ, detector, track_pitch
from yuefu.music.prominence import loudness_curve
from yuefu.music.subtraction import subtract
from yuefu.music.tempo import find_tempo
from yuefu.music.transcription import transcribe
from yuefu.music.lyrics import Lyrics

def sound(seed, level):
    return np.float32(level) * np.random.default_rng(seed).standard_normal(RATE_HZ * 60 * {MINUTES}, np.float32)

mix, backing = sound(1, 0.01), sound(2, 0.1)
mix += backing
detector()
begun_s = time.process_time()
loudness_curve(mix)
find_tempo(mix)
voice = subtract(mix, backing, RATE_HZ).voice
tracking_s = time.process_time()
track = track_pitch(voice)
tracked_s = time.process_time()
transcribe(track, Lyrics(lines=()), bleeds=True)
memory_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(time.process_time() - begun_s, tracked_s - tracking_s, memory_kb)
"""
_ENCODE = f"""
import tempfile, time
from pathlib import Path
import numpy as np
from accuracy.media import write_wav
from accuracy.suite import items
from yuefu.ingest.encoding import FORMS
from yuefu.ingest.media import FLAC, SAMPLE_RATE_HZ, PyAvStudio, Take

excerpt = next(items(1)).mix
song = np.tile(excerpt, {TIERS_S} * SAMPLE_RATE_HZ // excerpt.shape[1] + 1)[:, : {TIERS_S} * SAMPLE_RATE_HZ]
with tempfile.TemporaryDirectory(prefix="yuefu-accuracy-") as name:
    folder, studio = Path(name), PyAvStudio()
    write_wav(folder / "song.wav", song / np.abs(song).max())
    studio.record([folder / "song.wav"], [Take(folder / "song.flac", None, FLAC)])
    begun_s = time.process_time()
    takes = [Take(folder / f"{{quality.value}}{{form.suffix}}", None, form) for quality, form in FORMS.items()]
    studio.record([folder / "song.flac"], takes)
    print(time.process_time() - begun_s)
"""


@dataclass(frozen=True, slots=True)
class WeightFigures:
    """For a song of `MINUTES`: how many times faster than real, on one core, its voice is tracked, and everything is
    heard; and the most memory held. `tiers_s` is the CPU time for all qualities of a song of `TIERS_S`.
    """

    tracking_times_real: float
    times_real: float
    memory_mb: float
    tiers_s: float


def measure_weight() -> WeightFigures:
    """Everything that is heard of a song of noise, from the decoded sound on; a band's song from FLAC to all tiers."""
    hearing_s, tracking_s, memory_kb = _least(_HEAR)
    (tiers_s,) = _least(_ENCODE)
    return WeightFigures(60 * MINUTES / tracking_s, 60 * MINUTES / hearing_s, memory_kb / 1_024, tiers_s)


def _least(code: str) -> list[float]:
    """The least of each number that the code prints, over some rounds."""
    return list(map(min, zip(*(_run(code) for _ in range(ROUNDS)), strict=True)))


def _run(code: str) -> list[float]:
    answer = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return [float(word) for word in answer.stdout.split()]
