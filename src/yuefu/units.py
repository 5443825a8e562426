"""Units of time. They live in names (`_ms`, `_s`); this module holds the few conversions between them.

An *instant* is an integer of milliseconds since 1970-01-01T00:00:00Z, named `…_at_ms` or `at_ms`: cheap to compare,
the same on every engine, free of time zones. Zones appear where people read or write instants, and only there.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import TypeVar

import msgspec

T = TypeVar("T")

SECOND_MS = 1_000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS


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
    return round(moment.timestamp() * SECOND_MS)


def format_instant(at_ms: int) -> str:
    """ISO 8601 in UTC with milliseconds; `parse_instant_ms` reads it back."""
    moment = datetime.fromtimestamp(at_ms / SECOND_MS, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
