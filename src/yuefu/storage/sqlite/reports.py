"""What reports are made of, in SQLite: one grouped pass over an index for each of charges, what was taken back of them,
free shares and defined plays.

Shares and plays are counted beside the charge of the grant that was paid for, so that they stand in its line.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import apsw
import msgspec

from yuefu.ids import AppId, SongId, VendorId
from yuefu.rights.ledger import PostingKind
from yuefu.rights.plan import Period
from yuefu.rights.sales_report import MessageIdUsed
from yuefu.rights.usage import NO_PRICE, Counts, Kind, Selection, TracedGrant, TracedUse, UnknownGrant, UsedSong, Uses
from yuefu.storage.sqlite.database import fetch, json_text
from yuefu.units import Span

_CHARGES = "FROM charges JOIN grants USING (grant_id)"
_TAKEN_BACK = "FROM postings JOIN charges USING (charge_id) JOIN grants USING (grant_id)"
_SHARES = "FROM grants LEFT JOIN charges ON charges.grant_id = grants.shared_from"
_PLAYS = """
FROM plays AS grants LEFT JOIN grants AS held USING (grant_id)
LEFT JOIN charges ON charges.grant_id = coalesce(held.shared_from, grants.grant_id)
"""
_IN_MONTH = "charges.app_id = ?1 AND charges.period = ?2"
_TOLD_IN_MONTH = """
postings.kind <> 'charge' AND postings.app_id = ?1 AND coalesce(postings.booked_in, postings.period) = ?2
"""
_FETCHED_IN_SPAN = (
    "shared_from IS NOT NULL AND grants.app_id = ?1 AND grants.granted_at_ms >= ?2 AND grants.granted_at_ms < ?3"
)
_PLAYED_IN_SPAN = """
grants.defined_at_ms IS NOT NULL AND grants.app_id = ?1 AND grants.defined_at_ms >= ?2 AND grants.defined_at_ms < ?3
"""

_KIND = """
grants.vendor_id, grants.resource_type, grants.scene_id, grants.billing_mode, grants.song_id, grants.territory,
coalesce(charges.currency, ''), coalesce(charges.price_id, 0), coalesce(charges.amount_minor, 0)
"""
_ALIKE = "GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9"
_OF_VENDOR = "(?4 IS NULL OR grants.vendor_id = ?4)"

_CHARGED_USES = f"""
SELECT {_KIND}, count(*), count(*) FILTER (WHERE opens_month = 0 AND grants.billing_mode <> 0),
       count(*) FILTER (WHERE is_unpriced = 1)
{_CHARGES} WHERE {_IN_MONTH} AND (?3 IS NULL OR charges.vendor_id = ?3) {_ALIKE}
"""
_TAKEN_BACK_USES = f"""
SELECT {_KIND}, postings.kind, charges.period, count(*)
{_TAKEN_BACK} WHERE {_TOLD_IN_MONTH} AND (?3 IS NULL OR charges.vendor_id = ?3) {_ALIKE}, 10, 11
"""
_SHARED_USES = f"SELECT {_KIND}, count(*) {_SHARES} WHERE {_FETCHED_IN_SPAN} AND {_OF_VENDOR} {_ALIKE}"
_PLAYED_USES = f"SELECT {_KIND}, count(*) {_PLAYS} WHERE {_PLAYED_IN_SPAN} AND {_OF_VENDOR} {_ALIKE}"

# The parameters from ?4 on are what a line names, NULL for what it does not.
_OF_LINE = """
(?4 IS NULL OR grants.vendor_id = ?4) AND (?5 IS NULL OR grants.resource_type = ?5)
AND (?6 IS NULL OR grants.scene_id = ?6) AND (?7 IS NULL OR grants.billing_mode = ?7)
AND (?8 IS NULL OR grants.song_id = ?8) AND (?9 IS NULL OR coalesce(charges.currency, '') = ?9)
AND (?10 IS NULL OR coalesce(charges.price_id, 0) = ?10) AND (?11 IS NULL OR coalesce(charges.amount_minor, 0) = ?11)
"""
_CHARGE_COLUMNS = """
'charge', grants.grant_id, charges.charge_id, posted.posting_id, grants.song_id, grants.rights_revision,
charges.charged_at_ms, charges.amount_minor, charges.currency, ''
"""
_POSTED = "LEFT JOIN postings AS posted ON posted.charge_id = charges.charge_id AND (posted.kind = 'charge') = 1"
_BACK_COLUMNS = """
postings.kind, grants.grant_id, charges.charge_id, postings.posting_id, grants.song_id, grants.rights_revision,
postings.posted_at_ms, -postings.amount_minor, postings.currency, postings.reason
"""
_SHARE_COLUMNS = """
'shared', grants.grant_id, charges.charge_id, NULL, grants.song_id, grants.rights_revision, grants.granted_at_ms, 0,
coalesce(charges.currency, ''), ''
"""
_PLAY_COLUMNS = """
'play', grants.grant_id, charges.charge_id, NULL, grants.song_id, grants.rights_revision, grants.defined_at_ms, 0,
coalesce(charges.currency, ''), ''
"""
_TRACED = (
    f"""
