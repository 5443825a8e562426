"""The client API over HTTP: JSON bodies in, exactly the documented callback JSON out, HTTP 200 whatever the code."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import msgspec
import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from yuefu.errors import YuefuError
from yuefu.server.actions import COMMANDS
from yuefu.server.actions.lyrics import get_krc_lyric_by_token
from yuefu.server.actions.prelude import get_prelude_end_time
from yuefu.server.actions.question import pose
from yuefu.server.actions.request_resource import request_resource
from yuefu.server.actions.sessions import Member, destroy, init, member
from yuefu.server.centre import Centre
from yuefu.server.http.edge import MAX_BODY_BYTES, as_refusal, read_body
from yuefu.server.http.front import reached
from yuefu.wire.client_api import (
    PRELUDE_COMMAND,
    ExtendedRequestBody,
    InitBody,
    KrcTokenBody,
    PreludeEnd,
    PreludeEndParams,
    RequestResourceBody,
)
from yuefu.wire.codes import ClientCode, Code, client_code
from yuefu.wire.envelope import render_client_refusal, render_client_reply
from yuefu.wire.operation import Operation, P
from yuefu.wire.refusal import ClientRefusal, Refusal, illegal, illegal_field

B = TypeVar("B", bound=msgspec.Struct)
Answer = Callable[[Centre, Request, str], Awaitable[bytes]]

JSON = "application/json; charset=utf-8"
PRELUDE_CALLS_PER_S = 200
_log = structlog.get_logger(__name__)
_encode = msgspec.json.Encoder().encode


def client_routes(centre: Centre) -> list[Route]:
    """The client API's endpoints, but for the media."""
    answers: dict[str, Answer] = {
        "init": _init,
        "destroy": _destroy,
        "request_resource": _request_resource,
        "get_krc_lyric_by_token": _get_krc_lyric_by_token,
        "send_extended_request": _send_extended_request,
    }
    return [
        Route(f"/client/v1/{name}", _endpoint(centre, answer), methods=["POST"], name=name)
        for name, answer in answers.items()
    ]


