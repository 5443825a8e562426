"""A small band that follows a chord track: plucked strings or keys, a pad, a bass, percussion and a flute.

The flute states a melody where nobody sings. Every player is seeded: the same arrangement sounds the same twice.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from yuefu.music.harmony import Chord
from yuefu.music.instruments import DRUMS, drum_sound, flute_sound, pad_sound, string_sound
from yuefu.music.style import Style
from yuefu.music.synthesis import Signal, add_at, reverberate, samples


@dataclass(frozen=True, slots=True)
class LeadNote:
    """A note for the flute: times in seconds, MIDI pitch."""

    begin_s: float
    end_s: float
    pitch: float


@dataclass(frozen=True, slots=True)
class Arrangement:
    """What is to be played: chords by bar (sharing a bar evenly) from time 0 on, and the flute's notes."""

    tempo: float
    quarters_per_bar: float
    bars: Sequence[Sequence[Chord]]
    lead: Sequence[LeadNote]
    style: Style

    @property
    def quarter_s(self) -> float:
        return 60.0 / self.tempo

    @property
    def bar_s(self) -> float:
        return self.quarters_per_bar * self.quarter_s

    @property
    def eighths(self) -> int:
        return round(2 * self.quarters_per_bar)

    def strength(self, bar: int) -> float:
        """How much is played: the band comes in gently and is whole in the last two fifths."""
        share = bar / max(len(self.bars) - 1, 1)
        return 0.7 if bar < 2 else 0.85 if share < 0.6 else 1.0


def play(arrangement: Arrangement, *, seconds: float, seed: int) -> Signal:
    """The arrangement as stereo over `seconds`, its room included; peaks lie near 0.5.

    Raises KeyError when the style knows no pattern for a bar of that many eighths.
    """
    rng = np.random.default_rng(seed)
    desk = _Desk.for_length(samples(seconds))
    for player in (_play_strings, _play_pad, _play_bass, _play_drums):
        player(desk, arrangement, rng)
    _play_lead(desk, arrangement.lead, rng)
    _play_ending(desk, arrangement)
    return desk.mixed(arrangement.style.room_s, seed)


@dataclass(slots=True)
class _Desk:
    """A mixing desk of two channels and one send to the room."""

    left: Signal
    right: Signal
    send: Signal

    @classmethod
    def for_length(cls, n: int) -> "_Desk":
        return cls(*(np.zeros(n, np.float32) for _ in range(3)))

    def add(self, at_s: float, sound: Signal, gain: float, *, position: float = 0.0, room: float = 0.3) -> None:
        """Add a mono sound: `position` from -1 (left) to 1 (right), `room` is how much of it the room hears."""
        angle = (position + 1.0) * np.pi / 4.0
        add_at(self.left, at_s, sound, gain * float(np.cos(angle)))
        add_at(self.right, at_s, sound, gain * float(np.sin(angle)))
        add_at(self.send, at_s, sound, gain * room)

    def mixed(self, room_s: float, seed: int) -> Signal:
        mixed = reverberate(self.send, seconds=room_s, seed=seed)
        mixed[:, 0] += self.left
        mixed[:, 1] += self.right
        return mixed


def _chord_at(arrangement: Arrangement, bar: int, eighth: float) -> Chord:
    chords = arrangement.bars[bar]
    return chords[min(int(eighth * len(chords) / arrangement.eighths), len(chords) - 1)]


def _steps(arrangement: Arrangement, pattern: str) -> Iterator[tuple[int, int, str]]:
    """The marks of a bar-long pattern over the whole song, as (bar, eighth, mark); rests left out."""
    for bar in range(len(arrangement.bars)):
        for eighth, mark in enumerate(pattern):
            if mark != ".":
                yield bar, eighth, mark


def _time_s(arrangement: Arrangement, bar: int, eighth: float) -> float:
    return bar * arrangement.bar_s + eighth * arrangement.quarter_s / 2


def _play_strings(desk: _Desk, arrangement: Arrangement, rng: np.random.Generator) -> None:
    style = arrangement.style
    for bar, eighth, mark in _steps(arrangement, style.figure[arrangement.eighths]):
        tones = _chord_at(arrangement, bar, eighth).pitches(style.low, 6)
        chosen = tones[:4] if mark == "*" else [tones[int(mark) - 1]]
        at_s = _time_s(arrangement, bar, eighth) + 0.004 * rng.standard_normal()
        gain = arrangement.strength(bar) * (0.2 if eighth == 0 else 0.16) * (0.85 + 0.3 * rng.random())
        for order, pitch in enumerate(chosen):
            position = 0.55 * np.sin(pitch * 1.7)
            desk.add(
                at_s + 0.014 * order, string_sound(style.strings, pitch), gain, position=float(position), room=0.35
            )


def _play_pad(desk: _Desk, arrangement: Arrangement, rng: np.random.Generator) -> None:
    del rng  # the pad breathes by its detuned partials alone
    if not arrangement.style.pad:
        return
    for bar, chords in enumerate(arrangement.bars):
        length_s = arrangement.bar_s / len(chords)
        for index, chord in enumerate(chords):
            at_s = _time_s(arrangement, bar, 0) + index * length_s
            gain = 0.05 * arrangement.style.pad * arrangement.strength(bar)
            for position, detune in ((-0.7, -1), (0.7, 1)):
                sound = pad_sound(tuple(chord.pitches(52, 4)), round(length_s + 0.35, 3), detune)
                desk.add(at_s - 0.05, sound, gain, position=position, room=0.5)


def _play_bass(desk: _Desk, arrangement: Arrangement, rng: np.random.Generator) -> None:
    for bar, eighth, mark in _steps(arrangement, arrangement.style.bass[arrangement.eighths]):
        pitch = _chord_at(arrangement, bar, eighth).bass(7 if mark == "5" else 0)
        gain = 0.25 * arrangement.strength(bar) * (0.95 + 0.1 * rng.random())
        desk.add(_time_s(arrangement, bar, eighth), string_sound("bass", pitch), gain, room=0.03)


def _play_drums(desk: _Desk, arrangement: Arrangement, rng: np.random.Generator) -> None:
    for name, pattern in arrangement.style.grooves[arrangement.eighths].items():
        drum = DRUMS[name]
        for bar, eighth, mark in _steps(arrangement, pattern):
            if bar == 0:
                continue
            gain = drum.gain * {"X": 1.0, "x": 0.75, "-": 0.4}[mark] * arrangement.style.drums
            gain *= arrangement.strength(bar) * (0.92 + 0.16 * rng.random())
            at_s = _time_s(arrangement, bar, eighth) + 0.003 * rng.standard_normal()
            desk.add(at_s, drum_sound(name), gain, position=drum.position, room=drum.room)


def _play_lead(desk: _Desk, notes: Sequence[LeadNote], rng: np.random.Generator) -> None:
    for note in notes:
        sound = flute_sound(note.pitch, note.end_s - note.begin_s + 0.06, rng)
        desk.add(note.begin_s - 0.02, sound, 0.16, position=0.15, room=0.6)


def _play_ending(desk: _Desk, arrangement: Arrangement) -> None:
    """The last chord once more, left to ring."""
    at_s = len(arrangement.bars) * arrangement.bar_s
    chord = arrangement.bars[-1][-1]
    desk.add(at_s, string_sound("bass", chord.bass()), 0.24, room=0.05)
    for order, pitch in enumerate(chord.pitches(arrangement.style.low, 5)):
        sound = string_sound(arrangement.style.strings, pitch)
        desk.add(at_s + 0.07 * order, sound, 0.16, position=0.2 * order - 0.4, room=0.45)
