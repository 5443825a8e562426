"""What every store of blobs keeps."""

import hashlib
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from yuefu.catalogue.song import Blob

Write = Callable[[bytes], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """A file of those bytes, outside the store."""

    def write(content: bytes) -> Path:
        path = tmp_path / f"source-{hashlib.sha256(content).hexdigest()[:12]}"
        path.write_bytes(content)
        return path

    return write


CONTENTS = {
    "empty": b"",
    "one byte": b"\x00",
    "text": "好一朵茉莉花".encode(),
    "a chunk": bytes(1 << 20),
    "5 MB": os.urandom(5_000_003),
}


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
def test_what_is_put_is_read_under_its_hash(blobs: Any, write: Write, content: bytes) -> None:
    sha256 = hashlib.sha256(content).hexdigest()
    assert blobs.put(write(content)) == Blob(sha256=sha256, size_bytes=len(content))
    assert blobs.read(sha256) == content
    assert blobs.path(sha256).read_bytes() == content


def test_the_same_bytes_are_the_same_blob(blobs: Any, write: Write) -> None:
    first = blobs.put(write(b"again"))
    assert blobs.put(write(b"again")) == first
    assert blobs.read(first.sha256) == b"again"


def test_the_source_is_left_alone(blobs: Any, write: Write) -> None:
    source = write(b"mine")
    blobs.put(source)
    assert source.read_bytes() == b"mine"
    source.write_bytes(b"changed")
    assert blobs.read(hashlib.sha256(b"mine").hexdigest()) == b"mine"


def test_a_missing_blob_is_missing(blobs: Any) -> None:
    with pytest.raises(FileNotFoundError):
        blobs.read("0" * 64)


def test_a_missing_source_puts_nothing(blobs: Any, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        blobs.put(tmp_path / "nothing here")


def test_many_at_once_keep_the_same_bytes_whole(blobs: Any, write: Write) -> None:
    source = write(os.urandom(300_000))
    with ThreadPoolExecutor(8) as pool:
        held = set(pool.map(blobs.put, [source] * 24))
    assert len(held) == 1
    assert blobs.read(held.pop().sha256) == source.read_bytes()
