"""A cover drawn from a song's melody: hills at dusk, one behind the other, with the tune's contour as their ridges.

No font that could write every title can be shipped, so the picture is the song's own instead.
"""

from collections.abc import Sequence
from colorsys import hls_to_rgb

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIZE = 800
RIDGES = 6

Colour = NDArray[np.float32]


def draw_cover(pitches: Sequence[float], seed: int) -> Image.Image:
    """A square picture of a melody given as its pitches, evenly spaced in time."""
    rng = np.random.default_rng(seed)
    hue = float(rng.random())
    high, low = colour(hue, 0.30, 0.45), colour(hue + 0.09, 0.80, 0.75)
    rows = np.linspace(0, 1, SIZE, dtype=np.float32)[:, None, None]
    picture = np.broadcast_to(high + (low - high) * rows**1.3, (SIZE, SIZE, 3)).copy()
    _shine(picture, colour(hue + 0.14, 0.93, 0.9), rng)
    ridge = _contour(pitches)
    for number in range(RIDGES):
        depth = (number + 1) / RIDGES
        line = np.roll(ridge, int(rng.integers(0, SIZE))) if number < RIDGES - 1 else ridge
        level = SIZE * (0.38 + 0.5 * depth) - (0.26 - 0.1 * depth) * SIZE * _smooth(line, 12 + 60 * (1 - depth))
        tint = colour(hue + 0.05 * (1 - depth), 0.64 - 0.5 * depth, 0.32 + 0.2 * depth)
        _paint_below(picture, level, tint, 0.45 + 0.5 * depth)
    return Image.fromarray(np.clip(picture * 255, 0, 255).astype(np.uint8))


def colour(hue: float, lightness: float, saturation: float) -> Colour:
    """The colour in red, green and blue, each from 0 to 1; hues go round from 0 to 1."""
    return np.array(hls_to_rgb(hue % 1, lightness, saturation), np.float32)


def _contour(pitches: Sequence[float]) -> NDArray[np.float64]:
    """The melody as heights from 0 to 1 across the picture."""
    across = np.interp(np.linspace(0, len(pitches) - 1, SIZE), np.arange(len(pitches)), pitches)
    return np.asarray((across - across.min()) / max(float(np.ptp(across)), 1.0))


def _smooth(line: NDArray[np.float64], width: float) -> NDArray[np.float64]:
    window = np.hanning(2 * int(width) + 1)
    padded = np.pad(line, int(width), mode="wrap")
    return np.convolve(padded, window / window.sum(), mode="valid")


def _shine(picture: Colour, light: Colour, rng: np.random.Generator) -> None:
    """A moon, and the haze about it."""
    x, y = SIZE * (0.25 + 0.5 * rng.random()), SIZE * (0.18 + 0.12 * rng.random())
    rows, columns = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32)
    distance = np.hypot(columns - x, rows - y)
    disc = np.clip(SIZE * 0.075 - distance, 0, 1)
    haze = 0.45 * np.exp(-distance / (SIZE * 0.16))
    share = np.maximum(disc, haze)[..., None]
    picture += (light - picture) * share


def _paint_below(picture: Colour, level: NDArray[np.float64], tint: Colour, cover: float) -> None:
    rows = np.arange(SIZE, dtype=np.float32)[:, None]
    inside = np.clip(rows - level[None, :].astype(np.float32), 0, 1)
    mist = 1 - 0.35 * np.clip((rows - level[None, :].astype(np.float32)) / (SIZE * 0.25), 0, 1)
    picture += (tint - picture) * (cover * inside * mist)[..., None]
