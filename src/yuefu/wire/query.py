"""Query strings, read in one pass.

The documents print array parameters with raw brackets (`SongsId[]=1`); HTTP libraries send `SongsId%5B%5D=1`, some
number them (`SongsId[0]=1`) and some just repeat the name. All four are one list here (decision G10 of the contract).
"""

from functools import lru_cache
from urllib.parse import quote, unquote_to_bytes

from yuefu.wire.refusal import illegal

MAX_PARAMETERS = 256
"""Far above what any operation takes (30 ids and a dozen names), far below what would hurt."""


def parse_query(raw: bytes) -> dict[str, list[str]]:
    """Names and their values in order of appearance; the brackets of array names are taken off.

    Raises `Refusal` (illegal parameter) for text that is not UTF-8 once percent-decoded, and for too many parameters.
    """
    fields: dict[str, list[str]] = {}
    if not raw:
        return fields
    try:
        pairs = raw.decode().split("&")
    except UnicodeDecodeError:
        raise illegal(_undecodable(raw), "not valid UTF-8") from None
    if len(pairs) > MAX_PARAMETERS:
        raise illegal("query", f"more than {MAX_PARAMETERS} parameters")
    for pair in pairs:
        if not pair:
            continue
        raw_name, _, value = pair.partition("=")
        name = _name(raw_name)
        if "%" in value or "+" in value:
            value = _unquote(value, parameter=name)
        if name in fields:
            fields[name].append(value)
        else:
            fields[name] = [value]
    return fields


def _undecodable(raw: bytes) -> str:
    """The parameter whose value is not UTF-8, "query" when it is a name that isn't."""
    for pair in raw.split(b"&"):
        raw_name, _, value = pair.partition(b"=")
        name = raw_name.decode(errors="replace")
        if value.decode(errors="replace").encode() != value:
            return _name(name)
    return "query"


@lru_cache(maxsize=512)
def _name(raw_name: str) -> str:
    """A parameter's name, its array brackets taken off. The same few dozen come again and again."""
    name = _unquote(raw_name, parameter="query")
    bracket = name.find("[")
    return name[:bracket] if bracket > 0 and name[-1] == "]" else name


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
