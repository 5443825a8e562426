"""Pictures: whatever was delivered, made JPEGs of the sizes that are shown."""

import warnings
from collections.abc import Mapping
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError

MOST_PIXELS = 64_000_000
MEDIA_TYPE = "image/jpeg"
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP")


class BadPicture(Exception):
    """A picture that cannot be used; a song is published without it."""


def write_pictures(source: Path, targets: Mapping[Path, int]) -> None:
    """Write `source` as a JPEG to each target, of at most so many pixels a side; a small picture is not blown up.

    Raises `BadPicture` for files that are no picture, are damaged, or unfold to more pixels than any picture needs.
    """
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(source, formats=FORMATS) as image:
            if image.width * image.height > MOST_PIXELS:
                raise BadPicture(f"{image.width} × {image.height} pixels is no picture")
            largest_px = max(targets.values())
            image.draft("RGB", (largest_px, largest_px))
            toned = _in_tones(image)
            ImageOps.exif_transpose(toned, in_place=True)
            for target, side_px in sorted(targets.items(), key=lambda item: -item[1]):
                toned.thumbnail((side_px, side_px))  # each from the one before: cheap, and as good to the eye
                _flatten(toned).save(target, "JPEG", quality=88, optimize=True)
    except UnidentifiedImageError as error:
        raise BadPicture(f"no picture we can read; {', '.join(FORMATS)} are") from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise BadPicture(str(error)) from error


def _in_tones(image: Image.Image) -> Image.Image:
    """The image with 8 bits a channel and no palette: others cannot be made smaller well, or lose their tones."""
    if image.mode.startswith("I"):
        return image.point(lambda value: value / 256).convert("L")
    if image.mode in {"1", "P", "PA"}:
        return image.convert("L" if image.mode == "1" else "RGBA")
    return image


def _flatten(image: Image.Image) -> Image.Image:
    """The image on white, where it lets anything through."""
    if image.mode == "RGB":
        return image
    layered = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layered.size, "white"), layered).convert("RGB")
