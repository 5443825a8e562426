"""What an operation is: declared once, spoken in two dialects.

From one declaration come the server API's Action, the client API's command, the check of the parameters in both
spellings, and the SDK's method. Which vendors support an operation is data of the vendor's profile (`wire.vendor`).
A command that only a session can ask has a declaration of its own kind.
"""

import re
from dataclasses import dataclass
from functools import cached_property
from types import UnionType
from typing import Annotated, Any, Generic, Literal, NamedTuple, TypeVar, Union, get_args, get_origin

import msgspec

from yuefu.wire.dialect import pascal_name, pascal_twin, to_pascal
from yuefu.wire.envelope import SUCCEED, RequestIdForm
from yuefu.wire.refusal import bad_value, illegal, illegal_field

P = TypeVar("P", bound=msgspec.Struct)
R = TypeVar("R", bound=msgspec.Struct)

_MOST_DIGITS = 18
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, kw_only=True)
class Declaration(Generic[P, R]):
    """What all questions of the wire say of themselves. `calls_per_s` is the documented quota of one caller for it."""

    params: type[P]
    result: type[R]
    summary: str
    calls_per_s: int = 200

    def parse_command(self, params: object) -> P:
        """The parameters of a command, as decoded JSON.

        Raises `Refusal` (illegal parameter) naming the parameter in the spelling of the client API.
        """
        try:
            return msgspec.convert(params, self.params)
        except msgspec.ValidationError as error:
            raise illegal_field(error, whole="params") from None

    def command_params(self, params: P) -> dict[str, Any]:
        """The parameters as those of a command: absent, never null."""
        given = {name: getattr(params, name) for name in self.params.__struct_fields__}
        return {name: value for name, value in given.items() if value is not None}

    def render_command(self, result: R) -> bytes:
        """The result as the client API says it."""
        return _encode(result)


@dataclass(frozen=True, kw_only=True)
class SessionCommand(Declaration[P, R]):
    """A command of the client API that is no Action: only a session can ask it.

    Its answer is a bare object, without an envelope. `needs_params` says that empty parameters are not enough.
    """

    command: str
    needs_params: bool

    @property
    def name(self) -> str:
        """Its last part: what its page is called."""
        return self.command.rpartition("/")[2]


class Parameter(NamedTuple):
    """A parameter of the server API."""

    name: str
    is_list: bool
    is_whole: bool
    """A whole number, or a list of them; text otherwise."""
    is_required: bool

    @property
    def kind(self) -> str:
        """What it must be, in words."""
        if self.is_list:
            return f"a list of {'whole numbers' if self.is_whole else 'texts'}"
        return "a whole number" if self.is_whole else "text"


@dataclass(frozen=True, kw_only=True)
class Operation(Declaration[P, R]):
    """One question of the wire.

    `action` is its name on the server API, `command` on the client API (None where that has a method of its own),
    `method` in the SDK. `message` and `request_id` are what a success says and how answers are numbered there.
    `names_vendors` says that its own parameters name the vendors, so that the common VendorId does not.
    """

    action: str
    command: str | None
    message: str = SUCCEED
    request_id: RequestIdForm = RequestIdForm.UUID
    names_vendors: bool = False

    @property
    def needs_params(self) -> bool:
        """Whether a command without any parameter lacks one."""
        return any(field.required for field in msgspec.structs.fields(self.params))

    @property
    def method(self) -> str:
        """The SDK's name for it: `QuerySongsCopyright` is `query_songs_copyright`."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", self.action).lower()

    def parse_action(self, fields: dict[str, list[str]]) -> P:
        """The parameters in the fields of a query string.

        Raises `Refusal` (illegal parameter) naming the parameter in the spelling of the server API.
        """
        given: dict[str, object] = {}
        for name, is_list, is_whole, _ in self.parameters:
            values = fields.get(name)
            if values is None:
                continue
            if is_whole:
                if not all(map(is_whole_number, values)):
                    raise bad_value(name, "must be a whole number")
                values = list(map(_countable, values))
            if is_list:
                given[name] = values
            elif len(values) > 1:
                raise illegal(name, "given more than once")
            else:
                given[name] = values[0]
        try:
            twin = msgspec.convert(given, pascal_twin(self.params), strict=False)
        except msgspec.ValidationError as error:
            raise illegal_field(error, whole="params") from None
        return msgspec.convert(twin, self.params, from_attributes=True)

    def render_action(self, result: R) -> bytes:
        """The result as the `Data` of the server API."""
        return _encode(to_pascal(result))

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
    def parameters(self) -> tuple[Parameter, ...]:
        """Its own parameters, as the server API spells them."""
        return tuple(
            Parameter(field.encode_name, _is_list(field.type), _is_whole(field.type), field.required)
            for field in msgspec.structs.fields(pascal_twin(self.params))
        )


def is_whole_number(text: str) -> bool:
    """Whether a text spells a whole number, however large."""
    digits = text[1:] if text[:1] == "-" else text
    return digits.isascii() and digits.isdecimal()


def _countable(text: str) -> str:
    """The whole number without zeros before it, or one of 18 digits in place of a longer one: that is as far from every
    limit and every list.
    """
    digits = text.lstrip("-0") or "0"
    sign = "-" if text[0] == "-" and digits != "0" else ""
    return sign + (digits if len(digits) <= _MOST_DIGITS else "9" * _MOST_DIGITS)


def _is_whole(annotation: Any) -> bool:
    origin = get_origin(annotation)
    if origin in {Annotated, Union, UnionType, list}:
        return any(map(_is_whole, get_args(annotation)))
    return annotation is int or (origin is Literal and all(isinstance(value, int) for value in get_args(annotation)))


def _is_list(annotation: Any) -> bool:
    origin = get_origin(annotation)
    if origin in {Annotated, Union, UnionType}:
        return any(map(_is_list, get_args(annotation)))
    return origin is list
