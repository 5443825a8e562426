"""An Action's own parameters in a POST body of JSON: read as a query string would give them (decision G16)."""

from collections.abc import Collection
from typing import Any

import msgspec

from yuefu.wire.operation import Operation, Parameter, is_whole_number
from yuefu.wire.refusal import Refusal, bad_value, illegal

_NULL = b"null"


def parse_json_body(operation: Operation[Any, Any], body: bytes, *, said: Collection[str] = ()) -> dict[str, list[str]]:
    """The operation's parameters in a JSON object, but for those that were `said` elsewhere.

    What is none of its parameters may be anything, and null is as good as absent where a parameter need not be there.
    Text and whole numbers stand for each other, and a single one for a list of it. Raises `Refusal`: an illegal
    parameter for a body that is no JSON object, a bad value that names the parameter otherwise.
    """
    given = _members(body)
    fields: dict[str, list[str]] = {}
    for parameter in operation.parameters:
        value = given.get(parameter.name)
        if value is None or parameter.name in said or (value == _NULL and not parameter.is_required):
            continue
        fields[parameter.name] = _texts(parameter, value)
    return fields


def _members(body: bytes) -> dict[str, bytes]:
    """The members of the object, each still JSON; nothing is made of those that nobody asks for."""
    try:
        members = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise illegal("body", f"not a JSON object of parameters ({error})") from None
    return {name.removesuffix("[]"): bytes(value) for name, value in members.items()}


def _texts(parameter: Parameter, value: bytes) -> list[str]:
    if parameter.is_list and value.startswith(b"["):
        return [_text(parameter, bytes(item)) for item in msgspec.json.decode(value, type=list[msgspec.Raw])]
    return [_text(parameter, value)]


def _text(parameter: Parameter, value: bytes) -> str:
    """The text that a JSON value spells. Raises `Refusal` for what is neither text nor a whole number."""
    try:
        if value.startswith(b'"'):
            return msgspec.json.decode(value, type=str)
        text = value.decode()
    except UnicodeDecodeError:
        raise illegal(parameter.name, "not valid UTF-8") from None
    if not is_whole_number(text):
        raise _wrong_kind(parameter)
    return text


def _wrong_kind(parameter: Parameter) -> Refusal:
    return bad_value(parameter.name, f"must be {parameter.kind}")
