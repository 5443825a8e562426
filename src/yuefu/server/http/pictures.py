"""Covers and singers' pictures: public, named by their content, so good for ever in any cache."""

import re
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from yuefu.server.centre import Centre
from yuefu.server.http.problems import problem_response
from yuefu.wire.problem import Problem

_NAME = re.compile(r"(?P<sha256>[0-9a-f]{64})-(?P<size>[1-9][0-9]{0,4})\.jpg", re.ASCII)
_CACHING = "public, max-age=31536000, immutable"


def picture_routes(centre: Centre) -> list[Route]:
    """`/images/{sha256}-{size}.jpg`."""
    return [Route("/images/{name}", _endpoint(centre), methods=["GET", "HEAD"], name="picture")]


def _endpoint(centre: Centre) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        match = _NAME.fullmatch(request.path_params["name"])
        if match is None or not centre.listings.has_image(match["sha256"], int(match["size"])):
            return _missing(centre)
        headers = {"etag": f'"{match["sha256"]}"', "cache-control": _CACHING, "x-content-type-options": "nosniff"}
        if _is_known(request, headers["etag"]):
            return Response(status_code=304, headers=headers)
        path = centre.blobs.path(match["sha256"])
        return FileResponse(path, media_type="image/jpeg", headers=headers) if path.is_file() else _missing(centre)

    return endpoint


def _is_known(request: Request, etag: str) -> bool:
    """Whether the caller has it already (RFC 9110 §13.1.2)."""
    known = request.headers.get("if-none-match", "")
    return known.strip() == "*" or etag in {each.strip().removeprefix("W/") for each in known.split(",")}


def _missing(centre: Centre) -> Response:
    return problem_response(
        Problem(title="Not Found", status=404, detail="there is no such picture", request_id=centre.new_request_id())
    )
