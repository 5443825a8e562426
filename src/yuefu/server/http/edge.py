"""The server API at `/`: one function from raw bytes to an answer, read top to bottom.

    bytes → SignedQuery → Caller → vendor → parameters → action → reply

Plain ASGI, in front of everything else: this is the path that runs thousands of times a second.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import structlog

from yuefu.access.app import App, UnknownApp
from yuefu.access.authentication import (
    Caller,
    RateExceeded,
    ReplayedNonce,
    SignatureNotTaken,
    StaleTimestamp,
    WrongSignature,
)
from yuefu.errors import EngineBusy, YuefuError
from yuefu.rights.territory import is_territory
from yuefu.server.actions import ACTIONS, Action
from yuefu.server.actions.question import Question, pose
from yuefu.server.centre import Centre, Passage
from yuefu.server.http.message import http_message
from yuefu.wire.body import parse_json_body
from yuefu.wire.codes import Code
from yuefu.wire.dialect import pascal_name
from yuefu.wire.envelope import render_refusal, render_reply
from yuefu.wire.http_signature import MAX_SIGNED_BYTES, HttpMessage, signed_message
from yuefu.wire.operation import Operation
from yuefu.wire.query import parse_query
from yuefu.wire.refusal import Refusal, illegal
from yuefu.wire.signing import signed_query
from yuefu.wire.vendor import BillingMode

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_JSON_HEADERS = [(b"content-type", b"application/json; charset=utf-8")]
_log = structlog.get_logger(__name__)


def answer_action(
    centre: Centre,
    raw_query: bytes,
    body: bytes = b"",
    content_type: str = "",
    message: HttpMessage | None = None,
    *,
    passage: Passage | None = None,
) -> bytes:
    """The answer to one query, signed by itself (2.0) or by its `message` (RFC 9421). Never raises: what goes wrong is
    a code in the answer. Lyrics leave through the `passage`.
    """
    request_id = centre.new_request_id()
    try:
        fields = parse_query(raw_query)
        action = _action(fields)
        operation = action.operation
        request_id = operation.request_id.of(request_id)
        leaving = passage if action.hands_out else None
        if leaving is not None:
            leaving.enter()
        query = signed_query(fields) if message is None else signed_message(fields, message)
        centre.view.look()
        caller = centre.gate.admit(query, calls_per_s=operation.calls_per_s, at_us=centre.now_us())
        question = settle(centre, action, caller, vendor=query.vendor_id)
        if body:
            _add_body(operation, query.business, body, content_type)
        params = operation.parse_action(query.business)
        result = action.handle(centre, question, params)
        data = operation.render_action(result)
        if leaving is not None:
            leaving.check()
        return render_reply(message=operation.message, request_id=request_id, data=data)
    except Exception as error:  # noqa: BLE001 - whatever it was, the caller gets an answer
        refusal = refuse(error, request_id=request_id)
        return render_refusal(code=refusal.code, message=refusal.message, request_id=request_id)
    finally:
        centre.view.look_away()


def settle(centre: Centre, action: Action, caller: Caller, *, vendor: int) -> Question:
    """The question that a proven caller poses, of the vendor it asked for. Raises `Refusal`."""
    check_usable(caller, territory="Territory")
    question = pose(centre, action.operation, caller.app, vendor=vendor, territory=caller.territory, spell=pascal_name)
    _check_billing(caller.app, room_id=caller.room_id)
    return question


def refuse(error: Exception, *, request_id: str) -> Refusal:
    """The last resort of the edge: the refusal for whatever went wrong. Faults of our own go to the log."""
    match error:
        case YuefuError():
            refusal = as_refusal(error)
            if refusal.code is Code.ENGINE_ERROR:
                _log.error("engine failed", request_id=request_id, error=str(error))
            return refusal
        case OSError():
            _log.error("engine failed", request_id=request_id, exc_info=error)
            return Refusal(Code.ENGINE_UNDEFINED, "undefined engine error")
        case _:
            _log.error("action failed", request_id=request_id, exc_info=error)
            return Refusal(Code.SYSTEM_ERROR, "system error")


def as_refusal(error: YuefuError) -> Refusal:
    """The documented code and message for a fact the rooms state."""
    match error:
        case Refusal():
            return error
        case UnknownApp():
            return Refusal(Code.APP_INVALID, f"AppId: {error}")
        case StaleTimestamp():
            return Refusal(Code.SIGNATURE_EXPIRED, str(error))
        case WrongSignature():
            return Refusal(Code.SIGNATURE_WRONG, "Signature: not the one of these values")
        case ReplayedNonce():
            return Refusal(Code.SIGNATURE_WRONG, str(error))
        case SignatureNotTaken():
            return Refusal(Code.SIGNATURE_WRONG, "SignatureVersion: the app takes RFC 9421 signatures only")
        case RateExceeded():
            return Refusal(Code.RATE_EXCEEDED, "too many calls; retry later")
        case EngineBusy():
            return Refusal(Code.SYSTEM_BUSY, "system busy; retry later")
        case _:
            return Refusal(Code.ENGINE_ERROR, "engine error")


async def serve_action(centre: Centre, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one HTTP request at `/`. HTTP 200 whatever the code (decision G12)."""
    body, content_type = b"", ""
    if scope["method"] == "POST":
        body = await read_body(receive)
        content_type = header(scope, b"content-type")
    message = http_message(centre, scope, body)
    with centre.fence.passage() as passage:
        answer = answer_action(centre, scope["query_string"], body, content_type, message, passage=passage)
        await send({"type": "http.response.start", "status": 200, "headers": _JSON_HEADERS})
        await send({"type": "http.response.body", "body": answer})


