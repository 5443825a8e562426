"""What several rooms' tests need: a made-up song, whole enough to be published."""

import hashlib
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from yuefu.catalogue.song import Blob, Part, PartKind, PublishedSong, Quality, SongFacts
from yuefu.ids import VendorId

SongMaker = Callable[..., PublishedSong]


def make_part(kind: PartKind, content: bytes = b"", *, track_count: int = 1) -> Part:
    """A part whose blob is named by `content`, stored or not."""
    blob = Blob(sha256=hashlib.sha256(content).hexdigest(), size_bytes=len(content))
    return Part(kind=kind, quality=Quality.NORMAL, media_type="audio/mp4", blob=blob, track_count=track_count)


def make_song(source_key: str = "茉莉花", **changes: Any) -> PublishedSong:
    """A song of vendor 1 without parts; `changes` replace its fields."""
    plain = PublishedSong(
        vendor_id=VendorId(1),
        source_key=source_key,
        fingerprint=f"first {source_key}",
        facts=SongFacts(title=source_key, singers=("甲", "乙"), album="民歌", language="zh", genre="folk", year=1942),
        duration_ms=200_000,
        accompaniment_duration_ms=199_500,
        highlight=None,
        parts=(),
    )
    return msgspec.structs.replace(plain, **changes)


@pytest.fixture(scope="session")
def song_maker() -> SongMaker:
    return make_song


@pytest.fixture(scope="session")
def part_maker() -> Callable[..., Part]:
    return make_part
