"""The books: every amount is one posting, taken from one account and given to another. Nothing in them is edited."""

from collections import Counter
from collections.abc import Iterable
from enum import Enum
from typing import Protocol

import msgspec

from yuefu.errors import YuefuError
from yuefu.ids import AppId, VendorId
from yuefu.rights.charge import Assessment, Meter
from yuefu.rights.plan import Period


class PostingKind(Enum):
    """Why an amount was posted."""

    CHARGE = "charge"
    REVERSAL = "reversal"
    """A charge taken back while its month is open."""
    ADJUSTMENT = "adjustment"
    """A charge taken back after its month was closed: all that a closed month takes."""


def receivable(app_id: AppId) -> str:
    """What an app owes."""
    return f"app {app_id}"


def payable(vendor_id: VendorId) -> str:
    """What is owed for a vendor's songs, before it is split among whoever holds rights in them."""
    return f"vendor {vendor_id}"


class Posting(msgspec.Struct, frozen=True, kw_only=True):
    """An amount that `debit` owes more and `credit` is owed more; both sides in one, so that they always balance.

    `period` is the month it belongs to, `booked_in` the one whose reports tell of it: a later one for an adjustment.
    """

    posting_id: int
    charge_id: int
    kind: PostingKind
    debit: str
    credit: str
    amount_minor: int
    currency: str
    period: Period
    booked_in: Period
    posted_at_ms: int
    reason: str = ""


class Charge(msgspec.Struct, frozen=True, kw_only=True):
    """A charge on record: what a grant was charged, 0 where an earlier one covers it. `is_reversed` was taken back."""

    charge_id: int
    grant_id: int
    app_id: AppId
    vendor_id: VendorId
    billing_mode: int
    subject: str
    period: str
    amount_minor: int
    currency: str
    price_id: int | None
    is_unpriced: bool
    charged_at_ms: int
    is_reversed: bool


class ClosedPeriod(msgspec.Struct, frozen=True, kw_only=True):
    """A month of an app's that takes adjustments only, and the time zone that its edges were those of."""

    app_id: AppId
    period: Period
    closed_at_ms: int
    time_zone: str


class UnknownCharge(YuefuError):
    """There is no charge of that number."""

    def __init__(self, charge_id: int) -> None:
        super().__init__(f"there is no charge {charge_id}; `yuefu charge list` shows those there are")


class NothingToReverse(YuefuError):
    """The charge owes nothing: it was free, or taken back before."""

    def __init__(self, charge_id: int) -> None:
        super().__init__(f"charge {charge_id} owes nothing: it was free, or it was reversed before")


class PeriodRunning(YuefuError):
    """A month that has not ended cannot be closed."""

    def __init__(self, period: Period) -> None:
        super().__init__(f"{period} has not ended in the app's time zone; close it after that")


class PeriodClosed(YuefuError):
    """The month was closed before."""

    def __init__(self, period: Period) -> None:
        super().__init__(f"{period} is closed already")


def balances(postings: Iterable[Posting]) -> dict[tuple[str, str], int]:
    """What each account comes to, by account and currency: what it owes, less what it is owed. The sum of all is 0."""
    sums: Counter[tuple[str, str]] = Counter()
    for posting in postings:
        sums[posting.debit, posting.currency] += posting.amount_minor
        sums[posting.credit, posting.currency] -= posting.amount_minor
    return dict(sums)


class Ledger(Meter, Protocol):
    """The books, as anyone reads them."""

    def charge(self, charge_id: int) -> Charge:
        """One charge. Raises `UnknownCharge`."""

    def charges(
        self,
        app_id: AppId | None = None,
        *,
        period: Period | None = None,
        is_unpriced: bool | None = None,
        after: int = 0,
        at_most: int,
    ) -> list[Charge]:
        """The charges after that one, in order: of one app, of one month, of uses without a price where said."""

    def postings(
        self, app_id: AppId | None = None, *, period: Period | None = None, after: int = 0, at_most: int
    ) -> list[Posting]:
        """The postings after that one, in order: of one app, of one month where these are said."""

    def closed_periods(self, app_id: AppId) -> list[ClosedPeriod]:
        """The months of an app's that were closed, by month."""


class LedgerDesk(Ledger, Protocol):
    """Where one transaction writes the books."""

    def charge_grant(self, grant_id: int, assessment: Assessment, *, at_ms: int) -> int:
        """Write down what a grant is charged, and post it where it is not free; the charge's number."""

    def reverse(self, charge_id: int, *, reason: str, at_ms: int) -> Posting:
        """Take back what was posted for a charge. Raises `UnknownCharge`, `NothingToReverse`."""

    def close(self, app_id: AppId, period: Period, *, at_ms: int) -> None:
        """Close a month and all before it. Raises `PeriodClosed`."""
