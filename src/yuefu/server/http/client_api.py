"""The client API over HTTP: JSON bodies in, exactly the documented callback JSON out, HTTP 200 whatever the code."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import msgspec
import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from yuefu.access.session import SessionUnknown
from yuefu.errors import YuefuError
from yuefu.server.actions import COMMANDS, SESSION_ACTIONS, Action, SessionAction
from yuefu.server.actions.asked_once import Seal
from yuefu.server.actions.lyrics import get_krc_lyric_by_token, get_lrc_lyric
from yuefu.server.actions.pitch import get_standard_pitch
from yuefu.server.actions.plays import CALLS_PER_S as PLAYS_PER_S
from yuefu.server.actions.plays import report_play
from yuefu.server.actions.question import pose
from yuefu.server.actions.request_resource import request_resource
from yuefu.server.actions.rooms import join_room, leave_room
from yuefu.server.actions.sessions import Member, destroy, init, member
from yuefu.server.actions.shared_resource import get_music_by_token, get_shared_resource
from yuefu.server.centre import Centre, Passage
from yuefu.server.http.edge import MAX_BODY_BYTES, as_refusal, read_body
from yuefu.server.http.front import reached
from yuefu.server.http.leaving import Leaving, Respond
from yuefu.wire.client_api import (
    ExtendedRequestBody,
    GetSharedBody,
    InitBody,
    KrcTokenBody,
    LrcLyricBody,
    MusicTokenBody,
    ReportPlayBody,
    RequestResourceBody,
    RoomBody,
    StandardPitchBody,
)
from yuefu.wire.codes import ClientCode, Code, client_code
from yuefu.wire.dialect import snake_name
from yuefu.wire.envelope import render_client_refusal, render_client_reply
from yuefu.wire.operation import Operation, P
from yuefu.wire.operations.describe_song_lyric import DESCRIBE_SONG_LYRIC
from yuefu.wire.refusal import ClientRefusal, Refusal, illegal, illegal_field

B = TypeVar("B", bound=msgspec.Struct)
Answer = Callable[[Centre, Request, str, Passage], Awaitable[bytes]]

JSON = "application/json; charset=utf-8"
KEY = "idempotency-key"
_log = structlog.get_logger(__name__)
_encode = msgspec.json.Encoder().encode


def client_routes(centre: Centre) -> list[Route]:
    """The client API's endpoints, but for the media."""
    answers: dict[str, Answer] = {
        "init": _init,
        "destroy": _destroy,
        "join_room": _join_room,
        "leave_room": _leave_room,
        "request_resource": _request_resource,
        "get_shared_resource": _get_shared_resource,
        "get_music_by_token": _get_music_by_token,
        "get_lrc_lyric": _get_lrc_lyric,
        "get_krc_lyric_by_token": _get_krc_lyric_by_token,
        "get_standard_pitch": _get_standard_pitch,
        "report_play": _report_play,
        "send_extended_request": _send_extended_request,
    }
    return [
        Route(f"/client/v1/{name}", Leaving(centre.fence, _respond(centre, answer)), methods=["POST"], name=name)
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
    if isinstance(error, SessionUnknown):
        return ClientRefusal(ClientCode.NOT_INITIALISED, str(error))
    refusal = as_refusal(error)
    return ClientRefusal(client_code(refusal.code), refusal.message)


def _respond(centre: Centre, answer: Answer) -> Respond:
    async def respond(request: Request, passage: Passage) -> Response:
        here = reached(centre, request.scope)
        request_id = here.new_request_id()
        try:
            content = await answer(here, request, request_id, passage)
            passage.check()
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

    return respond


async def _init(centre: Centre, request: Request, request_id: str, passage: Passage) -> bytes:
    del passage
    body = await _read(request, InitBody)
    result = await init(centre, bearer_token(request), body)
    return render_client_reply(request_id=request_id, data=_encode(result))


async def _destroy(centre: Centre, request: Request, request_id: str, passage: Passage) -> bytes:
    del passage
    await destroy(centre, member(centre, bearer_token(request)))
    return render_client_reply(request_id=request_id, data=b"{}")


async def _request_resource(centre: Centre, request: Request, request_id: str, passage: Passage) -> bytes:
    caller = member(centre, bearer_token(request))
    body = await _read(request, RequestResourceBody)
    return await request_resource(
        centre, caller, body, passage, key=request.headers.get(KEY), seal=_sealing(request_id)
    )


def _sealing(request_id: str) -> Seal[msgspec.Struct]:
    return lambda result: render_client_reply(request_id=request_id, data=_encode(result))


async def _join_room(centre: Centre, request: Request, request_id: str, passage: Passage) -> bytes:
    del passage
    caller = member(centre, bearer_token(request))
    await join_room(centre, caller, await _read(request, RoomBody))
    return render_client_reply(request_id=request_id, data=b"{}")


async def _leave_room(centre: Centre, request: Request, request_id: str, passage: Passage) -> bytes:
    del passage
    caller = member(centre, bearer_token(request))
    await leave_room(centre, caller, await _read(request, RoomBody))
    return render_client_reply(request_id=request_id, data=b"{}")


async def _get_shared_resource(centre: Centre, request: Request, request_id: str, passage: Passage) -> bytes:
    caller = member(centre, bearer_token(request))
    body = await _read(request, GetSharedBody)
    return await get_shared_resource(
        centre, caller, body, passage, key=request.headers.get(KEY), seal=_sealing(request_id)
    )


async def _get_music_by_token(centre: Centre, request: Request, request_id: str, passage: Passage) -> bytes:
    caller = member(centre, bearer_token(request))
    body = await _read(request, MusicTokenBody)
    return await get_music_by_token(
        centre, caller, body, passage, key=request.headers.get(KEY), seal=_sealing(request_id)
    )


async def _get_lrc_lyric(centre: Centre, request: Request, request_id: str, passage: Passage) -> bytes:
    """A bare object too. It is what the Action of the same lyrics is, and counted as that."""
    del request_id
    caller = member(centre, bearer_token(request))
    body = await _read(request, LrcLyricBody)
    _spend_call(centre, caller, DESCRIBE_SONG_LYRIC.action, calls_per_s=DESCRIBE_SONG_LYRIC.calls_per_s)
    passage.enter()
    return _encode(get_lrc_lyric(centre, caller, body))


async def _get_krc_lyric_by_token(centre: Centre, request: Request, request_id: str, passage: Passage) -> bytes:
    """A bare object when it succeeds, as documented (decision G36); `request_id` is for refusals only."""
    del request_id
    caller = member(centre, bearer_token(request))
    body = await _read(request, KrcTokenBody)
    passage.enter()
    return _encode(get_krc_lyric_by_token(centre, caller, body))


async def _get_standard_pitch(centre: Centre, request: Request, request_id: str, passage: Passage) -> bytes:
    """A bare object too."""
    del request_id
    caller = member(centre, bearer_token(request))
    body = await _read(request, StandardPitchBody)
    passage.enter()
    return _encode(get_standard_pitch(centre, caller, body))


async def _report_play(centre: Centre, request: Request, request_id: str, passage: Passage) -> bytes:
    del passage
    caller = member(centre, bearer_token(request))
    body = await _read(request, ReportPlayBody)
    _spend_call(centre, caller, "report_play", calls_per_s=PLAYS_PER_S)
    return render_client_reply(request_id=request_id, data=_encode(await report_play(centre, caller, body)))


async def _send_extended_request(centre: Centre, request: Request, request_id: str, passage: Passage) -> bytes:
    """A bare object when only a session can ask, as documented; else the Action's data in an envelope."""
    caller = member(centre, bearer_token(request))
    body = await _read(request, ExtendedRequestBody)
    if not body.command:
        raise ClientRefusal(ClientCode.COMMAND_EMPTY, "command: empty")
    params = _unbracketed(_given_params(body))
    if own := SESSION_ACTIONS.get(body.command):
        return _answer_session(centre, caller, own, params)
    action = COMMANDS.get(body.command)
    if action is None:
        known = ", ".join(sorted((*COMMANDS, *SESSION_ACTIONS)))
        raise ClientRefusal(ClientCode.ILLEGAL_PARAMETER, f"command: must be one of {known}")
    if action.hands_out:
        passage.enter()
    return render_client_reply(request_id=request_id, data=_answer_command(centre, caller, action, params))


def _given_params(body: ExtendedRequestBody) -> dict[str, Any]:
    if body.params is None or body.params == "":
        raise _params_empty()
    if not isinstance(body.params, dict):
        raise illegal("params", "must be an object of named values")
    return body.params


def _params_empty() -> ClientRefusal:
    return ClientRefusal(ClientCode.PARAMS_EMPTY, "params: empty")


def _answer_session(centre: Centre, caller: Member, action: SessionAction, params: dict[str, Any]) -> bytes:
    """What only a session can ask. Raises `Refusal` or `ClientRefusal`."""
    command = action.command
    if command.needs_params and not params:
        raise _params_empty()
    _spend_call(centre, caller, command.command, calls_per_s=command.calls_per_s)
    return command.render_command(action.handle(centre, caller, command.parse_command(params)))


def _answer_command(centre: Centre, caller: Member, action: Action, params: dict[str, Any]) -> bytes:
    """The same questions as the Actions, in the client's spelling. Raises `Refusal` or `ClientRefusal`."""
    operation = action.operation
    if operation.needs_params and not params:
        raise _params_empty()
    _spend_call(centre, caller, operation.action, calls_per_s=operation.calls_per_s)
    requested = params.get("vendor_id", 0)
    if not isinstance(requested, int) or isinstance(requested, bool):
        raise illegal("vendor_id", "must be a whole number")
    question = pose(
        centre,
        operation,
        caller.app,
        vendor=requested,
        territory=caller.session.territory,
        spell=snake_name,
    )
    return operation.render_command(action.handle(centre, question, _read_params(operation, params)))


def _spend_call(centre: Centre, caller: Member, name: str, *, calls_per_s: int) -> None:
    """Count a command against its user."""
    user_id = caller.session.user_id
    centre.gate.spend_call(caller.app, name, calls_per_s=calls_per_s, at_us=centre.now_us(), user_id=user_id)


def _read_params(operation: Operation[P, Any], params: dict[str, Any]) -> P:
    """A bad page has a code of its own where several vendors are searched, as documented."""
    try:
        return operation.parse_command(params)
    except Refusal as refusal:
        if refusal.code is Code.PAGE_INVALID and operation.names_vendors:
            raise ClientRefusal(ClientCode.PAGE_INVALID, refusal.message) from None
        raise


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
