"""The demo songs' own notation: numbered notes (简谱) over their syllables, compiled to UltraStar.

    key G4              1 is G4
    tempo 88            quarters a minute
    meter 4/4
    intro 2             bars before the bar in which the singing begins
    pickup 1            quarters sung before the first full bar (may be left out)

    3 3_ 5_ 6_ 1'_ 1'_ 6_ | 5 5_ 6_ 5- |
    好 一 ~ 朵 ~ ~ ~ 茉 莉 ~ 花

Each phrase is a line of notes over a line of syllables. A note is a degree of the major scale, 1 to 7 (0 rests), with
`#` or `b` before it, `'` and `,` for the octaves above and below; it lasts a quarter, `_` halves it, `.` makes it half
as long again, `-` adds a quarter. Bar lines are checked, which is what finds most slips of the pen. `~` sings on the
syllable before it, `-` at a syllable's end joins it to the next (`--` keeps a hyphen between them). `P1`, `P2 -12`
begin a voice at the song's beginning, so many semitones away from what is written; `rest 8` lets it wait so many bars.

`python -m yuefu.ingest.repertoire` writes every song's `song.txt` anew.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

SONGS = Path(__file__).with_name("songs")

UNITS_PER_QUARTER = 8
"""The finest note is a thirty-second. An UltraStar beat is a quarter of one of #BPM, so #BPM is twice the tempo."""

MAJOR_SCALE = (0, 2, 4, 5, 7, 9, 11)
NOTE = re.compile(r"(?P<accidental>[#b]?)(?P<degree>[0-7])(?P<octave>'*|,*)(?P<halved>_*)(?P<dots>\.*)(?P<added>-*)")
KEY = re.compile(r"(?P<letter>[A-G])(?P<accidental>[#b]?)(?P<octave>\d)")
LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
ACCIDENTALS = {"": 0, "#": 1, "b": -1}


@dataclass(frozen=True, slots=True)
class ScoreNote:
    """A sung note: `begin` and `length` in units from the first bar of the singing, `pitch` as a MIDI note number.

    `text` is what UltraStar shows, with the blank that ends a Latin word, and "~" where the last syllable goes on.
    """

    begin: int
    length: int
    pitch: int
    text: str

    @property
    def end(self) -> int:
        return self.begin + self.length


