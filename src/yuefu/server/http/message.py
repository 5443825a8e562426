"""An HTTP request as whoever signed it sees it."""

from collections.abc import MutableMapping
from typing import Any
from urllib.parse import urlsplit

from yuefu.server.centre import Centre
from yuefu.wire.http_signature import HttpMessage, Target

_MARK = b"signature-input"
_NAMES = frozenset({_MARK, b"signature", b"content-digest", b"host"})
_PORT = {"http": ":80", "https": ":443"}
"""The port that an address leaves out."""


def http_message(centre: Centre, scope: MutableMapping[str, Any], body: bytes) -> HttpMessage | None:
    """The message of a request with a `Signature-Input` (RFC 9421), None for one without: signature 2.0 then."""
    for name, _ in scope["headers"]:
        if name == _MARK:
            return _read(centre, scope, body)
    return None


def _read(centre: Centre, scope: MutableMapping[str, Any], body: bytes) -> HttpMessage:
    fields = _fields(scope)
    return HttpMessage(
        method=scope["method"],
        targets=_targets(centre, scope, fields.get(b"host", "")),
        query=scope["query_string"].decode("latin-1"),
        body=body,
        signature_input=fields[_MARK],
        signature=fields.get(b"signature", ""),
        content_digest=fields.get(b"content-digest", ""),
    )


def _targets(centre: Centre, scope: MutableMapping[str, Any], host: str) -> tuple[Target, ...]:
    """Where the request came in and, where the operator says what the centre is called outside, where it went: a proxy
    may have put another Host, or taken a path off.
    """
    path = scope["raw_path"].decode("latin-1")
    received = Target(authority=host.lower().removesuffix(_PORT[scope["scheme"]]), path=path)
    if not centre.has_public_url:
        return (received,)
    public = urlsplit(centre.public_url)
    named = Target(authority=public.netloc.lower().removesuffix(_PORT[public.scheme]), path=public.path + path)
    return (received,) if named == received else (received, named)


def _fields(scope: MutableMapping[str, Any]) -> dict[bytes, str]:
    """The headers that matter here, several lines of one joined (RFC 9110, section 5.3)."""
    fields: dict[bytes, str] = {}
    for name, value in scope["headers"]:
        if name in _NAMES:
            text = value.decode("latin-1").strip(" \t")
            fields[name] = f"{fields[name]}, {text}" if name in fields else text
    return fields
