"""`POST /v1/actions/{Action}`: the operations as plain HTTP. A JSON object in, the bare result out, and refusals as
problem details (RFC 9457) under a status of their own.
"""

from http import HTTPStatus

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from yuefu.access.authentication import Caller
from yuefu.ids import RoomId, UserId
from yuefu.server.actions import ACTIONS, Action
from yuefu.server.centre import Centre, Passage
from yuefu.server.http.edge import MAX_BODY_BYTES, Scope, read_body, refuse, settle
from yuefu.server.http.front import reached
from yuefu.server.http.leaving import Leaving, Respond
from yuefu.server.http.message import http_message
from yuefu.server.http.problems import problem_response
from yuefu.wire.alias import read_circumstances, read_params
from yuefu.wire.http_signature import HttpMessage, signed_message
from yuefu.wire.problem import problem
from yuefu.wire.query import parse_query
from yuefu.wire.refusal import illegal
from yuefu.wire.signing import SIGNATURE_FIELDS, signed_query

JSON = "application/json"


def alias_routes(centre: Centre) -> list[Route]:
    """One path for all operations."""
    return [Route("/v1/actions/{action}", Leaving(centre.fence, _respond(centre)), methods=["POST"], name="action")]


def _respond(centre: Centre) -> Respond:
    async def respond(request: Request, passage: Passage) -> Response:
        action = ACTIONS.get(request.path_params["action"])
        if action is None:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        here = reached(centre, request.scope)
        body = await read_body(request.receive)
        request_id = here.new_request_id()
        try:
            content = _answer(here, action, request.scope, body, passage)
        except Exception as error:  # noqa: BLE001 - whatever it was, the caller gets an answer
            refusal = refuse(error, request_id=request_id)
            return problem_response(
                problem(refusal.code, detail=refusal.message, request_id=request_id, base_url=here.public_url)
            )
        return Response(content, media_type=JSON, headers={"x-request-id": request_id})

    return respond


def _answer(centre: Centre, action: Action, scope: Scope, body: bytes, passage: Passage) -> bytes:
    operation = action.operation
    if action.hands_out:
        passage.enter()
    caller = _prove(centre, action, scope["query_string"], http_message(centre, scope, body))
    if len(body) > MAX_BODY_BYTES:
        raise illegal("body", f"larger than {MAX_BODY_BYTES} bytes")
    said = read_circumstances(body)
    caller = msgspec.structs.replace(
        caller,
        user_id=UserId(said.user_id),
        room_id=RoomId(said.room_id),
        territory=said.territory or caller.territory,
    )
    question = settle(centre, action, caller, vendor=said.vendor_id)
    content = operation.render_action(action.handle(centre, question, read_params(operation, body)))
    passage.check()
    return content


def _prove(centre: Centre, action: Action, raw_query: bytes, message: HttpMessage | None) -> Caller:
    """Who calls, by the signature's parameters in the query string (2.0) or by the whole message (RFC 9421)."""
    fields = parse_query(raw_query)
    for name in sorted(fields.keys() - SIGNATURE_FIELDS):
        raise illegal(name, "belongs in the body")
    fields["Action"] = [action.operation.action]
    query = (
        signed_query(fields, needs_user=False) if message is None else signed_message(fields, message, needs_user=False)
    )
    return centre.gate.admit(query, calls_per_s=action.operation.calls_per_s, at_us=centre.now_us())
