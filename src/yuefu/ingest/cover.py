"""Covers: whatever picture was delivered, made a JPEG of modest size."""

import warnings
from pathlib import Path

from PIL import Image, ImageOps

LARGEST_SIDE_PX = 1_000
MOST_PIXELS = 64_000_000
MEDIA_TYPE = "image/jpeg"
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP")


class BadCover(Exception):
    """A picture that cannot be used; a song is published without it."""


def write_cover(source: Path, target: Path) -> None:
    """Write `source` as a JPEG of at most `LARGEST_SIDE_PX` a side.

    Raises `BadCover` for files that are no picture, are damaged, or unfold to more pixels than any cover has.
    """
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(source, formats=FORMATS) as image:
            if image.width * image.height > MOST_PIXELS:
                raise BadCover(f"{image.width} × {image.height} pixels is no cover")
            image.draft("RGB", (LARGEST_SIDE_PX, LARGEST_SIDE_PX))
            upright = ImageOps.exif_transpose(image)
            upright.thumbnail((LARGEST_SIDE_PX, LARGEST_SIDE_PX))
            _flatten(upright).save(target, "JPEG", quality=88, optimize=True)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise BadCover(str(error)) from error


def _flatten(image: Image.Image) -> Image.Image:
    """The image on white, where it lets anything through."""
    if image.mode == "RGB":
        return image
    layered = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layered.size, "white"), layered).convert("RGB")
