"""The shape of a sound, to be drawn: the lowest and the highest sample of each tenth of a second.

Written as JSON it is the waveform data format of audiowaveform, version 2 (`docs/DataFormat.md` of that project), which
waveform players in browsers read as it is.
"""

import msgspec
import numpy as np
from numpy.typing import NDArray

PAIRS_PER_SECOND = 10
FULL_SCALE = 127


class Waveform(msgspec.Struct, frozen=True, kw_only=True):
    """`data` is lowest, highest, lowest, highest … of both channels together, ±127 being full scale."""

    version: int = 2
    channels: int = 1
    sample_rate: int
    samples_per_pixel: int
    bits: int = 8
    length: int
    data: tuple[int, ...]


class Outline:
    """Draws the waveform of the sound it hears, block after block."""

    def __init__(self, *, sample_rate_hz: int) -> None:
        self._sample_rate_hz = sample_rate_hz
        self._step = sample_rate_hz // PAIRS_PER_SECOND
        self._held = np.zeros((2, 0), np.float32)
        self._pairs: list[NDArray[np.float32]] = []

    def hear(self, block: NDArray[np.float32]) -> None:
        """`block` is shaped (channels, samples), full scale at ±1."""
        extremes = np.stack([block.min(axis=0), block.max(axis=0)])
        sound = np.concatenate([self._held, extremes], axis=1)
        whole = sound.shape[1] - sound.shape[1] % self._step
        self._held = sound[:, whole:]
        steps = sound[:, :whole].reshape(2, -1, self._step)
        self._pairs.append(np.stack([steps[0].min(axis=1), steps[1].max(axis=1)], axis=1))

    def finish(self) -> Waveform:
        """The waveform of all that was heard; its last pair may stand for less."""
        rest = self._held
        last = [np.array([[rest[0].min(), rest[1].max()]], np.float32)] if rest.size else []
        pairs = np.concatenate([*self._pairs, *last]) if self._pairs or last else np.zeros((0, 2), np.float32)
        levels = np.clip(np.rint(pairs * FULL_SCALE), -FULL_SCALE - 1, FULL_SCALE).astype(int)
        return Waveform(
            sample_rate=self._sample_rate_hz,
            samples_per_pixel=self._step,
            length=len(levels),
            data=tuple(levels.ravel().tolist()),
        )
