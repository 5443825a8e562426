"""A voice and a band of a few seconds, to be heard."""

from functools import cache

import numpy as np
import soxr

from yuefu.music.band import Arrangement, play
from yuefu.music.f0 import RATE_HZ, Mono
from yuefu.music.harmony import parse_chord
from yuefu.music.lyrics import Line, Lyrics, Syllable, Word
from yuefu.music.phonetics import Sound
from yuefu.music.style import STYLES
from yuefu.music.synthesis import SAMPLE_RATE_HZ
from yuefu.music.voice import Singer, SungNote, sing

TEMPO = 100.0
PITCHES = (60, 62, 64, 64, 67, 65, 64, 62)
NOTE_S = 0.6
BEGIN_S = 4.8
SECONDS = 19.2
PHRASES = tuple(
    tuple(
        SungNote(begin + place * NOTE_S, begin + (place + 1) * NOTE_S - 0.05, pitch, Sound("d", "a"))
        for place, pitch in enumerate(PITCHES)
    )
    for begin in (BEGIN_S, BEGIN_S + 9.6)
)


@cache
def voice() -> Mono:
    """Two phrases of eight notes, from `BEGIN_S` on."""
    return heard(sing(PHRASES, Singer(), seconds=SECONDS, seed=1))


@cache
def band(seed: int = 1) -> Mono:
    """Eight bars that go with it."""
    bars = [[parse_chord(name)] for name in ("C", "C", "F", "G") * 2]
    sound = play(Arrangement(TEMPO, 4.0, bars, (), STYLES["folk"]), seconds=SECONDS, seed=seed)
    return heard(sound.mean(axis=1))


def heard(sound: Mono) -> Mono:
    """As an import keeps it in mind."""
    return np.asarray(soxr.resample(sound, SAMPLE_RATE_HZ, RATE_HZ), np.float32)


def lyrics(*, begin_s: float = BEGIN_S, words: bool = True) -> Lyrics:
    """A line a phrase, beginning at `begin_s`."""
    late_ms = round((begin_s - BEGIN_S) * 1_000)
    return Lyrics(lines=tuple(_line(phrase, late_ms, words=words) for phrase in PHRASES))


def _line(phrase: tuple[SungNote, ...], late_ms: int, *, words: bool) -> Line:
    syllables = [
        Syllable(begin_ms=round(note.begin_s * 1_000) + late_ms, duration_ms=550, text="啦") for note in phrase
    ]
    return Line(
        begin_ms=syllables[0].begin_ms,
        end_ms=syllables[-1].end_ms,
        text="啦" * len(syllables),
        words=tuple(Word(syllables=(syllable,)) for syllable in syllables) if words else (),
    )
