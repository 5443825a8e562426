"""`GET /v1/changes`: the change feed for apps' back ends, signed as the aliases are, refusals as problem details."""

from collections.abc import Awaitable, Callable

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from yuefu.access.authentication import Caller
from yuefu.server.centre import Centre
from yuefu.server.changes import changes_for, follow_clock
from yuefu.server.http.edge import Scope, check_usable, refuse
from yuefu.server.http.front import reached
from yuefu.server.http.message import http_message
from yuefu.server.http.problems import problem_response
from yuefu.wire.changes import CALLS_PER_S, NAME, PATH, read_cursor, read_limit
from yuefu.wire.http_signature import signed_message
from yuefu.wire.problem import problem
from yuefu.wire.query import parse_query
from yuefu.wire.refusal import illegal
from yuefu.wire.signing import SIGNATURE_FIELDS, signed_query

_PARAMETERS = ("after", "limit", "territory")
_encode = msgspec.json.Encoder().encode


def changes_route(centre: Centre) -> Route:
    """The feed's path."""
    return Route(PATH, _endpoint(centre), methods=["GET"], name="changes")


def _endpoint(centre: Centre) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        here = reached(centre, request.scope)
        request_id = here.new_request_id()
        try:
            content = await _answer(here, request.scope)
        except Exception as error:  # noqa: BLE001 - whatever it was, the caller gets an answer
            refusal = refuse(error, request_id=request_id)
            return problem_response(
                problem(refusal.code, detail=refusal.message, request_id=request_id, base_url=here.public_url)
            )
        headers = {"x-request-id": request_id, "cache-control": "no-store"}
        return Response(content, media_type="application/json", headers=headers)

    return endpoint


async def _answer(centre: Centre, scope: Scope) -> bytes:
    fields = parse_query(scope["query_string"])
    asked = {name: _single(fields, name) for name in _PARAMETERS}
    caller = _prove(centre, scope, fields)
    caller = msgspec.structs.replace(caller, territory=asked["territory"] or caller.territory)
    check_usable(caller, territory="territory")
    limit = read_limit(asked["limit"])
    after = read_cursor(asked["after"], latest=centre.feed.latest())
    await follow_clock(centre)
    changes, _ = changes_for(centre, caller.app, territory=caller.territory, after=after, at_most=limit)
    return _encode(changes)


def _prove(centre: Centre, scope: Scope, fields: dict[str, list[str]]) -> Caller:
    """Who calls, by the signature's parameters in the query string (2.0) or by the whole message (RFC 9421)."""
    for name in sorted(fields.keys() - SIGNATURE_FIELDS):
        raise illegal(name, f"no parameter of this; there are {', '.join(_PARAMETERS)}")
    message = http_message(centre, scope, b"")
    fields["Action"] = [NAME]
    query = (
        signed_query(fields, needs_user=False) if message is None else signed_message(fields, message, needs_user=False)
    )
    return centre.gate.admit(query, calls_per_s=CALLS_PER_S, at_us=centre.now_us())


def _single(fields: dict[str, list[str]], name: str) -> str:
    """A parameter that may be left out; takes it out of `fields`."""
    values = fields.pop(name, [""])
    if len(values) > 1:
        raise illegal(name, "given more than once")
    return values[0]
