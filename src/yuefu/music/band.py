"""A small band that follows a chord track: plucked strings or keys, a pad, a bass, percussion and a flute.

Strings, keys, bells and pads are sums of decaying partials (`synthesis.ring`), drums are noise and falling sines. The
flute states a melody where nobody sings. Every player is seeded: the same arrangement sounds the same twice.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from yuefu.music.synthesis import (
    SAMPLE_RATE_HZ,
    Signal,
    add_at,
    fade,
    frequency_hz,
    oscillate,
    reverberate,
    ring,
    samples,
    shaped_noise,
    wave_table,
)

QUALITIES = {"": (0, 4, 7), "m": (0, 3, 7), "7": (0, 4, 10), "m7": (0, 3, 10), "sus2": (0, 2, 7), "sus4": (0, 5, 7)}
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


@dataclass(frozen=True, slots=True)
class LeadNote:
    """A note for the flute: times in seconds, MIDI pitch."""

    begin_s: float
    end_s: float
    pitch: float


@dataclass(frozen=True, slots=True)
class Style:
    """Who plays, and how. `figure` is the order in which chord tones are plucked, one an eighth, `.` a rest and `*`
    the whole chord; it starts anew each bar. `grooves` holds, by the number of eighths in a bar, what each drum plays:
    `X` loud, `x` plain, `-` soft. `bass` is a figure of root (1) and fifth (5).
    """

    strings: str
    figure: Mapping[int, str]
    grooves: Mapping[int, Mapping[str, str]]
    bass: Mapping[int, str]
    low: int = 55
    pad: float = 0.5
    drums: float = 0.7
    room_s: float = 1.4


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
            desk.add(at_s + 0.014 * order, _string(style.strings, pitch), gain, position=float(position), room=0.35)


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
                sound = _pad(tuple(chord.pitches(52, 4)), round(length_s + 0.35, 3), detune)
                desk.add(at_s - 0.05, sound, gain, position=position, room=0.5)


def _play_bass(desk: _Desk, arrangement: Arrangement, rng: np.random.Generator) -> None:
    for bar, eighth, mark in _steps(arrangement, arrangement.style.bass[arrangement.eighths]):
        pitch = _chord_at(arrangement, bar, eighth).bass(7 if mark == "5" else 0)
        gain = 0.25 * arrangement.strength(bar) * (0.95 + 0.1 * rng.random())
        desk.add(_time_s(arrangement, bar, eighth), _string("bass", pitch), gain, room=0.03)


def _play_drums(desk: _Desk, arrangement: Arrangement, rng: np.random.Generator) -> None:
    for name, pattern in arrangement.style.grooves[arrangement.eighths].items():
        drum = DRUMS[name]
        for bar, eighth, mark in _steps(arrangement, pattern):
            if bar == 0:
                continue
            gain = drum.gain * {"X": 1.0, "x": 0.75, "-": 0.4}[mark] * arrangement.style.drums
            gain *= arrangement.strength(bar) * (0.92 + 0.16 * rng.random())
            at_s = _time_s(arrangement, bar, eighth) + 0.003 * rng.standard_normal()
            desk.add(at_s, _drum(name), gain, position=drum.position, room=drum.room)


def _play_lead(desk: _Desk, notes: Sequence[LeadNote], rng: np.random.Generator) -> None:
    for note in notes:
        sound = _flute(note, rng)
        desk.add(note.begin_s - 0.02, sound, 0.16, position=0.15, room=0.6)


def _play_ending(desk: _Desk, arrangement: Arrangement) -> None:
    """The last chord once more, left to ring."""
    at_s = len(arrangement.bars) * arrangement.bar_s
    chord = arrangement.bars[-1][-1]
    desk.add(at_s, _string("bass", chord.bass()), 0.24, room=0.05)
    for order, pitch in enumerate(chord.pitches(arrangement.style.low, 5)):
        sound = _string(arrangement.style.strings, pitch)
        desk.add(at_s + 0.07 * order, sound, 0.16, position=0.2 * order - 0.4, room=0.45)


@dataclass(frozen=True, slots=True)
class Timbre:
    """A struck or plucked sound: partials up to `partials`, plucked at a share of the string, damped by `decay` a
    second plus `damping` for each partial, stretched by `stiffness`; `dark` is how fast partials get weaker.
    """

    partials: int
    pluck: float
    dark: float
    decay: float
    damping: float
    stiffness: float = 0.0
    seconds: float = 2.4
    ratios: tuple[float, ...] = ()
    attack_s: float = 0.002


TIMBRES = {
    "zheng": Timbre(26, 0.11, 1.0, 1.3, 0.28, 0.00012, 2.6),
    "koto": Timbre(24, 0.07, 0.85, 1.8, 0.4, 0.0002, 2.2),
    "guitar": Timbre(20, 0.19, 1.25, 1.6, 0.5, 0.00005, 2.0),
    "piano": Timbre(20, 0.125, 1.35, 1.1, 0.35, 0.0004, 2.4, attack_s=0.004),
    "harp": Timbre(14, 0.35, 1.5, 1.5, 0.6, 0.0, 2.2),
    "bells": Timbre(5, 0.0, 1.4, 1.2, 0.8, 0.0, 2.4, ratios=(1.0, 2.0, 3.01, 5.43, 8.21)),
    "bass": Timbre(9, 0.22, 1.6, 1.8, 0.5, 0.0, 1.6, attack_s=0.008),
}


@cache
def _string(name: str, pitch: int) -> Signal:
    timbre = TIMBRES[name]
    rng = np.random.default_rng(pitch)
    numbers = np.arange(1, timbre.partials + 1)
    ratios = np.array(timbre.ratios) if timbre.ratios else numbers * np.sqrt(1 + timbre.stiffness * numbers**2)
    frequencies = frequency_hz(pitch) * ratios
    heard = frequencies < SAMPLE_RATE_HZ * 0.45
    shape = np.abs(np.sin(np.pi * numbers * timbre.pluck)) + 0.02 if timbre.pluck else np.ones(len(numbers))
    amplitudes = shape * numbers.astype(float) ** -timbre.dark * (0.9 + 0.2 * rng.random(len(numbers)))
    decays = (timbre.decay + timbre.damping * (numbers - 1)) * (frequency_hz(pitch) / 260) ** 0.4
    phases = -np.pi / 2 + 0.3 * rng.standard_normal(len(numbers))
    sound = ring(frequencies[heard], decays[heard], amplitudes[heard], phases[heard], timbre.seconds)
    return fade(sound / np.float32(np.max(np.abs(sound))), attack_s=timbre.attack_s, release_s=0.5)


@cache
def _pad(pitches: tuple[int, ...], seconds: float, detune: int) -> Signal:
    """A soft held chord; `detune` (±1) leans its partials so that two of them, left and right, drift apart."""
    partials = [(pitch, number) for pitch in pitches for number in (1, 2, 3, 4)]
    frequencies = [frequency_hz(pitch + 0.05 * detune * (1 + 0.3 * number)) * number for pitch, number in partials]
    amplitudes = [1.0 / number**1.7 for _, number in partials]
    phases = [1.9 * index for index in range(len(partials))]
    sound = ring(frequencies, [0.0] * len(partials), amplitudes, phases, seconds)
    return fade(sound, attack_s=min(0.35, seconds / 3), release_s=min(0.45, seconds / 3))


@dataclass(frozen=True, slots=True)
class Drum:
    """A drum on the desk: its loudness, its place, and how much of it the room hears."""

    make: Callable[[np.random.Generator], Signal]
    gain: float
    position: float = 0.0
    room: float = 0.1


def _tone(begin_hz: float, end_hz: float, seconds: float, decay_per_s: float) -> Signal:
    """A sine that falls from one frequency to another as it dies: the skin of a drum."""
    ages = np.arange(samples(seconds)) / SAMPLE_RATE_HZ
    f0: NDArray[np.float64] = end_hz + (begin_hz - end_hz) * np.exp(-ages * 28)
    phase = 2 * np.pi * np.cumsum(f0) / SAMPLE_RATE_HZ
    return fade((np.sin(phase) * np.exp(-decay_per_s * ages)).astype(np.float32), attack_s=0.002, release_s=0.02)


def _burst(
    seconds: float, decay_per_s: float, bands: Sequence[tuple[float, float]], rng: np.random.Generator
) -> Signal:
    n = samples(seconds)
    curve = np.exp(-decay_per_s * np.arange(n) / SAMPLE_RATE_HZ).astype(np.float32)
    return fade(shaped_noise(n, bands, rng) * curve, attack_s=0.001, release_s=0.01) / 4


def _kick(rng: np.random.Generator) -> Signal:
    sound = _tone(130, 48, 0.32, 12)
    add_at(sound, 0.0, _burst(0.02, 200, ((0, 0), (1000, 1), (3000, 0.5), (8000, 0)), rng), 0.5)
    return sound


def _snare(rng: np.random.Generator) -> Signal:
    sound = _burst(0.24, 20, ((0, 0), (600, 0.3), (2500, 1), (6000, 0.9), (14000, 0.3)), rng) * 1.4
    add_at(sound, 0.0, _tone(260, 185, 0.16, 24), 0.5)
    return sound


def _hat(rng: np.random.Generator) -> Signal:
    return _burst(0.08, 55, ((0, 0), (5500, 0), (8500, 1), (16000, 0.8)), rng)


def _shaker(rng: np.random.Generator) -> Signal:
    return fade(_burst(0.09, 30, ((0, 0), (3500, 0), (6500, 1), (12000, 0.4)), rng), attack_s=0.02)


def _block(rng: np.random.Generator) -> Signal:
    sound = ring([880, 1410, 2230], [38, 52, 70], [1, 0.6, 0.3], rng.random(3), 0.18)
    return fade(sound / 2, attack_s=0.001, release_s=0.02)


def _tom(rng: np.random.Generator) -> Signal:
    sound = _tone(190, 118, 0.4, 11)
    add_at(sound, 0.0, _burst(0.05, 90, ((0, 0), (400, 1), (2500, 0.3), (8000, 0)), rng), 0.6)
    return sound


def _small_gong(rng: np.random.Generator) -> Signal:
    frequencies = np.array([523, 784, 1012, 1460, 1985, 2610, 3370])
    sound = ring(frequencies, 3 + np.arange(7) * 0.9, 1 / np.arange(1, 8) ** 0.7, 6.28 * rng.random(7), 0.9)
    return fade(sound / 3, attack_s=0.004, release_s=0.1)


DRUMS = {
    "kick": Drum(_kick, 0.5, room=0.03),
    "snare": Drum(_snare, 0.22, 0.08, 0.25),
    "hat": Drum(_hat, 0.12, 0.35, 0.08),
    "shaker": Drum(_shaker, 0.12, -0.4, 0.15),
    "block": Drum(_block, 0.15, -0.3, 0.4),
    "tom": Drum(_tom, 0.42, -0.15, 0.25),
    "gong": Drum(_small_gong, 0.12, 0.3, 0.5),
}


@cache
def _drum(name: str) -> Signal:
    return DRUMS[name].make(np.random.default_rng(sum(name.encode())))


@cache
def _flute_table() -> Signal:
    return wave_table(np.array([1.0, 0.32j, 0.16, 0.05j, 0.03, 0.012j]))


@cache
def _flute_air() -> Signal:
    return shaped_noise(
        samples(6.0), ((0, 0), (700, 0.3), (2500, 1), (7000, 0.3), (12000, 0.05)), np.random.default_rng(5)
    )


def _flute(note: LeadNote, rng: np.random.Generator) -> Signal:
    n = samples(note.end_s - note.begin_s + 0.06)
    ages = np.arange(n) / SAMPLE_RATE_HZ
    depth = 0.18 * np.clip((ages - 0.2) / 0.4, 0, 1)
    pitch = note.pitch + depth * np.sin(2 * np.pi * 5.0 * ages) - 0.5 * np.exp(-ages * 45)
    sound = oscillate(440.0 * 2.0 ** ((pitch - 69) / 12), _flute_table())
    begin = int(rng.integers(0, samples(1.0)))
    sound = sound + 0.05 * np.resize(_flute_air()[begin:], n)
    swell = (0.85 + 0.15 * np.sin(np.pi * np.minimum(ages / max(ages[-1], 1e-3), 1))).astype(np.float32)
    return fade(sound * swell, attack_s=0.05, release_s=0.09)


def _frozen(**eighths: str) -> Mapping[int, str]:
    """Patterns by the number of eighths in their bar, from keywords such as `e8`."""
    return MappingProxyType({int(name[1:]): pattern for name, pattern in eighths.items()})


_BASS = _frozen(e4="1.5.", e6="1.....", e8="1...5...", e10="1...5.1...")
_LIVELY_BASS = _frozen(e4="1.5.", e6="1.5.5.", e8="1.5.1.5.", e10="1.5.1.5.1.")
_SOFT_GROOVES: Mapping[int, Mapping[str, str]] = {
    4: {"tom": "-...", "block": "..-."},
    6: {"kick": "x.....", "shaker": "x.-.-."},
    8: {"kick": "x...x...", "block": "..-...-.", "shaker": "-.-.-.--"},
    10: {"tom": "-.........", "shaker": "..-.-.-.-."},
}
_KIT_GROOVES: Mapping[int, Mapping[str, str]] = {
    4: {"kick": "x...", "snare": "..x.", "hat": "x-x-"},
    6: {"kick": "X.....", "snare": "..-.-.", "hat": "x-x-x-"},
    8: {"kick": "X..-x...", "snare": "..x...x.", "hat": "x-x-x-x-"},
    10: {"kick": "X.....x...", "snare": "..x.x...x.", "hat": "x-x-x-x-x-"},
}
_FESTIVE_GROOVES: Mapping[int, Mapping[str, str]] = {
    4: {"tom": "X.x.", "block": "..xx", "gong": "x..."},
    8: {"tom": "X..xx.x.", "block": "..x...xx", "gong": "x...-...", "shaker": "-.-.-.-."},
}

STYLES: Mapping[str, Style] = MappingProxyType(
    {
        "silk": Style(
            "zheng", _frozen(e4="1324", e6="135246", e8="13524354", e10="1352435421"), _SOFT_GROOVES, _BASS, 55, 0.55, 0.6
        ),
        "festive": Style("zheng", _frozen(e4="1*3*", e8="1*3*1*35"), _FESTIVE_GROOVES, _LIVELY_BASS, 57, 0.3, 0.75, 1.1),
        "ballad": Style("piano", _frozen(e4="1324", e6="132435", e8="13243524"), _KIT_GROOVES, _BASS, 52, 0.7, 0.55, 1.6),
        "lullaby": Style("bells", _frozen(e6="135.53", e8="1.3.5.3."), _SOFT_GROOVES, _BASS, 67, 0.6, 0.5, 1.6),
        "folk": Style("guitar", _frozen(e4="1*3*", e6="1.*.*.", e8="1.*.2.*-".replace("-", "3")), _KIT_GROOVES, _BASS, 50, 0.3, 0.6),
        "lute": Style("harp", _frozen(e6="135*43", e8="13524354"), {6: {"tom": "x..-..", "shaker": "-.-x.-"}}, _frozen(e6="1..5.."), 52, 0.35, 0.6),
        "hymn": Style("piano", _frozen(e6="1.3.4.", e8="1.3.4.3."), {6: {"kick": "-.....", "hat": "-..-.."}}, _BASS, 55, 1.0, 0.4, 2.0),
        "koto": Style("koto", _frozen(e8="1.35.4.2"), {8: {"tom": "-.......", "block": "....-..."}}, _BASS, 57, 0.4, 0.6, 1.8),
        "march": Style("piano", _frozen(e8="1*3*1*3*"), {8: {"kick": "X...x...", "snare": "..x.--x-"}}, _LIVELY_BASS, 55, 0.7, 0.55),
        "swing": Style("guitar", _frozen(e8="1*3*1*3*"), {8: {"kick": "X...x...", "snare": "..x...x.", "shaker": "x-x-x-x-"}}, _LIVELY_BASS, 52, 0.3, 0.6),
    }
)  # fmt: skip
