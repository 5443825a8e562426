"""Query strings, read in one pass.

The documents print array parameters with raw brackets (`SongsId[]=1`); HTTP libraries send `SongsId%5B%5D=1`, some
number them (`SongsId[0]=1`) and some just repeat the name. All four are one list here (decision G10 of the contract):
items by their numbers, wherever they stand; one without a number has the next after the highest before it.
"""

import re
from functools import lru_cache
from operator import itemgetter
from urllib.parse import quote, unquote_to_bytes

from yuefu.wire.refusal import illegal

MAX_PARAMETERS = 256
"""Far above what any operation takes (30 ids and a dozen names), far below what would hurt."""

_NAME = re.compile(r"(?P<name>[^\[]+)\[(?:(?P<number>[0-9]{1,9})|.*)\]", re.DOTALL)


def parse_query(raw: bytes) -> dict[str, list[str]]:
    """Names and their values, in order; the brackets of array names are taken off.

    Raises `Refusal` (illegal parameter) for text that is not UTF-8 once percent-decoded, and for too many parameters.
    """
    fields: dict[str, list[str]] = {}
    numbered: set[str] = set()
    if not raw:
        return fields
    try:
        pairs = raw.decode().split("&")
    except UnicodeDecodeError:
        raise illegal(_undecodable(raw), "not valid UTF-8") from None
    if len(pairs) > MAX_PARAMETERS:
        raise illegal("query", f"more than {MAX_PARAMETERS} parameters")
    items, last_name = [], None
    for pair in filter(None, pairs):
        raw_name, _, value = pair.partition("=")
        if raw_name != last_name:  # the items of a list mostly follow each other
            name, number = _name(raw_name)
            items, last_name = fields.setdefault(name, []), raw_name
            if number is not None:
                numbered.add(name)
        items.append(_unquote(value, parameter=name) if "%" in value or "+" in value else value)
    for name in numbered:
        fields[name] = _in_order(fields[name], _places(pairs, name))
    return fields


def _places(pairs: list[str], wanted: str) -> list[int]:
    """The place of each item of one list, as they come."""
    places: list[int] = []
    for name, number in (_name(pair.partition("=")[0]) for pair in pairs if pair):
        if name == wanted:
            places.append(max(places, default=-1) + 1 if number is None else number)
    return places


def _in_order(items: list[str], places: list[int]) -> list[str]:
    return [item for _, item in sorted(zip(places, items, strict=True), key=itemgetter(0))]


def _undecodable(raw: bytes) -> str:
    """The parameter whose value is not UTF-8, "query" when it is a name that isn't."""
    for pair in raw.split(b"&"):
        raw_name, _, value = pair.partition(b"=")
        name = raw_name.decode(errors="replace")
        if value.decode(errors="replace").encode() != value:
            return _name(name)[0]
    return "query"


@lru_cache(maxsize=512)
def _name(raw_name: str) -> tuple[str, int | None]:
    """A parameter's name without its brackets, and the number in those. The same few dozen come again and again."""
    name = _unquote(raw_name, parameter="query")
    listed = _NAME.fullmatch(name)
    if listed is None:
        return name, None
    return listed["name"], None if listed["number"] is None else int(listed["number"])


def _unquote(text: str, *, parameter: str) -> str:
    return _decode(unquote_to_bytes(text.replace("+", " ")), parameter=parameter)


def _decode(raw: bytes, *, parameter: str) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise illegal(parameter, "not valid UTF-8") from None


def render_query(fields: dict[str, str | list[str]]) -> str:
    """A query string as our SDK sends it: everything percent-encoded, array names with `%5B%5D`."""
    pairs: list[str] = []
    for name, value in fields.items():
        if isinstance(value, list):
            pairs.extend(f"{quote(name, safe='')}%5B%5D={quote(item, safe='')}" for item in value)
        else:
            pairs.append(f"{quote(name, safe='')}={quote(value, safe='')}")
    return "&".join(pairs)
