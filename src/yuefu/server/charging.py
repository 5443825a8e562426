"""What uses cost and what apps owe: the charge of a grant in its transaction, and what operators do with both."""

from collections.abc import Callable
from typing import Any

import msgspec
import structlog

from yuefu.access.app import UnknownApp
from yuefu.access.audit import Author
from yuefu.ids import AppId, UserId, VendorId
from yuefu.rights.charge import Assessment, MeteredUse, alerts, assess
from yuefu.rights.ledger import PeriodRunning, Posting
from yuefu.rights.plan import EVERY_VENDOR, Member, Membership, Period, Plan
from yuefu.rights.price import NewPrice
from yuefu.server.centre import Centre, Transaction
from yuefu.server.programme import known_vendor
from yuefu.units import format_instant
from yuefu.wire.codes import ClientCode
from yuefu.wire.refusal import ClientRefusal
from yuefu.wire.vendor import BillingMode

_METER = Author(actor="yuefu", origin="meter")
"""Who tells of a bound that is nearly reached."""

_log = structlog.get_logger(__name__)


def check_membership(centre: Centre, use_of: tuple[AppId, UserId, VendorId], mode: BillingMode) -> Plan:
    """Let a billing mode pass for an app's user at a vendor; the app's plan.

    Only where the plan says that memberships are granted do they matter: a user's month is for members, and what a
    member has is not charged by the use. Raises `ClientRefusal`.
    """
    plan = centre.plans.plan(use_of[0])
    if plan.membership is Membership.GRANTED and mode in {BillingMode.USER_MONTH, BillingMode.PER_USE}:
        is_member = centre.plans.is_member(*use_of, at_ms=centre.now_ms())
        if mode is BillingMode.USER_MONTH and not is_member:
            raise ClientRefusal(ClientCode.NO_MEMBERSHIP, "mode: the user has no monthly membership at this vendor")
        if mode is BillingMode.PER_USE and is_member:
            raise ClientRefusal(
                ClientCode.BILLING_UNREASONABLE, "mode: the user is a monthly member; 1 charges the month, once"
            )
    return plan


def take_charge(transaction: Transaction, use: MeteredUse, plan: Plan, issue: Callable[[], int], *, at_ms: int) -> int:
    """Charge what `issue` grants, in one transaction with it; the grant's id. Raises `CapReached`: nothing is granted.

    `at_ms` is the store's clock as the transaction reads it.
    """
    assessment = assess(use, plan, transaction.ledger, transaction.prices, at_ms=at_ms)
    grant_id = issue()
    transaction.ledger.charge_grant(grant_id, assessment, at_ms=at_ms)
    if plan.monthly_cap_minor is not None and assessment.amount_minor:
        _tell_of_cap(transaction, assessment, plan.monthly_cap_minor, at_ms=at_ms)
    return grant_id


def quote(centre: Centre, use: MeteredUse, plan: Plan, *, at_ms: int) -> Assessment:
    """What a use would be charged now; nothing is written. Raises `CapReached`."""
    return assess(use, plan, centre.ledger, centre.prices, at_ms=at_ms)


def _tell_of_cap(transaction: Transaction, assessment: Assessment, cap_minor: int, *, at_ms: int) -> None:
    app_id = assessment.use.app_id
    after = transaction.ledger.charged_minor(app_id, assessment.period, assessment.currency)
    for percent in alerts(cap_minor, after - assessment.amount_minor, after):
        detail: dict[str, Any] = {
            "period": str(assessment.period),
            "percent": percent,
            "cap_minor": cap_minor,
            "charged_minor": after,
        }
        transaction.audit(_METER.entry("cap.alert", _subject(app_id), at_ms=at_ms, **detail))
        _log.warning("an app nears the bound of its month", app_id=app_id, **detail)


# What operators do.


def change_plan(centre: Centre, app_id: AppId, changes: dict[str, Any], author: Author) -> Plan:
    """Put values in place of those of an app's plan. Raises `UnknownApp`, `BadPlan`."""
    at_ms = centre.now_ms()

    def job(transaction: Transaction) -> Plan:
        before = transaction.plans.plan(app_id)
        after = msgspec.structs.replace(before, **changes)
        transaction.plans.set_plan(app_id, after)
        was, now = msgspec.to_builtins(before), msgspec.to_builtins(after)
        detail: dict[str, Any] = {
            name: {"before": was[name], "after": now[name]} for name in now if was[name] != now[name]
        }
        transaction.audit(author.entry("app.plan", _subject(app_id), at_ms=at_ms, **detail))
        return after

    return centre.work.run(job)


