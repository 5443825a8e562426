"""The OpenAPI 3.1 description of everything that is spoken over HTTP, made from the declarations."""

from collections import defaultdict
from functools import cache
from http import HTTPStatus
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from yuefu import __version__
from yuefu.rights.kept_answer import LONGEST_KEY
from yuefu.rights.territory import territories
from yuefu.server.centre import Centre
from yuefu.server.http.admin.description import SECURITY as ADMIN_SECURITY
from yuefu.server.http.admin.description import TAG as ADMIN_TAG
from yuefu.server.http.admin.description import admin_paths, admin_schemas
from yuefu.server.http.schemas import (
    CLIENT_CALLS,
    CLIENT_REF,
    SERVER_REF,
    ClientCall,
    Json,
    Profiles,
    Shape,
    describe_schemas,
    vendors_of,
)
from yuefu.wire.changes import CALLS_PER_S, CURSOR_PATTERN, DEFAULT_LIMIT, MAX_LIMIT, NAME, PATH, Changes
from yuefu.wire.client_api import PRELUDE_COMMAND, PreludeEnd, PreludeEndParams
from yuefu.wire.codes import Code
from yuefu.wire.operation import Operation
from yuefu.wire.operations import OPERATIONS
from yuefu.wire.problem import KINDS, MEDIA_TYPE, Problem
from yuefu.wire.signing import SIGNATURE_FIELDS
from yuefu.wire.webhook import CATALOGUE_CHANGED, USAGE_RECORDED, ChangesEvent, UsageRecorded
from yuefu.wire.webhook import MEDIA_TYPE as EVENT_MEDIA_TYPE

_JSON = "application/json"
_BY_QUERY: dict[str, list[str]] = {f"signature_2_0.{name}": [] for name in sorted(SIGNATURE_FIELDS)}
_SIGNED: list[Json] = [_BY_QUERY, {"http_signature": []}]
_IN_SESSION: list[Json] = [{"session": []}]
_REQUEST_ID: Json = {"X-Request-Id": {"description": "Names the call in the logs.", "schema": {"type": "string"}}}
_IDEMPOTENCY_KEY: Json = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "The session's name for the request, which counts once however often it is made under it.",
    "schema": {"type": "string", "pattern": f"^[ -~]{{1,{LONGEST_KEY}}}$"},
}


def openapi_route(centre: Centre) -> Route:
    """`/openapi.json`, rendered once."""

    @cache
    def rendered() -> bytes:
        return msgspec.json.encode(describe_api(centre.profiles))

    async def endpoint(request: Request) -> Response:
        del request
        return Response(rendered(), media_type=_JSON)

    return Route("/openapi.json", endpoint, methods=["GET"], name="openapi")