@dataclass(frozen=True, slots=True)
class Score:
    """A song's notes: phrases of voice 1, of voice 2, … in `voices`; bars and tempo to lay them on."""

    tempo: float
    quarters_per_bar: float
    intro_bars: int
    pickup: int
    voices: tuple[tuple[tuple[ScoreNote, ...], ...], ...]

    @property
    def unit_s(self) -> float:
        return 60.0 / self.tempo / UNITS_PER_QUARTER

    @property
    def bar_units(self) -> int:
        return round(self.quarters_per_bar * UNITS_PER_QUARTER)

    @property
    def begin_s(self) -> float:
        """When unit 0, the first bar of the singing or its pickup, sounds in the recording."""
        return (self.intro_bars * self.bar_units - self.pickup) * self.unit_s

    @property
    def bar_count(self) -> int:
        """Bars from the first to the last that is sung in, the intro and the bar of the pickup included."""
        last = max(phrase[-1].end for phrases in self.voices for phrase in phrases)
        return self.intro_bars + -(-(last - self.pickup) // self.bar_units)


def parse_score(text: str) -> Score:
    """The song that a score in our notation spells. Raises ValueError, naming the line, where it spells none."""
    head, _, body = text.partition("\n\n")
    fields = dict(line.split(maxsplit=1) for line in head.splitlines())
    over, under = fields["meter"].split("/")
    score = Score(
        tempo=float(fields["tempo"]),
        quarters_per_bar=4 * int(over) / int(under),
        intro_bars=int(fields["intro"]),
        pickup=round(float(fields.get("pickup", 0)) * UNITS_PER_QUARTER),
        voices=(),
    )
    return replace(score, voices=tuple(_voices(body, _key(fields["key"]), score)))


def ultrastar(score: Score, header: Mapping[str, str]) -> str:
    """The song as UltraStar text of format 1.1, under the given headers."""
    first = min(phrases[0][0].begin for phrases in score.voices)
    fields = dict(header)
    fields["BPM"] = f"{2 * score.tempo:g}"
    fields["GAP"] = f"{(score.begin_s + first * score.unit_s) * 1000:.0f}"
    lines = [f"#{name}:{value}" for name, value in fields.items()]
    for number, phrases in enumerate(score.voices, 1):
        if len(score.voices) > 1:
            lines.append(f"P{number}")
        for index, phrase in enumerate(phrases):
            if index:
                lines.append(f"- {phrases[index - 1][-1].end - first}")
            lines += [f": {note.begin - first} {note.length} {note.pitch - 60} {note.text}" for note in phrase]
    return "\n".join([*lines, "E", ""])


def _key(text: str) -> int:
    match = KEY.fullmatch(text)
    if match is None:
        raise ValueError(f"no key: {text!r}")
    return 12 * (int(match["octave"]) + 1) + LETTERS[match["letter"]] + ACCIDENTALS[match["accidental"]]


def _voices(body: str, key: int, score: Score) -> Iterator[tuple[tuple[ScoreNote, ...], ...]]:
    phrases: list[tuple[ScoreNote, ...]] = []
    at, shift = 0, 0
    lines = iter(line.strip() for line in body.splitlines())
    for line in lines:
        word, _, argument = line.partition(" ")
        if word in {"P1", "P2"}:
            if phrases:
                yield tuple(phrases)
            phrases, at, shift = [], 0, int(argument or 0)
        elif word == "rest":
            at += int(argument) * score.bar_units
        elif line:
            phrase, at = _phrase(line, next(lines, ""), at, key + shift, score)
            phrases.append(phrase)
    yield tuple(phrases)


def _phrase(notes: str, words: str, at: int, key: int, score: Score) -> tuple[tuple[ScoreNote, ...], int]:
    syllables = iter(_syllables(words))
    sung = []
    for mark in notes.split():
        if mark == "|":
            if (at - score.pickup) % score.bar_units:
                raise ValueError(f"the bar does not end here: {notes!r}, unit {at}")
            continue
        pitch, length = _note(mark, key)
        if pitch is not None:
            syllable = next(syllables, None)
            if syllable is None:
                raise ValueError(f"more notes than syllables: {notes!r} over {words!r}")
            sung.append(ScoreNote(at, length, pitch, syllable))
        at += length
    if next(syllables, None) is not None:
        raise ValueError(f"more syllables than notes: {notes!r} over {words!r}")
    return _with_breath(sung), at


def _note(token: str, key: int) -> tuple[int | None, int]:
    match = NOTE.fullmatch(token)
    if match is None:
        raise ValueError(f"no note: {token!r}")
    quarters = 0.5 ** len(match["halved"])
    quarters *= 2 - 0.5 ** len(match["dots"])
    length = (quarters + len(match["added"])) * UNITS_PER_QUARTER
    if length != int(length):
        raise ValueError(f"shorter than a thirty-second: {token!r}")
    if match["degree"] == "0":
        return None, int(length)
    octave = match["octave"].count("'") - match["octave"].count(",")
    pitch = key + MAJOR_SCALE[int(match["degree"]) - 1] + ACCIDENTALS[match["accidental"]] + 12 * octave
    return pitch, int(length)


def _with_breath(phrase: list[ScoreNote]) -> tuple[ScoreNote, ...]:
    """The phrase with its last note cut by a sixteenth where that leaves most of it: singers breathe."""
    last = phrase[-1]
    if last.length >= UNITS_PER_QUARTER:
        phrase[-1] = replace(last, length=last.length - UNITS_PER_QUARTER // 4)
    return tuple(phrase)


def _syllables(words: str) -> Iterator[str]:
    """The text of each note. A Latin word's blank stands after its last note, be that a "~"."""
    syllables = words.split()
    joined = False
    for index, syllable in enumerate(syllables):
        followed = syllables[index + 1 : index + 2] == ["~"]
        if syllable != "~":
            joined = syllable.endswith("-") or _is_unspaced(syllable)
        text = syllable.removesuffix("-")
        yield text if joined or followed or index + 1 == len(syllables) else text + " "


def _is_unspaced(syllable: str) -> bool:
    return unicodedata.name(syllable[0], "").startswith(("CJK", "HIRAGANA", "KATAKANA"))
