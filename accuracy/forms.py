"""Songs as structures: which lines are the chorus, how loud and how high each line is; made by chance from a seed.

Four forms: verse and chorus in turn; a song that opens with its chorus; one whose chorus comes late; and a ballad of
two halves, in which the verses' words come again as well. In an easy song the chorus is played louder. In a hard one
it is not, and a fifth of the lines are sung with other words the second time.

How much higher a chorus lies is drawn for each song: two semitones on average, sometimes none, sometimes lower. That is
an assumption about songs and no measurement of them.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from yuefu.music.lyrics import Line, Lyrics
from yuefu.music.notes import Note, PitchLine
from yuefu.music.prominence import STEP_MS, Curve

FORMS = {
    "verse and chorus": "iVCVCbCo",
    "chorus first": "iCVCVbCCo",
    "late chorus": "iVVbVCbCo",
    "two halves": "iVWCbVWCCo",
}
SIGNS = (
    "天地玄黄宇宙洪荒日月盈昃辰宿列张寒来暑往秋收冬藏闰余成岁律吕调阳云腾致雨露结为霜金生丽水玉出昆冈剑号巨阙珠称夜光"
)


@dataclass(frozen=True, slots=True)
class FormedSong:
    """A song whose choruses begin at `chorus_ms`."""

    form: str
    lyrics: Lyrics
    pitch_line: PitchLine
    loudness_db: Curve
    duration_ms: int
    chorus_ms: tuple[int, ...]


def form_song(form: str, *, hard: bool, seed: int) -> FormedSong:
    """One song of that form; the same seed makes the same one twice."""
    chance = random.Random(f"{form} {hard} {seed}")  # noqa: S311 - reproducible, not secret
    noise = np.random.default_rng(chance.randrange(2**32))
    lift = chance.gauss(2.0, 1.5)
    louder_db = 0.0 if hard else chance.uniform(2.0, 5.0)
    line_ms = chance.randint(3_200, 4_800)
    words = {part: [_words(chance) for _ in range(chance.choice((4, 4, 6)))] for part in "VWC"}
    tonic = chance.randint(55, 64)
    at_ms, sections, chorus_ms = 0, [], []
    lines: list[Line] = []
    notes: list[Note] = []
    for part in FORMS[form]:
        begin_ms = at_ms
        if part in "ibo":
            at_ms += chance.randint(8_000, 16_000)
        else:
            chorus_ms += [at_ms] if part == "C" else []
            if part == "V" and form != "two halves" and lines:
                words["V"] = [_words(chance) for _ in words["V"]]
            for text in words[part]:
                sung = _altered(text, chance) if hard and chance.random() < 0.2 else text
                end_ms = at_ms + line_ms - chance.randint(200, 800)
                lines.append(Line(begin_ms=at_ms, end_ms=end_ms, text=sung))
                notes += _notes(chance, at_ms, end_ms, tonic + (lift if part == "C" else 0.0))
                at_ms += line_ms
        sections.append((begin_ms, at_ms, part))
    loudness_db = np.full(at_ms // STEP_MS, -20.0)
    for begin_ms, end_ms, part in sections:
        level = {"C": louder_db, "i": -4.0, "b": 0.5, "o": -3.0}.get(part, 0.0)
        loudness_db[begin_ms // STEP_MS : end_ms // STEP_MS] += level + noise.normal(0, 0.7)
    loudness_db += noise.normal(0, 2.5, len(loudness_db))
    return FormedSong(
        form, Lyrics(lines=tuple(lines)), PitchLine(notes=tuple(notes)), loudness_db, at_ms, tuple(chorus_ms)
    )


def _words(chance: random.Random) -> str:
    return "".join(chance.choices(SIGNS, k=chance.randint(6, 10)))


def _altered(text: str, chance: random.Random) -> str:
    """The line with half of its words changed."""
    changed = set(chance.sample(range(len(text)), len(text) // 2))
    return "".join(chance.choice(SIGNS) if place in changed else sign for place, sign in enumerate(text))


def _notes(chance: random.Random, begin_ms: int, end_ms: int, centre: float) -> Sequence[Note]:
    """A line's melody: eight notes that wander about a centre."""
    step_ms = (end_ms - begin_ms) // 8
    pitch, notes = centre + chance.gauss(0, 2), []
    for place in range(8):
        pitch += 0.4 * (centre - pitch) + chance.gauss(0, 2)
        notes.append(Note(begin_ms=begin_ms + place * step_ms, duration_ms=step_ms, pitch=round(pitch)))
    return notes