def describe_api(profiles: Profiles) -> Json:
    """The whole document, for a centre with those vendors."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Yuefu 乐府",
            "version": __version__,
            "summary": "A licensed-music centre for online karaoke",
            "description": (
                "The operations of the server API under plain paths, and the client API. The dialect of the documented"
                " Actions is at `/?Action=…`; its answers carry the same data. Whole numbers are written without a"
                " point: 1, not 1.0. A request may keep to its schema and be refused: an id must be one that there is."
            ),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [
            {"name": "operations", "description": "What an app's back end asks, signed."},
            {"name": "client", "description": "What an app's client asks, in a session. HTTP 200 whatever the code."},
            {"name": "files", "description": "Media and pictures."},
            ADMIN_TAG,
            {"name": "service", "description": "How the centre is."},
        ],
        "paths": {
            **_dispatch(profiles),
            **_operations(profiles),
            **_changes(),
            **_client_calls(profiles),
            **_files(),
            **admin_paths(),
            **_service(),
        },
        "webhooks": _webhooks(),
        "components": {
            "schemas": describe_schemas(profiles) | admin_schemas(),
            "responses": _problem_responses(),
            "securitySchemes": _security_schemes(),
        },
    }


def _operations(profiles: Profiles) -> Json:
    return {f"/v1/actions/{operation.action}": {"post": _operation(operation, profiles)} for operation in OPERATIONS}


def _operation(operation: Operation[Any, Any], profiles: Profiles) -> Json:
    described: Json = {
        "operationId": operation.method,
        "tags": ["operations"],
        "summary": operation.summary,
        "x-action": operation.action,
        "x-vendors": vendors_of(operation, profiles),
        "x-calls-per-second": operation.calls_per_s,
        "security": _SIGNED,
        "requestBody": _body(SERVER_REF.format(name=f"{operation.action}Request"), required=_is_needed(operation)),
        "responses": {
            "200": {
                "description": "The result",
                "headers": _REQUEST_ID,
                "content": _json_of({"$ref": SERVER_REF.format(name=operation.result.__name__)}),
            },
            **{str(int(status)): {"$ref": f"#/components/responses/{_named(status)}"} for status in _codes_by_status()},
        },
    }
    if operation.command:
        described["x-command"] = operation.command
    return described


def _is_needed(operation: Operation[Any, Any]) -> bool:
    return any(field.required for field in msgspec.structs.fields(operation.params))


def _changes() -> Json:
    described = {
        "operationId": NAME.lower(),
        "tags": ["operations"],
        "summary": "What became of songs' rights: the full list first, then what changed since",
        "x-calls-per-second": CALLS_PER_S,
        "security": _SIGNED,
        "parameters": [
            _in_query("after", {"type": "string", "pattern": CURSOR_PATTERN}, "The `next` of the answer before."),
            _in_query("limit", {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT}),
            _in_query(
                "territory",
                {"type": "string", "pattern": "^[A-Z]{2}$"},
                "Where the rights are asked for, ISO 3166-1 alpha-2; the app's home unless given.",
            ),
        ],
        "responses": {
            "200": {
                "description": "Some changes",
                "headers": _REQUEST_ID,
                "content": _json_of({"$ref": SERVER_REF.format(name=Changes.__name__)}),
            },
            **{str(int(status)): {"$ref": f"#/components/responses/{_named(status)}"} for status in _codes_by_status()},
        },
    }
    return {PATH: {"get": described}}


def _webhooks() -> Json:
    """What the centre itself sends to whoever asked the operator for it."""
    signed = {
        "webhook-id": "The event's id, the same at every attempt.",
        "webhook-timestamp": "Unix time of the attempt, in seconds.",
        "webhook-signature": "`v1,` and HMAC-SHA256 over id, timestamp and body with points between, in base64.",
    }
    parameters = [
        {"name": name, "in": "header", "required": True, "description": meaning, "schema": {"type": "string"}}
        for name, meaning in signed.items()
    ]
    responses = {
        "2XX": {"description": "It has arrived"},
        "410": {"description": "Nothing is wanted here any more: the webhook is switched off"},
    }
    events: tuple[tuple[str, str, Shape], ...] = (
        (CATALOGUE_CHANGED, "Songs changed", ChangesEvent),
        (USAGE_RECORDED, "The app used songs", UsageRecorded),
    )
    return {
        kind: {
            "post": {
                "operationId": "_".join(kind.split(".")[1:]),
                "tags": ["operations"],
                "summary": f"{summary} (Standard Webhooks, CloudEvents 1.0)",
                "parameters": parameters,
                "requestBody": {
                    "required": True,
                    "content": {EVENT_MEDIA_TYPE: {"schema": {"$ref": SERVER_REF.format(name=shape.__name__)}}},
                },
                "responses": responses,
            }
        }
        for kind, summary, shape in events
    }


def _client_calls(profiles: Profiles) -> Json:
    described = {f"/client/v1/{call.name}": {"post": _client_call(call)} for call in CLIENT_CALLS}
    return {**described, "/client/v1/send_extended_request": {"post": _extended_request(profiles)}}


def _client_call(call: ClientCall) -> Json:
    results = [{"$ref": CLIENT_REF.format(name=shape.__name__)} for shape in call.results]
    data = {"anyOf": results} if len(results) > 1 else results[0] if results else {"type": "object"}
    described: Json = {
        "operationId": call.name,
        "tags": ["client"],
        "summary": call.summary,
        "security": [{call.security: []}],
        "responses": _client_responses(data if call.is_bare else _enveloped(data)),
    }
    if call.takes_key:
        described["parameters"] = [_IDEMPOTENCY_KEY]
    if call.body:
        described["requestBody"] = _body(CLIENT_REF.format(name=call.body.__name__))
    return described


def _extended_request(profiles: Profiles) -> Json:
    """One path for all commands: which parameters go with which is the request's to say, which data the answer's."""
    commands = {operation.command: operation for operation in OPERATIONS if operation.command}
    choices = [
        _command(command, operation.params, vendors_of(operation, profiles)) for command, operation in commands.items()
    ]
    choices.append(_command(PRELUDE_COMMAND, PreludeEndParams, sorted(profiles)))
    results = [{"$ref": CLIENT_REF.format(name=operation.result.__name__)} for operation in commands.values()]
    bare = {"$ref": CLIENT_REF.format(name=PreludeEnd.__name__)}
    return {
        "operationId": "send_extended_request",
        "tags": ["client"],
        "summary": "Ask a question by its command",
        "security": _IN_SESSION,
        "requestBody": {"required": True, "content": _json_of({"oneOf": choices})},
        "responses": _client_responses(_enveloped({"anyOf": results}), bare),
    }


def _command(command: str, params: Shape, vendors: list[int]) -> Json:
    own: Json = {"$ref": CLIENT_REF.format(name=params.__name__)}
    vendor: Json = {"properties": {"vendor_id": {"enum": vendors, "default": 0}}}
    return {
        "type": "object",
        "title": command,
        "properties": {"command": {"const": command}, "params": {"allOf": [own, vendor], "minProperties": 1}},
        "required": ["command", "params"],
    }


def _client_responses(*answers: Json) -> Json:
    refused = {"$ref": CLIENT_REF.format(name="Refusal")}
    return {"200": {"description": "The answer, or a refusal", "content": _json_of({"anyOf": [*answers, refused]})}}


def _enveloped(data: Json) -> Json:
    return {"allOf": [{"$ref": CLIENT_REF.format(name="Envelope")}, {"properties": {"data": data}}]}


def _dispatch(profiles: Profiles) -> Json:
    """The documented dialect, in outline: each operation's page says what its own parameters are."""
    parameters = [
        {"name": "Action", "in": "query", "required": True, "schema": {"enum": [each.action for each in OPERATIONS]}},
        {"name": "UserId", "in": "query", "required": True, "schema": {"type": "string", "maxLength": 256}},
        {"name": "RoomId", "in": "query", "schema": {"type": "string", "maxLength": 256}},
        {"name": "VendorId", "in": "query", "schema": {"enum": sorted(profiles), "default": 0}},
        {"name": "Territory", "in": "query", "schema": {"enum": territories()}},
        {
            "name": "parameters",
            "in": "query",
            "description": "The operation's own; a list's name is repeated, with `[]` behind it or without.",
            "style": "form",
            "explode": True,
            "schema": {"type": "object", "additionalProperties": True},
        },
    ]
    answer = {
        "type": "object",
        "required": ["Code", "Message", "RequestId"],
        "properties": {
            "Code": {"type": "integer", "description": "0 for success"},
            "Message": {"type": "string"},
            "RequestId": {"type": "string"},
            "Data": {"type": "object", "description": "The operation's result; none in a refusal."},
        },
    }
    described = {
        "tags": ["operations"],
        "summary": "Ask an Action in the documented dialect",
        "security": _SIGNED,
        "parameters": parameters,
        "responses": {"200": {"description": "The answer, refusals included", "content": _json_of(answer)}},
    }
    return {
        "/": {"get": {"operationId": "get_action", **described}, "post": {"operationId": "post_action", **described}}
    }