SELECT {_CHARGE_COLUMNS} {_CHARGES} {_POSTED}
WHERE {_IN_MONTH} AND {_OF_LINE} AND ?12 IN ('', 'charge') AND (?13 = '' OR charges.period = ?13)
ORDER BY charges.charge_id LIMIT ?14
""",
    f"""
SELECT {_BACK_COLUMNS} {_TAKEN_BACK}
WHERE {_TOLD_IN_MONTH} AND {_OF_LINE} AND ?12 IN ('', postings.kind) AND (?13 = '' OR charges.period = ?13)
ORDER BY postings.posting_id LIMIT ?14
""",
)
_TRACED_IN_SPAN = (
    f"SELECT {_SHARE_COLUMNS} {_SHARES} WHERE {_FETCHED_IN_SPAN} AND {_OF_LINE} ORDER BY grants.grant_id LIMIT ?12",
    f"SELECT {_PLAY_COLUMNS} {_PLAYS} WHERE {_PLAYED_IN_SPAN} AND {_OF_LINE} ORDER BY grants.play_id LIMIT ?12",
)
_PERIODS = "coalesce(postings.booked_in, postings.period), charges.period"
_TRACED_GRANT = (
    f"""
SELECT {_CHARGE_COLUMNS}, {_KIND}, charges.app_id, charges.period, charges.period
{_CHARGES} {_POSTED} WHERE charges.grant_id = ?
""",
    f"""
SELECT {_BACK_COLUMNS}, {_KIND}, charges.app_id, {_PERIODS}
{_TAKEN_BACK} WHERE postings.kind <> 'charge' AND charges.grant_id = ?
""",
    f"""
SELECT {_SHARE_COLUMNS}, {_KIND}, grants.app_id, '', ''
{_SHARES} WHERE shared_from IS NOT NULL AND (grants.grant_id = ?1 OR shared_from = ?1)
""",
    f"""
