"""What an operation is: declared once, spoken in two dialects.

From one declaration come the server API's Action, the client API's command, the check of the parameters in both
spellings, and the SDK's method. Which vendors support an operation is data of the vendor's profile (`wire.vendor`).
"""

import re
from dataclasses import dataclass
from functools import cached_property
from types import UnionType
from typing import Annotated, Any, Generic, TypeVar, Union, get_args, get_origin

import msgspec

from yuefu.wire.dialect import pascal_name, pascal_twin, to_pascal
from yuefu.wire.envelope import SUCCEED
from yuefu.wire.refusal import bad_value, illegal, illegal_field

P = TypeVar("P", bound=msgspec.Struct)
R = TypeVar("R", bound=msgspec.Struct)

_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,18}", re.ASCII)
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True)
class Operation(Generic[P, R]):
    """One question of the wire.

    `action` is its name on the server API, `command` on the client API (None where that has a method of its own),
    `method` in the SDK. `calls_per_s` is the documented quota of one app for this operation. `names_vendors` says that
    its own parameters name the vendors, so that the common VendorId does not.
    """

    action: str
    command: str | None
    params: type[P]
    result: type[R]
    summary: str
    calls_per_s: int = 200
    message: str = SUCCEED
    names_vendors: bool = False

    @property
    def method(self) -> str:
        """The SDK's name for it: `QuerySongsCopyright` is `query_songs_copyright`."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", self.action).lower()

    def parse_action(self, fields: dict[str, list[str]]) -> P:
        """The parameters in the fields of a query string.

        Raises `Refusal` (illegal parameter) naming the parameter in the spelling of the server API.
        """
        given: dict[str, object] = {}
        for name, is_list in self._action_fields:
            values = fields.get(name)
            if values is None:
                continue
            if name in self._whole_numbers and not all(map(_WHOLE_NUMBER.fullmatch, values)):
                raise bad_value(name, "must be a whole number")
            if is_list:
                given[name] = values
            elif len(values) > 1:
                raise illegal(name, "given more than once")
            else:
                given[name] = values[0]
        return self._convert(given, pascal=True)

    def parse_command(self, params: object) -> P:
        """The parameters of a command, as decoded JSON. Raises as `parse_action`, in the client API's spelling."""
        return self._convert(params, pascal=False)

    def render_action(self, result: R) -> bytes:
        """The result as the `Data` of the server API."""
        return _encode(to_pascal(result))

    def render_command(self, result: R) -> bytes:
        """The result as the `data` of the client API."""
        return _encode(result)

    def read_action(self, data: bytes) -> R:
        """The result in the `Data` of an answer: what an SDK does with it."""
        twin = msgspec.json.decode(data, type=pascal_twin(self.result))
        return msgspec.convert(twin, self.result, from_attributes=True)

    def action_query(self, params: P) -> dict[str, str | list[str]]:
        """The parameters as query fields of the server API; those at their default are left out."""
        query: dict[str, str | list[str]] = {}
        for field in msgspec.structs.fields(self.params):
            value = getattr(params, field.name)
            if value is None or value == field.default:
                continue
            query[pascal_name(field.name)] = [str(item) for item in value] if isinstance(value, list) else str(value)
        return query

    @cached_property
    def _action_fields(self) -> tuple[tuple[str, bool], ...]:
        return tuple(
            (field.encode_name, _is_list(field.type)) for field in msgspec.structs.fields(pascal_twin(self.params))
        )

    @cached_property
    def _whole_numbers(self) -> frozenset[str]:
        return frozenset(
            field.encode_name for field in msgspec.structs.fields(pascal_twin(self.params)) if _is_whole(field.type)
        )

    def _convert(self, given: object, *, pascal: bool) -> P:
        try:
            if not pascal:
                return msgspec.convert(given, self.params)
            twin = msgspec.convert(given, pascal_twin(self.params), strict=False)
        except msgspec.ValidationError as error:
            raise illegal_field(error, whole="params") from None
        return msgspec.convert(twin, self.params, from_attributes=True)


def _is_whole(annotation: Any) -> bool:
    origin = get_origin(annotation)
    if origin in {Annotated, Union, UnionType, list}:
        return any(map(_is_whole, get_args(annotation)))
    return annotation is int


def _is_list(annotation: Any) -> bool:
    origin = get_origin(annotation)
    if origin in {Annotated, Union, UnionType}:
        return any(map(_is_list, get_args(annotation)))
    return origin is list