def _files() -> Json:
    refusals = {
        status: {
            "description": meaning,
            "content": _json_of({"$ref": CLIENT_REF.format(name="Refusal")}),
        }
        for status, meaning in (
            ("403", "Not granted to this session"),
            ("404", "No such track"),
            ("410", "The grant has run out, or the rights were withdrawn"),
            ("416", "Outside the file"),
            ("429", "The session has as many downloads under way as it may; Retry-After says when to come again"),
            ("503", "Too busy to ask the rights"),
        )
    }
    binary: Json = {"audio/*": {"schema": {"type": "string", "contentMediaType": "application/octet-stream"}}}
    media = {
        "tags": ["files"],
        "summary": "The bytes of a granted resource",
        "security": _IN_SESSION,
        "parameters": [
            _in_path("resource_id", {"type": "string"}),
            _in_path("track", {"enum": ["0", "1"]}, "0 the resource's own file, 1 the original recording"),
            {"name": "Range", "in": "header", "schema": {"type": "string"}, "example": "bytes=0-1023"},
            {"name": "If-Range", "in": "header", "schema": {"type": "string"}},
        ],
        "responses": {
            "200": {"description": "The whole file", "content": binary},
            "206": {"description": "The stretch asked for", "content": binary},
            **refusals,
        },
    }
    picture = {
        "tags": ["files"],
        "summary": "A picture that an answer named",
        "security": [],
        "parameters": [
            _in_path("name", {"type": "string", "pattern": r"^[0-9a-f]{64}-[1-9][0-9]{0,4}\.jpg$"}, "SHA-256 and size")
        ],
        "responses": {
            "200": {"description": "The picture", "content": {"image/jpeg": {}}},
            "304": {"description": "The caller has it"},
            "404": _problem_response("No such picture"),
        },
    }
    return {
        "/client/v1/resources/{resource_id}/{track}": _get_and_head("resource", media),
        "/images/{name}": _get_and_head("picture", picture),
    }


