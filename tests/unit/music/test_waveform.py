import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuefu.music.waveform import Outline, Waveform

RATE_HZ = 44_100


def outline(*blocks: np.ndarray) -> Waveform:
    drawing = Outline(sample_rate_hz=RATE_HZ)
    for block in blocks:
        drawing.hear(block.astype(np.float32))
    return drawing.finish()


def test_each_tenth_of_a_second_is_its_lowest_and_highest_sample_of_either_channel() -> None:
    sound = np.zeros((2, 9_000))
    sound[0, 10], sound[1, 20] = 1.0, -0.5
    sound[1, 4_410] = 0.25
    waveform = outline(sound)
    assert waveform.data == (-64, 127, 0, 32, 0, 0)
    assert (waveform.length, waveform.samples_per_pixel, waveform.sample_rate) == (3, 4_410, RATE_HZ)
    assert (waveform.version, waveform.channels, waveform.bits) == (2, 1, 8)


def test_what_is_beyond_full_scale_stays_within_eight_bits() -> None:
    assert outline(np.array([[-3.0, 3.0], [0.0, 0.0]])).data == (-128, 127)


def test_nothing_heard_is_nothing_drawn() -> None:
    assert outline().data == ()


@given(st.lists(st.integers(1, 9_000), min_size=1, max_size=6), st.integers(0, 2**32 - 1))
def test_it_does_not_matter_in_which_blocks_a_sound_is_heard(sizes: list[int], seed: int) -> None:
    sound = np.random.default_rng(seed).uniform(-1, 1, (2, sum(sizes)))
    blocks = np.split(sound, np.cumsum(sizes)[:-1], axis=1)
    assert outline(*blocks) == outline(sound)


@pytest.mark.parametrize("samples", [1, 4_410, 4_411])
def test_the_length_is_in_started_tenths(samples: int) -> None:
    waveform = outline(np.ones((2, samples)))
    assert waveform.length * 2 == len(waveform.data) == 2 * -(-samples // 4_410)
