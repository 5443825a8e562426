"""The admin API from a request to its answer:

key → rate → role → query and body → the endpoint, in a thread → JSON, or problem details
"""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

import msgspec
import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from yuefu.access.admin_key import RATE, AdminKey, AdminKeyNameTaken, AdminKeyRevoked
from yuefu.access.app import (
    AppExists,
    BadAppName,
    DefaultVendorNotGranted,
    NoRotation,
    RotationOpen,
    UnknownApp,
)
from yuefu.access.authentication import RateExceeded
from yuefu.catalogue.song import UnknownSong
from yuefu.errors import EngineBusy, YuefuError
from yuefu.rights.takedown import CaseEnded, UnknownCase
from yuefu.server.centre import Centre
from yuefu.server.http.admin.endpoint import AnyEndpoint, BadBody, Call, NotThere
from yuefu.server.http.admin.misfit import explain_misfit
from yuefu.server.http.admin.pool import CentrePool
from yuefu.server.http.admin.table import ENDPOINTS
from yuefu.server.http.client_api import bearer_token
from yuefu.server.http.edge import read_body
from yuefu.server.http.problems import problem_response
from yuefu.server.programme import UnknownVendor
from yuefu.wire.problem import Problem

MAX_BODY_BYTES = 8_000_000
JSON = "application/json"
CHALLENGE = 'Bearer realm="yuefu admin"'

_CONFLICTS = (AppExists, RotationOpen, NoRotation, CaseEnded, AdminKeyNameTaken, AdminKeyRevoked)
_MISSING = (UnknownSong, UnknownApp, UnknownCase)
_UNMEANT = (BadAppName, DefaultVendorNotGranted, UnknownVendor)
_log = structlog.get_logger(__name__)
_encode = msgspec.json.Encoder().encode


class Denied(Exception):
    """A call that is answered with a status instead of what it asked for."""

    def __init__(self, status: HTTPStatus, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


def admin_routes(centre: Centre) -> list[Route]:
    """A route for each endpoint of the table."""
    pool = CentrePool(centre)
    return [
        Route(each.path, _respond(centre, pool, each), methods=[each.method], name=f"admin {each.name}")
        for each in ENDPOINTS
    ]


def _respond(centre: Centre, pool: CentrePool, endpoint: AnyEndpoint) -> Callable[[Request], Awaitable[Response]]:
    async def respond(request: Request) -> Response:
        request_id = centre.new_request_id()
        try:
            content = await _answer(centre, pool, endpoint, request)
        except Exception as error:  # noqa: BLE001 - whatever it was, the caller gets an answer
            denied = _deny(error, endpoint, request_id)
            problem = Problem(
                title=denied.status.phrase, status=denied.status, detail=denied.detail, request_id=request_id
            )
            return problem_response(problem, challenge=CHALLENGE)
        headers = {"x-request-id": request_id, "cache-control": "no-store"}
        return Response(content, status_code=endpoint.status, media_type=JSON if content else None, headers=headers)

    return respond


async def _answer(centre: Centre, pool: CentrePool, endpoint: AnyEndpoint, request: Request) -> bytes:
    key = _authenticate(centre, request)
    if not centre.gate.quota.spend(f"admin/{key.key_id}", RATE, at_us=centre.now_us()):
        raise RateExceeded
    if key.role not in endpoint.roles:
        roles = " or ".join(sorted(role.value for role in endpoint.roles))
        raise Denied(HTTPStatus.FORBIDDEN, f"this needs a key of the role {roles}; yours is {key.role.value}")
    query = _read_query(endpoint, request)
    body = await _read_body(endpoint, request)
    author = key.author(request.client.host if request.client else "")
    path = dict(request.path_params)

    def work(own: Centre) -> bytes:
        result = endpoint.handle(Call(centre=own, author=author, path=path, query=query, body=body))
        return _encode(result) if endpoint.status != HTTPStatus.NO_CONTENT else b""

    return await pool.run(work, is_write=endpoint.is_write)


def _authenticate(centre: Centre, request: Request) -> AdminKey:
    """The key that the request shows, as it is at this moment. Raises `Denied`."""
    secret = bearer_token(request)
    if not secret:
        raise Denied(HTTPStatus.UNAUTHORIZED, "an admin key is needed: Authorization: Bearer KEY")
    key = centre.admin_keys.find(secret)
    if key is None:
        raise Denied(HTTPStatus.UNAUTHORIZED, "no such admin key, or it was revoked")
    return key


def _read_query(endpoint: AnyEndpoint, request: Request) -> Any:
    given: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name in given:
            raise Denied(HTTPStatus.UNPROCESSABLE_ENTITY, f"{name[:100]}: is there twice")
        given[name] = value
    try:
        return msgspec.convert(given, type=endpoint.query, strict=False)
    except msgspec.ValidationError as error:
        detail = explain_misfit(error, endpoint.query, whole="query")
        raise Denied(HTTPStatus.UNPROCESSABLE_ENTITY, detail) from None


async def _read_body(endpoint: AnyEndpoint, request: Request) -> Any:
    """The body in its shape; where none is needed it may be missing. Raises `Denied`."""
    if not endpoint.is_write:
        return endpoint.body()
    raw = await read_body(request.receive, MAX_BODY_BYTES)
    if len(raw) > MAX_BODY_BYTES:
        raise Denied(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"body: larger than {MAX_BODY_BYTES} bytes")
    if not raw and not endpoint.takes_body:
        return endpoint.body()
    try:
        return msgspec.json.decode(raw, type=endpoint.body)
    except msgspec.ValidationError as error:
        detail = explain_misfit(error, endpoint.body, whole="body")
        raise Denied(HTTPStatus.UNPROCESSABLE_ENTITY, detail) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Denied(HTTPStatus.BAD_REQUEST, f"body: not JSON ({error})") from None


def _deny(error: Exception, endpoint: AnyEndpoint, request_id: str) -> Denied:
    """What the caller is told of whatever went wrong. Faults of our own go to the log."""
    match error:
        case Denied():
            return error
        case NotThere():
            return Denied(HTTPStatus.NOT_FOUND, endpoint.missing)
        case BadBody():
            return Denied(HTTPStatus.UNPROCESSABLE_ENTITY, str(error))
        case RateExceeded():
            return Denied(HTTPStatus.TOO_MANY_REQUESTS, "too many calls; retry later")
        case EngineBusy():
            return Denied(HTTPStatus.SERVICE_UNAVAILABLE, "system busy; retry later")
        case YuefuError() if isinstance(error, _CONFLICTS):
            return Denied(HTTPStatus.CONFLICT, str(error))
        case YuefuError() if isinstance(error, _MISSING) and endpoint.missing:
            return Denied(HTTPStatus.NOT_FOUND, endpoint.missing)
        case YuefuError() if isinstance(error, _MISSING + _UNMEANT):
            return Denied(HTTPStatus.UNPROCESSABLE_ENTITY, str(error))
        case _:
            _log.error("admin call failed", request_id=request_id, endpoint=endpoint.name, exc_info=error)
            return Denied(HTTPStatus.INTERNAL_SERVER_ERROR, "system error")
