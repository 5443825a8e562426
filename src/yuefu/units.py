"""Units of time. They live in names (`_ms`, `_s`); this module holds the few conversions between them.

An *instant* is an integer of milliseconds since 1970-01-01T00:00:00Z, named `…_at_ms` or `at_ms`: cheap to compare,
the same on every engine, free of time zones. Zones appear where people read or write instants, and only there.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TypeVar

import msgspec

T = TypeVar("T")

SECOND_MS = 1_000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """`items` in lists of `size`, the last one shorter; nothing is drawn before it is asked for."""
    drawing = iter(items)
    while batch := list(islice(drawing, size)):
        yield batch


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of a timeline, end exclusive."""

    begin_ms: int
    end_ms: int

    @property
    def duration_ms(self) -> int:
        return self.end_ms - self.begin_ms


def parse_instant_ms(text: str) -> int:
    """The instant an ISO 8601 date-time names.

    Raises ValueError for text that is no date-time and for one without an offset: a naive time means another instant
    in every country, and rights begin and end at one.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone; write an offset, as in 2026-01-01T00:00:00+08:00")
    try:
        moment = moment.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{text!r} is outside the years 1 to 9999") from None
    return round((moment - _EPOCH) / timedelta(milliseconds=1))


_STRETCHES_MS = {"h": HOUR_MS, "d": DAY_MS, "w": 7 * DAY_MS}


def parse_stretch_ms(text: str) -> int:
    """A stretch of time in whole hours, days or weeks, as 12h, 30d or 8w. Raises ValueError."""
    match = re.fullmatch(r"([1-9][0-9]{0,3})([hdw])", text, re.ASCII)
    if match is None:
        raise ValueError(f"{text[:40]!r} is no stretch of time: write hours, days or weeks, as 12h, 30d or 8w")
    return int(match[1]) * _STRETCHES_MS[match[2]]


def format_instant(at_ms: int) -> str:
    """ISO 8601 in UTC with milliseconds; `parse_instant_ms` reads it back."""
    moment = _EPOCH + timedelta(milliseconds=at_ms)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
