import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.music.singing import TEMPO, band

from yuefu.music.f0 import RATE_HZ
from yuefu.music.tempo import find_tempo


def test_the_band_is_followed() -> None:
    found = find_tempo(band())
    assert found
    assert found.bpm == pytest.approx(TEMPO, rel=0.01)
    assert 0 <= found.confidence <= 1


def clicks(bpm: float, seconds: float = 20) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    sound = np.zeros(round(seconds * RATE_HZ), np.float32)
    for at_s in np.arange(0, seconds - 0.1, 60 / bpm):
        first = round(at_s * RATE_HZ)
        sound[first : first + 800] += np.random.default_rng(first).standard_normal(800).astype(np.float32) * 0.3
    return sound


@pytest.mark.parametrize(("syllables_per_s", "bpm"), [(1.4 * 70 / 60, 70), (1.4 * 140 / 60, 140)])
def test_the_rate_of_the_words_says_which_octave(syllables_per_s: float, bpm: float) -> None:
    beats = 0.3 * clicks(140) + clicks(70)
    found = find_tempo(beats, syllables_per_s=syllables_per_s)
    assert found
    assert found.bpm == pytest.approx(bpm, rel=0.01)
    assert found.bpm_alt == pytest.approx(210 - bpm, rel=0.02)


@pytest.mark.parametrize("bpm", [66, 78, 90])
def test_softer_onsets_between_slow_beats_do_not_double_the_tempo(bpm: float) -> None:
    found = find_tempo(clicks(bpm) + 0.2 * clicks(2 * bpm))
    assert found
    assert found.bpm == pytest.approx(bpm, rel=0.01)


@pytest.mark.parametrize("bpm", [100, 150])
def test_beats_with_nothing_between_them_are_not_taken_for_halves(bpm: float) -> None:
    found = find_tempo(clicks(bpm))
    assert found
    assert found.bpm == pytest.approx(bpm, rel=0.01)


@pytest.mark.parametrize("seconds", [0, 1, 5])
def test_what_is_too_short_has_no_tempo(seconds: int) -> None:
    assert find_tempo(clicks(120, 20)[: seconds * RATE_HZ]) is None


def test_silence_has_no_tempo() -> None:
    assert find_tempo(np.zeros(10 * RATE_HZ, np.float32)) is None


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_whatever_is_heard_the_tempo_is_in_range(seed: int) -> None:
    found = find_tempo(np.random.default_rng(seed).standard_normal(7 * RATE_HZ).astype(np.float32))
    assert found is None or 35 < found.bpm < 230
