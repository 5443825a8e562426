"""The pitch of one voice, instant by instant, by the swift-f0 model."""

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from swift_f0 import SwiftF0

RATE_HZ = 16_000
"""What `track_pitch` hears."""

FRAME_SAMPLES = 256
FRAME_MS = 1_000 * FRAME_SAMPLES / RATE_HZ
LOWEST_HZ, HIGHEST_HZ = 65.0, 1_050.0
"""From a bass's C2 to a soprano's C6: beyond lies what is not sung, a hum of the mains or a whistle."""

PIECE_SAMPLES = 4 * RATE_HZ
"""How much is given to the model at once, which takes some 8 MB for each second of it."""

VOICED = 0.5
"""The confidence from which a frame is thought to be sung."""

Mono = NDArray[np.float32]
"""Samples of one channel, full scale at ±1."""


@dataclass(frozen=True, slots=True)
class PitchTrack:
    """What was heard every `FRAME_MS`, from 0 on: pitch, whether it is sung (0 to 1), and the level around it."""

    pitch_hz: NDArray[np.float64]
    confidence: NDArray[np.float64]
    level_db: NDArray[np.float64]

    @property
    def times_ms(self) -> NDArray[np.float64]:
        return np.arange(len(self.pitch_hz), dtype=np.float64) * FRAME_MS

    @property
    def voiced(self) -> NDArray[np.bool_]:
        return self.confidence >= VOICED

    @property
    def pitch(self) -> NDArray[np.float64]:
        """As MIDI note numbers, with fractions (69 = 440 Hz)."""
        return np.asarray(69 + 12 * np.log2(self.pitch_hz / 440))


def track_pitch(voice: Mono) -> PitchTrack:
    """The pitch of a voice at `RATE_HZ`; of nothing for less than a frame."""
    if len(voice) < FRAME_SAMPLES:
        return PitchTrack(*(np.zeros(0) for _ in range(3)))
    stream = detector().stream(fmin=LOWEST_HZ, fmax=HIGHEST_HZ)
    pieces = [
        stream.push(voice[first : first + PIECE_SAMPLES], RATE_HZ) for first in range(0, len(voice), PIECE_SAMPLES)
    ]
    pieces.append(stream.flush())
    return PitchTrack(
        np.concatenate([piece.pitch_hz for piece in pieces]),
        np.concatenate([piece.confidence for piece in pieces]),
        np.concatenate([piece.loudness_db for piece in pieces]),
    )


@cache
def detector() -> "SwiftF0":
    """The model, one a process, on the thread that asks: imports already take a core each."""
    from swift_f0 import SwiftF0  # noqa: PLC0415 - the runtime it brings takes a quarter of a second to load

    return SwiftF0(threads=1, spin=False)
