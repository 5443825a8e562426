"""The pitch of a voice while it sounds.

The model's own stream waits for ten frames after each one, 176 ms. Here it hears the last 0.4 s again and again, and
what it says of the third frame from the end is believed: 48 ms old, and hardly less right.
"""

import numpy as np

from yuefu.music.f0 import FRAME_MS, FRAME_SAMPLES, HIGHEST_HZ, LOWEST_HZ, RATE_HZ, VOICED, Mono, detector
from yuefu.music.scoring import SungFrame

AGE_FRAMES = 3
AGE_MS = AGE_FRAMES * FRAME_MS
"""How far the sound has gone on beyond a frame when it comes; the time to find its pitch is added to that."""

HOP_SAMPLES = 3 * FRAME_SAMPLES
WINDOW_SAMPLES = 25 * FRAME_SAMPLES


class LivePitch:
    """Follows one voice, block by block: a frame each 48 ms, from 0 on.

    The frames are the same however the sound is cut into blocks; a frame comes with the block that makes it `AGE_MS`
    old, so blocks should be no longer than 48 ms. Not to be shared between threads, but each may have its own.
    """

    def __init__(self) -> None:
        self._window = np.zeros(0, np.float32)
        self._waiting = np.zeros(0, np.float32)
        self._heard_samples = 0

    def hear(self, block: Mono) -> list[SungFrame]:
        """The frames that come with the next samples at `RATE_HZ`, of any number; timed from the first sample heard."""
        waiting = np.concatenate([self._waiting, block])
        whole = len(waiting) // HOP_SAMPLES * HOP_SAMPLES
        self._waiting = waiting[whole:]
        return [self._listen(waiting[first : first + HOP_SAMPLES]) for first in range(0, whole, HOP_SAMPLES)]

    def _listen(self, hop: Mono) -> SungFrame:
        self._window = np.concatenate([self._window, hop])[-WINDOW_SAMPLES:]
        self._heard_samples += len(hop)
        found = detector().detect(self._window, RATE_HZ, LOWEST_HZ, HIGHEST_HZ)
        is_voiced = found.confidence[-AGE_FRAMES] >= VOICED
        return SungFrame(
            time_ms=1_000 * self._heard_samples / RATE_HZ - AGE_MS,
            pitch_hz=float(found.pitch_hz[-AGE_FRAMES]) if is_voiced else None,
            level_db=float(found.loudness_db[-AGE_FRAMES]),
        )
