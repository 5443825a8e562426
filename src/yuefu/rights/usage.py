"""What was used in a month and what it came to, as reports tell it: uses that are alike, counted, and lines of them.

Every report of a month is rolled up from the same sums, so no two of them can disagree. A line's key says which uses it
stands for, and is all that is needed to find them again.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

import msgspec

from yuefu.errors import YuefuError
from yuefu.ids import AppId, SongId, VendorId
from yuefu.rights.ledger import ClosedPeriod, PostingKind
from yuefu.rights.plan import Period
from yuefu.units import Span

NO_PRICE = 0
"""The number of no price: in the key of a line of uses that none held for, or that a paid month covers."""


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """How often and for how much. Of the `requests` some were `covered` by a paid month, others `unpriced`.

    `shared` is what members of rooms fetched free, `plays` what was reported as a defined play, `reversed` how many
    charges were taken back. `amount_minor` is less than 0 where they were.
    """

    requests: int = 0
    covered: int = 0
    unpriced: int = 0
    shared: int = 0
    plays: int = 0
    reversed: int = 0
    amount_minor: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            **{name: getattr(self, name) + getattr(other, name) for name in Counts.__struct_fields__},
        )


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """What uses have in common that are counted together.

    `period` is the month that tells of them, `of_period` the one they belong to: an earlier one, where a charge was
    taken back after its month was closed. `price_id` may be `NO_PRICE`; `unit_minor` is what one of them was charged.
    """

    app_id: AppId
    period: Period
    of_period: Period
    entry: PostingKind
    vendor_id: VendorId
    resource_type: int
    scene_id: int
    billing_mode: int
    song_id: SongId
    territory: str
    currency: str
    price_id: int
    unit_minor: int


class Uses(msgspec.Struct, frozen=True, kw_only=True):
    """Uses of one kind, counted."""

    kind: Kind
    counts: Counts


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a report: the uses that agree in what its `selection` names."""

    selection: "Selection"
    counts: Counts


class BadKey(YuefuError, ValueError):
    """Text that is no line's key."""

    def __init__(self, text: str) -> None:
        super().__init__(f"{text[:80]!r} is no line's key; every line of a report has one under `key`")


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """Some uses of one app in one month: those that agree in whatever is not None."""

    app_id: AppId
    period: Period
    entry: PostingKind | None = None
    of_period: Period | None = None
    vendor_id: VendorId | None = None
    resource_type: int | None = None
    scene_id: int | None = None
    billing_mode: int | None = None
    song_id: SongId | None = None
    currency: str | None = None
    price_id: int | None = None
    unit_minor: int | None = None

    @property
    def key(self) -> str:
        """Text that stands for it: `2026-11/app=7/vendor=1/mode=0`."""
        named = ((word, getattr(self, name)) for word, name, _ in _KEYS)
        parts = (f"{word}={_spell(value)}" for word, value in named if value is not None)
        return "/".join((str(self.period), *parts))

    @classmethod
    def parse(cls, text: str) -> "Selection":
        """What a key stands for. Raises `BadKey`."""
        month, *parts = text.split("/")
        said: dict[str, Any] = {}
        try:
            for part in parts:
                word, _, value = part.partition("=")
                name, read = _READERS[word]
                if name in said:
                    raise BadKey(text)
                said[name] = read(value)
            return cls(period=Period.parse(month), **said)
        except (KeyError, ValueError, TypeError) as error:
            raise BadKey(text) from error

    def holds(self, kind: Kind) -> bool:
        """Whether uses of that kind are among them."""
        return all(
            getattr(self, name) in {None, getattr(kind, name)} for name in ("app_id", "period", *Selection._optional())
        )

    @classmethod
    def _optional(cls) -> tuple[str, ...]:
        return cls.__struct_fields__[2:]


def _spell(value: object) -> str:
    return value.value if isinstance(value, PostingKind) else str(value)


def _number(text: str) -> int:
    if not re.fullmatch(r"0|[1-9][0-9]{0,17}", text, re.ASCII):
        raise ValueError(text)
    return int(text)


def _currency(text: str) -> str:
    if not re.fullmatch(r"[A-Z]{3}", text, re.ASCII):
        raise ValueError(text)
    return text


_KEYS: tuple[tuple[str, str, Callable[[str], Any]], ...] = (
    ("app", "app_id", _number),
    ("vendor", "vendor_id", _number),
    ("type", "resource_type", _number),
    ("scene", "scene_id", _number),
    ("mode", "billing_mode", _number),
    ("song", "song_id", _number),
    ("currency", "currency", _currency),
    ("price", "price_id", _number),
    ("unit", "unit_minor", _number),
    ("entry", "entry", PostingKind),
    ("of", "of_period", Period.parse),
)
_READERS = {word: (name, read) for word, name, read in _KEYS}

