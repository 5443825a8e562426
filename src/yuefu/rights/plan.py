"""An app's plan: what it is billed by, the bounds of its spending, and the months and days of its time zone."""

import re
from datetime import datetime
from enum import Enum
from functools import lru_cache
from typing import Protocol, Self
from zoneinfo import ZoneInfo

import msgspec

from yuefu.errors import YuefuError
from yuefu.ids import AppId, UserId, VendorId
from yuefu.units import SECOND_MS

EVERY_VENDOR = VendorId(0)
"""A membership of this vendor is one at all of them."""

_LAST_MONTH = 12


class Membership(Enum):
    """Who may be billed by the user's month."""

    AUTOMATIC = "automatic"
    """Everyone: the first use of a month is what the month costs."""
    GRANTED = "granted"
    """Whom the operator has made a member first."""


class BadPlan(YuefuError, ValueError):
    """A plan that nobody could be billed by."""


class Plan(msgspec.Struct, frozen=True, kw_only=True, cache_hash=True):
    """How an app is billed. Months and days are those of `time_zone`, a name of the IANA database.

    `is_repeat_free` gives a session that asks again what it still holds the same grant; else each call is charged.
    `monthly_cap_minor` bounds what the app is charged in a month, `songs_a_day` how many different songs one user may
    request in a day; None for no bound. Raises `BadPlan`.
    """

    membership: Membership = Membership.AUTOMATIC
    is_repeat_free: bool = False
    time_zone: str = "Asia/Shanghai"
    currency: str = "CNY"
    monthly_cap_minor: int | None = None
    songs_a_day: int | None = None

    def __post_init__(self) -> None:
        zone_of(self.time_zone)
        check_currency(self.currency)
        for bound in (self.monthly_cap_minor, self.songs_a_day):
            if bound is not None and bound < 0:
                raise BadPlan(f"{bound} is no bound; it is 0 at least")


def check_currency(currency: str) -> str:
    """The currency, as it is. Raises `BadPlan` for what is no code of ISO 4217's form."""
    if re.fullmatch(r"[A-Z]{3}", currency, re.ASCII) is None:
        raise BadPlan(f"{currency[:20]!r} is no currency; write three capitals, as CNY")
    return currency


@lru_cache(maxsize=512)
def zone_of(name: str) -> ZoneInfo:
    """The time zone of that name. Raises `BadPlan`."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise BadPlan(f"{name[:60]!r} is no time zone of the IANA database; write one as Asia/Shanghai") from None


class BadPeriod(YuefuError, ValueError):
    """Text that names no month."""


class Period(msgspec.Struct, frozen=True, order=True):
    """A calendar month, in whatever time zone it is asked for."""

    year: int
    month: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """The month that "2026-11" names. Raises `BadPeriod`."""
        match = re.fullmatch(r"([12][0-9]{3})-(0[1-9]|1[0-2])", text, re.ASCII)
        if match is None:
            raise BadPeriod(f"{text[:20]!r} is no month; write one as 2026-11")
        return cls(int(match[1]), int(match[2]))

    def __str__(self) -> str:
        return f"{self.year:04}-{self.month:02}"

    def following(self) -> "Period":
        """The month after this one."""
        return Period(self.year + 1, 1) if self.month == _LAST_MONTH else Period(self.year, self.month + 1)

    def begin_ms(self, time_zone: str) -> int:
        """When it begins there."""
        return _instant_ms(datetime(self.year, self.month, 1, tzinfo=zone_of(time_zone)))

    def end_ms(self, time_zone: str) -> int:
        """When the month after it begins there."""
        return self.following().begin_ms(time_zone)


def month_of(at_ms: int, time_zone: str) -> Period:
    """The month that the calendar shows there at that instant."""
    there = datetime.fromtimestamp(at_ms / SECOND_MS, zone_of(time_zone))
    return Period(there.year, there.month)


def day_begin_ms(at_ms: int, time_zone: str) -> int:
    """When the day began there that it was at that instant."""
    there = datetime.fromtimestamp(at_ms / SECOND_MS, zone_of(time_zone))
    return min(_instant_ms(there.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)), at_ms)


def _instant_ms(moment: datetime) -> int:
    return round(moment.timestamp() * SECOND_MS)


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """A user who may be billed by the month at a vendor (or at `EVERY_VENDOR`), until an instant if one is said."""

    app_id: AppId
    user_id: UserId
    vendor_id: VendorId
    added_at_ms: int
    until_ms: int | None = None


class NoMember(YuefuError):
    """There is no such membership to take away."""

    def __init__(self, user_id: str) -> None:
        super().__init__(f"user {user_id[:60]!r} is no such member; `yuefu member list` shows those there are")


class PlanBook(Protocol):
    """Apps' plans and members."""

    def plan(self, app_id: AppId) -> Plan:
        """An app's plan; the one that nobody has changed yet for an app that is not there."""

    def is_member(self, app_id: AppId, user_id: UserId, vendor_id: VendorId, *, at_ms: int) -> bool:
        """Whether somebody may be billed by the month at a vendor at that instant."""

    def members(self, app_id: AppId) -> list[Member]:
        """An app's members, by user."""


class PlanDesk(PlanBook, Protocol):
    """Where one transaction writes plans and members."""

    def set_plan(self, app_id: AppId, plan: Plan) -> None:
        """Put a plan in place of an app's. Raises `UnknownApp` of the room of access."""

    def add_member(self, member: Member) -> None:
        """Make somebody a member, or put another end to a membership."""

    def remove_member(self, app_id: AppId, user_id: UserId, vendor_id: VendorId) -> None:
        """End a membership at once. Raises `NoMember`."""
