"""What the blob folder promises beyond the port: nothing half written is ever seen or left."""

import os
import stat
from pathlib import Path

import pytest

from yuefu.storage.folder import BlobFolder


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failed_put_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"bytes")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(OSError, match="No space"):
        BlobFolder(tmp_path / "blobs").put(source)
    monkeypatch.undo()
    assert files(tmp_path / "blobs") == []


def test_a_blob_has_its_name_only_once_its_bytes_are_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"bytes")
    done: list[str] = []
    fsync, replace = os.fsync, os.replace

    def note_fsync(handle: int) -> None:
        done.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "bytes")
        fsync(handle)

    def note_replace(one: Path, other: Path) -> None:
        done.append("name")
        replace(one, other)

    monkeypatch.setattr(os, "fsync", note_fsync)
    monkeypatch.setattr(os, "replace", note_replace)
    BlobFolder(tmp_path / "blobs").put(source)
    assert done[0] == "bytes"
    assert done[-2:] == ["name", "folder"]


def test_everyone_who_serves_may_read_a_blob(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"bytes")
    blobs = BlobFolder(tmp_path / "blobs")
    assert blobs.path(blobs.put(source).sha256).stat().st_mode & 0o777 == 0o644


def test_the_same_bytes_take_their_room_once(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"bytes")
    for _ in range(3):
        BlobFolder(tmp_path / "blobs").put(source)
    assert len(files(tmp_path / "blobs")) == 1
