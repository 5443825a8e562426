"""The admin API in the OpenAPI document, made from its table."""

from http import HTTPStatus
from typing import Any

import msgspec

from yuefu.server.http.admin.endpoint import AnyEndpoint, Nothing
from yuefu.server.http.admin.table import ENDPOINTS
from yuefu.wire.meanings import field_meanings, shapes_in, text_of
from yuefu.wire.problem import MEDIA_TYPE, Problem

Json = dict[str, Any]

REF = "#/components/schemas/admin.{name}"
TAG: Json = {"name": "admin", "description": "What operators do, with an admin key; refusals are problem details."}
SECURITY: Json = {
    "admin_key": {"type": "http", "scheme": "bearer", "description": "A key from `yuefu admin key create`."}
}

_JSON = "application/json"
_REFUSALS = {
    HTTPStatus.BAD_REQUEST: "The body is no JSON",
    HTTPStatus.UNAUTHORIZED: "No admin key, or none that is good",
    HTTPStatus.FORBIDDEN: "The key's role may not do this",
    HTTPStatus.NOT_FOUND: "The path names what is not there",
    HTTPStatus.CONFLICT: "It cannot be done as things stand",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body is too large",
    HTTPStatus.UNPROCESSABLE_ENTITY: "The detail names the field and what it may be",
    HTTPStatus.TOO_MANY_REQUESTS: "The key is over its rate",
    HTTPStatus.SERVICE_UNAVAILABLE: "Busy; retry later",
}
_OF_WRITES = {HTTPStatus.BAD_REQUEST, HTTPStatus.CONFLICT, HTTPStatus.REQUEST_ENTITY_TOO_LARGE}


def admin_paths() -> Json:
    """The paths, each with its methods."""
    paths: dict[str, Json] = {}
    for endpoint in ENDPOINTS:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint)
    return paths


def admin_schemas() -> Json:
    """The shapes that cross the network, with what their declarations say."""
    shapes = _shapes()
    schemas: Json = msgspec.json.schema_components(shapes, ref_template=REF)[1]
    for shape in dict.fromkeys(inner for outer in shapes for inner in shapes_in(outer)):
        schema = schemas[shape.__name__]
        if text_of(shape):
            schema["description"] = text_of(shape)
        else:
            schema.pop("description", None)
        for name, meaning in field_meanings(shape).items():
            schema["properties"][name]["description"] = meaning
    return {f"admin.{name}": schema for name, schema in schemas.items()}


def _shapes() -> list[type[msgspec.Struct]]:
    named = (shape for each in ENDPOINTS for shape in (each.body, each.result) if shape is not Nothing)
    return list(dict.fromkeys(named))


def _operation(endpoint: AnyEndpoint) -> Json:
    described: Json = {
        "operationId": endpoint.name,
        "tags": [TAG["name"]],
        "summary": endpoint.summary,
        "x-roles": sorted(role.value for role in endpoint.roles),
        "security": [{"admin_key": []}],
        "parameters": [*_in_path(endpoint), *_in_query(endpoint)],
        "responses": {str(endpoint.status): _success(endpoint), **_refusals(endpoint)},
    }
    if endpoint.takes_body:
        described["requestBody"] = {"required": True, "content": _content(_JSON, endpoint.body)}
    return described


def _success(endpoint: AnyEndpoint) -> Json:
    if endpoint.result is Nothing:
        return {"description": "It is done"}
    return {
        "description": "It is done" if endpoint.is_write else "So it is",
        "content": _content(_JSON, endpoint.result),
    }


def _refusals(endpoint: AnyEndpoint) -> Json:
    left_out = set() if endpoint.is_write else set(_OF_WRITES)
    if not endpoint.missing:
        left_out.add(HTTPStatus.NOT_FOUND)
    problem = {MEDIA_TYPE: {"schema": {"$ref": f"#/components/schemas/{Problem.__name__}"}}}
    return {
        str(int(status)): {"description": meaning, "content": problem}
        for status, meaning in _REFUSALS.items()
        if status not in left_out
    }


def _in_path(endpoint: AnyEndpoint) -> list[Json]:
    names = [part[1:-1] for part in endpoint.path.split("/") if part.startswith("{")]
    return [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]


def _in_query(endpoint: AnyEndpoint) -> list[Json]:
    (schema,), components = msgspec.json.schema_components([endpoint.query], ref_template=REF)
    del schema
    described = components[endpoint.query.__name__]
    query: type[msgspec.Struct] = endpoint.query
    meanings = field_meanings(query)
    return [
        {
            "name": name,
            "in": "query",
            "required": name in described.get("required", ()),
            "schema": _without_null(held),
            **({"description": meanings[name]} if name in meanings else {}),
        }
        for name, held in described["properties"].items()
    ]


def _without_null(schema: Json) -> Json:
    """A parameter that is not there is not null, it is not there."""
    choices = [choice for choice in schema.get("anyOf", ()) if choice != {"type": "null"}]
    return choices[0] if len(choices) == 1 else schema


def _content(media_type: str, shape: type[msgspec.Struct]) -> Json:
    return {media_type: {"schema": {"$ref": REF.format(name=shape.__name__)}}}
