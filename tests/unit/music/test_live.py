import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.music.singing import voice

from yuefu.music.f0 import RATE_HZ, Mono, track_pitch
from yuefu.music.live import AGE_MS, HOP_SAMPLES, LivePitch
from yuefu.music.scoring import SungFrame

SOUND = voice()[4 * RATE_HZ : 6 * RATE_HZ]


def hear(sound: Mono, block_samples: int) -> list[SungFrame]:
    live = LivePitch()
    blocks = (sound[first : first + block_samples] for first in range(0, len(sound), block_samples))
    return [frame for block in blocks for frame in live.hear(block)]


def test_it_hears_what_is_heard_of_the_whole_recording() -> None:
    frames, whole = hear(voice(), 800), track_pitch(voice())
    assert len(frames) == len(voice()) // HOP_SAMPLES
    places = [round(frame.time_ms / 16) for frame in frames]
    voiced = np.array([frame.pitch_hz is not None for frame in frames])
    assert np.mean(voiced == whole.voiced[places]) > 0.97
    both = voiced & whole.voiced[places]
    assert both.sum() > 150
    found_hz = np.array([frame.pitch_hz or 1.0 for frame in frames])[both]
    assert np.mean(np.abs(1_200 * np.log2(found_hz / whole.pitch_hz[places][both])) < 50) > 0.98


def test_each_frame_comes_when_the_sound_goes_on_48_ms_beyond_it() -> None:
    live = LivePitch()
    for heard_samples in range(256, len(SOUND), 256):
        for frame in live.hear(SOUND[heard_samples - 256 : heard_samples]):
            assert 1_000 * heard_samples / RATE_HZ - frame.time_ms == AGE_MS == 48


@settings(max_examples=5, deadline=None)
@given(st.integers(1, len(SOUND)))
def test_the_frames_are_the_same_however_the_sound_is_cut(block_samples: int) -> None:
    assert hear(SOUND, block_samples) == hear(SOUND, HOP_SAMPLES)


@pytest.mark.parametrize("level", [0.0, 1e-4])
def test_silence_has_no_pitch(level: float) -> None:
    frames = hear(np.full(RATE_HZ, level, np.float32), 160)
    assert len(frames) == 20
    assert not any(frame.is_sung for frame in frames)


def test_nothing_heard_gives_no_frame() -> None:
    live = LivePitch()
    assert live.hear(np.zeros(0, np.float32)) == []
    assert live.hear(np.zeros(HOP_SAMPLES - 1, np.float32)) == []
    assert [frame.time_ms for frame in live.hear(np.zeros(1, np.float32))] == [0.0]
