from dataclasses import replace

import numpy as np
import pytest

from yuefu.music.band import Arrangement, LeadNote, play
from yuefu.music.harmony import Chord, parse_chord
from yuefu.music.instruments import DRUMS, drum_sound, string_sound
from yuefu.music.style import STYLES
from yuefu.music.synthesis import SAMPLE_RATE_HZ, Signal, frequency_hz, level_db, limiting_gain, reverberate, ring

BARS = [[parse_chord(name)] for name in ("C", "F", "G7", "C")]


def arrangement(style: str = "ballad", *, lead: tuple[LeadNote, ...] = ()) -> Arrangement:
    return Arrangement(tempo=120.0, quarters_per_bar=4.0, bars=BARS, lead=lead, style=STYLES[style])


def chroma(signal: Signal, begin_s: float, end_s: float) -> np.ndarray:
    """Energy by pitch class (0 = C) between 110 and 2000 Hz."""
    piece = signal[int(begin_s * SAMPLE_RATE_HZ) : int(end_s * SAMPLE_RATE_HZ)].mean(axis=1)
    power = np.abs(np.fft.rfft(piece * np.hanning(len(piece)))) ** 2
    frequencies = np.fft.rfftfreq(len(piece), 1 / SAMPLE_RATE_HZ)
    heard = (frequencies > 110) & (frequencies < 2000)
    classes = np.round(69 + 12 * np.log2(frequencies[heard] / 440)).astype(int) % 12
    return np.bincount(classes, power[heard], 12)


@pytest.mark.parametrize("name", STYLES)
def test_every_style_plays_the_chords_it_is_given(name: str) -> None:
    eighths = next(iter(STYLES[name].figure))
    undrummed = replace(STYLES[name], drums=0.0)
    arranged = replace(arrangement(name), quarters_per_bar=eighths / 2, style=undrummed)
    played = play(arranged, seconds=4 * arranged.bar_s + 1, seed=1)
    for number, chord in enumerate(bar[0] for bar in BARS):
        energy = chroma(played, number * arranged.bar_s + 0.1, (number + 1) * arranged.bar_s)
        tones = [(chord.root + tone) % 12 for tone in chord.tones]
        assert energy[tones].sum() > 0.6 * energy.sum()


def test_what_is_played_is_stereo_and_does_not_clip() -> None:
    played = play(arrangement(), seconds=9.0, seed=1)
    assert played.shape == (9 * SAMPLE_RATE_HZ, 2)
    assert 0.1 < np.max(np.abs(played)) < 1.0
    left, right = played.T
    assert np.dot(left, right) < 0.98 * np.linalg.norm(left) * np.linalg.norm(right)


def test_the_same_seed_plays_the_same_and_another_does_not() -> None:
    first, again, other = (play(arrangement(), seconds=5.0, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_the_flute_plays_where_it_is_told() -> None:
    note = LeadNote(1.0, 2.0, 79)
    without, with_flute = (play(arrangement(lead=lead), seconds=4.0, seed=1) for lead in ((), (note,)))
    power = np.abs(np.fft.rfft((with_flute - without)[: 3 * SAMPLE_RATE_HZ, 0]))
    peak_hz = int(np.argmax(power)) / 3
    assert peak_hz == pytest.approx(frequency_hz(79), rel=0.01)


def test_a_bar_no_style_knows_is_refused() -> None:
    with pytest.raises(KeyError):
        play(replace(arrangement("koto"), quarters_per_bar=3.5), seconds=1.0, seed=1)


@pytest.mark.parametrize("name", ["H", "Cmaj7", "", "c"])
def test_a_chord_we_cannot_play_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no chord"):
        parse_chord(name)


def test_chords_know_their_tones() -> None:
    assert parse_chord("Bbm") == Chord(10, (0, 3, 7))
    assert parse_chord("D7").pitches(60, 4) == [60, 62, 66, 69]
    assert parse_chord("F#m").bass() == 42


def test_a_string_sounds_its_pitch_and_dies_away() -> None:
    sound = string_sound("zheng", 69)
    half = len(sound) // 2
    assert np.abs(sound[:half]).max() > 4 * np.abs(sound[half:]).max()
    power = np.abs(np.fft.rfft(sound, 8 * len(sound)))
    lowest = np.flatnonzero(power > 0.3 * power.max())[0]
    assert lowest * SAMPLE_RATE_HZ / (8 * len(sound)) == pytest.approx(440, rel=0.01)


@pytest.mark.parametrize("name", DRUMS)
def test_every_drum_is_short_and_within_bounds(name: str) -> None:
    sound = drum_sound(name)
    assert len(sound) < SAMPLE_RATE_HZ
    assert 0.05 < np.max(np.abs(sound)) <= 2.0
    assert abs(float(sound[-1])) < 1e-3


def test_ringing_partials_are_the_cosines_they_stand_for() -> None:
    ages = np.arange(SAMPLE_RATE_HZ // 2) / SAMPLE_RATE_HZ
    expected = np.exp(-3 * ages) * np.cos(2 * np.pi * 330 * ages + 0.4) + 0.5 * np.cos(2 * np.pi * 500 * ages)
    rung = ring([330, 500], [3, 0], [1, 0.5], [0.4, 0], 0.5)
    assert np.allclose(rung, expected, atol=1e-4)


def test_a_room_answers_after_the_sound_and_dies_away() -> None:
    click = np.zeros(2 * SAMPLE_RATE_HZ, np.float32)
    click[SAMPLE_RATE_HZ // 2] = 1.0
    wet = reverberate(click, seconds=0.8, seed=1)
    assert not np.any(np.abs(wet[: SAMPLE_RATE_HZ // 2]) > 1e-5)
    early, late = (np.abs(wet[int(at_s * SAMPLE_RATE_HZ) :][:4000]).mean() for at_s in (0.55, 1.1))
    assert early > 20 * late > 0


def test_limiting_keeps_every_sample_below_the_ceiling() -> None:
    noise = np.random.default_rng(1).standard_normal((SAMPLE_RATE_HZ, 2)).astype(np.float32)
    gain = limiting_gain(noise, 0.8)
    assert np.max(np.abs(noise * gain[:, None])) <= 0.8 + 1e-6
    assert np.max(gain) <= 1.0


def test_the_level_of_a_full_sine_on_both_channels_is_zero() -> None:
    sine = np.sin(np.arange(2 * SAMPLE_RATE_HZ) * 0.1).astype(np.float32)
    assert level_db(np.stack([sine, sine], axis=1)) == pytest.approx(0.0, abs=0.05)
