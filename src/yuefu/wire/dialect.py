"""Two spellings of the same shapes: snake_case on the client API, PascalCase on the server API.

Schemas are written once, in snake_case. `pascal_twin` derives the other spelling, field by field, so the two can't
drift apart; `to_pascal` turns a value into its twin's.
"""

from functools import cache, reduce
from operator import or_
from types import GenericAlias, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec

_IRREGULAR = {"bpm": "BPM", "bpm_type": "BPMType"}


def pascal_name(name: str) -> str:
    """How the server API spells `name`: `songs_id` is `SongsId`, `bpm_type` is `BPMType`."""
    return _IRREGULAR.get(name) or "".join(part.capitalize() for part in name.split("_"))


def snake_name(name: str) -> str:
    """How the client API spells `name`: as schemas do."""
    return name


@cache
def pascal_twin(shape: type[msgspec.Struct]) -> type[msgspec.Struct]:
    """The same struct with PascalCase names on the wire, its nested structs included."""
    fields: list[tuple[str, Any, Any]] = [
        (field.name, _twin_type(field.type), _default(field)) for field in msgspec.structs.fields(shape)
    ]
    return msgspec.defstruct(
        shape.__name__,
        fields,
        rename=pascal_name,
        frozen=True,
        kw_only=True,
        omit_defaults=shape.__struct_config__.omit_defaults,
        forbid_unknown_fields=shape.__struct_config__.forbid_unknown_fields,
    )


def to_pascal(value: msgspec.Struct) -> msgspec.Struct:
    """`value` as its PascalCase twin: same attributes, other names once encoded."""
    return msgspec.convert(value, pascal_twin(type(value)), from_attributes=True)


def _twin_type(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        return pascal_twin(annotation)
    origin: Any = get_origin(annotation)
    arguments = get_args(annotation)
    if origin is Annotated:
        return Annotated[(_twin_type(arguments[0]), *arguments[1:])]
    if origin in {Union, UnionType}:
        return reduce(or_, map(_twin_type, arguments))
    if isinstance(annotation, GenericAlias):
        return origin[tuple(map(_twin_type, arguments))]
    return annotation


def _default(field: msgspec.structs.FieldInfo) -> Any:
    if field.default_factory is not msgspec.NODEFAULT:
        return msgspec.field(default_factory=field.default_factory)
    return msgspec.field(default=field.default)
