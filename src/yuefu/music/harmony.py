"""Chords by their names."""

import re
from dataclasses import dataclass

QUALITIES = {
    "": (0, 4, 7),
    "m": (0, 3, 7),
    "7": (0, 4, 7, 10),
    "m7": (0, 3, 7, 10),
    "sus2": (0, 2, 7),
    "sus4": (0, 5, 7),
}
ROOTS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
CHORD = re.compile(r"(?P<letter>[A-G])(?P<accidental>[#b]?)(?P<quality>m7|m|7|sus2|sus4|)")


@dataclass(frozen=True, slots=True)
class Chord:
    """A chord: its root as a pitch class (0 = C) and its tones as semitones above the root."""

    root: int
    tones: tuple[int, ...]

    def pitches(self, low: float, count: int) -> list[int]:
        """The `count` lowest pitches of the chord from the MIDI note `low` up."""
        classes = {(self.root + tone) % 12 for tone in self.tones}
        found = [pitch for pitch in range(int(low), int(low) + 12 * count) if pitch % 12 in classes]
        return found[:count]

    def bass(self, interval: int = 0) -> int:
        """The root, or a tone `interval` above it, between A1 and G#2."""
        return 33 + (self.root + interval - 33) % 12


def parse_chord(name: str) -> Chord:
    """The chord a name such as "G", "F#m" or "D7" stands for. Raises ValueError for any other text."""
    match = CHORD.fullmatch(name)
    if match is None:
        raise ValueError(f"no chord: {name!r}")
    root = ROOTS[match["letter"]] + {"": 0, "#": 1, "b": -1}[match["accidental"]]
    return Chord(root % 12, QUALITIES[match["quality"]])