def _service() -> Json:
    text: Json = {"text/plain": {"schema": {"type": "string"}}}
    slug = _in_path("slug", {"type": "string"}, "The last part of a problem's type")
    pages: tuple[tuple[str, str, str, list[Json], Json], ...] = (
        ("/healthz", "healthz", "Whether the process takes requests", [], text),
        ("/readyz", "readyz", "Whether the store answers", [], text),
        ("/problems/{slug}", "problem", "What a type of problem means", [slug], text),
        ("/openapi.json", "openapi", "This document", [], {_JSON: {"schema": {"type": "object"}}}),
    )
    return {
        path: {
            "get": {
                "operationId": name,
                "tags": ["service"],
                "summary": summary,
                "security": [],
                "parameters": parameters,
                "responses": {
                    "200": {"description": "So it is", "content": content},
                    **({"404": _problem_response("No such problem")} if parameters else {}),
                },
            }
        }
        for path, name, summary, parameters, content in pages
    }


def _codes_by_status() -> dict[HTTPStatus, list[Code]]:
    codes: defaultdict[HTTPStatus, list[Code]] = defaultdict(list)
    for code, kind in KINDS.items():
        if code not in {Code.KRC_TOKEN_MALFORMED, Code.KRC_TOKEN_EXPIRED}:  # no operation takes a krc token
            codes[kind.status].append(code)
    return dict(sorted(codes.items()))


def _problem_responses() -> Json:
    return {_named(status): _problem_of(status, codes) for status, codes in _codes_by_status().items()}


def _problem_of(status: HTTPStatus, codes: list[Code]) -> Json:
    described = _problem_response("; ".join(f"{int(code)} {KINDS[code].title}" for code in codes))
    described["headers"] = dict(_REQUEST_ID)
    if status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}:
        described["headers"]["Retry-After"] = {"description": "Seconds", "schema": {"type": "integer"}}
    return described


def _problem_response(meaning: str) -> Json:
    return {
        "description": meaning,
        "content": {MEDIA_TYPE: {"schema": {"$ref": SERVER_REF.format(name=Problem.__name__)}}},
    }


def _named(status: HTTPStatus) -> str:
    return status.phrase.replace(" ", "")


def _security_schemes() -> Json:
    by_query = {
        f"signature_2_0.{name}": {
            "type": "apiKey",
            "in": "query",
            "name": name,
            "description": "Signature 2.0: md5(AppId + SignatureNonce + ServerSecret + Timestamp) in lowercase hex.",
        }
        for name in sorted(SIGNATURE_FIELDS)
    }
    return {
        **by_query,
        **ADMIN_SECURITY,
        "http_signature": {
            "type": "http",
            "scheme": "signature",
            "description": "RFC 9421 with HMAC-SHA256 over method, authority, path, query and content digest.",
        },
        "login_token": {
            "type": "http",
            "scheme": "bearer",
            "description": "A Token04, or a JWT (HS256) with the app's secret.",
        },
        "session": {"type": "http", "scheme": "bearer", "description": "What `init` answered."},
    }


def _get_and_head(name: str, described: Json) -> Json:
    return {"get": {"operationId": f"get_{name}", **described}, "head": {"operationId": f"head_{name}", **described}}


def _in_path(name: str, schema: Json, description: str = "") -> Json:
    described = {"description": description} if description else {}
    return {"name": name, "in": "path", "required": True, "schema": schema, **described}


def _in_query(name: str, schema: Json, description: str = "") -> Json:
    described = {"description": description} if description else {}
    return {"name": name, "in": "query", "schema": schema, **described}


def _body(ref: str, *, required: bool = True) -> Json:
    return {"required": required, "content": _json_of({"$ref": ref})}


def _json_of(schema: Json) -> Json:
    return {_JSON: {"schema": schema}}
