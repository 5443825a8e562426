"""What pitch lines are held against: librosa's pYIN, in the same frames."""

import numpy as np

from yuefu.music.f0 import FRAME_SAMPLES, HIGHEST_HZ, LOWEST_HZ, RATE_HZ, Mono, PitchTrack


def track_baseline(voice: Mono) -> PitchTrack:
    """The pitch of a voice at `RATE_HZ`."""
    import librosa  # noqa: PLC0415 - installed for `make accuracy` alone; pictures are drawn, and tested, without it

    found_hz, voiced, _ = librosa.pyin(
        voice, sr=RATE_HZ, fmin=LOWEST_HZ, fmax=HIGHEST_HZ, hop_length=FRAME_SAMPLES, fill_na=None
    )
    return PitchTrack(np.asarray(found_hz), np.where(voiced, 1.0, 0.0), np.zeros(len(found_hz)))