MAX_BODY_BYTES = MAX_SIGNED_BYTES
_FORM = "application/x-www-form-urlencoded"


async def read_body(receive: Receive, limit_bytes: int = MAX_BODY_BYTES) -> bytes:
    """The request's body. One byte more than the limit stands for all the rest: too large either way."""
    chunks = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return bytes(chunks)
        chunks += message.get("body", b"")
        if len(chunks) > limit_bytes:
            return bytes(chunks[: limit_bytes + 1])
        if not message.get("more_body"):
            return bytes(chunks)


def header(scope: Scope, name: bytes) -> str:
    """A request header's value, "" when it is not there."""
    for key, value in scope["headers"]:
        if key == name:
            return str(value, "latin-1")
    return ""


def _add_body(operation: Operation[Any, Any], fields: dict[str, list[str]], body: bytes, content_type: str) -> None:
    """Business parameters in a POST body, form or JSON; what the query string says wins (decision G16).

    It is read last of all, so that nobody unproven makes us read it.
    """
    if len(body) > MAX_BODY_BYTES:
        raise illegal("body", f"larger than {MAX_BODY_BYTES} bytes")
    media_type = content_type.partition(";")[0].strip().lower()
    is_form = media_type == _FORM and not body.lstrip().startswith(b"{")  # a common tool calls every body a form
    given = parse_query(body) if is_form else parse_json_body(operation, body, said=fields)
    for name, values in given.items():
        fields.setdefault(name, values)


def _action(fields: dict[str, list[str]]) -> Action:
    names = fields.get("Action", [""])
    action = ACTIONS.get(names[0])
    if action is None:
        raise illegal("Action", f"must be one of {', '.join(sorted(ACTIONS))}" if names[0] else "missing")
    return action


def check_usable(caller: Caller, *, territory: str) -> None:
    """Let pass whom the centre serves at all; `territory` is what the wire calls that. Raises `Refusal`."""
    if not caller.app.is_enabled:
        raise Refusal(Code.APP_NOT_USABLE, "AppId: copyrighted music is not enabled for this app")
    if not is_territory(caller.territory):
        raise illegal(territory, f"{caller.territory} is no territory of ISO 3166-1")


def _check_billing(app: App, *, room_id: str) -> None:
    if not app.billing_modes:
        raise Refusal(Code.BILLING_UNSUPPORTED, "no billing mode is enabled for this app")
    if app.billing_modes == {BillingMode.ROOM_MONTH} and not room_id:
        raise illegal("RoomId", "missing; the app is billed by room and month")
