"""A singer's picture: nobody sang, so there is no face; rings of sound spread from the voice's own measures instead."""

import numpy as np
from PIL import Image

from yuefu.ingest.repertoire.cover import Colour, colour
from yuefu.music.voice import Singer

SIZE = 320
RINGS = 7


def draw_portrait(singer: Singer) -> Image.Image:
    """A square picture of a voice: its tract chooses the hue, its vibrato the waves, its brightness the light."""
    hue = 2.2 * singer.tract
    rows, columns = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32) / (SIZE / 2) - 1
    radius, angle = np.hypot(rows, columns), np.arctan2(rows, columns)
    waves = np.sin(round(2 * singer.vibrato_hz) * angle) * singer.vibrato_cents / 1_200
    picture: Colour = np.broadcast_to(colour(hue, 0.16, 0.4), (SIZE, SIZE, 3)).copy()
    for number in range(RINGS, 0, -1):
        share = number / RINGS
        inside = np.clip((1.05 * share * (1 + waves * share) - radius) * SIZE / 2, 0, 1)
        tint = colour(hue + 0.16 * (1 - share), 0.22 + 0.6 * singer.brightness * (1 - share) + 0.1, 0.55)
        picture += (tint - picture) * inside[..., None]
    glow = np.exp(-((radius / (0.12 + 2 * singer.breath)) ** 2))
    picture += (colour(hue + 0.2, 0.95, 0.9) - picture) * (0.8 * glow)[..., None]
    return Image.fromarray(np.clip(picture * 255, 0, 255).astype(np.uint8))
