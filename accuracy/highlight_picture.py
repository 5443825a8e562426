"""A song from left to right with the highlight chosen of it, and what spoke for it: an SVG picture."""

import math
from collections.abc import Iterator, Sequence
from html import escape

import numpy as np

from accuracy.real import SeenSong
from yuefu.music.f0 import Mono
from yuefu.music.highlight import Choice, choose
from yuefu.music.lyrics import Line
from yuefu.music.prominence import MOST, Curve, loudness_curve, prominence_of
from yuefu.units import SECOND_MS, Span

WIDTH, LEFT, RIGHT = 1_350.0, 66.0, 90.0
HEAD, WAVE, CURVES = 26.0, 90.0, 110.0
WAVE_Y, CURVES_Y = HEAD + WAVE / 2, HEAD + WAVE + 10
SECONDS_Y, WORDS_Y = CURVES_Y + CURVES + 18, CURVES_Y + CURVES + 34
SLANT_DEGREES = 60
NEAREST_PIXELS = 13.0
"""Lines nearer to each other than this would be written over each other; the later is left out."""

LONGEST_TEXT = 32
LETTER, SIGN = 6.6, 12.0
"""How wide they are, in pixels."""


def draw_highlight(song: SeenSong) -> str:
    """The waveform; how loud and how high each line is; its words; the clip, its segments, and the author's mark, which
    was not looked at.
    """
    loudness_db = loudness_curve(song.sound)
    choice = choose(song.lyrics, duration_ms=song.duration_ms, pitch_line=song.pitch_line, loudness_db=loudness_db)
    lines = [line for line in song.lyrics.lines if line.end_ms > line.begin_ms]
    spans = [Span(begin_ms=line.begin_ms, end_ms=line.end_ms) for line in lines]
    prominence = prominence_of(spans, loudness_db, song.pitch_line)
    scene = _Scene(song.duration_ms)
    height = WORDS_Y + 20 + max((_depth(line.text) for line in lines), default=0.0)
    parts = [
        *scene.choice(choice),
        *scene.mark(song.mark),
        *scene.seconds(),
        scene.wave(song.sound),
        *scene.axis(),
        *scene.curve(spans, prominence.loudness, "#d35400"),
        *scene.curve(spans, prominence.height, "#1f618d"),
        *scene.words(lines),
        f'<text x="6" y="17" font-size="13">{escape(_caption(song, choice))}</text>',
        *scene.names(has_mark=song.mark is not None),
    ]
    return (
        f'<svg viewBox="0 0 {WIDTH:g} {height:.0f}" width="{WIDTH:g}" height="{height:.0f}" font-family="sans-serif" '
        'xmlns="http://www.w3.org/2000/svg">\n<rect width="100%" height="100%" fill="white"/>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def _caption(song: SeenSong, choice: Choice | None) -> str:
    if choice is None:
        return f"{song.title}: no highlight"
    return f"{song.title}: by {choice.rule.value.replace('_', ' ')}, confidence {choice.confidence:.2f}"


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}…"


def _depth(text: str) -> float:
    """How far down the slanted text reaches."""
    width = sum(LETTER if letter.isascii() else SIGN for letter in _short(text))
    return width * math.sin(math.radians(SLANT_DEGREES))