def find_plan(centre: Centre, app_id: AppId) -> Plan:
    """An app's plan. Raises `UnknownApp`."""
    _known_app(centre, app_id)
    return centre.plans.plan(app_id)


def add_member(
    centre: Centre, app_id: AppId, user_id: UserId, author: Author, *, vendor_id: VendorId, until_ms: int | None = None
) -> Member:
    """Make a user of an app a monthly member at a vendor, or at every one. Raises `UnknownApp`, `UnknownVendor`."""
    _check_vendor(centre, vendor_id)
    at_ms = centre.now_ms()
    member = Member(app_id=app_id, user_id=user_id, vendor_id=vendor_id, added_at_ms=at_ms, until_ms=until_ms)

    def job(transaction: Transaction) -> None:
        transaction.plans.add_member(member)
        until = None if until_ms is None else format_instant(until_ms)
        transaction.audit(author.entry("member.add", _subject(app_id), at_ms=at_ms, vendor_id=vendor_id, until=until))

    centre.work.run(job)
    return member


def remove_member(centre: Centre, app_id: AppId, user_id: UserId, author: Author, *, vendor_id: VendorId) -> None:
    """End a membership at once. Raises `NoMember`."""
    at_ms = centre.now_ms()

    def job(transaction: Transaction) -> None:
        transaction.plans.remove_member(app_id, user_id, vendor_id)
        transaction.audit(author.entry("member.remove", _subject(app_id), at_ms=at_ms, vendor_id=vendor_id))

    centre.work.run(job)


def set_price(centre: Centre, price: NewPrice, author: Author) -> int:
    """Put a price on the list; its number. Raises `UnknownApp`, `UnknownVendor`."""
    if price.app_id is not None:
        _known_app(centre, price.app_id)
    if price.vendor_id is not None:
        known_vendor(centre, price.vendor_id)
    at_ms = centre.now_ms()

    def job(transaction: Transaction) -> int:
        price_id = transaction.prices.add(price, at_ms=at_ms)
        detail = msgspec.to_builtins(price)
        transaction.audit(author.entry("price.set", f"price {price_id}", at_ms=at_ms, **detail))
        return price_id

    return centre.work.run(job)


def reverse_charge(centre: Centre, charge_id: int, reason: str, author: Author) -> Posting:
    """Take back what was posted for a charge. Raises `UnknownCharge`, `NothingToReverse`."""

    def job(transaction: Transaction) -> Posting:
        at_ms = centre.now_ms()
        posting = transaction.ledger.reverse(charge_id, reason=reason, at_ms=at_ms)
        detail: dict[str, Any] = {
            "reason": reason,
            "kind": posting.kind.value,
            "amount_minor": posting.amount_minor,
            "currency": posting.currency,
            "period": str(posting.period),
        }
        transaction.audit(author.entry("charge.reverse", f"charge {charge_id}", at_ms=at_ms, **detail))
        return posting

    return centre.work.run(job)


def close_period(centre: Centre, app_id: AppId, period: Period, author: Author) -> None:
    """Close a month of an app's, and all before it. Raises `UnknownApp`, `PeriodRunning`, `PeriodClosed`."""
    _known_app(centre, app_id)

    def job(transaction: Transaction) -> None:
        at_ms = centre.now_ms()
        if at_ms < period.end_ms(transaction.plans.plan(app_id).time_zone):
            raise PeriodRunning(period)
        transaction.ledger.close(app_id, period, at_ms=at_ms)
        transaction.audit(author.entry("period.close", _subject(app_id), at_ms=at_ms, period=str(period)))

    centre.work.run(job)


def _known_app(centre: Centre, app_id: AppId) -> None:
    if centre.apps.app(app_id) is None:
        raise UnknownApp(app_id)


def _check_vendor(centre: Centre, vendor_id: VendorId) -> None:
    if vendor_id != EVERY_VENDOR:
        known_vendor(centre, vendor_id)


def _subject(app_id: AppId) -> str:
    return f"app {app_id}"
