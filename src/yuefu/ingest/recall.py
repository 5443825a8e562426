"""A sound kept in mind: one channel, at the rate that pitch and tempo are heard at."""

import numpy as np
import soxr

from yuefu.ingest.media import SAMPLE_RATE_HZ, Sound
from yuefu.music.f0 import RATE_HZ, Mono


class Recall:
    """An ear that remembers: 4 MB a minute."""

    def __init__(self) -> None:
        self._resampler = soxr.ResampleStream(SAMPLE_RATE_HZ, RATE_HZ, 1, dtype="float32")
        self._heard = bytearray()  # thousands of small arrays would leave as much memory behind as they took

    def __call__(self, block: Sound) -> None:
        self._hear(block.mean(axis=0, dtype=np.float32))

    def sound(self) -> Mono:
        """All that was heard, mixed to one channel at `RATE_HZ`. To be asked once, at the end."""
        self._hear(np.zeros(0, np.float32), last=True)
        return np.frombuffer(self._heard, np.float32)

    def _hear(self, sound: Mono, *, last: bool = False) -> None:
        self._heard += self._resampler.resample_chunk(sound, last=last).tobytes()