class _Scene:
    """Time from left to right; from the top the waveform, the curves, the words."""

    def __init__(self, duration_ms: int) -> None:
        self._duration_ms = duration_ms

    def _x(self, at_ms: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * at_ms / max(self._duration_ms, 1)

    def _box(self, span: Span, y: float, height: float, style: str) -> str:
        x = self._x(span.begin_ms)
        return f'<rect x="{x:.1f}" y="{y:g}" width="{self._x(span.end_ms) - x:.1f}" height="{height:g}" {style}/>'

    def choice(self, choice: Choice | None) -> Iterator[str]:
        """The clip behind everything, its segments darker, the best one most."""
        if choice is None:
            return
        yield self._box(choice.clip, HEAD, CURVES_Y + CURVES - HEAD, 'fill="#fff3cf"')
        for place, segment in enumerate(choice.segments):
            colour = "#ffd27a" if place == 0 else "#ffe6b3"
            yield self._box(segment, HEAD, CURVES_Y + CURVES - HEAD, f'fill="{colour}"')

    def mark(self, mark: Span | None) -> Iterator[str]:
        if mark is not None:
            yield self._box(mark, CURVES_Y + CURVES, 5, 'fill="#27ae60"')

    def seconds(self) -> Iterator[str]:
        step_ms = 10 * SECOND_MS if self._duration_ms < 120 * SECOND_MS else 30 * SECOND_MS
        for at_ms in range(0, self._duration_ms, step_ms):
            x = self._x(at_ms)
            yield f'<path d="M{x:.1f} {HEAD:g}V{CURVES_Y + CURVES:g}" stroke="#0002"/>'
            text = f"{at_ms // SECOND_MS} s"
            yield f'<text x="{x + 2:.1f}" y="{SECONDS_Y:g}" font-size="11" fill="#777">{text}</text>'

    def wave(self, sound: Mono) -> str:
        columns = np.array_split(sound, int(WIDTH - LEFT - RIGHT))
        scale = WAVE / 2 / max(float(np.abs(sound).max()), 1e-6)
        path = (
            f"M{LEFT + x:g} {WAVE_Y - column.max() * scale:.1f}V{WAVE_Y - column.min() * scale:.1f}"
            for x, column in enumerate(columns)
        )
        return f'<path d="{"".join(path)}" stroke="#3b6ea5"/>'

    def axis(self) -> Iterator[str]:
        for value in (-MOST, 0.0, MOST):
            y = self._y(value)
            yield f'<path d="M{LEFT:g} {y:g}H{WIDTH - RIGHT:g}" stroke="#0003"/>'
            yield f'<text x="{LEFT - 6:g}" y="{y + 4:g}" font-size="11" fill="#777" text-anchor="end">{value:+g}</text>'

    def _y(self, value: float) -> float:
        return CURVES_Y + CURVES / 2 - value / MOST * (CURVES / 2 - 8)

    def curve(self, spans: Sequence[Span], values: Curve, colour: str) -> Iterator[str]:
        """A step for each line."""
        steps = (
            f"M{self._x(span.begin_ms):.1f} {self._y(value):.1f}H{self._x(span.end_ms):.1f}"
            for span, value in zip(spans, values, strict=True)
        )
        yield f'<path d="{"".join(steps)}" stroke="{colour}" stroke-width="3" fill="none"/>'

    def words(self, lines: Sequence[Line]) -> Iterator[str]:
        """Each line's text downwards from where it begins."""
        last_x = -NEAREST_PIXELS
        for line in lines:
            x = self._x(line.begin_ms)
            if x - last_x < NEAREST_PIXELS:
                continue
            last_x = x
            yield (
                f'<text transform="translate({x:.1f} {WORDS_Y:g}) rotate({SLANT_DEGREES})" font-size="12">'
                f"{escape(_short(line.text))}</text>"
            )

    def names(self, *, has_mark: bool) -> Iterator[str]:
        """What the colours are, to the right."""
        rows = [("#3b6ea5", "waveform"), ("#d35400", "loudness"), ("#1f618d", "height"), ("#ffd27a", "best part")]
        rows += [("#ffe6b3", "other parts"), ("#fff3cf", "clip"), *([("#27ae60", "mark")] if has_mark else [])]
        for place, (colour, name) in enumerate(rows):
            y = HEAD + 8 + 18 * place
            yield f'<rect x="{WIDTH - RIGHT + 6:g}" y="{y:g}" width="10" height="10" fill="{colour}"/>'
            yield f'<text x="{WIDTH - RIGHT + 20:g}" y="{y + 9:g}" font-size="11">{name}</text>'
