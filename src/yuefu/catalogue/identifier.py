"""The standard names of recordings and works, checked before anything relies on them."""

import re

from stdnum import isrc as stdnum_isrc
from stdnum.exceptions import ValidationError

from yuefu.errors import YuefuError

_ISWC = re.compile(r"T(\d{9})(\d)", re.ASCII)


class BadIdentifier(YuefuError, ValueError):
    """A code that names nothing: misspelt, or its check digit is wrong."""


def parse_isrc(text: str) -> str:
    """A recording's ISRC (ISO 3901) as twelve characters without hyphens. Raises `BadIdentifier`."""
    try:
        return str(stdnum_isrc.validate(text))
    except ValidationError as error:
        raise BadIdentifier(f"{text!r} is no ISRC: {error}") from None


def parse_iswc(text: str) -> str:
    """A work's ISWC (ISO 15707) as "T" and ten digits. Raises `BadIdentifier`.

    The check digit makes 1 + Σ i × digit_i (i from 1 to 9) + check a multiple of 10.
    """
    compact = re.sub(r"[-. ]", "", text).upper()
    match = _ISWC.fullmatch(compact)
    if match is None:
        raise BadIdentifier(f"{text!r} is no ISWC: it is T and ten digits")
    total = 1 + sum(place * int(digit) for place, digit in enumerate(match[1], start=1)) + int(match[2])
    if total % 10:
        raise BadIdentifier(f"{text!r} is no ISWC: the check digit is wrong")
    return compact
