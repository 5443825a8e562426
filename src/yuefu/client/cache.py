"""Files of granted resources kept from one session to the next, for several programs at once.

A kept file saves the transfer and nothing else. A `resource_id` is good for one session, and the rights in a song may
go at any time; so before a kept file is used the server is asked for one byte of it. That answer is the permission, its
ETag says whether the file is still the one to use, and a refusal comes with its code, which `HEAD` could not carry.

In the folder a file is named by the hash of its `CacheKey`: `NAME.media` the bytes, `NAME.media.json` what they must
be, `NAME.media.part…` one that is not whole. `lock` is held while files come and go.
"""

import contextlib
import hashlib
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass, replace
from http import HTTPStatus
from pathlib import Path
from typing import NamedTuple

import msgspec

from yuefu.client.download import Part, Whole, has_media, placed, read_rest, sha256_of, with_headers
from yuefu.client.errors import CopyrightedMusicError, Expired, FileFailed
from yuefu.client.flow import Flow, Request, open_answer
from yuefu.client.locks import Taken, hold, wait_for
from yuefu.client.reading import UNREADABLE, media_error
from yuefu.wire.codes import ClientCode

DEFAULT_LIMIT_BYTES = 1 << 30

_MEDIA, _PART, _LOCK = ".media", ".media.part", "lock"
_ONE_BYTE = {"Range": "bytes=0-0"}
_WITHDRAWN = {ClientCode.NO_RIGHTS, ClientCode.LISTEN_ONLY}


