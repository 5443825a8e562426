import numpy as np
import pytest
from numpy.typing import NDArray

from yuefu.music.phonetics import Sound, pronounce
from yuefu.music.synthesis import SAMPLE_RATE_HZ, Signal, frequency_hz
from yuefu.music.voice import Singer, SungNote, sing

HOP = 441
WINDOW = 2048

TUNE = (64, 67, 69, 72, 69, 67)


def phrase(pitches: tuple[int, ...] = TUNE, *, begin_s: float = 0.6, note_s: float = 0.6) -> list[SungNote]:
    sounds = [pronounce(spelling, "zh") for spelling in ("hao", "yi", "duo", "mo", "li", "hua")]
    return [
        SungNote(begin_s + index * note_s, begin_s + (index + 1) * note_s, pitch, sounds[index % 6])
        for index, pitch in enumerate(pitches)
    ]


def track_f0_hz(signal: Signal) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(middles of frames in seconds, f0 in hertz or 0): YIN (de Cheveigné and Kawahara, 2002) by FFT."""
    frames = np.lib.stride_tricks.sliding_window_view(signal.astype(np.float64), 2 * WINDOW)[::HOP]
    heads = np.fft.rfft(frames[:, :WINDOW], 4 * WINDOW, axis=1)
    products = np.fft.irfft(np.fft.rfft(frames, 4 * WINDOW, axis=1) * np.conj(heads), axis=1)[:, :WINDOW]
    energy = np.cumsum(np.pad(frames**2, ((0, 0), (1, 0))), axis=1)
    energies = energy[:, WINDOW : 2 * WINDOW] - energy[:, :WINDOW]
    difference = energies[:, :1] + energies - 2 * products
    difference[:, 0] = 0
    normal = difference * np.arange(WINDOW) / np.maximum(np.cumsum(difference, axis=1), 1e-12)
    normal[:, 0] = 1
    times_s = (np.arange(len(frames)) * HOP + WINDOW) / SAMPLE_RATE_HZ
    return times_s, np.array([SAMPLE_RATE_HZ / lag if (lag := best_lag(row)) else 0.0 for row in normal])


def best_lag(row: NDArray[np.float64]) -> float:
    candidates = np.flatnonzero(row[40:800] < 0.15)
    if not len(candidates):
        return 0.0
    lag = 40 + int(candidates[0])
    while lag < 798 and row[lag + 1] < row[lag]:
        lag += 1
    before, here, after = row[lag - 1 : lag + 2]
    return float(lag + (before - after) / (2 * (before - 2 * here + after) + 1e-12))


@pytest.mark.parametrize(("singer", "shift"), [(Singer(tract=1.17), 0), (Singer(tract=0.97), -12)])
def test_the_voice_hits_its_notes_within_thirty_cents(singer: Singer, shift: int) -> None:
    notes = phrase(tuple(pitch + shift for pitch in TUNE))
    times_s, f0_hz = track_f0_hz(sing([notes], singer, seconds=5.0, seed=3))
    errors_cents: list[float] = []
    frames = 0
    for note in notes:
        inside = (times_s > note.begin_s + 0.03) & (times_s < note.end_s - 0.03)
        heard = f0_hz[inside & (f0_hz > 0)]
        frames += int(inside.sum())
        errors_cents.extend(1200 * np.log2(heard / frequency_hz(note.pitch)))
    assert len(errors_cents) > 0.85 * frames, "most of a sung note is voiced"
    assert np.mean(np.abs(errors_cents) < 30) > 0.9


def test_a_held_note_takes_on_vibrato_only_after_a_while() -> None:
    note = SungNote(0.5, 3.0, 69, Sound("", "a"))
    times_s, f0_hz = track_f0_hz(sing([[note]], Singer(vibrato_cents=30), seconds=3.6, seed=1))
    cents = 1200 * np.log2(np.maximum(f0_hz, 1) / 440)
    early = cents[(times_s > 0.6) & (times_s < 0.75)]
    late = cents[(times_s > 1.4) & (times_s < 2.8)]
    assert np.ptp(late) > 35 > 2 * np.ptp(early)


def test_vowels_differ_by_their_formants() -> None:
    def centre_hz(vowel: str) -> float:
        sung = sing([[SungNote(0.3, 1.5, 50, Sound("", vowel))]], Singer(), seconds=1.8, seed=1)
        spectrum = np.abs(np.fft.rfft(sung[int(0.7 * SAMPLE_RATE_HZ) : int(1.4 * SAMPLE_RATE_HZ)])) ** 2
        frequencies = np.fft.rfftfreq(int(1.4 * SAMPLE_RATE_HZ) - int(0.7 * SAMPLE_RATE_HZ), 1 / SAMPLE_RATE_HZ)
        band = (frequencies > 1500) & (frequencies < 5000)
        return float(spectrum[band].sum() / spectrum.sum())

    assert centre_hz("i") > 5 * centre_hz("u"), "i is bright, u is dark"


def test_a_stop_silences_the_voice_before_its_syllable() -> None:
    def level(signal: Signal, begin_s: float, end_s: float) -> float:
        return float(np.sqrt(np.mean(signal[int(begin_s * SAMPLE_RATE_HZ) : int(end_s * SAMPLE_RATE_HZ)] ** 2)))

    stopped, open_ = (
        sing(
            [[SungNote(0.5, 1.2, 60, Sound("", "a")), SungNote(1.2, 1.9, 60, Sound(onset, "a"))]],
            Singer(),
            seconds=2.2,
            seed=1,
        )
        for onset in ("t", "")
    )
    assert level(stopped, 1.145, 1.17) < 0.2 * level(open_, 1.145, 1.17)
    assert level(stopped, 1.4, 1.7) == pytest.approx(level(open_, 1.4, 1.7), rel=0.2)


def test_the_singer_breathes_before_a_phrase_and_is_silent_elsewhere() -> None:
    sung = sing([phrase(begin_s=1.5)], Singer(), seconds=6.5, seed=1)
    assert not np.any(sung[: int(1.0 * SAMPLE_RATE_HZ)])
    assert np.max(np.abs(sung[int(1.2 * SAMPLE_RATE_HZ) : int(1.4 * SAMPLE_RATE_HZ)])) > 0.005
    assert np.max(np.abs(sung[int(5.6 * SAMPLE_RATE_HZ) :])) < 1e-3


def test_the_same_seed_sings_the_same_and_another_does_not() -> None:
    first, again, other = (sing([phrase()], Singer(), seconds=4.6, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(
    ("spelling", "language", "sound"),
    [
        ("zhi", "zh", Sound("zh", "I")),
        ("liang", "zh", Sound("l", "ia", "n")),
        ("yuan", "zh", Sound("", "vE", "n")),
        ("xue", "zh", Sound("x", "vE")),
        ("you", "zh", Sound("", "iou")),
        ("wei", "zh", Sound("", "uei")),
        ("yi", "zh", Sound("", "i")),
        ("nv", "zh", Sound("n", "v")),
        ("er", "zh", Sound("", "r")),
        ("grace,", "en", Sound("g", "ei")),
        ("night", "en", Sound("n", "ai")),
        ("sweet", "en", Sound("s", "i")),
        ("moon", "en", Sound("m", "u", "n")),
        ("the", "en", Sound("th", "A")),
        ("yet", "en", Sound("y", "E")),
        ("lu", "fr", Sound("l", "v")),
        ("schö", "de", Sound("s", "e")),
        ("ʻo", "haw", Sound("", "o")),
        ("n", "ja", Sound("n", "A", "n")),
    ],
)
def test_spelling_says_how_a_syllable_sounds(spelling: str, language: str, sound: Sound) -> None:
    assert pronounce(spelling, language) == sound
