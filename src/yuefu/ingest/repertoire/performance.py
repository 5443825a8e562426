"""A performance of a demo song: its score sung by the synthetic voices over the synthetic band."""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import cycle
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from yuefu.ingest.repertoire.score import Score, ScoreNote
from yuefu.music.band import Arrangement, LeadNote, play
from yuefu.music.harmony import Chord
from yuefu.music.phonetics import Sound, pronounce
from yuefu.music.style import STYLES
from yuefu.music.synthesis import Signal, fade, level_db, limiting_gain, pan, reverberate
from yuefu.music.voice import Singer, SungNote, sing

SOUNDS = Path(__file__).with_name("sounds.txt")

LEVEL_DB = -16.0
PEAK = 10 ** (-1.2 / 20)
VOCALS_OVER_BAND_DB = 2.0
TAIL_S = 3.2
"""What rings on after the last bar."""

Pcm = NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Performance:
    """Stereo stems of one length at 44.1 kHz; `mix` is their sum, sample by sample."""

    vocals: Pcm
    instrumental: Pcm

    @property
    def mix(self) -> Pcm:
        return self.vocals + self.instrumental


def perform(
    score: Score,
    chords: Sequence[Sequence[Chord]],
    singers: Sequence[Singer],
    *,
    style: str,
    language: str,
    seed: int,
    only_bars: int | None = None,
) -> Performance:
    """Sing and play a song; `only_bars` stops after so many bars, the intro's among them, for a quick look."""
    bars = [*chords[-score.intro_bars :], *chords][:only_bars]
    bar_s = score.bar_units * score.unit_s
    seconds = len(bars) * bar_s + TAIL_S
    band = play(
        Arrangement(score.tempo, score.quarters_per_bar, bars, _lead(score), STYLES[style]), seconds=seconds, seed=seed
    )
    voices = np.zeros_like(band)
    places = (0.0,) if len(score.voices) == 1 else (-0.35, 0.35)
    for number, (phrases, singer, place) in enumerate(zip(score.voices, cycle(singers), places, strict=False)):
        sung = sung_phrases(score, phrases, language)
        heard = [phrase for phrase in sung if phrase[-1].end_s <= len(bars) * bar_s]
        voice = sing(heard, singer, seconds=seconds, seed=1_000 * seed + number)
        voices += pan(voice, place) + 0.22 * reverberate(voice, seconds=1.6, seed=seed + number)
    return _balanced(voices, band)


def _balanced(vocals: Signal, band: Signal) -> Performance:
    """Both at the loudness they have in the mix, under one and the same gain, so that they still add up."""
    vocals *= np.float32(10 ** ((level_db(band) + VOCALS_OVER_BAND_DB - level_db(vocals)) / 20))
    gain = np.float32(10 ** ((LEVEL_DB - level_db(vocals + band)) / 20))
    limited = fade(gain * limiting_gain(gain * (vocals + band), PEAK), release_s=0.4)[:, None]
    return Performance(_pcm(vocals * limited), _pcm(band * limited))


def _pcm(signal: Signal) -> Pcm:
    return np.asarray(np.rint(signal * 32_767), dtype=np.int16)


def _lead(score: Score) -> list[LeadNote]:
    """What the flute plays while nobody sings: the tune's last bars, so that they end where the singing goes on."""
    notes = [note for phrase in score.voices[0] for note in phrase]
    lift = 12 if np.median([note.pitch for note in notes]) < 62 else 0
    end = (score.bar_count - score.intro_bars) * score.bar_units + score.pickup
    lead = []
    for begin, until in _breaks(score):
        next_bar = until + (score.pickup - until) % score.bar_units
        shift = next_bar - end
        moved = [(note.begin + shift, min(note.end + shift, until), note.pitch + lift) for note in notes]
        lead += [
            LeadNote(_time_s(score, unit), _time_s(score, stop), pitch)
            for unit, stop, pitch in moved
            if begin <= unit < stop
        ]
    return lead


def _breaks(score: Score) -> Iterator[tuple[int, int]]:
    """The intro and every stretch of about two bars or more without singing, in units."""
    sung = sorted((note.begin, note.end) for phrases in score.voices for phrase in phrases for note in phrase)
    silent_from = score.pickup - score.intro_bars * score.bar_units
    for begin, end in sung:
        if begin - silent_from > 1.5 * score.bar_units:
            yield silent_from, begin
        silent_from = max(silent_from, end)


def _time_s(score: Score, unit: int) -> float:
    return score.begin_s + unit * score.unit_s


def sung_phrases(score: Score, phrases: Sequence[Sequence[ScoreNote]], language: str) -> list[list[SungNote]]:
    """The phrases of one voice of the score, as they are sung in that language."""
    return [[_sung(note, score, language) for note in phrase] for phrase in phrases]


def _sung(note: ScoreNote, score: Score, language: str) -> SungNote:
    sound = _sound(note.text.strip(), language)
    return SungNote(_time_s(score, note.begin), _time_s(score, note.end), note.pitch, sound)


def _sound(text: str, language: str) -> Sound | None:
    return None if text == "~" else pronounce(_spellings().get(text, text), language)


@cache
def _spellings() -> dict[str, str]:
    """Characters and the Latin letters they are sung by, from `sounds.txt`."""
    lines = [line.split() for line in SOUNDS.read_text("utf-8").splitlines() if line and not line.startswith("#")]
    return {
        unicodedata.normalize("NFC", character): spelling for spelling, characters in lines for character in characters
    }
