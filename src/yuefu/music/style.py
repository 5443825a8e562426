"""Ways of playing: which instruments a band has and what each does in a bar."""

from collections.abc import Mapping
from dataclasses import dataclass


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


_BASS = {4: "1.5.", 6: "1.....", 8: "1...5...", 10: "1...5.1..."}
_LIVELY_BASS = {4: "1.5.", 6: "1.5.5.", 8: "1.5.1.5.", 10: "1.5.1.5.1."}
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

STYLES: Mapping[str, Style] = {
    "silk": Style(
        strings="zheng",
        figure={4: "1324", 6: "135246", 8: "13524354", 10: "1352435421"},
        grooves=_SOFT_GROOVES,
        bass=_BASS,
        pad=0.55,
        drums=0.9,
    ),
    "festive": Style(
        strings="zheng",
        figure={4: "1*3*", 8: "1*3*1*35"},
        grooves=_FESTIVE_GROOVES,
        bass=_LIVELY_BASS,
        low=57,
        pad=0.3,
        drums=1.4,
        room_s=1.1,
    ),
    "ballad": Style(
        strings="piano",
        figure={4: "1324", 6: "132435", 8: "13243524"},
        grooves=_KIT_GROOVES,
        bass=_BASS,
        low=52,
        pad=0.7,
        drums=0.9,
        room_s=1.6,
    ),
    "lullaby": Style(
        strings="bells",
        figure={6: "135.53", 8: "1.3.5.3."},
        grooves=_SOFT_GROOVES,
        bass=_BASS,
        low=67,
        pad=0.6,
        drums=0.7,
        room_s=1.6,
    ),
    "folk": Style(
        strings="guitar",
        figure={4: "1*3*", 6: "1.*.*.", 8: "1.*.2.*3"},
        grooves=_KIT_GROOVES,
        bass=_BASS,
        low=50,
        pad=0.3,
        drums=1.0,
    ),
    "lute": Style(
        strings="harp",
        figure={6: "135*43"},
        grooves={6: {"tom": "x..-..", "shaker": "-.-x.-"}},
        bass={6: "1..5.."},
        low=52,
        pad=0.35,
        drums=0.9,
    ),
    "hymn": Style(
        strings="piano",
        figure={6: "1.3.4.", 8: "1.3.4.3."},
        grooves={6: {"kick": "-.....", "hat": "-..-.."}, 8: {"kick": "-...-..."}},
        bass=_BASS,
        pad=1.0,
        drums=0.6,
        room_s=2.0,
    ),
    "koto": Style(
        strings="koto",
        figure={8: "1.35.4.2"},
        grooves={8: {"tom": "-.......", "block": "....-..."}},
        bass=_BASS,
        low=57,
        pad=0.4,
        drums=0.9,
        room_s=1.8,
    ),
    "march": Style(
        strings="piano",
        figure={8: "1*3*1*3*"},
        grooves={8: {"kick": "X...x...", "snare": "..x.--x-"}},
        bass=_LIVELY_BASS,
        pad=0.7,
        drums=1.0,
    ),
    "swing": Style(
        strings="guitar",
        figure={8: "1*3*1*3*"},
        grooves={8: {"kick": "X...x...", "snare": "..x...x.", "shaker": "x-x-x-x-"}},
        bass=_LIVELY_BASS,
        low=52,
        pad=0.3,
        drums=1.0,
    ),
}
