"""Downloads that survive an interruption: a `.part` file beside the destination is carried on with, if it still fits.

The version a part belongs to (its strong ETag, RFC 9110 §8.8.3) lies in `.part.etag`. The server is asked for the rest
`If-Range` of that version; when the file has changed meanwhile it sends the new one whole, and the part begins anew.
While `.part.lock` is held nobody else writes. A centre's ETag is the SHA-256 of the bytes, so the whole is held to it.
"""

import errno
import hashlib
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http import HTTPStatus
from pathlib import Path
from typing import BinaryIO, TypeAlias

from yuefu.client.errors import FileFailed, TransportFailed, bad_answer
from yuefu.client.flow import Answer, Flow, Request, Wait, open_answer, read_piece
from yuefu.client.locks import Taken, hold
from yuefu.client.reading import media_error
from yuefu.wire.codes import ClientCode

OnProgress: TypeAlias = Callable[[int, int], None]
"""Called after every piece with the bytes there are and the bytes there will be."""

_STRONG_ETAG = re.compile(r'"[\x21\x23-\x7e]*"')
_SHA256_ETAG = re.compile(r'"(?P<sha256>[0-9a-f]{64})"')
_CONTENT_RANGE = re.compile(r"bytes (?P<first>[0-9]{1,18})-(?P<last>[0-9]{1,18})/(?P<length>[0-9]{1,18})")
_LENGTH = re.compile(r"[0-9]{1,18}")
_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Placed:
    """Where the bytes of a media answer belong: from `first` on, in a file of `length` bytes."""

    first: int
    length: int


def placed(head: Answer) -> Placed:
    """Raises `BadAnswer` for a media answer that doesn't say it."""
    if head.status == HTTPStatus.PARTIAL_CONTENT:
        match = _CONTENT_RANGE.fullmatch(head.headers.get("Content-Range", ""))
        if match is None or not int(match["first"]) <= int(match["last"]) < int(match["length"]):
            raise bad_answer("Content-Range: missing or malformed")
        return Placed(first=int(match["first"]), length=int(match["length"]))
    length = head.headers.get("Content-Length", "")
    if _LENGTH.fullmatch(length) is None:
        raise bad_answer("Content-Length: missing or malformed")
    return Placed(first=0, length=int(length))


def has_media(answer: Answer) -> bool:
    return answer.status in {HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT}


@dataclass(eq=False, slots=True)
class Watch:
    """What a download under way tells, and whether it is told to stop."""

    resource_id: str
    on_progress: OnProgress | None = None
    cancelled: bool = False

    def check(self) -> None:
        """Raises `FileFailed` once the download is cancelled."""
        if self.cancelled:
            raise FileFailed(ClientCode.DOWNLOAD_CANCELLED, f"the download of {self.resource_id} was cancelled")

    def tell(self, done: int, length: int) -> None:
        if self.on_progress is not None:
            self.on_progress(done, length)


@dataclass(frozen=True, slots=True)
class Part:
    """The unfinished file."""

    destination: Path

    @property
    def path(self) -> Path:
        return self.destination.with_name(f"{self.destination.name}.part")

    @property
    def etag_path(self) -> Path:
        return self.destination.with_name(f"{self.destination.name}.part.etag")

    @property
    def lock_path(self) -> Path:
        return self.destination.with_name(f"{self.destination.name}.part.lock")

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep it from everybody else, in this process or another.

        Raises `FileFailed` when somebody has it, or when the disk is full meanwhile.
        """
        try:
            with disk_errors(self.destination), hold(self.lock_path):
                try:
                    yield
                finally:
                    if self.size_bytes() == 0:
                        self.discard()
        except Taken:
            message = f"{self.destination} is being downloaded already"
            raise FileFailed(ClientCode.ALREADY_DOWNLOADING, message) from None

    def size_bytes(self) -> int:
        return self.path.stat().st_size if self.path.is_file() else 0

    def etag(self) -> str:
        """The strong ETag of what is there, "" when it is not known."""
        if not self.etag_path.is_file():
            return ""
        etag = self.etag_path.read_text(encoding="ascii", errors="replace")
        return etag if _STRONG_ETAG.fullmatch(etag) else ""

    def resumption(self) -> dict[str, str]:
        """The headers that ask for the bytes not here yet; none when there is nothing to carry on with."""
        size, etag = self.size_bytes(), self.etag()
        return {"Range": f"bytes={size}-", "If-Range": etag} if size and etag else {}

    def open(self, place: Placed, etag: str) -> BinaryIO:
        """The file, ready for the bytes at `place`. Raises `BadAnswer` when they are not the next ones."""
        if place.first == 0:
            # Emptied before its version is written: bytes of one version never lie beside the ETag of another.
            self.path.write_bytes(b"")
            self.etag_path.write_text(etag if _STRONG_ETAG.fullmatch(etag) else "", encoding="ascii")
        elif place.first != self.size_bytes():
            raise bad_answer(f"Content-Range: begins at {place.first}, not where it was asked to")
        elif etag not in {"", self.etag()}:
            self.discard()
            raise bad_answer("ETag: the bytes are of another version than those asked for")
        return self.path.open("ab")

    def finish(self) -> None:
        self.path.replace(self.destination)
        self.etag_path.unlink()

    def discard(self) -> None:
        self.path.unlink(missing_ok=True)
        self.etag_path.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class Whole:
    """A part that has all its bytes, and they are the right ones. `etag` is "" for a server that names no version."""

    etag: str
    sha256: str
    size_bytes: int


def download(request: Request, part: Part, watch: Watch) -> Flow[Path]:
    """The file at the part's destination, which appears at once and whole: one attempt to bring what is missing."""
    yield from fetch(request, part, watch, make_room=_as_it_comes)
    part.finish()
    return part.destination


