"""Charges and the books in SQLite."""

from typing import Any

import apsw
import msgspec

from yuefu.ids import AppId, SongId, UserId, VendorId
from yuefu.rights.charge import Assessment, Month, billing_period
from yuefu.rights.ledger import (
    Charge,
    ClosedPeriod,
    NothingToReverse,
    PeriodClosed,
    Posting,
    PostingKind,
    UnknownCharge,
    payable,
    receivable,
)
from yuefu.rights.plan import Period, Plan
from yuefu.storage.sqlite.database import fetch
from yuefu.storage.sqlite.memberships import SqlitePlans

_CLOSED_UNTIL = "SELECT max(period) FROM closed_periods WHERE app_id = ?"
_CLOSED = "SELECT period, closed_at_ms, time_zone FROM closed_periods WHERE app_id = ? ORDER BY period"
_CLOSE = "INSERT INTO closed_periods (app_id, period, closed_at_ms, time_zone) VALUES (?, ?, ?, ?)"
_IS_PAID = """
SELECT 1 FROM charges
WHERE app_id = ? AND vendor_id = ? AND billing_mode = ? AND subject = ? AND period = ? AND opens_month = 1
"""
_CHARGED = "SELECT charged_minor FROM app_months WHERE app_id = ? AND period = ? AND currency = ?"
_SONGS = "SELECT DISTINCT song_id FROM grants WHERE app_id = ? AND user_id = ? AND granted_at_ms >= ?"
_CHARGE = """
INSERT INTO charges (grant_id, app_id, vendor_id, billing_mode, charged_at_ms, period, subject, opens_month,
                     amount_minor, currency, price_id, is_unpriced)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING charge_id
"""
_POST = """
INSERT INTO postings (charge_id, kind, app_id, debit, credit, amount_minor, currency, period, posted_at_ms, reason,
                      booked_in)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING posting_id
"""
_ADD_TO_MONTH = """
INSERT INTO app_months VALUES (?, ?, ?, ?)
ON CONFLICT (app_id, period, currency) DO UPDATE SET charged_minor = charged_minor + excluded.charged_minor
"""
_CHARGES = """
SELECT charge_id, grant_id, app_id, vendor_id, billing_mode, subject, period, amount_minor, currency, price_id,
       is_unpriced, charged_at_ms,
       EXISTS (SELECT 1 FROM postings WHERE charge_id = charges.charge_id AND (kind = 'charge') = 0)
FROM charges
"""
_ONE_CHARGE = f"{_CHARGES} WHERE charge_id = ?"
_SOME_CHARGES = f"""{_CHARGES}
WHERE charge_id > ?1 AND (?2 IS NULL OR app_id = ?2) AND (?3 IS NULL OR period = ?3)
  AND (?4 IS NULL OR is_unpriced = ?4)
ORDER BY charge_id LIMIT ?5
"""
_SOME_POSTINGS = """
SELECT posting_id, charge_id, kind, debit, credit, amount_minor, currency, period, posted_at_ms, reason,
       coalesce(booked_in, period)
FROM postings
WHERE posting_id > ?1 AND (?2 IS NULL OR app_id = ?2) AND (?3 IS NULL OR period = ?3)
ORDER BY posting_id LIMIT ?4
"""


class SqliteLedger:
    """Reads on whatever connection it is given: a reader, or a transaction's own."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    def closed_until(self, app_id: AppId) -> Period | None:
        """The last month of an app's that is closed."""
        period = fetch(self._connection, _CLOSED_UNTIL, (app_id,))[0][0]
        return None if period is None else Period.parse(period)

    def is_month_paid(self, month: Month) -> bool:
        """Whether a subject's month is paid."""
        key = (month.app_id, month.vendor_id, month.billing_mode, month.subject, str(month.period))
        return bool(fetch(self._connection, _IS_PAID, key))

    def charged_minor(self, app_id: AppId, period: Period, currency: str) -> int:
        """What an app was charged in a month, reversals taken off."""
        rows = fetch(self._connection, _CHARGED, (app_id, str(period), currency))
        return int(rows[0][0]) if rows else 0

    def songs_since(self, app_id: AppId, user_id: UserId, from_ms: int) -> frozenset[SongId]:
        """The different songs that a user was granted since an instant."""
        return frozenset(SongId(song_id) for (song_id,) in fetch(self._connection, _SONGS, (app_id, user_id, from_ms)))

    def charge(self, charge_id: int) -> Charge:
        """One charge. Raises `UnknownCharge`."""
        rows = fetch(self._connection, _ONE_CHARGE, (charge_id,))
        if not rows:
            raise UnknownCharge(charge_id)
        return _to_charge(rows[0])

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
        bindings = (after, app_id, None if period is None else str(period), is_unpriced, at_most)
        return [_to_charge(row) for row in fetch(self._connection, _SOME_CHARGES, bindings)]

    def postings(
        self, app_id: AppId | None = None, *, period: Period | None = None, after: int = 0, at_most: int
    ) -> list[Posting]:
        """The postings after that one, in order: of one app, of one month where these are said."""
        bindings = (after, app_id, None if period is None else str(period), at_most)
        return [_to_posting(row) for row in fetch(self._connection, _SOME_POSTINGS, bindings)]

    def closed_periods(self, app_id: AppId) -> list[ClosedPeriod]:
        """The months of an app's that were closed, by month."""
        return [
            ClosedPeriod(app_id=app_id, period=Period.parse(period), closed_at_ms=closed_at_ms, time_zone=time_zone)
            for period, closed_at_ms, time_zone in fetch(self._connection, _CLOSED, (app_id,))
        ]