def bearer_token(request: Request) -> str:
    """The token of `Authorization: Bearer …`, "" when there is none."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def client_refusal(error: YuefuError) -> ClientRefusal:
    """The documented client code for a fact the rooms state."""
    if isinstance(error, ClientRefusal):
        return error
    refusal = as_refusal(error)
    return ClientRefusal(client_code(refusal.code), refusal.message)


def _endpoint(centre: Centre, answer: Answer) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        here = reached(centre, request.scope)
        request_id = here.new_request_id()
        try:
            content = await answer(here, request, request_id)
        except YuefuError as error:
            refusal = client_refusal(error)
            if refusal.code is ClientCode.INTERNAL_ERROR:
                _log.error("engine failed", request_id=request_id, error=str(error))
            content = render_client_refusal(code=refusal.code, message=refusal.message, request_id=request_id)
        except Exception:  # noqa: BLE001 - the last resort of the edge: whatever it was, the caller gets an answer
            _log.exception("client call failed", request_id=request_id)
            content = render_client_refusal(
                code=ClientCode.INTERNAL_ERROR, message="internal error", request_id=request_id
            )
        return Response(content, media_type=JSON)

    return endpoint


async def _init(centre: Centre, request: Request, request_id: str) -> bytes:
    body = await _read(request, InitBody)
    result = await init(centre, bearer_token(request), body)
    return render_client_reply(request_id=request_id, data=_encode(result))


async def _destroy(centre: Centre, request: Request, request_id: str) -> bytes:
    await destroy(centre, member(centre, bearer_token(request)))
    return render_client_reply(request_id=request_id, data=b"{}")


async def _request_resource(centre: Centre, request: Request, request_id: str) -> bytes:
    caller = member(centre, bearer_token(request))
    body = await _read(request, RequestResourceBody)
    result = await request_resource(centre, caller, body)
    return render_client_reply(request_id=request_id, data=_encode(result))


async def _get_krc_lyric_by_token(centre: Centre, request: Request, request_id: str) -> bytes:
    """A bare object when it succeeds, as documented (decision G36); `request_id` is for refusals only."""
    del request_id
    caller = member(centre, bearer_token(request))
    body = await _read(request, KrcTokenBody)
    return _encode(get_krc_lyric_by_token(centre, caller, body))


async def _send_extended_request(centre: Centre, request: Request, request_id: str) -> bytes:
    caller = member(centre, bearer_token(request))
    body = await _read(request, ExtendedRequestBody)
    _check_filled(body)
    if body.command == PRELUDE_COMMAND:
        return _encode(_answer_prelude(centre, caller, body))
    return render_client_reply(request_id=request_id, data=_answer_command(centre, caller, body))


def _check_filled(body: ExtendedRequestBody) -> None:
    if not body.command:
        raise ClientRefusal(ClientCode.COMMAND_EMPTY, "command: empty")
    if not body.params:
        raise ClientRefusal(ClientCode.PARAMS_EMPTY, "params: empty")


def _answer_command(centre: Centre, caller: Member, body: ExtendedRequestBody) -> bytes:
    """The same questions as the Actions, in the client's spelling. Raises `Refusal` or `ClientRefusal`."""
    action = COMMANDS.get(body.command)
    if action is None:
        known = ", ".join(sorted((*COMMANDS, PRELUDE_COMMAND)))
        raise ClientRefusal(ClientCode.ILLEGAL_PARAMETER, f"command: must be one of {known}")
    operation = action.operation
    centre.gate.spend_call(
        caller.app,
        operation.action,
        calls_per_s=operation.calls_per_s,
        at_us=centre.now_us(),
        user_id=caller.session.user_id,
    )
    requested = body.params.get("vendor_id", 0)
    if not isinstance(requested, int) or isinstance(requested, bool):
        raise illegal("vendor_id", "must be a whole number")
    question = pose(
        centre,
        operation,
        caller.app,
        vendor=requested,
        parameter="vendor_id",
        territory=caller.session.territory,
    )
    return operation.render_command(action.handle(centre, question, _read_params(operation, body)))


def _read_params(operation: Operation[P, Any], body: ExtendedRequestBody) -> P:
    """A bad page has a code of its own where several vendors are searched, as documented."""
    try:
        return operation.parse_command(_unbracketed(body.params))
    except Refusal as refusal:
        if refusal.code is Code.PAGE_INVALID and operation.names_vendors:
            raise ClientRefusal(ClientCode.PAGE_INVALID, refusal.message) from None
        raise


def _answer_prelude(centre: Centre, caller: Member, body: ExtendedRequestBody) -> PreludeEnd:
    """The one command that is not an operation. Raises `ClientRefusal` or `Refusal`."""
    centre.gate.spend_call(caller.app, PRELUDE_COMMAND, calls_per_s=PRELUDE_CALLS_PER_S, at_us=centre.now_us())
    try:
        params = msgspec.convert(body.params, PreludeEndParams)
    except msgspec.ValidationError as error:
        raise illegal_field(error, whole="params") from None
    if params.vendor_id not in centre.profiles:
        known = ", ".join(str(vendor) for vendor in sorted(centre.profiles))
        raise ClientRefusal(ClientCode.VENDOR_INVALID, f"vendor_id: must be one of {known}")
    return get_prelude_end_time(centre, caller, params)


def _unbracketed(params: dict[str, Any]) -> dict[str, Any]:
    """The documents spell one list `songs_id[]` in a table and `songs_id` in its example: both are taken."""
    return {name.removesuffix("[]"): value for name, value in params.items()}


async def _read(request: Request, shape: type[B]) -> B:
    """The request's body in its documented shape. Raises `Refusal` naming the field at fault."""
    raw = await read_body(request.receive)
    if len(raw) > MAX_BODY_BYTES:
        raise illegal("body", f"larger than {MAX_BODY_BYTES} bytes")
    try:
        return msgspec.json.decode(raw or b"{}", type=shape)
    except msgspec.ValidationError as error:
        raise illegal_field(error, whole="body") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise illegal("body", f"not JSON ({error})") from None
