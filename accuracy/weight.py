"""What hearing a long song costs: memory, in a process of its own, and speed."""

import subprocess
import sys
from dataclasses import dataclass

MINUTES = 10

_RUN = """
import resource, sys, time
import numpy as np
from yuefu.music.f0 import RATE_HZ, track_pitch
from yuefu.music.prominence import loudness_curve
from yuefu.music.subtraction import subtract
from yuefu.music.tempo import find_tempo
from yuefu.music.transcription import transcribe
from yuefu.music.lyrics import Lyrics

def sound(seed, level):
    return np.float32(level) * np.random.default_rng(seed).standard_normal(RATE_HZ * 60 * int(sys.argv[1]), np.float32)

mix, backing = sound(1, 0.01), sound(2, 0.1)
mix += backing
begun_s = time.process_time()
loudness_curve(mix)
find_tempo(mix)
transcribe(track_pitch(subtract(mix, backing, RATE_HZ).voice), Lyrics(lines=()), bleeds=True)
print(time.process_time() - begun_s, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@dataclass(frozen=True, slots=True)
class WeightFigures:
    """For a song of `MINUTES`: how many times faster than real on one core, and the most memory held."""

    times_real: float
    memory_mb: float


def measure_weight() -> WeightFigures:
    """Everything that is heard of a song of noise, from the decoded sound on."""
    answer = subprocess.run([sys.executable, "-c", _RUN, str(MINUTES)], check=True, capture_output=True, text=True)
    cpu_s, memory_kb = answer.stdout.split()
    return WeightFigures(60 * MINUTES / float(cpu_s), int(memory_kb) / 1_024)