class SqliteLedgerDesk(SqliteLedger):
    """Where one transaction writes the books."""

    def charge_grant(self, grant_id: int, assessment: Assessment, *, at_ms: int) -> int:
        """Write down what a grant is charged, and post it where it is not free; the charge's number."""
        use = assessment.use
        row = (
            grant_id,
            use.app_id,
            use.vendor_id,
            use.billing_mode,
            at_ms,
            str(assessment.period),
            use.subject,
            assessment.opens_month,
            assessment.amount_minor,
            assessment.currency,
            assessment.price_id,
            assessment.is_unpriced,
        )
        charge_id = int(fetch(self._connection, _CHARGE, row)[0][0])
        if assessment.amount_minor:
            self._post(
                Posting(
                    posting_id=0,
                    charge_id=charge_id,
                    kind=PostingKind.CHARGE,
                    debit=receivable(use.app_id),
                    credit=payable(use.vendor_id),
                    amount_minor=assessment.amount_minor,
                    currency=assessment.currency,
                    period=assessment.period,
                    booked_in=assessment.period,
                    posted_at_ms=at_ms,
                ),
                use.app_id,
            )
        return charge_id

    def reverse(self, charge_id: int, *, reason: str, at_ms: int) -> Posting:
        """Take back what was posted for a charge. Raises `UnknownCharge`, `NothingToReverse`."""
        charge = self.charge(charge_id)
        if not charge.amount_minor or charge.is_reversed:
            raise NothingToReverse(charge_id)
        period = Period.parse(charge.period)
        closed_until = self.closed_until(charge.app_id)
        is_closed = closed_until is not None and period <= closed_until
        return self._post(
            Posting(
                posting_id=0,
                charge_id=charge_id,
                kind=PostingKind.ADJUSTMENT if is_closed else PostingKind.REVERSAL,
                debit=payable(charge.vendor_id),
                credit=receivable(charge.app_id),
                amount_minor=charge.amount_minor,
                currency=charge.currency,
                period=period,
                booked_in=billing_period(at_ms, self._plan(charge.app_id), closed_until) if is_closed else period,
                posted_at_ms=at_ms,
                reason=reason,
            ),
            charge.app_id,
        )

    def close(self, app_id: AppId, period: Period, *, at_ms: int) -> None:
        """Close a month and all before it. Raises `PeriodClosed`."""
        closed_until = self.closed_until(app_id)
        if closed_until is not None and period <= closed_until:
            raise PeriodClosed(period)
        self._connection.execute(_CLOSE, (app_id, str(period), at_ms, self._plan(app_id).time_zone))

    def _plan(self, app_id: AppId) -> Plan:
        return SqlitePlans(self._connection).plan(app_id)

    def _post(self, posting: Posting, app_id: AppId) -> Posting:
        row = (
            posting.charge_id,
            posting.kind.value,
            app_id,
            posting.debit,
            posting.credit,
            posting.amount_minor,
            posting.currency,
            str(posting.period),
            posting.posted_at_ms,
            posting.reason,
            None if posting.booked_in == posting.period else str(posting.booked_in),
        )
        posting_id = int(fetch(self._connection, _POST, row)[0][0])
        owed = posting.amount_minor if posting.kind is PostingKind.CHARGE else -posting.amount_minor
        self._connection.execute(_ADD_TO_MONTH, (app_id, str(posting.period), posting.currency, owed))
        return msgspec.structs.replace(posting, posting_id=posting_id)


def _to_charge(row: tuple[Any, ...]) -> Charge:
    charge_id, grant_id, app_id, vendor_id, mode, subject, period, amount, currency, price_id, unpriced, at_ms, back = (
        row
    )
    return Charge(
        charge_id=charge_id,
        grant_id=grant_id,
        app_id=AppId(app_id),
        vendor_id=VendorId(vendor_id),
        billing_mode=mode,
        subject=subject,
        period=period,
        amount_minor=amount,
        currency=currency,
        price_id=price_id,
        is_unpriced=bool(unpriced),
        charged_at_ms=at_ms,
        is_reversed=bool(back),
    )


def _to_posting(row: tuple[Any, ...]) -> Posting:
    posting_id, charge_id, kind, debit, credit, amount_minor, currency, period, posted_at_ms, reason, booked_in = row
    return Posting(
        posting_id=posting_id,
        charge_id=charge_id,
        kind=PostingKind(kind),
        debit=debit,
        credit=credit,
        amount_minor=amount_minor,
        currency=currency,
        period=Period.parse(period),
        posted_at_ms=posted_at_ms,
        reason=reason,
        booked_in=Period.parse(booked_in),
    )
