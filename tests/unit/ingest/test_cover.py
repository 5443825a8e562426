import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from yuefu.ingest.cover import BadPicture, write_pictures


@pytest.mark.parametrize(("mode", "name"), [("RGB", "a.jpg"), ("RGBA", "a.png"), ("P", "a.gif"), ("CMYK", "a.jpg")])
def test_any_picture_becomes_a_jpeg_of_modest_size(tmp_path: Path, mode: str, name: str) -> None:
    Image.new(mode, (3_000, 1_500)).save(tmp_path / name)
    write_pictures(tmp_path / name, {tmp_path / "cover.jpg": 1_000})
    with Image.open(tmp_path / "cover.jpg") as cover:
        assert (cover.format, cover.mode, cover.size) == ("JPEG", "RGB", (1_000, 500))


def test_a_picture_is_made_in_every_size_asked_for(tmp_path: Path) -> None:
    Image.effect_noise((1_200, 800), 50).save(tmp_path / "a.png")
    sizes = {100: (100, 67), 1_000: (1_000, 667), 300: (300, 200)}
    write_pictures(tmp_path / "a.png", {tmp_path / f"{side_px}.jpg": side_px for side_px in sizes})
    for side_px, size in sizes.items():
        with Image.open(tmp_path / f"{side_px}.jpg") as made:
            assert (made.format, made.size) == ("JPEG", size)


def test_a_small_picture_is_not_blown_up(tmp_path: Path) -> None:
    Image.new("RGB", (300, 200)).save(tmp_path / "a.png")
    write_pictures(tmp_path / "a.png", {tmp_path / "cover.jpg": 1_000})
    with Image.open(tmp_path / "cover.jpg") as cover:
        assert cover.size == (300, 200)


def test_what_a_picture_lets_through_is_white(tmp_path: Path) -> None:
    Image.new("RGBA", (10, 10), (0, 0, 0, 0)).save(tmp_path / "a.png")
    write_pictures(tmp_path / "a.png", {tmp_path / "cover.jpg": 1_000})
    with Image.open(tmp_path / "cover.jpg") as cover:
        assert cover.getpixel((5, 5)) == (255, 255, 255)


@pytest.mark.parametrize("mode", ["P", "1", "L"])
def test_fine_patterns_become_their_mean_whatever_the_mode(tmp_path: Path, mode: str) -> None:
    board = Image.fromarray(((np.indices((1_000, 1_000)).sum(0) % 2) * 255).astype(np.uint8))
    board.convert(mode).save(tmp_path / "a.png")
    write_pictures(tmp_path / "a.png", {tmp_path / "cover.jpg": 100})
    with Image.open(tmp_path / "cover.jpg") as cover:
        assert cover.getpixel((50, 50)) == (128, 128, 128)


def test_sixteen_bits_a_pixel_keep_their_tones(tmp_path: Path) -> None:
    Image.fromarray(np.full((100, 100), 40_000, np.uint16)).save(tmp_path / "a.png")
    write_pictures(tmp_path / "a.png", {tmp_path / "cover.jpg": 100})
    with Image.open(tmp_path / "cover.jpg") as cover:
        assert cover.getpixel((50, 50)) == (156, 156, 156)


def test_a_picture_that_was_taken_sideways_is_set_upright(tmp_path: Path) -> None:
    sideways = Image.new("RGB", (80, 40), "red")
    sideways.paste("blue", (0, 0, 40, 40))
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6  # its top is at the right
    sideways.save(tmp_path / "a.jpg", exif=exif, quality=95)
    write_pictures(tmp_path / "a.jpg", {tmp_path / "cover.jpg": 100})
    with Image.open(tmp_path / "cover.jpg") as cover:
        assert cover.size == (40, 80)
        assert cover.getpixel((20, 10)) == pytest.approx((0, 0, 254), abs=8)


def png_header(width: int, height: int) -> bytes:
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"GIF89a",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        png_header(60_000, 60_000),
        png_header(9_000, 9_000),
    ],
    ids=["empty", "broken", "drawing", "bomb", "too many pixels"],
)
def test_what_is_no_cover_is_said_to_be_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(BadPicture):
        write_pictures(tmp_path / "a.png", {tmp_path / "cover.jpg": 1_000})


def test_a_cut_off_picture_is_no_cover(tmp_path: Path) -> None:
    Image.effect_noise((400, 400), 50).save(tmp_path / "a.jpg")
    data = (tmp_path / "a.jpg").read_bytes()
    (tmp_path / "a.jpg").write_bytes(data[: len(data) // 2])
    with pytest.raises(BadPicture):
        write_pictures(tmp_path / "a.jpg", {tmp_path / "cover.jpg": 1_000})
