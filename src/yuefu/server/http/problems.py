"""Problem details as responses, and the page behind each type of problem."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from yuefu.server.centre import Centre
from yuefu.wire.problem import KINDS, MEDIA_TYPE, RETRY_AFTER_S, Problem, slug

_RETRIED = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}
_PAGES = {
    slug(code): f"{kind.title}\n\ncode {int(code)}, HTTP {kind.status}\n\n{kind.cure}\n" for code, kind in KINDS.items()
}
_encode = msgspec.json.Encoder().encode


def problem_response(problem: Problem, *, challenge: str = "Signature") -> Response:
    """The problem as an HTTP answer, with the headers its status asks for; `challenge` is how to prove oneself."""
    headers = {"x-request-id": problem.request_id, "cache-control": "no-store"}
    if problem.status == HTTPStatus.UNAUTHORIZED:
        headers["www-authenticate"] = challenge
    if problem.status in _RETRIED:
        headers["retry-after"] = str(RETRY_AFTER_S)
    return Response(_encode(problem), status_code=problem.status, media_type=MEDIA_TYPE, headers=headers)


def problem_routes() -> list[Route]:
    """`/problems/{slug}`: what the type of a problem leads to."""
    return [Route("/problems/{slug}", _page, methods=["GET"], name="problem")]


def missing_page(centre: Centre) -> Callable[[Request, Exception], Awaitable[Response]]:
    """The answer to a path or a method that is not there."""

    async def answer(request: Request, error: Exception) -> Response:
        del request
        assert isinstance(error, HTTPException)  # noqa: S101 - the only kind it is registered for
        status = HTTPStatus(error.status_code)
        response = problem_response(
            Problem(title=status.phrase, status=status, detail=status.description, request_id=centre.new_request_id())
        )
        response.headers.update(error.headers or {})
        return response

    return answer


async def _page(request: Request) -> Response:
    text = _PAGES.get(request.path_params["slug"])
    if text is None:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    return PlainTextResponse(text)
