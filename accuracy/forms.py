"""Songs as structures: which lines are the chorus, how loud and how high each line is; made by chance from a seed.

Four forms: verse and chorus in turn; a song that opens with its chorus; one whose chorus comes late; and a ballad of
two halves, in which the verses' words come again as well. In an easy song the chorus is played louder. In a hard one
it is not, and a fifth of the lines are sung with other words the second time.

Of folk songs there are five forms more: one verse whose chorus is sung twice; a chorus of two lines; one that has other
words each time; and two without any chorus, of which whatever is chosen is wrong: every verse to one tune, and every
verse between the same first and last line. Whether one verse whose second half is sung again has a chorus is open to
doubt; here it has none.

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
FOLK_FORMS = {
    "one verse, chorus twice": "iVCbCo",
    "chorus of two lines": "iVKVKbVKo",
    "chorus of other words": "iVCbVCo",
    "one tune": "iSbSbSSo",
    "same first and last line": "iHbHbHo",
}
DOUBTFUL_FORMS = {"second half again": "iVWbWo"}
SIGNS = (
    "天地玄黄宇宙洪荒日月盈昃辰宿列张寒来暑往秋收冬藏闰余成岁律吕调阳云腾致雨露结为霜金生丽水玉出昆冈剑号巨阙珠称夜光"
)


@dataclass(frozen=True, slots=True)
class FormedSong:
    """A song whose choruses, where it has any, begin at `chorus_ms`."""

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
    tune: dict[str, list[float]] = {}
    if form not in FORMS:
        words |= {part: [_words(chance) for _ in words["V"]] for part in "SH"} | {"K": words["C"][:2]}
        tune = {part: [chance.gauss(lift * (part in "CK"), 2) for _ in sung] for part, sung in words.items()}
    at_ms, sections, chorus_ms = 0, [], []
    lines: list[Line] = []
    notes: list[Note] = []
    for part in (FORMS | FOLK_FORMS | DOUBTFUL_FORMS)[form]:
        begin_ms = at_ms
        if part in "ibo":
            at_ms += chance.randint(8_000, 16_000)
        else:
            chorus_ms += [at_ms] if part in "CK" else []
            if part == "V" and form != "two halves" and lines:
                words["V"] = [_words(chance) for _ in words["V"]]
            if part in "SH" or form == "chorus of other words":
                words[part] = _other_words(chance, words[part], keeps_ends=part == "H")
            heights = tune.get(part, [lift if part == "C" else 0.0] * len(words[part]))
            for text, height in zip(words[part], heights, strict=True):
                sung = _altered(text, chance) if hard and chance.random() < 0.2 else text
                end_ms = at_ms + line_ms - chance.randint(200, 800)
                lines.append(Line(begin_ms=at_ms, end_ms=end_ms, text=sung))
                notes += _notes(chance, at_ms, end_ms, tonic + height)
                at_ms += line_ms
        sections.append((begin_ms, at_ms, part))
    loudness_db = np.full(at_ms // STEP_MS, -20.0)
    for begin_ms, end_ms, part in sections:
        level = {"C": louder_db, "K": louder_db, "i": -4.0, "b": 0.5, "o": -3.0}.get(part, 0.0)
        loudness_db[begin_ms // STEP_MS : end_ms // STEP_MS] += level + noise.normal(0, 0.7)
    loudness_db += noise.normal(0, 2.5, len(loudness_db))
    return FormedSong(
        form, Lyrics(lines=tuple(lines)), PitchLine(notes=tuple(notes)), loudness_db, at_ms, tuple(chorus_ms)
    )


def _words(chance: random.Random) -> str:
    return "".join(chance.choices(SIGNS, k=chance.randint(6, 10)))


def _other_words(chance: random.Random, lines: Sequence[str], *, keeps_ends: bool) -> list[str]:
    """Other words to the same tune, but for the first and the last line where those are kept."""
    new = [_words(chance) for _ in lines]
    return [lines[0], *new[1:-1], lines[-1]] if keeps_ends else new


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
