"""The bytes of a granted resource, with Range, in constant memory.

No link outlives a permission: every request asks for the session, the grant and the rights, and a long answer asks
again before every chunk of it. Bytes that have been handed to the HTTP server are out of reach; so is a file that was
left to the proxy in front, which may be asked to send the small ones itself.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import NamedTuple

import anyio
import structlog
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from yuefu.access.downloads import TooManyDownloads
from yuefu.errors import EngineBusy, YuefuError
from yuefu.server.actions.media import MediaFile, check_still_held, find_media
from yuefu.server.actions.sessions import member
from yuefu.server.centre import Centre
from yuefu.server.http.client_api import JSON, bearer_token, client_refusal
from yuefu.server.http.edge import Receive, Scope, Send
from yuefu.server.http.front import IS_PROXIED
from yuefu.wire.codes import ClientCode
from yuefu.wire.envelope import render_client_refusal
from yuefu.wire.refusal import ClientRefusal

_Headers = dict[str, str]

_CHUNK_BYTES = 524_288
_RETRY_AFTER_S = 1
"""How soon a download may have ended that is in the way of another; a guess."""
_CACHE_CONTROL = "private, no-store"
_RANGE = re.compile(r"bytes=(?P<first>\d{0,18})-(?P<last>\d{0,18})", re.ASCII)
_STATUSES = {
    ClientCode.NOT_INITIALISED: 403,
    ClientCode.APP_NOT_USABLE: 403,
    ClientCode.RESOURCE_NOT_GRANTED: 403,
    ClientCode.NO_RIGHTS: 410,  # of a grant that is held: they have been withdrawn since
    ClientCode.RESOURCE_EXPIRED: 410,
    ClientCode.RESOURCE_MISSING: 404,
    ClientCode.INTERNAL_ERROR: 500,
    ClientCode.SYSTEM_BUSY: 503,
}
_log = structlog.get_logger(__name__)


def media_routes(centre: Centre) -> list[Route]:
    """The media endpoint."""
    return [
        Route("/client/v1/resources/{resource_id}/{track}", _endpoint(centre), methods=["GET", "HEAD"], name="resource")
    ]


def _endpoint(centre: Centre) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        request_id = centre.new_request_id()
        try:
            caller = member(centre, bearer_token(request))
            path = request.path_params
            file = find_media(centre, caller, path["resource_id"], path["track"])
            return _respond(centre, request, file, request_id)
        except YuefuError as error:
            return _refuse(error, request_id)
        except Exception:  # noqa: BLE001 - the last resort of the edge: whatever it was, the caller gets an answer
            _log.exception("media failed", request_id=request_id)
            content = render_client_refusal(
                code=ClientCode.INTERNAL_ERROR, message="internal error", request_id=request_id
            )
            return Response(content, status_code=500, media_type=JSON)

    return endpoint


def _refuse(error: YuefuError, request_id: str) -> Response:
    if isinstance(error, TooManyDownloads):
        busy = ClientRefusal(ClientCode.SYSTEM_BUSY, str(error))
        return _refusal(busy, request_id, status=429, headers={"retry-after": str(_RETRY_AFTER_S)})
    refusal = client_refusal(error)
    return _refusal(refusal, request_id, status=_STATUSES.get(refusal.code, 403))


def _refusal(refusal: ClientRefusal, request_id: str, *, status: int, headers: _Headers | None = None) -> Response:
    content = render_client_refusal(code=refusal.code, message=refusal.message, request_id=request_id)
    return Response(content, status_code=status, headers=headers, media_type=JSON)


def _respond(centre: Centre, request: Request, file: MediaFile, request_id: str) -> Response:
    headers = {
        "accept-ranges": "bytes",
        "cache-control": _CACHE_CONTROL,
        "etag": f'"{file.sha256}"',
        "content-type": file.media_type,
    }
    stretch = _wanted(request, file)
    if stretch is None:
        refusal = ClientRefusal(ClientCode.ILLEGAL_PARAMETER, f"Range: the file ends at byte {file.size_bytes}")
        headers |= {"content-range": f"bytes */{file.size_bytes}", "content-type": JSON}
        return _refusal(refusal, request_id, status=416, headers=headers)
    headers["content-length"] = str(stretch.end - stretch.first)
    if stretch.is_part:
        headers["content-range"] = f"bytes {stretch.first}-{stretch.end - 1}/{file.size_bytes}"
    status = 206 if stretch.is_part else 200
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers)
    if centre.accel_prefix and request.scope.get(IS_PROXIED) and file.size_bytes <= centre.accel_max_bytes:
        return _LeftToProxy(centre, file, request_id)
    return _CheckedResponse(centre, request, file, stretch, status=status, headers=headers)


class _Stretch(NamedTuple):
    """Bytes from `first` up to, not at, `end`; `is_part` when a Range asked for them, be it for all there are."""

    first: int
    end: int
    is_part: bool


def _wanted(request: Request, file: MediaFile) -> _Stretch | None:
    """The stretch asked for; None when it lies outside the file.

    A Range of another unit or of several parts is not followed and the whole file sent, as RFC 9110 allows; so is one
    whose If-Range names another version. HEAD knows no ranges (§14.2).
    """
    whole = _Stretch(0, file.size_bytes, is_part=False)
    if request.method != "GET":
        return whole
    condition = request.headers.get("if-range")
    match = _RANGE.fullmatch(request.headers.get("range", "").replace(" ", ""))
    if match is None or (condition is not None and condition != f'"{file.sha256}"'):
        return whole
    first_text, last_text = match["first"], match["last"]
    if not first_text and not last_text:
        return whole
    if not first_text:
        length = min(int(last_text), file.size_bytes)
        return _Stretch(file.size_bytes - length, file.size_bytes, is_part=True) if length else None
    first = int(first_text)
    end = min(int(last_text) + 1, file.size_bytes) if last_text else file.size_bytes
    if last_text and int(last_text) < first:
        return whole
    return _Stretch(first, end, is_part=True) if first < file.size_bytes else None


class _LeftToProxy(Response):
    """The permission to send a file, and where the proxy in front has it; the proxy sees to the Range.

    The permission is asked here for the last time, so what is left to a proxy is as large as what may still arrive when
    a takedown has returned.
    """

    def __init__(self, centre: Centre, file: MediaFile, request_id: str) -> None:
        super().__init__(
            headers={
                "x-accel-redirect": f"{centre.accel_prefix}{centre.blobs.place(file.sha256)}",
                "cache-control": _CACHE_CONTROL,
                "etag": f'"{file.sha256}"',
                "content-type": file.media_type,
            }
        )
        self._centre = centre
        self._file = file
        self._request_id = request_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._centre.fence.passage() as passage:
            passage.enter()
            try:
                check_still_held(self._centre, self._file)
                passage.check()
            except YuefuError as error:
                await _refuse(error, self._request_id)(scope, receive, send)
                return
            await super().__call__(scope, receive, send)


class _CheckedResponse(StreamingResponse):
    """A stretch of a file, each chunk sent if the permission holds, as one of the downloads the session may have.

    When it goes before the first one, the answer is the refusal; after that it breaks off, for the client to see.
    """

    def __init__(
        self, centre: Centre, request: Request, file: MediaFile, stretch: _Stretch, *, status: int, headers: _Headers
    ) -> None:
        self._chunks = _read_chunks(file, stretch)
        super().__init__(self._chunks, status_code=status, headers=headers)
        self._centre = centre
        self._request = request
        self._file = file

    async def stream_response(self, send: Send) -> None:
        async with aclosing(self._chunks):
            try:
                with self._centre.downloads.hold(self._file.session_id):
                    await self._send_chunks(send)
            except TooManyDownloads as error:
                await self._refuse(send, error)

    async def _send_chunks(self, send: Send) -> None:
        head: Scope | None = {
            "type": "http.response.start",
            "status": self.status_code,
            "headers": self.raw_headers,
        }
        async for chunk in self._chunks:
            try:
                sending = await self._hand_over(send, head, chunk)
            except YuefuError as error:
                await self._break_off(send, head, error)
                return
            await sending
            head = None
        if head is not None:
            await send(head)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _break_off(self, send: Send, head: Scope | None, error: YuefuError) -> None:
        """An answer that has begun is left unfinished: the HTTP server closes the connection on it."""
        if head is None:
            _log.info("download broken off", resource_id=self._file.resource_id, reason=str(error))
        else:
            await self._refuse(send, error)

    async def _refuse(self, send: Send, error: YuefuError) -> None:
        refused = _refuse(error, self._centre.new_request_id())
        await refused(self._request.scope, self._request.receive, send)

    async def _hand_over(self, send: Send, head: Scope | None, chunk: bytes) -> "asyncio.Future[None]":
        """As `_hand_over_once`; on a machine that is too busy to say in time whether it may, asked once more."""
        try:
            return await self._hand_over_once(send, head, chunk)
        except EngineBusy:
            return await self._hand_over_once(send, head, chunk)

    async def _hand_over_once(self, send: Send, head: Scope | None, chunk: bytes) -> "asyncio.Future[None]":
        """Give a chunk to the HTTP server, if the permission holds; done once that has room for more.

        A takedown waits for the giving, and not for a slow client. Raises `YuefuError`.
        """
        with self._centre.fence.passage() as passage:
            passage.enter()
            check_still_held(self._centre, self._file)
            passage.check()
            if head is not None:
                await send(head)
            sending = asyncio.ensure_future(send({"type": "http.response.body", "body": chunk, "more_body": True}))
            await asyncio.sleep(0)  # its first step is the giving
        return sending


async def _read_chunks(file: MediaFile, stretch: _Stretch) -> AsyncGenerator[bytes]:
    async with await anyio.open_file(file.path, "rb") as source:
        await source.seek(stretch.first)
        left = stretch.end - stretch.first
        while left:
            chunk = await source.read(min(_CHUNK_BYTES, left))
            if not chunk:
                _log.error("blob is shorter than recorded", sha256=file.sha256)
                return
            left -= len(chunk)
            yield chunk
