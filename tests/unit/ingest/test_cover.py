import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image

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
