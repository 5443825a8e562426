"""Blobs as files in a folder, named by their SHA-256: `ab/abcdef…`. Written once, never changed."""

import hashlib
import os
import tempfile
from pathlib import Path
from typing import BinaryIO

from yuefu.catalogue.song import Blob

_CHUNK_BYTES = 1 << 20


class BlobFolder:
    """The blob store of one machine.

    A blob is copied beside its final name, flushed to disk and renamed into place, so a file under a hash is whole
    whatever happens, and putting the same bytes twice keeps one file.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, source: Path) -> Blob:
        """Keep a copy of the file's bytes."""
        self._root.mkdir(parents=True, exist_ok=True)
        with source.open("rb") as bytes_in, tempfile.NamedTemporaryFile(dir=self._root, delete=False) as copy:
            staged = Path(copy.name)
            try:
                sha256 = _copy_hashing(bytes_in, copy)
                copy.flush()
                os.fsync(copy.fileno())
                place = self.path(sha256)
                if not place.parent.exists():
                    place.parent.mkdir(exist_ok=True)
                    _sync_folder(self._root)
                staged.chmod(0o644)
                staged.replace(place)
                _sync_folder(place.parent)
            except BaseException:
                staged.unlink(missing_ok=True)
                raise
        return Blob(sha256=sha256, size_bytes=place.stat().st_size)

    def path(self, sha256: str) -> Path:
        """Where the blob of that hash is, if it is."""
        return self._root / self.place(sha256)

    def place(self, sha256: str) -> str:
        """The same below the folder, with slashes."""
        return f"{sha256[:2]}/{sha256}"

    def read(self, sha256: str) -> bytes:
        """The whole blob: for small ones. Raises FileNotFoundError."""
        return self.path(sha256).read_bytes()


def _copy_hashing(source: BinaryIO, target: "tempfile._TemporaryFileWrapper[bytes]") -> str:
    digest = hashlib.sha256()
    while chunk := source.read(_CHUNK_BYTES):
        digest.update(chunk)
        target.write(chunk)
    return digest.hexdigest()


def _sync_folder(folder: Path) -> None:
    """Make the new name itself durable, not just the bytes behind it."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
