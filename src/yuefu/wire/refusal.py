"""An answer that is not the one asked for."""

import re

import msgspec

from yuefu.errors import YuefuError
from yuefu.wire.codes import ClientCode, Code


class Refusal(YuefuError):
    """A question answered with a code instead of data. `message` names the parameter when one is at fault."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(f"{int(code)} {message}")
        self.code = code
        self.message = message


class ClientRefusal(YuefuError):
    """The same on the client API, whose codes are its own."""

    def __init__(self, code: ClientCode, message: str) -> None:
        super().__init__(f"{int(code)} {message}")
        self.code = code
        self.message = message


def illegal(parameter: str, problem: str) -> Refusal:
    """The documented refusal of an illegal parameter; its Message starts with the parameter's name."""
    return Refusal(Code.ILLEGAL_PARAMETER, f"{parameter}: {problem}")


_OWN_CODES = {"page": Code.PAGE_INVALID}
"""Parameters whose bad values have a code of their own; one that is missing is an illegal parameter like any other."""


def bad_value(parameter: str, problem: str) -> Refusal:
    """The documented refusal of a parameter that is there and wrong."""
    return Refusal(_OWN_CODES.get(parameter.lower(), Code.ILLEGAL_PARAMETER), f"{parameter}: {problem}")


_PATH = re.compile(r" - at `\$\.(?P<name>\w+)[^`]*`$")
_MISSING = re.compile(r"missing required field `(?P<name>\w+)`")


def illegal_field(error: msgspec.ValidationError, *, whole: str) -> Refusal:
    """The refusal of input that misses its schema; it names the field, or `whole` when no single field is at fault."""
    text = str(error)
    missing = _MISSING.search(text)
    if missing:
        return illegal(missing["name"], "missing")
    at = _PATH.search(text)
    problem = _in_plain_words(_PATH.sub("", text))
    return bad_value(at["name"], problem) if at else illegal(whole, problem)


_WHOLE_PATH = re.compile(r" - at `(?:key in )?\$\.?(?P<path>[^`]*)`$")
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<name>.*)`", re.DOTALL)


def explain_misfit(error: msgspec.ValidationError, *, whole: str) -> str:
    """Where input misses its schema, by the whole way there, and how: `deals[0].terms[1].channel: must be …`."""
    text = str(error)
    at = _WHOLE_PATH.search(text)
    path = at["path"] if at else ""
    problem = _WHOLE_PATH.sub("", text)
    for kind, words in ((_MISSING, "missing"), (_UNKNOWN, "there is no such field")):
        if named := kind.search(problem):
            return f"{'.'.join(filter(None, (path, named['name'][:100])))}: {words}"
    return f"{path or whole}: {_in_plain_words(problem)}"


_KINDS = {
    "int": "a whole number",
    "str": "text",
    "bool": "true or false",
    "array": "a list",
    "object": "an object of named values",
    "null": "nothing",
    "float": "a number",
}
_TOO_LARGE = "Integer value out of range"
_EXPECTED = re.compile(r"Expected `(?P<kinds>[^`]+)`(?:, got `\w+`)?")
_LENGTH = re.compile(r"Expected `(?P<kind>array|str)` of length (?P<bound>[<>]=) (?P<count>\d+)")
_RANGE = re.compile(r"Expected `int` (?P<bound>[<>]=) (?P<count>-?\d+)")


def _in_plain_words(text: str) -> str:
    """What a schema error says, for somebody who does not know the library."""
    if text == _TOO_LARGE:
        return "has too many digits"
    if length := _LENGTH.fullmatch(text):
        unit = _UNITS[length["kind"]] + ("" if length["count"] == "1" else "s")
        return f"must have {_BOUNDS[length['bound']]} {length['count']} {unit}"
    if bounds := _RANGE.fullmatch(text):
        return f"must be {_BOUNDS[bounds['bound']]} {bounds['count']}"
    if expected := _EXPECTED.fullmatch(text):
        kinds = expected["kinds"].split(" | ")
        return f"must be {' or '.join(_KINDS.get(kind, kind) for kind in kinds)}"
    return text


_UNITS = {"array": "item", "str": "character"}
_BOUNDS = {"<=": "at most", ">=": "at least"}
