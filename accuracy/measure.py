"""What the figures are: the usual ones of melody and note transcription."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from yuefu.music.f0 import PitchTrack
from yuefu.music.transcription import HeardNote

NEAR_CENTS = 50
NOTE_BEGINS_MS = 100


@dataclass(frozen=True, slots=True)
class Melody:
    """Counts of frames, by which songs are added up.

    Of the `sung` ones `right` have the pitch within 50 cents, said to be sung or not, `near_octave` have it in some
    octave, and `recalled` are said to be sung; of the `silent` ones `false_alarms` are said to be sung.
    """

    sung: int
    right: int
    near_octave: int
    recalled: int
    silent: int
    false_alarms: int

    def __add__(self, other: "Melody") -> "Melody":
        return Melody(
            self.sung + other.sung,
            self.right + other.right,
            self.near_octave + other.near_octave,
            self.recalled + other.recalled,
            self.silent + other.silent,
            self.false_alarms + other.false_alarms,
        )

    @property
    def pitch_accuracy(self) -> float:
        """RPA in %."""
        return 100 * self.right / max(self.sung, 1)

    @property
    def chroma_accuracy(self) -> float:
        """RCA in %."""
        return 100 * self.near_octave / max(self.sung, 1)

    @property
    def recall(self) -> float:
        """VR in %."""
        return 100 * self.recalled / max(self.sung, 1)

    @property
    def false_alarm(self) -> float:
        """VFA in %."""
        return 100 * self.false_alarms / max(self.silent, 1)


NO_FRAMES = Melody(0, 0, 0, 0, 0, 0)


def compare_melody(f0_hz: NDArray[np.float64], track: PitchTrack) -> Melody:
    """The track against the true pitch, frame by frame; 0 Hz is silence."""
    size = min(len(f0_hz), len(track.pitch_hz))
    true_hz, found_hz, voiced = f0_hz[:size], track.pitch_hz[:size], track.voiced[:size]
    sung = (true_hz > 0) & (found_hz > 0)
    cents = np.full(size, np.inf)
    cents[sung] = 1_200 * np.log2(found_hz[sung] / true_hz[sung])
    folded = np.full(size, np.inf)
    folded[sung] = (cents[sung] + 600) % 1_200 - 600
    return Melody(
        sung=int((true_hz > 0).sum()),
        right=int((np.abs(cents) <= NEAR_CENTS).sum()),
        near_octave=int((np.abs(folded) <= NEAR_CENTS).sum()),
        recalled=int((voiced & (true_hz > 0)).sum()),
        silent=int((true_hz == 0).sum()),
        false_alarms=int((voiced & (true_hz == 0)).sum()),
    )


@dataclass(frozen=True, slots=True)
class Notes:
    """Counts of notes: true ones, found ones, and pairs that begin within 100 ms and lie within 50 cents."""

    true: int
    found: int
    paired: int

    def __add__(self, other: "Notes") -> "Notes":
        return Notes(self.true + other.true, self.found + other.found, self.paired + other.paired)

    @property
    def f1(self) -> float:
        return 2 * self.paired / max(self.true + self.found, 1)


NO_NOTES = Notes(0, 0, 0)


def compare_notes(true: Sequence[HeardNote], found: Sequence[HeardNote], *, begins_ms: float = NOTE_BEGINS_MS) -> Notes:
    """Each true note with the first found one that fits it and is free; both in order of time."""
    free, paired = list(found), 0
    for note in true:
        for other in free:
            if other.begin_ms > note.begin_ms + begins_ms:
                break
            if abs(other.begin_ms - note.begin_ms) <= begins_ms and abs(other.pitch - note.pitch) * 100 <= NEAR_CENTS:
                free.remove(other)
                paired += 1
                break
    return Notes(len(true), len(found), paired)