SELECT {_PLAY_COLUMNS}, {_KIND}, grants.app_id, '', ''
{_PLAYS} WHERE grants.defined_at_ms IS NOT NULL AND grants.grant_id = ?
""",
)
_SHARED_FROM = "SELECT shared_from FROM grants WHERE grant_id = ?"
_OWED = """
SELECT currency, sum(amount_minor) FROM (
    SELECT currency, charged_minor AS amount_minor FROM app_months WHERE app_id = ?1 AND period = ?2
    UNION ALL
    SELECT currency, amount_minor FROM postings
    WHERE kind = 'adjustment' AND app_id = ?1 AND period = ?2 AND booked_in <> ?2
    UNION ALL
    SELECT currency, -amount_minor FROM postings
    WHERE kind <> 'charge' AND app_id = ?1 AND coalesce(booked_in, period) = ?2 AND period <> ?2
) GROUP BY currency
"""
_SONGS = """
SELECT song_id, title, singers, isrc, iswc, duration_ms FROM songs WHERE song_id IN (SELECT value FROM json_each(?))
"""
_ADD_REPORT = "INSERT INTO sales_reports VALUES (?, ?, ?, ?)"
_PAGE = 50_000


class SqliteUsage:
    """Adds up on the caller's thread, on a reader of its own."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Inside it everything that is read, here and in the books, is of one moment."""
        with self._connection:
            yield

    def uses(self, app_id: AppId, period: Period, span: Span, vendor_id: VendorId | None = None) -> list[Uses]:
        """What a month of an app's tells of, of one vendor or of all. `span` is what `month_span` says of it."""
        month = (app_id, str(period), vendor_id)
        timed = (app_id, span.begin_ms, span.end_ms, vendor_id)
        found: list[Uses] = []

        def add(row: tuple[Any, ...], entry: str, of_period: Period, **counts: int) -> None:
            kind = _to_kind(row, app_id, period, of_period, entry)
            found.append(Uses(kind=kind, counts=Counts(**counts)))

        for row in fetch(self._connection, _CHARGED_USES, month):
            count, covered, unpriced = row[9:]
            amount = count * row[8]
            add(row, "charge", period, requests=count, covered=covered, unpriced=unpriced, amount_minor=amount)
        for row in fetch(self._connection, _TAKEN_BACK_USES, month):
            entry, of_period, count = row[9:]
            add(row, entry, Period.parse(of_period), reversed=count, amount_minor=-count * row[8])
        for row in fetch(self._connection, _SHARED_USES, timed):
            add(row, "charge", period, shared=row[9])
        for row in fetch(self._connection, _PLAYED_USES, timed):
            add(row, "charge", period, plays=row[9])
        return found

    def traced(self, selection: Selection, span: Span, *, at_most: int) -> list[TracedUse]:
        """What is behind a line, charges first, each in the order it came."""
        line = (
            selection.vendor_id,
            selection.resource_type,
            selection.scene_id,
            selection.billing_mode,
            selection.song_id,
            selection.currency,
            selection.price_id,
            selection.unit_minor,
        )
        entry = "" if selection.entry is None else selection.entry.value
        of_period = "" if selection.of_period is None else str(selection.of_period)
        month = (selection.app_id, str(selection.period), None, *line, entry, of_period)
        found: list[TracedUse] = []
        for statement in _TRACED:
            found += map(_to_traced, fetch(self._connection, statement, (*month, at_most - len(found))))
        if entry in {"", "charge"} and of_period in {"", str(selection.period)}:
            timed = (selection.app_id, span.begin_ms, span.end_ms, *line)
            for statement in _TRACED_IN_SPAN:
                found += map(_to_traced, fetch(self._connection, statement, (*timed, at_most - len(found))))
        return found

    def traced_grant(self, grant_id: int) -> TracedGrant:
        """What reports tell of one grant; shares and plays with the month 0000-00. Raises `UnknownGrant`."""
        found = []
        for statement in _TRACED_GRANT:
            for row in fetch(self._connection, statement, (grant_id,)):
                traced = _to_traced(row[:10])
                app_id, period, of_period = row[19:]
                told, of = (Period.parse(month) if month else _UNSAID for month in (period, of_period))
                entry = traced.entry if traced.entry not in {"shared", "play"} else "charge"
                found.append((traced, _to_kind(row[10:], AppId(app_id), told, of, entry)))
        if not found:
            raise UnknownGrant(grant_id)
        shared_from = fetch(self._connection, _SHARED_FROM, (grant_id,))
        return TracedGrant(
            grant_id=grant_id, shared_from=shared_from[0][0] if shared_from else None, found=tuple(found)
        )

    def owed_minor(self, app_id: AppId, period: Period) -> dict[str, int]:
        """What the books say that a month tells an app to pay, by currency: their own sum, not that of the uses."""
        return dict(fetch(self._connection, _OWED, (app_id, str(period))))

    def songs(self, song_ids: Iterable[SongId]) -> dict[SongId, UsedSong]:
        """Those songs, taken out of the catalogue or not."""
        wanted = sorted(set(song_ids))
        found: dict[SongId, UsedSong] = {}
        for begin in range(0, len(wanted), _PAGE):
            for row in fetch(self._connection, _SONGS, (json_text(wanted[begin : begin + _PAGE]),)):
                song_id, title, singers, isrc, iswc, duration_ms = row
                found[SongId(song_id)] = UsedSong(
                    song_id=SongId(song_id),
                    title=title,
                    singers=msgspec.json.decode(singers, type=tuple[str, ...]),
                    isrc=isrc,
                    iswc=iswc,
                    duration_ms=duration_ms,
                )
        return found


class SqliteSalesReportDesk:
    """Where one transaction writes down which sales reports were made."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    def add(self, message_id: str, *, vendor_id: VendorId, period: Period, at_ms: int) -> None:
        """Use a message id up, once and for all. Raises `MessageIdUsed`."""
        try:
            self._connection.execute(_ADD_REPORT, (message_id, vendor_id, str(period), at_ms))
        except apsw.ConstraintError:
            raise MessageIdUsed(message_id) from None


_UNSAID = Period(0, 0)
"""The month of what belongs to one by its time."""


def _to_kind(row: tuple[Any, ...], app_id: AppId, period: Period, of_period: Period, entry: str) -> Kind:
    vendor_id, resource_type, scene_id, billing_mode, song_id, territory, currency, price_id, unit_minor = row[:9]
    return Kind(
        app_id=app_id,
        period=period,
        of_period=of_period,
        entry=PostingKind(entry),
        vendor_id=VendorId(vendor_id),
        resource_type=resource_type,
        scene_id=scene_id,
        billing_mode=billing_mode,
        song_id=SongId(song_id),
        territory=territory,
        currency=currency,
        price_id=price_id or NO_PRICE,
        unit_minor=unit_minor,
    )


def _to_traced(row: tuple[Any, ...]) -> TracedUse:
    entry, grant_id, charge_id, posting_id, song_id, revision, at_ms, amount_minor, currency, reason = row
    return TracedUse(
        entry=entry,
        grant_id=grant_id,
        charge_id=charge_id,
        posting_id=posting_id,
        song_id=SongId(song_id),
        rights_revision=revision,
        at_ms=at_ms,
        amount_minor=amount_minor,
        currency=currency,
        reason=reason,
    )
