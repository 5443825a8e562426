import numpy as np
import pytest
from tests.unit.music.singing import BEGIN_S, NOTE_S, PITCHES, band, voice

from yuefu.music.f0 import RATE_HZ, Mono
from yuefu.music.subtraction import NotThatBacking, subtract

SUNG = slice(*(round(begin_s * RATE_HZ) for begin_s in (BEGIN_S, BEGIN_S + len(PITCHES) * NOTE_S)))
"""A phrase, from its first note to its last."""


def late(sound: Mono, samples: float) -> Mono:
    """The sound so many samples later, a fraction included, with silence before it."""
    whole = int(samples)
    padded = np.concatenate([np.zeros(whole, np.float32), sound])
    bins = np.fft.rfft(padded)
    shift = np.exp(-2j * np.pi * np.arange(len(bins)) * (samples - whole) / len(padded))
    return np.fft.irfft(bins * shift, len(padded)).astype(np.float32)


@pytest.mark.parametrize("samples", [0.0, 812.0, 4_410.4, 90_000.25])
def test_a_backing_that_begins_later_is_taken_out(samples: float) -> None:
    residual = subtract(voice() + 0.8 * band(), late(band(), samples), RATE_HZ)
    assert residual.offset_s * RATE_HZ == pytest.approx(-samples, abs=0.05)
    assert residual.drop_db > 20
    assert np.corrcoef(residual.voice, voice())[0, 1] > 0.97


@pytest.mark.parametrize("samples", [812.0, 90_000.25])
def test_a_backing_that_begins_earlier_is_taken_out(samples: float) -> None:
    residual = subtract(late(voice() + 0.8 * band(), samples), band(), RATE_HZ)
    assert residual.offset_s * RATE_HZ == pytest.approx(samples, abs=0.05)
    assert residual.drop_db > 20


def test_a_limited_recording_is_heard_through() -> None:
    residual = subtract(np.tanh(3 * (voice() + band())), band(), RATE_HZ)
    assert residual.drop_db > 10


def test_a_singer_who_never_rests_is_heard() -> None:
    singing, played = voice()[SUNG], band()[SUNG]
    residual = subtract(singing + played, played, RATE_HZ)
    assert residual.drop_db > 15
    assert np.corrcoef(residual.voice, singing)[0, 1] > 0.97


def test_other_hands_are_not_taken_for_the_backing_of_a_singer_who_never_rests() -> None:
    with pytest.raises(NotThatBacking):
        subtract(voice()[SUNG] + band()[SUNG], band(seed=2)[SUNG], RATE_HZ)


def test_a_backing_that_drifts_is_refused() -> None:
    grid = np.arange(len(band()))
    slower = np.interp(grid * (1 - 3e-4), grid, band()).astype(np.float32)
    with pytest.raises(NotThatBacking, match=r"runs .* ms away|cannot|only .* dB"):
        subtract(voice() + band(), slower, RATE_HZ)


def test_the_same_piece_played_anew_is_refused() -> None:
    with pytest.raises(NotThatBacking):
        subtract(voice() + band(), band(seed=2), RATE_HZ)


def test_something_else_is_refused() -> None:
    noise = np.random.default_rng(1).standard_normal(len(band())).astype(np.float32)
    with pytest.raises(NotThatBacking, match="not in the original"):
        subtract(voice() + band(), 0.1 * noise, RATE_HZ)


@pytest.mark.parametrize("samples", [0, 1, 100, 16_000])
def test_next_to_nothing_is_refused(samples: int) -> None:
    for recording, backing in ((voice(), band()[:samples]), (voice()[:samples], band())):
        with pytest.raises(NotThatBacking):
            subtract(recording, backing, RATE_HZ)


def test_silence_is_refused() -> None:
    silence = np.zeros_like(band())
    for recording, backing in ((silence, band()), (voice(), silence), (silence, silence)):
        with pytest.raises(NotThatBacking):
            subtract(recording, backing, RATE_HZ)
