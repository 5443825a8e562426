"""What one use is charged: by the use, or once a month for a user, a room or a host."""

from typing import Protocol

import msgspec

from yuefu.errors import YuefuError
from yuefu.ids import AppId, RoomId, SongId, UserId, VendorId
from yuefu.rights.deal import CommercialModel
from yuefu.rights.plan import Period, Plan, day_begin_ms, month_of
from yuefu.rights.price import Price, Priced
from yuefu.rights.purpose import MODELS

ALERTS_PERCENT = (80, 100)
"""How much of a bound is used when the operator is told."""


class MeteredUse(msgspec.Struct, frozen=True, kw_only=True):
    """A use as it is metered. `host_id` is the room's owner, "" where nobody is billed by one."""

    app_id: AppId
    vendor_id: VendorId
    song_id: SongId
    resource_type: int
    scene_id: int
    billing_mode: int
    user_id: UserId
    room_id: RoomId
    host_id: str

    @property
    def subject(self) -> str:
        """Whose month it is; "" for one charged by the use."""
        match MODELS[self.billing_mode]:
            case CommercialModel.USER_MONTH:
                return self.user_id
            case CommercialModel.ROOM_MONTH:
                return self.room_id
            case CommercialModel.HOST_MONTH:
                return self.host_id
            case _:
                return ""

    @property
    def is_monthly(self) -> bool:
        return MODELS[self.billing_mode] is not CommercialModel.PER_USE


class Month(msgspec.Struct, frozen=True, kw_only=True):
    """What is paid once: a subject's month at one vendor."""

    app_id: AppId
    vendor_id: VendorId
    billing_mode: int
    subject: str
    period: Period


class Assessment(msgspec.Struct, frozen=True, kw_only=True):
    """What a use is to be charged, and why.

    `opens_month` says that it is the one that its subject's month is paid with; those after it cost nothing.
    `price_id` is None for what is free because it is paid already, or because it `is_unpriced`.
    """

    use: MeteredUse
    period: Period
    currency: str
    amount_minor: int = 0
    price_id: int | None = None
    opens_month: bool = False
    is_unpriced: bool = False

    @property
    def is_paid_already(self) -> bool:
        """Whether an earlier charge covers it."""
        return self.use.is_monthly and not self.opens_month


class CapReached(YuefuError):
    """A bound of the app's plan does not let the use pass."""


class Meter(Protocol):
    """What was metered so far."""

    def closed_until(self, app_id: AppId) -> Period | None:
        """The last month of an app's that is closed."""

    def is_month_paid(self, month: Month) -> bool:
        """Whether a subject's month is paid."""

    def charged_minor(self, app_id: AppId, period: Period, currency: str) -> int:
        """What an app was charged in a month, reversals taken off."""

    def songs_since(self, app_id: AppId, user_id: UserId, from_ms: int) -> frozenset[SongId]:
        """The different songs that a user was granted since an instant."""


class PriceFinder(Protocol):
    """Where a use's price is looked up."""

    def price(self, priced: Priced, *, at_ms: int) -> Price | None:
        """What holds for a use at that instant."""


def billing_period(at_ms: int, plan: Plan, closed_until: Period | None) -> Period:
    """The month a charge of that instant belongs to, by the calendar of the app's time zone.

    A month that is closed is closed: when the clock was set back, or the time zone changed, it is the first open one.
    """
    period = month_of(at_ms, plan.time_zone)
    return period if closed_until is None or period > closed_until else closed_until.following()


def assess(use: MeteredUse, plan: Plan, meter: Meter, prices: PriceFinder, *, at_ms: int) -> Assessment:
    """What a use is to be charged at that instant of the store's clock. Raises `CapReached`."""
    check_songs_of_day(use, plan, meter, at_ms=at_ms)
    period = billing_period(at_ms, plan, meter.closed_until(use.app_id))
    if use.is_monthly and meter.is_month_paid(month_of_use(use, period)):
        return Assessment(use=use, period=period, currency=plan.currency)
    price = prices.price(_priced(use, plan), at_ms=at_ms)
    assessment = Assessment(
        use=use,
        period=period,
        currency=plan.currency,
        amount_minor=0 if price is None else price.price.amount_minor,
        price_id=None if price is None else price.price_id,
        opens_month=use.is_monthly,
        is_unpriced=price is None,
    )
    _check_month(assessment, plan, meter)
    return assessment


def month_of_use(use: MeteredUse, period: Period) -> Month:
    """What a monthly use is paid with."""
    return Month(
        app_id=use.app_id,
        vendor_id=use.vendor_id,
        billing_mode=use.billing_mode,
        subject=use.subject,
        period=period,
    )


def check_songs_of_day(use: MeteredUse, plan: Plan, meter: Meter, *, at_ms: int) -> None:
    """Let a user have only so many different songs in a day. Raises `CapReached`."""
    if plan.songs_a_day is None:
        return
    songs = meter.songs_since(use.app_id, use.user_id, day_begin_ms(at_ms, plan.time_zone))
    if use.song_id not in songs and len(songs) >= plan.songs_a_day:
        raise CapReached(f"user_id: the user has had {plan.songs_a_day} different songs today, all that the app allows")


def alerts(bound: int | None, before: int, after: int) -> tuple[int, ...]:
    """The percentages of a bound that were reached with this step and not before it."""
    if not bound:
        return ()
    return tuple(percent for percent in ALERTS_PERCENT if before * 100 < bound * percent <= after * 100)


def _check_month(assessment: Assessment, plan: Plan, meter: Meter) -> None:
    if plan.monthly_cap_minor is None or not assessment.amount_minor:
        return
    before = meter.charged_minor(assessment.use.app_id, assessment.period, assessment.currency)
    if before + assessment.amount_minor > plan.monthly_cap_minor:
        raise CapReached(f"app_id: what the app may be charged in {assessment.period} is used up")


def _priced(use: MeteredUse, plan: Plan) -> Priced:
    return Priced(
        app_id=use.app_id,
        vendor_id=use.vendor_id,
        resource_type=use.resource_type,
        scene_id=use.scene_id,
        billing_mode=use.billing_mode,
        currency=plan.currency,
    )
