"""The minimum requirements test signals 1 to 5 of EBU Tech 3341, and what is done by what is measured."""

import numpy as np
import pytest

from yuefu.catalogue.song import Loudness
from yuefu.ingest.loudness import HIGHEST_PEAK_DBTP, LoudnessMeter, amplify, set_level
from yuefu.ingest.media import SAMPLE_RATE_HZ, Sound


def tone(*stretches: tuple[float, float]) -> Sound:
    """A 1 kHz sine on both channels: levels in dBFS, each with its seconds."""
    levels = np.concatenate(
        [np.full(round(seconds * SAMPLE_RATE_HZ), 10 ** (dbfs / 20)) for dbfs, seconds in stretches]
    )
    wave = levels * np.sin(2 * np.pi * 1_000 * np.arange(len(levels)) / SAMPLE_RATE_HZ)
    return np.stack([wave, wave]).astype(np.float32)


def measure(sound: Sound) -> Loudness:
    meter = LoudnessMeter()
    for begin in range(0, sound.shape[1], 8_192):
        meter.hear(sound[:, begin : begin + 8_192])
    return meter.finish()


@pytest.mark.parametrize(
    ("stretches", "integrated_lufs"),
    [
        ([(-23, 20)], -23.0),
        ([(-33, 20)], -33.0),
        ([(-36, 10), (-23, 60), (-36, 10)], -23.0),
        ([(-72, 10), (-36, 10), (-23, 60), (-36, 10), (-72, 10)], -23.0),
        ([(-26, 20), (-20, 20.1), (-26, 20)], -23.0),
    ],
)
def test_the_loudness_is_right_to_a_tenth(stretches: list[tuple[float, float]], integrated_lufs: float) -> None:
    assert measure(tone(*stretches)).integrated_lufs == pytest.approx(integrated_lufs, abs=0.1)


@pytest.mark.parametrize(("levels", "range_lu"), [((-20, -30), 10), ((-20, -15), 5), ((-40, -20), 20)])
def test_the_range_is_right_to_a_unit(levels: tuple[float, float], range_lu: float) -> None:
    """Signals 1 to 3 of EBU Tech 3342."""
    assert measure(tone(*((level, 20) for level in levels))).range_lu == pytest.approx(range_lu, abs=1)


def test_a_true_peak_between_samples_is_found() -> None:
    at = np.arange(2 * SAMPLE_RATE_HZ)
    fade = np.minimum(1, np.minimum(at, at[::-1]) / 1_000)  # an abrupt beginning has a peak of its own
    wave = 0.5 * fade * np.sin(2 * np.pi * at / 4 + np.pi / 4)
    assert np.abs(wave).max() < 0.36, "no sample is higher than 3 dB below the wave's crest"
    peak = measure(np.stack([wave, wave]).astype(np.float32)).true_peak_dbtp
    assert peak == pytest.approx(-6.0, abs=0.4)


@pytest.mark.parametrize("samples", [0, 1, 4_409, SAMPLE_RATE_HZ // 5])
def test_what_is_too_short_has_no_loudness(samples: int) -> None:
    assert measure(np.full((2, samples), 0.5, np.float32)).integrated_lufs is None


def test_silence_has_no_loudness_and_gets_no_gain() -> None:
    silence = measure(np.zeros((2, 3 * SAMPLE_RATE_HZ), np.float32))
    assert silence == Loudness(integrated_lufs=None, range_lu=0.0, true_peak_dbtp=None)
    level, factor = set_level(original=silence, backing=None, level_lufs=-16)
    assert (level.applied_db, level.gain_db, factor) == (0.0, 0.0, 1.0)


def sounding(integrated_lufs: float, true_peak_dbtp: float) -> Loudness:
    return Loudness(integrated_lufs=integrated_lufs, range_lu=5.0, true_peak_dbtp=true_peak_dbtp)


def test_a_loud_song_as_delivered_is_told_its_gain_and_left_alone() -> None:
    level, factor = set_level(original=sounding(-9.3, 0.2), backing=sounding(-11.0, -0.1), level_lufs=None)
    assert (level.applied_db, level.gain_db, factor) == (0.0, -6.7, 1.0)


def test_what_was_applied_is_no_longer_to_be_applied() -> None:
    level, factor = set_level(original=sounding(-9.3, 0.2), backing=None, level_lufs=-14)
    assert (level.applied_db, level.gain_db) == (-4.7, -2.0)
    assert factor == pytest.approx(10 ** (-4.7 / 20))
    assert level.applied_db + level.gain_db == pytest.approx(-6.7)


def test_a_gain_follows_the_original_and_spares_the_higher_peak() -> None:
    original, backing = sounding(-24.0, -8.0), sounding(-20.0, -3.5)
    level, _ = set_level(original=original, backing=backing, level_lufs=-16)
    assert level.applied_db == 2.5
    assert (amplify(backing, level.applied_db).true_peak_dbtp, level.gain_db) == (HIGHEST_PEAK_DBTP, 0.0)
