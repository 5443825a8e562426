"""The bytes of a granted resource, with Range, in constant memory.

No link outlives a permission: every request asks for the session, the grant and the rights, and a long answer asks
again each megabyte. Bytes that have left are out of reach.
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable

import anyio
import structlog
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from yuefu.errors import YuefuError
from yuefu.server.actions.media import MediaFile, check_still_allowed, find_media
from yuefu.server.actions.sessions import member
from yuefu.server.centre import Centre
from yuefu.server.http.client_api import JSON, bearer_token, client_refusal
from yuefu.wire.codes import ClientCode
from yuefu.wire.envelope import render_client_refusal

_CHUNK_BYTES = 262_144
_RECHECK_BYTES = 1 << 20
_RANGE = re.compile(r"bytes=(?P<first>\d{0,18})-(?P<last>\d{0,18})", re.ASCII)
_STATUSES = {
    ClientCode.NOT_INITIALISED: 403,
    ClientCode.APP_NOT_USABLE: 403,
    ClientCode.RESOURCE_NOT_GRANTED: 403,
    ClientCode.NO_RIGHTS: 403,
    ClientCode.RESOURCE_EXPIRED: 410,
    ClientCode.RESOURCE_MISSING: 404,
    ClientCode.INTERNAL_ERROR: 500,
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
            refusal = client_refusal(error)
            status = _STATUSES.get(refusal.code, 403)
            content = render_client_refusal(code=refusal.code, message=refusal.message, request_id=request_id)
            return Response(content, status_code=status, media_type=JSON)

    return endpoint


def _respond(centre: Centre, request: Request, file: MediaFile, request_id: str) -> Response:
    headers = {
        "accept-ranges": "bytes",
        "cache-control": "private, no-store",
        "etag": f'"{file.sha256}"',
        "content-type": file.media_type,
    }
    span = _wanted(request, file)
    if span is None:
        message = f"Range: the file ends at byte {file.size_bytes}"
        content = render_client_refusal(code=ClientCode.ILLEGAL_PARAMETER, message=message, request_id=request_id)
        headers |= {"content-range": f"bytes */{file.size_bytes}", "content-type": JSON}
        return Response(content, status_code=416, headers=headers)
    first, end = span
    headers["content-length"] = str(end - first)
    is_part = (first, end) != (0, file.size_bytes)
    if is_part:
        headers["content-range"] = f"bytes {first}-{end - 1}/{file.size_bytes}"
    status = 206 if is_part else 200
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers)
    return StreamingResponse(_bytes(centre, file, first, end), status_code=status, headers=headers)


def _wanted(request: Request, file: MediaFile) -> tuple[int, int] | None:
    """The stretch asked for, end exclusive; None when it lies outside the file.

    A Range of another unit or of several parts is not followed and the whole file sent, as RFC 9110 allows; so is one
    whose If-Range names another version. HEAD knows no ranges (§14.2).
    """
    whole = (0, file.size_bytes)
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
        return (file.size_bytes - length, file.size_bytes) if length else None
    first = int(first_text)
    end = min(int(last_text) + 1, file.size_bytes) if last_text else file.size_bytes
    if last_text and int(last_text) < first:
        return whole
    return (first, end) if first < file.size_bytes else None


async def _bytes(centre: Centre, file: MediaFile, first: int, end: int) -> AsyncIterator[bytes]:
    """The stretch in chunks. Stops short, so that the client sees a broken answer, when the permission is gone."""
    unchecked = 0
    async with await anyio.open_file(file.path, "rb") as source:
        await source.seek(first)
        left = end - first
        while left:
            if unchecked >= _RECHECK_BYTES:
                check_still_allowed(centre, file.grant)
                unchecked = 0
            chunk = await source.read(min(_CHUNK_BYTES, left))
            if not chunk:
                _log.error("blob is shorter than recorded", sha256=file.sha256)
                return
            left -= len(chunk)
            unchecked += len(chunk)
            yield chunk