BY_USE = ("entry", "of_period", "vendor_id", "resource_type", "scene_id", "billing_mode", "currency")
"""What the lines of a usage report differ in; by song, too, where that is asked."""

BY_PRICE = ("entry", "of_period", "vendor_id", "billing_mode", "currency", "price_id", "unit_minor")
"""What the lines of an invoice differ in."""


def roll_up(uses: Iterable[Uses], by: Sequence[str]) -> list[Line]:
    """The uses added up by app, month and those fields, in their order; charges come before what was taken back."""
    sums: dict[tuple[Any, ...], Counts] = {}
    for each in uses:
        at = (each.kind.app_id, each.kind.period, *(getattr(each.kind, name) for name in by))
        sums[at] = sums[at] + each.counts if at in sums else each.counts
    names = ("app_id", "period", *by)
    lines = [Line(selection=Selection(**dict(zip(names, at, strict=True))), counts=sums[at]) for at in sums]
    return sorted(lines, key=lambda line: _order(line.selection, by))


def total(uses: Iterable[Uses]) -> Counts:
    """All of them together."""
    return sum((each.counts for each in uses), Counts())


def _order(selection: Selection, by: Sequence[str]) -> tuple[Any, ...]:
    kinds = list(PostingKind)
    fields = (getattr(selection, name) for name in by if name != "entry")
    return (selection.app_id, kinds.index(selection.entry or PostingKind.CHARGE), *fields)


def month_span(period: Period, time_zone: str, closed: Iterable[ClosedPeriod]) -> Span:
    """From when until when a month of an app's lasts: what came free of charge belongs to it by its time.

    A month that was closed keeps the edges it had then, though the plan's time zone changed since.
    """
    zones = {each.period: each.time_zone or time_zone for each in closed}

    def begin_ms(month: Period) -> int:
        later = [closing for closing in zones if closing.following() >= month]
        return month.begin_ms(zones[min(later)] if later else time_zone)

    return Span(begin_ms=begin_ms(period), end_ms=begin_ms(period.following()))


def known_until_ms(period: Period, closed: Iterable[ClosedPeriod]) -> int | None:
    """Until when what was written down holds for a month: when it was closed; None while it is open."""
    return min((each.closed_at_ms for each in closed if each.period >= period), default=None)


class UsedSong(msgspec.Struct, frozen=True, kw_only=True):
    """What reports say of a song, in the catalogue still or not."""

    song_id: SongId
    title: str
    singers: tuple[str, ...]
    isrc: str
    iswc: str
    duration_ms: int


class TracedUse(msgspec.Struct, frozen=True, kw_only=True):
    """One thing behind a line: a charge, what was taken back of one, a free share or a defined play.

    `entry` says which, as `PostingKind` or "shared" or "play". `charge_id` of a share or a play is the payer's;
    `posting_id` is None where nothing was posted.
    """

    entry: str
    grant_id: int
    charge_id: int | None
    posting_id: int | None
    song_id: SongId
    rights_revision: int
    at_ms: int
    amount_minor: int
    currency: str
    reason: str = ""


class TracedGrant(msgspec.Struct, frozen=True, kw_only=True):
    """A grant with everything that reports tell of it, and the kind of use each of these was counted as."""

    grant_id: int
    shared_from: int | None
    found: tuple[tuple[TracedUse, Kind], ...]


class UnknownGrant(YuefuError):
    """There is no grant of that number, or none that any report tells of."""

    def __init__(self, grant_id: int) -> None:
        super().__init__(f"there is no grant {grant_id} in any report")


class UsageBook(Protocol):
    """What was used, added up where it is kept."""

    def snapshot(self) -> AbstractContextManager[object]:
        """Inside it everything that is read, here and in the books, is of one moment."""

    def uses(self, app_id: AppId, period: Period, span: Span, vendor_id: VendorId | None = None) -> list[Uses]:
        """What a month of an app's tells of, of one vendor or of all. `span` is what `month_span` says of it."""

    def traced(self, selection: Selection, span: Span, *, at_most: int) -> list[TracedUse]:
        """What is behind a line, charges first, each in the order it came."""

    def traced_grant(self, grant_id: int) -> TracedGrant:
        """What reports tell of one grant; shares and plays with the month 0000-00. Raises `UnknownGrant`."""

    def owed_minor(self, app_id: AppId, period: Period) -> dict[str, int]:
        """What the books say that a month tells an app to pay, by currency: their own sum, not that of the uses."""

    def songs(self, song_ids: Iterable[SongId]) -> Mapping[SongId, UsedSong]:
        """Those songs, taken out of the catalogue or not."""
