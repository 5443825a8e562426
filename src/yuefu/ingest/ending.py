"""Whether an audio file is all there: what formats themselves say about their length, where FFmpeg does not tell.

FFmpeg believes a WAV, MP3 or WMA file that is shorter than its header says, the very sign of a broken copy. Sources:
the Xing header of MP3 (VBR header SDK, 1999), RIFF/WAVE (Microsoft, 1991), Wave64 (Sony Pictures Digital, 2003), Ogg
pages (RFC 3533), the File Properties Object of ASF (Advanced Systems Format Specification 01.20.06, 3.2).
"""

import struct
from pathlib import Path
from typing import BinaryIO

from yuefu.units import SECOND_MS

_LONGEST_OGG_PAGE_BYTES = 65_307
_ASF_HEADER_BYTES = 65_536
_ASF_FILE_PROPERTIES = bytes.fromhex("A1DCAB8C47A9CF118EE400C00C205365")
_W64_HEAD_BYTES = 40
_UNKNOWN_SIZES = {0, 0xFFFFFFFF}
_MP3_RATES_HZ = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
"""By the two bits of the version: 3 is MPEG-1, 2 is MPEG-2, 0 is MPEG-2.5."""


def stated_ms(path: Path, formats: set[str], rate_hz: int) -> float | None:
    """The length that a WAV, Wave64, MP3, ASF or Ogg file states; None where it states none, and for other formats.

    `rate_hz` is the rate of its sound: Ogg counts samples.
    """
    if "mp3" in formats:
        return _stated_mp3_ms(path)
    if "asf" in formats:
        return _stated_asf_ms(path)
    if "ogg" in formats:
        return _stated_ogg_ms(path, rate_hz)
    if "w64" in formats:
        return _stated_w64_ms(path)
    return _stated_wav_ms(path) if "wav" in formats else None


def has_end(path: Path, formats: set[str]) -> bool:
    """Whether an Ogg file's last page says that it is the last. True for other formats."""
    if "ogg" not in formats:
        return True
    page = _last_ogg_page(path)
    return len(page) > 5 and bool(page[5] & 4)


def _last_ogg_page(path: Path) -> bytes:
    """The last page, as much of it as there is; empty where there is none."""
    with path.open("rb") as file:
        file.seek(-min(path.stat().st_size, _LONGEST_OGG_PAGE_BYTES), 2)
        tail = file.read()
    _, mark, page = tail.rpartition(b"OggS\0")
    return mark + page if mark else b""


def _stated_ogg_ms(path: Path, rate_hz: int) -> float | None:
    page = _last_ogg_page(path)
    if len(page) < 14:
        return None
    (samples,) = struct.unpack("<q", page[6:14])
    return samples * SECOND_MS / rate_hz if samples > 0 else None


def _stated_asf_ms(path: Path) -> float | None:
    with path.open("rb") as file:
        header = file.read(_ASF_HEADER_BYTES)
    at = header.find(_ASF_FILE_PROPERTIES)
    if at < 0 or len(header) < at + 92:
        return None
    duration_100ns, _, preroll_ms, flags = struct.unpack("<QQQI", header[at + 64 : at + 92])
    is_broadcast = flags & 1  # whoever sends it as it is made does not know
    return None if is_broadcast else duration_100ns / 10_000 - preroll_ms


def _stated_wav_ms(path: Path) -> float | None:
    with path.open("rb") as file:
        if file.read(12)[8:] != b"WAVE":
            return None
        bytes_per_second = 0
        while len(head := file.read(8)) == 8:
            name, size = head[:4], int.from_bytes(head[4:], "little")
            if name == b"data":
                return size * SECOND_MS / bytes_per_second if size not in _UNKNOWN_SIZES and bytes_per_second else None
            if name == b"fmt " and size >= 12:
                bytes_per_second = _read_bytes_per_second(file)
                size -= 12
            file.seek(size + size % 2, 1)
    return None


def _read_bytes_per_second(file: BinaryIO) -> int:
    """What the first 12 bytes of a WAVE format say."""
    return int.from_bytes(file.read(12)[8:], "little")


def _stated_w64_ms(path: Path) -> float | None:
    with path.open("rb") as file:
        file.seek(_W64_HEAD_BYTES)
        bytes_per_second = 0
        while len(head := file.read(24)) == 24:
            name, size = head[:4], int.from_bytes(head[16:], "little")
            if name == b"data":
                return (size - 24) * SECOND_MS / bytes_per_second if size > 24 and bytes_per_second else None
            if name == b"fmt ":
                bytes_per_second = _read_bytes_per_second(file)
                file.seek(-12, 1)
            if not 24 <= size < path.stat().st_size:
                return None
            file.seek(-(-size // 8) * 8 - 24, 1)  # chunks begin at multiples of eight
    return None


def _stated_mp3_ms(path: Path) -> float | None:
    with path.open("rb") as file:
        head = file.read(10)
        begins_with_tag = head[:3] == b"ID3" and len(head) == 10
        file.seek(10 + int("".join(f"{byte & 0x7F:07b}" for byte in head[6:]), 2) if begins_with_tag else 0)
        frame = file.read(4_096)
    sync = next((at for at in range(len(frame) - 2) if frame[at] == 0xFF and frame[at + 1] & 0xE0 == 0xE0), None)
    if sync is None:
        return None
    mark = max(frame.find(b"Xing", sync, sync + 64), frame.find(b"Info", sync, sync + 64))
    version, rate = frame[sync + 1] >> 3 & 3, frame[sync + 2] >> 2 & 3
    if mark < 0 or version not in _MP3_RATES_HZ or rate == 3 or len(frame) < mark + 12 or not frame[mark + 7] & 1:
        return None
    frame_samples = 1_152 if version == 3 else 576
    return int.from_bytes(frame[mark + 8 : mark + 12], "big") * frame_samples * SECOND_MS / _MP3_RATES_HZ[version][rate]
