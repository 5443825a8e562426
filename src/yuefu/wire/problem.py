"""Refusals as HTTP tells them: RFC 9457 problem details, with the documented number beside them."""

from dataclasses import dataclass
from http import HTTPStatus

import msgspec

from yuefu.wire.codes import Code

MEDIA_TYPE = "application/problem+json"
BLANK = "about:blank"
"""The type of a problem that its HTTP status says all about."""


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`type` is where the kind of problem is explained, `detail` what is wrong this time: the Message of the same
    refusal on the server API. `code` is that refusal's documented number.
    """

    title: str
    status: int
    detail: str
    request_id: str
    type: str = BLANK
    code: int | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """What all problems of one code have in common, and what the caller may do about them."""

    status: HTTPStatus
    title: str
    cure: str


RETRY_AFTER_S = 1
"""What is over its rate or busy now may be tried again then."""

_LATER = "Wait as long as Retry-After says and call again."
_OURS = "The fault is the centre's: tell its operator the request id."

KINDS: dict[Code, Kind] = {
    Code.SIGNATURE_EXPIRED: Kind(
        HTTPStatus.UNAUTHORIZED, "Signature expired", "Set the clock, and sign every call anew."
    ),
    Code.SIGNATURE_WRONG: Kind(
        HTTPStatus.UNAUTHORIZED, "Signature wrong", "Check the secret and the signed values; use a nonce once."
    ),
    Code.RATE_EXCEEDED: Kind(HTTPStatus.TOO_MANY_REQUESTS, "Too many calls", _LATER),
    Code.ILLEGAL_PARAMETER: Kind(
        HTTPStatus.BAD_REQUEST, "Illegal parameter", "The detail names the parameter and what it may be."
    ),
    Code.APP_NOT_USABLE: Kind(HTTPStatus.FORBIDDEN, "App not usable", "Have the centre's operator enable the app."),
    Code.BILLING_UNSUPPORTED: Kind(
        HTTPStatus.FORBIDDEN, "Billing not supported", "Have the centre's operator grant the app a billing mode."
    ),
    Code.KRC_TOKEN_MALFORMED: Kind(
        HTTPStatus.BAD_REQUEST, "Word lyric token malformed", "Request the accompaniment again for a new token."
    ),
    Code.KRC_TOKEN_EXPIRED: Kind(
        HTTPStatus.GONE, "Word lyric token expired", "Request the accompaniment again for a new token."
    ),
    Code.NO_LYRIC: Kind(
        HTTPStatus.NOT_FOUND, "No lyric", "The song has no lyric, or none that its rights allow to be shown."
    ),
    Code.VENDOR_NOT_GRANTED: Kind(
        HTTPStatus.FORBIDDEN, "Vendor not granted", "Have the centre's operator grant the app this vendor."
    ),
    Code.VENDOR_UNSUPPORTED: Kind(
        HTTPStatus.BAD_REQUEST, "Vendor not supported", "The operation never supports this vendor: ask of another."
    ),
    Code.VENDOR_INVALID: Kind(HTTPStatus.BAD_REQUEST, "No such vendor", "The detail lists the vendors there are."),
    Code.APP_INVALID: Kind(HTTPStatus.NOT_FOUND, "No such app", "Check the AppId."),
    Code.SONG_INVALID: Kind(HTTPStatus.NOT_FOUND, "No such song", "Check the song's id and that it is this vendor's."),
    Code.PAGE_INVALID: Kind(HTTPStatus.BAD_REQUEST, "Illegal page", "Pages are whole numbers from 1."),
    Code.CHART_INVALID: Kind(
        HTTPStatus.NOT_FOUND, "No such chart", "Check the chart's id and that it is this vendor's."
    ),
    Code.SYSTEM_ERROR: Kind(HTTPStatus.INTERNAL_SERVER_ERROR, "System error", _OURS),
    Code.SYSTEM_BUSY: Kind(HTTPStatus.SERVICE_UNAVAILABLE, "System busy", _LATER),
    Code.ENGINE_UNDEFINED: Kind(HTTPStatus.INTERNAL_SERVER_ERROR, "Undefined engine error", _OURS),
    Code.ENGINE_ERROR: Kind(HTTPStatus.INTERNAL_SERVER_ERROR, "Engine error", _OURS),
}


def slug(code: Code) -> str:
    """The code's name in a URL: `illegal-parameter`."""
    return code.name.lower().replace("_", "-")


def problem(code: Code, *, detail: str, request_id: str, base_url: str) -> Problem:
    """The problem that a refusal is, for a centre at `base_url`."""
    kind = KINDS[code]
    return Problem(
        type=f"{base_url}/problems/{slug(code)}",
        title=kind.title,
        status=kind.status,
        detail=detail,
        code=int(code),
        request_id=request_id,
    )