def fetch(request: Request, part: Part, watch: Watch, *, make_room: Callable[[int], None]) -> Flow[Whole]:
    """One attempt to bring what is missing of a part that is held. `make_room` is told how many bytes are to come.

    Raises `TransportFailed` for bytes that did not all arrive; `FileFailed` for those that are not the version's (they
    are removed) and for a download that was cancelled.
    """
    watch.check()
    head = yield from _opened(request, part)
    if not has_media(head):
        raise media_error(replace(head, body=(yield from read_rest())))
    place = placed(head)
    with part.open(place, head.headers.get("ETag", "")) as file:
        make_room(place.length - place.first)
        done = yield from _stored(file, place, watch)
    if done < place.length:
        raise TransportFailed(ClientCode.NETWORK_FAILED, f"the bytes ended at {done} of {place.length}")
    if done > place.length:
        part.discard()
        raise bad_answer(f"more bytes than the {place.length} announced")
    whole = Whole(part.etag(), (yield from sha256_of(part.path)), place.length)
    if not _is_of_version(whole):
        part.discard()
        raise FileFailed(ClientCode.FILE_DAMAGED, f"{part.destination}: damaged on the way; download it again")
    return whole


def _as_it_comes(_size_bytes: int) -> None:
    """Room is for the system to say."""


def _is_of_version(whole: Whole) -> bool:
    match = _SHA256_ETAG.fullmatch(whole.etag)
    return match is None or match["sha256"] == whole.sha256


def _opened(request: Request, part: Part) -> Flow[Answer]:
    resumption = part.resumption()
    head = yield from open_answer(with_headers(request, resumption))
    if resumption and head.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        part.discard()
        head = yield from open_answer(request)
    return head


def _stored(file: BinaryIO, place: Placed, watch: Watch) -> Flow[int]:
    """Writes what comes and says how much of the whole there is then.

    A piece goes to the system's cache in less time than handing it to another thread would take. It goes to the disk
    before the file gets its name: after a power cut, too, what has the name is whole.
    """
    done = place.first
    while (piece := (yield from read_piece())) is not None:
        file.write(piece)
        done += len(piece)
        watch.tell(done, place.length)
        if done < place.length:
            watch.check()
    file.flush()
    os.fsync(file.fileno())
    return done


def read_rest() -> Flow[bytes]:
    pieces: list[bytes] = []
    while (piece := (yield from read_piece())) is not None:
        pieces.append(piece)
    return b"".join(pieces)


def sha256_of(path: Path) -> Flow[str]:
    """The SHA-256 of a file, in hexadecimal. Others get their turn between its blocks."""
    hashed = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            hashed.update(block)
            yield Wait(0.0)
    return hashed.hexdigest()


def with_headers(request: Request, headers: Mapping[str, str]) -> Request:
    return replace(request, headers={**request.headers, **headers})


@contextmanager
def disk_errors(destination: Path) -> Iterator[None]:
    """A full disk as the contract's code for it; anything else about the caller's own file is said by Python."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise FileFailed(ClientCode.DISK_FULL, f"no room left for {os.fspath(destination)}") from error
        raise