@dataclass(frozen=True, slots=True)
class CacheKey:
    """Which file it is, in the words it was requested with: `vendor_id` 0 stays 0, whichever vendor is the default.

    Every centre has its own numbers for songs, so `base_url` belongs to it.
    """

    base_url: str
    song_id: str
    vendor_id: int
    resource_type: int
    quality: str
    track: int = 0

    @property
    def name(self) -> str:
        return hashlib.sha256(msgspec.json.encode(astuple(self))).hexdigest()


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What a file must be. One that has this size and modification time still was hashed as it is."""

    etag: str
    sha256: str
    size_bytes: int
    mtime_ns: int


class _Room(NamedTuple):
    """What a file takes, and when it was used last."""

    used_ns: int
    path: Path
    size_bytes: int


class Cache:
    """A folder with at most `limit_bytes` of audio; what was used longest ago makes room for what comes.

    Any number of clients, threads and processes may share the folder. Nothing else belongs in it.
    """

    def __init__(
        self,
        folder: Path | str,
        *,
        limit_bytes: int = DEFAULT_LIMIT_BYTES,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._folder = Path(folder)
        self._limit_bytes = limit_bytes
        self._clock_ns = clock_ns

    def __repr__(self) -> str:
        return f"Cache({str(self._folder)!r}, limit_bytes={self._limit_bytes})"

    def size_bytes(self) -> int:
        """How much audio there is, unfinished files included."""
        return sum(room.size_bytes for room in self._rooms())

    def clear(self) -> None:
        """Remove everything but what is being downloaded just now. Raises OSError."""
        if not self._folder.is_dir():
            return
        with self._locked():
            for room in self._rooms():
                _remove(room.path)
            for path in self._folder.iterdir():  # what a killed process may have left
                if path.name != _LOCK and _PART not in path.name and not path.name.endswith(_MEDIA):
                    path.unlink(missing_ok=True)

    def path(self, key: CacheKey) -> Path:
        """Where its file is, if it is kept."""
        return self._folder / f"{key.name}{_MEDIA}"

    def find(self, key: CacheKey) -> Kept | None:
        """What the kept file must be; None when none is kept. An empty file is not worth keeping."""
        path = self.path(key)
        try:
            kept = msgspec.json.decode(_record(path).read_bytes(), type=Kept)
        except (FileNotFoundError, *UNREADABLE):
            return None
        return kept if kept.size_bytes and path.is_file() else None

    def holds(self, key: CacheKey) -> bool:
        """Whether a file is kept that has the right size."""
        kept = self.find(key)
        return kept is not None and self.path(key).stat().st_size == kept.size_bytes

    @contextlib.contextmanager
    def begun(self, key: CacheKey) -> Iterator[Part]:
        """The part of a file to download, held. Raises `FileFailed` when somebody else has it, OSError."""
        self._make_folder()
        part = Part(self.path(key))
        with part.held():
            yield part

    def make_room(self, size_bytes: int) -> None:
        """Have so many bytes to spare. Raises `FileFailed` where that cannot be, OSError."""
        with self._locked():
            over = size_bytes - self._limit_bytes
            if over > 0 or self._evict(size_bytes) > 0:
                message = f"{size_bytes} bytes more do not go into a cache of {self._limit_bytes}"
                raise FileFailed(ClientCode.DISK_FULL, message)

    def keep(self, key: CacheKey, part: Part, whole: Whole) -> Path:
        """Give a whole part its name. Raises OSError."""
        path = self.path(key)
        with self._locked():
            _record(path).unlink(missing_ok=True)  # it speaks of another file's bytes
            part.finish()
            mtime_ns = path.stat().st_mtime_ns
            kept = Kept(etag=whole.etag, sha256=whole.sha256, size_bytes=whole.size_bytes, mtime_ns=mtime_ns)
            self._write(_record(path), kept)
            self._evict(0, spared=path)  # two downloads that began together may both have found room for one
        return path

    def confirm(self, key: CacheKey, kept: Kept) -> None:
        """Note that it was hashed once more, and is right."""
        with contextlib.suppress(OSError), self._locked():
            self._write(_record(self.path(key)), kept)

    def use(self, key: CacheKey) -> None:
        """Note that it was used just now."""
        with contextlib.suppress(OSError):
            _stamp(_record(self.path(key)), self._clock_ns())

    def drop(self, key: CacheKey) -> None:
        """Keep it no longer. Raises OSError."""
        with self._locked():
            _remove(self.path(key))

    def _evict(self, size_bytes: int, *, spared: Path | None = None) -> int:
        """Make room for so many bytes, and say how many of them still have none."""
        rooms = sorted(self._rooms())
        over = sum(room.size_bytes for room in rooms) + size_bytes - self._limit_bytes
        for room in rooms:
            if over <= 0:
                break
            if room.path != spared and _remove(room.path):
                over -= room.size_bytes
        return over

    def _rooms(self) -> Iterator[_Room]:
        for path in self._folder.iterdir() if self._folder.is_dir() else ():
            with contextlib.suppress(FileNotFoundError):  # removed by another process this very moment
                if path.name.endswith(_MEDIA):
                    record = _record(path)
                    used = record if record.exists() else path
                    yield _Room(used.stat().st_mtime_ns, path, path.stat().st_size)
                elif path.name.endswith(_PART):
                    yield _Room(path.stat().st_mtime_ns, path, path.stat().st_size)

    def _write(self, record: Path, kept: Kept) -> None:
        new = record.with_suffix(".new")
        new.write_bytes(msgspec.json.encode(kept))
        _stamp(new, self._clock_ns())
        new.replace(record)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        self._make_folder()
        with wait_for(self._folder / _LOCK):
            yield

    def _make_folder(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def _record(path: Path) -> Path:
    """Its modification time is when the file was used last."""
    return path.with_name(f"{path.name}.json")


def _stamp(path: Path, at_ns: int) -> None:
    os.utime(path, ns=(at_ns, at_ns))


def _remove(path: Path) -> bool:
    """Whether it is gone: one under download stays, as does one that the system lets nobody remove while it is open."""
    try:
        if path.name.endswith(_PART):
            part = Part(path.with_suffix(""))
            with hold(part.lock_path):
                part.discard()
        else:
            _record(path).unlink(missing_ok=True)
            path.unlink(missing_ok=True)
    except (Taken, PermissionError):
        return False
    return True


def reuse(cache: Cache, key: CacheKey, request: Request, *, full_check: bool) -> Flow[Kept]:
    """The facts of the file kept of a resource: one attempt to be permitted to use it.

    Raises `FileFailed` when none is kept, the server has another or it is damaged, and `Expired` when the permission
    has run out. What is damaged or out of date is removed, and so is what the rights no longer allow at all.
    """
    kept = cache.find(key)
    if kept is None:
        raise FileFailed(ClientCode.FILE_MISSING, "not in the cache; download it")
    try:
        is_present = yield from _is_present(request, kept)
    except CopyrightedMusicError as error:
        if error.code in _WITHDRAWN:
            cache.drop(key)
        if error.code == ClientCode.RESOURCE_EXPIRED:
            raise Expired(ClientCode.FILE_EXPIRED, error.message, error.request_id) from error
        raise
    if not is_present:
        cache.drop(key)
        raise FileFailed(ClientCode.FILE_MISSING, "the server has another version; download it")
    if not (yield from _is_intact(cache, key, kept, full_check=full_check)):
        cache.drop(key)
        raise FileFailed(ClientCode.FILE_DAMAGED, "not the bytes that were kept; download it again")
    cache.use(key)
    return kept


def reuse_if_kept(cache: Cache, key: CacheKey, request: Request) -> Flow[Kept | None]:
    """As `reuse`; None when the file has to be downloaded."""
    try:
        return (yield from reuse(cache, key, request, full_check=False))
    except FileFailed as error:
        if error.code in {ClientCode.FILE_MISSING, ClientCode.FILE_DAMAGED}:
            return None
        raise


def _is_present(request: Request, kept: Kept) -> Flow[bool]:
    """Whether the kept version is the server's, which has to permit its use to say so."""
    head = yield from open_answer(with_headers(request, _ONE_BYTE))
    if not has_media(head):
        raise media_error(replace(head, body=(yield from read_rest())))
    if head.status == HTTPStatus.PARTIAL_CONTENT:
        yield from read_rest()  # read to its end, the connection can be used again
    is_named = bool(kept.etag) and head.headers.get("ETag") == kept.etag
    return is_named and placed(head).length == kept.size_bytes


def _is_intact(cache: Cache, key: CacheKey, kept: Kept, *, full_check: bool) -> Flow[bool]:
    """Hashes the file unless nobody touched it since it was hashed last, or in any case with `full_check`."""
    path = cache.path(key)
    try:
        stat = path.stat()
        if stat.st_size != kept.size_bytes:
            return False
        if stat.st_mtime_ns == kept.mtime_ns and not full_check:
            return True
        if (yield from sha256_of(path)) != kept.sha256:
            return False
        if stat.st_mtime_ns != kept.mtime_ns:
            cache.confirm(key, msgspec.structs.replace(kept, mtime_ns=stat.st_mtime_ns))
    except FileNotFoundError:  # cleared meanwhile
        return False
    return True
