"""Downloads that survive an interruption: a `.part` file beside the destination is carried on with, if it still fits.

The version a part belongs to (its strong ETag, RFC 9110 §8.8.3) lies in `.part.etag`. The server is asked for the rest
`If-Range` of that version; when the file has changed meanwhile it sends the new one whole, and the part begins anew.
"""

import errno
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http import HTTPStatus
from pathlib import Path
from typing import BinaryIO, TypeAlias

from yuefu.client.errors import FileFailed, TransportFailed, bad_answer
from yuefu.client.flow import Answer, Flow, Request, open_answer, read_piece
from yuefu.client.reading import media_error
from yuefu.wire.codes import ClientCode

OnProgress: TypeAlias = Callable[[int, int], None]
"""Called after every piece with the bytes there are and the bytes there will be."""

_STRONG_ETAG = re.compile(r'"[\x21\x23-\x7e]*"')
_CONTENT_RANGE = re.compile(r"bytes (?P<first>[0-9]+)-(?P<last>[0-9]+)/(?P<length>[0-9]+)")
_LENGTH = re.compile(r"[0-9]+")


@dataclass(frozen=True, slots=True)
class Placed:
    """Where the bytes of a media answer belong: from `first` on, in a file of `length` bytes."""

    first: int
    length: int


def placed(head: Answer) -> Placed:
    """Raises `BadAnswer` for a media answer that doesn't say it."""
    if head.status == HTTPStatus.PARTIAL_CONTENT:
        match = _CONTENT_RANGE.fullmatch(head.headers.get("Content-Range", ""))
        if match is None:
            raise bad_answer("Content-Range: missing or malformed")
        return Placed(first=int(match["first"]), length=int(match["length"]))
    length = head.headers.get("Content-Length", "")
    if _LENGTH.fullmatch(length) is None:
        raise bad_answer("Content-Length: missing or malformed")
    return Placed(first=0, length=int(length))


def has_media(answer: Answer) -> bool:
    return answer.status in {HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT}


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

    def resumption(self) -> dict[str, str]:
        """The headers that ask for the bytes not here yet; none when there is nothing to carry on with."""
        if not (self.path.is_file() and self.etag_path.is_file()):
            return {}
        size = self.path.stat().st_size
        etag = self.etag_path.read_text(encoding="ascii", errors="replace")
        if size == 0 or _STRONG_ETAG.fullmatch(etag) is None:
            return {}
        return {"Range": f"bytes={size}-", "If-Range": etag}

    def open(self, place: Placed, etag: str) -> BinaryIO:
        """The file, ready for the bytes at `place`. Raises `BadAnswer` when they are not the next ones."""
        if place.first == 0:
            self.etag_path.write_text(etag if _STRONG_ETAG.fullmatch(etag) else "", encoding="ascii")
            return self.path.open("wb")
        if place.first != self.path.stat().st_size:
            raise bad_answer(f"Content-Range: begins at {place.first}, not where it was asked to")
        return self.path.open("ab")

    def finish(self) -> None:
        self.path.replace(self.destination)
        self.etag_path.unlink()

    def discard(self) -> None:
        self.path.unlink(missing_ok=True)
        self.etag_path.unlink(missing_ok=True)


def download(request: Request, destination: Path, on_progress: OnProgress | None) -> Flow[Path]:
    """One attempt to bring what is missing of `destination`, which appears at once and whole."""
    part = Part(destination)
    head = yield from _opened(request, part)
    if not has_media(head):
        raise media_error(replace(head, body=(yield from _rest())))
    place = placed(head)
    with _disk_errors(destination):
        done = yield from _stored(part.open(place, head.headers.get("ETag", "")), place, on_progress)
        if done < place.length:
            raise TransportFailed(ClientCode.NETWORK_FAILED, f"the bytes ended at {done} of {place.length}")
        if done > place.length:
            part.discard()
            raise bad_answer(f"more bytes than the {place.length} announced")
        part.finish()
    return destination


def _opened(request: Request, part: Part) -> Flow[Answer]:
    resumption = part.resumption()
    head = yield from open_answer(with_headers(request, resumption))
    if resumption and head.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        part.discard()
        head = yield from open_answer(request)
    return head


def _stored(file: BinaryIO, place: Placed, on_progress: OnProgress | None) -> Flow[int]:
    """Writes what comes and says how much of the whole there is then.

    A piece goes to the system's cache in less time than handing it to another thread would take.
    """
    done = place.first
    with file:
        while (piece := (yield from read_piece())) is not None:
            file.write(piece)
            done += len(piece)
            if on_progress is not None:
                on_progress(done, place.length)
    return done


def _rest() -> Flow[bytes]:
    pieces: list[bytes] = []
    while (piece := (yield from read_piece())) is not None:
        pieces.append(piece)
    return b"".join(pieces)


def with_headers(request: Request, headers: Mapping[str, str]) -> Request:
    return replace(request, headers={**request.headers, **headers})


@contextmanager
def _disk_errors(destination: Path) -> Iterator[None]:
    """A full disk as the contract's code for it; anything else about the caller's own file is said by Python."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise FileFailed(ClientCode.DISK_FULL, f"no room left for {os.fspath(destination)}") from error
        raise
