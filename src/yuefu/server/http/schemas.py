"""The shapes of the wire as JSON Schema, in both dialects, with what the declarations say of them.

PascalCase ones are under their own name, snake_case ones under `client.`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from yuefu.rights.territory import territories
from yuefu.wire.alias import Circumstances, request_shape
from yuefu.wire.changes import Changes
from yuefu.wire.client_api import (
    AccompanimentResult,
    ClipResult,
    GetSharedBody,
    InitBody,
    InitResult,
    KrcLyric,
    KrcTokenBody,
    LrcLyric,
    LrcLyricBody,
    MusicTokenBody,
    PlayOnRecord,
    PreludeEnd,
    PreludeEndParams,
    ReportPlayBody,
    RequestResourceBody,
    ResourceQuote,
    RoomBody,
    SegmentResult,
    SharedAccompanimentResult,
    SharedSongResult,
    SongResult,
    StandardPitch,
    StandardPitchBody,
)
from yuefu.wire.dialect import pascal_name, pascal_twin
from yuefu.wire.meanings import field_meanings, shapes_in, text_of
from yuefu.wire.operation import Operation
from yuefu.wire.operations import OPERATIONS
from yuefu.wire.problem import Problem
from yuefu.wire.vendor import VendorProfile
from yuefu.wire.webhook import ChangesEvent, UsageRecorded

Json = dict[str, Any]
Shape = type[msgspec.Struct]
Profiles = Mapping[int, VendorProfile]

SERVER_REF = "#/components/schemas/{name}"
CLIENT_REF = "#/components/schemas/client.{name}"

_OTHER_VENDORS = {"VendorsId", "KeepVendor"}
"""Parameters beside VendorId that name vendors."""

_NULL = {"type": "null"}


@dataclass(frozen=True, slots=True)
class ClientCall:
    """An endpoint of the client API. Its answer is in an envelope unless it is bare, as documented. One that
    `takes_key` may be asked again under an `Idempotency-Key`.
    """

    name: str
    summary: str
    body: Shape | None
    results: tuple[Shape, ...]
    is_bare: bool = False
    security: str = "session"
    takes_key: bool = False


CLIENT_CALLS = (
    ClientCall("init", "Begin a session with a login token", InitBody, (InitResult,), security="login_token"),
    ClientCall("destroy", "End the session", None, ()),
    ClientCall("join_room", "Be in one more room", RoomBody, ()),
    ClientCall("leave_room", "Be in a room no longer", RoomBody, ()),
    ClientCall(
        "request_resource",
        "Have a song, its accompaniment or a highlight granted and charged",
        RequestResourceBody,
        (SongResult, AccompanimentResult, ClipResult, SegmentResult, ResourceQuote),
        takes_key=True,
    ),
    ClientCall(
        "get_shared_resource",
        "Have what another member of the room paid for, once, free",
        GetSharedBody,
        (SharedSongResult, SharedAccompanimentResult, ClipResult, SegmentResult),
        takes_key=True,
    ),
    ClientCall(
        "get_music_by_token",
        "The same by the share token of whoever paid, for old callers",
        MusicTokenBody,
        (SharedSongResult, SharedAccompanimentResult, ClipResult, SegmentResult),
        takes_key=True,
    ),
    ClientCall("get_lrc_lyric", "A song's line lyrics", LrcLyricBody, (LrcLyric,), is_bare=True),
    ClientCall(
        "get_krc_lyric_by_token", "The word lyrics a krc token stands for", KrcTokenBody, (KrcLyric,), is_bare=True
    ),
    ClientCall(
        "get_standard_pitch",
        "The notes to hit in a granted accompaniment or highlight",
        StandardPitchBody,
        (StandardPitch,),
        is_bare=True,
    ),
    ClientCall("report_play", "Say what was sung under a grant", ReportPlayBody, (PlayOnRecord,)),
)


def describe_schemas(profiles: Profiles) -> Json:
    """All of them, by name, for a centre with those vendors."""
    return _server_schemas(profiles) | {f"client.{name}": schema for name, schema in _client_schemas().items()}


def vendors_of(operation: Operation[Any, Any], profiles: Profiles) -> list[int]:
    """The vendors that an operation can be asked of."""
    return sorted(vendor for vendor, profile in profiles.items() if operation.action in profile.operations)


def _server_schemas(profiles: Profiles) -> Json:
    requests = {request_shape(operation): operation.params for operation in OPERATIONS}
    results: list[Shape] = [operation.result for operation in OPERATIONS]
    plain: list[Shape] = [Changes, ChangesEvent, UsageRecorded]
    schemas = _components([*requests, *(pascal_twin(result) for result in results), *plain, Problem], SERVER_REF)
    for request, params in requests.items():
        _explain(schemas[request.__name__], Circumstances, pascal_name)
        _explain(schemas[request.__name__], params, pascal_name)
    for operation in OPERATIONS:
        _list_choices(schemas[request_shape(operation).__name__]["properties"], vendors_of(operation, profiles))
    for shape in _with_inner(results):
        _explain(schemas[shape.__name__], shape, pascal_name)
        _forget_null(schemas[shape.__name__])
    for shape in _with_inner(plain):
        _explain(schemas[shape.__name__], shape, str)
    _explain(schemas[Problem.__name__], Problem, str)
    _forget_null(schemas[Problem.__name__])
    return schemas


def _client_schemas() -> Json:
    commands = [operation for operation in OPERATIONS if operation.command]
    asked = [operation.params for operation in commands]
    asked += [call.body for call in CLIENT_CALLS if call.body] + [PreludeEndParams]
    answers = [operation.result for operation in commands]
    answers += [shape for call in CLIENT_CALLS for shape in call.results] + [PreludeEnd]
    schemas = _components([*asked, *answers], CLIENT_REF)
    for shape in _with_inner(asked + answers):
        _explain(schemas[shape.__name__], shape, str)
    for shape in _with_inner(answers):
        _forget_null(schemas[shape.__name__])
    return schemas | _envelopes()


def _components(shapes: Iterable[Shape], ref_template: str) -> Json:
    return msgspec.json.schema_components(shapes, ref_template=ref_template)[1]


def _with_inner(shapes: Iterable[Shape]) -> list[Shape]:
    """The shapes and those inside them, each once."""
    return list(dict.fromkeys(inner for shape in shapes for inner in shapes_in(shape)))


def _explain(schema: Json, shape: Shape, spell: Callable[[str], str]) -> None:
    """Put what the declaration says into a schema."""
    if text_of(shape):
        schema["description"] = text_of(shape)
    for name, meaning in field_meanings(shape).items():
        schema["properties"][spell(name)]["description"] = meaning


def _list_choices(properties: Json, vendors: list[int]) -> None:
    """Say wherever a request names vendors or a territory which ones there are."""
    properties["VendorId"]["enum"] = vendors
    properties["Territory"]["enum"] = ["", *territories()]
    for name in _OTHER_VENDORS & properties.keys():
        given = next(choice for choice in properties[name]["anyOf"] if choice != _NULL)
        given.get("items", given)["enum"] = vendors


def _forget_null(schema: Json) -> None:
    """A result's field that does not apply is absent, never null."""
    for name, held in schema["properties"].items():
        if "default" in held and held["default"] is None:
            (kept,) = [choice for choice in held["anyOf"] if choice != _NULL]
            left = {key: value for key, value in held.items() if key not in {"anyOf", "default"}}
            schema["properties"][name] = kept | left


def _envelopes() -> Json:
    frame = {"message": {"type": "string"}, "request_id": {"type": "string"}}
    return {
        "Envelope": {
            "type": "object",
            "required": ["code", "message", "request_id", "data"],
            "properties": {"code": {"const": 0}, **frame, "data": {"type": "object"}},
        },
        "Refusal": {
            "type": "object",
            "required": ["code", "message", "request_id"],
            "properties": {"code": {"type": "integer", "minimum": 1_017_000, "maximum": 1_017_999}, **frame},
        },
    }
