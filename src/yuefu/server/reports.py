"""Reports of what was used, what apps owe and who gets it; what is behind each of their lines; splits.

A report is of a month, of each app in the time zone of its plan. What a month tells does not change once it is closed:
charges taken back later are told by the month in which they were, free shares and plays belong to a month by the edges
it had, and splits hold as they were known then.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from yuefu.access.app import App, UnknownApp
from yuefu.access.audit import Author
from yuefu.errors import YuefuError
from yuefu.ids import AppId, SongId, VendorId
from yuefu.rights.charge import billing_period
from yuefu.rights.deal import Chain
from yuefu.rights.ledger import ClosedPeriod, PostingKind
from yuefu.rights.plan import Period, Plan, month_of
from yuefu.rights.sales_report import BLOCKS_A_FILE, Party, Report, ReportFile, Service, file_stamp, write_report
from yuefu.rights.split import RecordedSplit, Split, SplitTable, spell_share, statement
from yuefu.rights.usage import (
    BY_PRICE,
    BY_USE,
    NO_PRICE,
    Counts,
    Kind,
    Line,
    Selection,
    TracedUse,
    Uses,
    known_until_ms,
    month_span,
    roll_up,
    total,
)
from yuefu.server.centre import Centre, Transaction
from yuefu.server.programme import known_vendor
from yuefu.units import Span, format_instant

_MESSAGE_ID_BYTES = 12


class ReportScope(msgspec.Struct, frozen=True, kw_only=True):
    """What a report is asked of; None for every app, every vendor, and the month that runs now."""

    period: Period | None = None
    vendor_id: VendorId | None = None
    app_id: AppId | None = None


class ReportRow(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a report as people get it. `month` is the one it belongs to, where that is not the report's own."""

    key: str
    period: str
    app_id: int
    vendor_id: int
    entry: str
    month: str
    currency: str
    requests: int
    covered: int
    unpriced: int
    shared: int
    plays: int
    reversed: int
    amount_minor: int


class UsageRow(ReportRow, frozen=True, kw_only=True):
    """What was used. `song_id` and `title` are there where the report is by song."""

    resource_type: int
    scene_id: int
    mode: int
    song_id: str | None = None
    title: str | None = None


class InvoiceRow(ReportRow, frozen=True, kw_only=True):
    """What an app owes for uses of one price; `price_id` None where there was none, or a paid month covers them."""

    mode: int
    price_id: int | None
    unit_minor: int


class StatementRow(ReportRow, frozen=True, kw_only=True):
    """What a rights holder gets. `chain` is None of what is unassigned."""

    holder: str
    chain: str | None


class InvoiceSum(msgspec.Struct, frozen=True, kw_only=True):
    """What an app's invoice comes to in a currency, and what the books say that it must."""

    app_id: int
    period: str
    currency: str
    amount_minor: int
    ledger_minor: int
    is_closed: bool


class UsageReport(msgspec.Struct, frozen=True, kw_only=True):
    rows: list[UsageRow]


class StatementReport(msgspec.Struct, frozen=True, kw_only=True):
    rows: list[StatementRow]


class InvoiceReport(msgspec.Struct, frozen=True, kw_only=True):
    rows: list[InvoiceRow]
    sums: list[InvoiceSum]


class TraceRow(msgspec.Struct, frozen=True, kw_only=True):
    """One thing behind a line. `keys` are the lines that tell of it, by report, where a grant was asked for."""

    entry: str
    grant_id: int
    charge_id: int | None
    posting_id: int | None
    song_id: str
    title: str
    rights_revision: int
    at: str
    amount_minor: int
    currency: str
    reason: str
    keys: dict[str, str] = {}


class Trace(msgspec.Struct, frozen=True, kw_only=True):
    """What is behind a line, whose own counts are beside it; `is_cut` where that was too much to tell."""

    key: str
    requests: int
    shared: int
    plays: int
    reversed: int
    amount_minor: int
    is_cut: bool
    rows: list[TraceRow]


class GrantTrace(msgspec.Struct, frozen=True, kw_only=True):
    """What reports tell of one grant."""

    grant_id: int
    shared_from: int | None
    rows: list[TraceRow]


class BooksDisagree(YuefuError):
    """An invoice does not come to what the books say: a fault of ours or of the store, never of the app's."""

    def __init__(self, found: InvoiceSum) -> None:
        super().__init__(
            f"the invoice of app {found.app_id} in {found.period} comes to {found.amount_minor} {found.currency}, "
            f"the books to {found.ledger_minor}; send it to nobody, and check the data folder"
        )


class NothingToReport(YuefuError):
    """No app may use a vendor's songs, and none has."""


class _Month:
    """An app's month as its reports see it."""

    def __init__(self, centre: Centre, app: App, period: Period | None) -> None:
        self.app = app
        self.plan: Plan = centre.plans.plan(app.app_id)
        self._closed: Sequence[ClosedPeriod] = centre.ledger.closed_periods(app.app_id)
        closed_until = centre.ledger.closed_until(app.app_id)
        self.period = period or billing_period(centre.now_ms(), self.plan, closed_until)
        self.is_closed = closed_until is not None and self.period <= closed_until

    def span(self, period: Period) -> Span:
        return month_span(period, self.plan.time_zone, self._closed)

    def known_until_ms(self, period: Period) -> int | None:
        return known_until_ms(period, self._closed)

    def month_at(self, at_ms: int) -> Period:
        """The month that something belongs to by its time."""
        period = month_of(at_ms, self.plan.time_zone)
        for each in (period, period.following(), *(closed.period for closed in self._closed)):
            span = self.span(each)
            if span.begin_ms <= at_ms < span.end_ms:
                return each
        return period


def _months(centre: Centre, scope: ReportScope) -> list[_Month]:
    """The months that a report is of. Raises `UnknownApp`, `UnknownVendor`."""
    if scope.vendor_id is not None:
        known_vendor(centre, scope.vendor_id)
    if scope.app_id is None:
        apps = list(centre.apps.apps())
    else:
        found = centre.apps.app(scope.app_id)
        if found is None:
            raise UnknownApp(scope.app_id)
        apps = [found]
    return [_Month(centre, app, scope.period) for app in apps]


def _uses(centre: Centre, month: _Month, vendor_id: VendorId | None, period: Period | None = None) -> list[Uses]:
    asked = period or month.period
    return centre.usage.uses(month.app.app_id, asked, month.span(asked), vendor_id)


def usage_report(centre: Centre, scope: ReportScope, *, by_song: bool = False) -> UsageReport:
    """What was used, by app, vendor, resource type, scene and mode. Raises `UnknownApp`, `UnknownVendor`."""
    by = (*BY_USE, "song_id") if by_song else BY_USE
    with centre.usage.snapshot():
        lines = [
            line for month in _months(centre, scope) for line in roll_up(_uses(centre, month, scope.vendor_id), by)
        ]
        titles = _titles(centre, [line.selection.song_id for line in lines if line.selection.song_id is not None])
    return UsageReport(rows=[_usage_row(line, titles) for line in lines])


def statement_report(centre: Centre, scope: ReportScope) -> StatementReport:
    """What each vendor's rights holders get. Raises `UnknownApp`, `UnknownVendor`."""
    rows = []
    with centre.usage.snapshot():
        splits = centre.splits.splits(scope.vendor_id)
        for month in _months(centre, scope):
            uses = _uses(centre, month, scope.vendor_id)
            earlier = {
                period: _uses(centre, month, scope.vendor_id, period)
                for period in {each.kind.of_period for each in uses if each.kind.billing_mode} - {month.period}
            }
            known_ms = month.known_until_ms(month.period)
            tables = {
                vendor_id: SplitTable(
                    (each for each in splits if each.split.vendor_id == vendor_id), known_at_ms=known_ms
                )
                for vendor_id in {each.kind.vendor_id for each in uses}
            }
            for line in statement(uses, tables, earlier):
                row = _row(Line(selection=line.selection, counts=line.counts))
                chain = None if line.chain is None else line.chain.value
                rows.append(StatementRow(**row, holder=line.holder, chain=chain))
    return StatementReport(rows=rows)


def invoice_report(centre: Centre, scope: ReportScope) -> InvoiceReport:
    """What each app owes, by price, and the sum, which is what the books say; of one vendor, without the sum.

    Raises `UnknownApp`, `UnknownVendor`, `BooksDisagree`.
    """
    rows, sums = [], []
    with centre.usage.snapshot():
        for month in _months(centre, scope):
            lines = roll_up(_uses(centre, month, scope.vendor_id), BY_PRICE)
            rows += [_invoice_row(line) for line in lines]
            if scope.vendor_id is None:
                sums += _invoice_sums(centre, month, lines)
    return InvoiceReport(rows=rows, sums=sums)


def _invoice_sums(centre: Centre, month: _Month, lines: Sequence[Line]) -> list[InvoiceSum]:
    owed = centre.usage.owed_minor(month.app.app_id, month.period)
    found = {line.selection.currency or "" for line in lines if line.counts.amount_minor}
    sums = [
        InvoiceSum(
            app_id=month.app.app_id,
            period=str(month.period),
            currency=currency,
            amount_minor=sum(line.counts.amount_minor for line in lines if line.selection.currency == currency),
            ledger_minor=owed.get(currency, 0),
            is_closed=month.is_closed,
        )
        for currency in sorted(found | owed.keys())
    ]
    for each in sums:
        if each.amount_minor != each.ledger_minor:
            raise BooksDisagree(each)
    return sums


def trace(centre: Centre, selection: Selection, *, at_most: int) -> Trace:
    """What is behind a line, or behind any uses of one app in one month. Raises `UnknownApp`."""
    with centre.usage.snapshot():
        (month,) = _months(centre, ReportScope(period=selection.period, app_id=selection.app_id))
        uses = _uses(centre, month, selection.vendor_id)
        counts = total(each for each in uses if selection.holds(each.kind))
        found = centre.usage.traced(selection, month.span(month.period), at_most=at_most + 1)
        titles = _titles(centre, (each.song_id for each in found[:at_most]))
    return Trace(
        key=selection.key,
        requests=counts.requests,
        shared=counts.shared,
        plays=counts.plays,
        reversed=counts.reversed,
        amount_minor=counts.amount_minor,
        is_cut=len(found) > at_most,
        rows=[_trace_row(each, titles) for each in found[:at_most]],
    )


def trace_grant(centre: Centre, grant_id: int) -> GrantTrace:
    """What reports tell of one grant, and in which lines. Raises `UnknownGrant`."""
    with centre.usage.snapshot():
        traced = centre.usage.traced_grant(grant_id)
        titles = _titles(centre, (each.song_id for each, _ in traced.found))
        rows = []
        for each, kind in traced.found:
            app, told = centre.apps.app(kind.app_id), kind
            if each.entry in {"shared", "play"} and app is not None:
                period = _Month(centre, app, None).month_at(each.at_ms)
                told = msgspec.structs.replace(kind, period=period, of_period=period)
            rows.append(_trace_row(each, titles, keys=_keys(told)))
    return GrantTrace(grant_id=grant_id, shared_from=traced.shared_from, rows=rows)


def _keys(kind: Kind) -> dict[str, str]:
    """The lines of each report that uses of a kind are in."""

    def key(by: Iterable[str]) -> str:
        return Selection(app_id=kind.app_id, period=kind.period, **{name: getattr(kind, name) for name in by}).key

    statement_by = ("entry", "of_period", "vendor_id", "currency")
    return {"usage": key(BY_USE), "statement": key(statement_by), "invoice": key(BY_PRICE)}


# Splits.


class SplitShare(msgspec.Struct, frozen=True, kw_only=True):
    """What a rights holder gets for a chain of rights, in percent of the whole: "33.3333"."""

    chain: Chain
    holder: str
    percent: str


class ShownSplit(msgspec.Struct, frozen=True, kw_only=True):
    """A split on record as people get it. `song_id` is None where it is for all that have none of their own."""

    split_id: int
    vendor_id: int
    song_id: str | None
    from_period: str
    shares: list[SplitShare]
    recorded_at: str


def shown_split(recorded: RecordedSplit) -> ShownSplit:
    """What people are told of a split."""
    held = recorded.split
    return ShownSplit(
        split_id=recorded.split_id,
        vendor_id=held.vendor_id,
        song_id=None if held.song_id is None else str(held.song_id),
        from_period=str(held.from_period),
        shares=[
            SplitShare(chain=each.chain, holder=each.holder, percent=spell_share(each.share_ppm))
            for each in held.portions
        ],
        recorded_at=format_instant(recorded.recorded_at_ms),
    )


def set_split(centre: Centre, split: Split, author: Author) -> ShownSplit:
    """Write a split down; what is on record then. Raises `UnknownVendor`, `UnknownSong`."""
    known_vendor(centre, split.vendor_id)
    at_ms = centre.now_ms()

    def job(transaction: Transaction) -> int:
        if split.song_id is not None:
            transaction.song(split.song_id)
        split_id = transaction.splits.add(split, at_ms=at_ms)
        detail: dict[str, Any] = {
            "song_id": None if split.song_id is None else str(split.song_id),
            "from": str(split.from_period),
            "portions": [
                f"{each.chain.value}: {each.holder}: {spell_share(each.share_ppm)} %" for each in split.portions
            ],
        }
        transaction.audit(author.entry("split.set", f"vendor {split.vendor_id}", at_ms=at_ms, **detail))
        return split_id

    return shown_split(RecordedSplit(split_id=centre.work.run(job), split=split, recorded_at_ms=at_ms))


# Sales reports.


class SalesReport(msgspec.Struct, frozen=True, kw_only=True):
    """A sales report that was written. `open_apps` are those whose month may still change."""

    message_id: str
    files: list[str]
    blocks: int
    open_apps: list[int]


def write_sales_report(
    centre: Centre,
    vendor_id: VendorId,
    period: Period,
    author: Author,
    *,
    app_id: AppId | None = None,
    folder: Path,
    sender: Party,
    recipient: Party,
    blocks_a_file: int = BLOCKS_A_FILE,
) -> SalesReport:
    """Write a vendor's month, of one app or of all, into files of the folder, under a message id of its own.

    The id is on record before the first file is there, so that it is never used again whatever becomes of them. Raises
    `UnknownApp`, `UnknownVendor`, `NothingToReport`, OSError.
    """
    with centre.usage.snapshot():
        months = _months(centre, ReportScope(period=period, vendor_id=vendor_id, app_id=app_id))
        uses = {month.app.app_id: _uses(centre, month, vendor_id) for month in months}
        told = [month for month in months if uses[month.app.app_id] or vendor_id in month.app.vendors]
        songs = centre.usage.songs(each.kind.song_id for of_app in uses.values() for each in of_app)
    if not told:
        raise NothingToReport(f"no app may use songs of vendor {vendor_id}, and none has")
    at_ms = _free_second_ms(centre.now_ms(), folder)
    report = Report(
        message_id=f"{vendor_id}-{period}-{centre.random_bytes(_MESSAGE_ID_BYTES).hex()}",
        created_at_ms=at_ms,
        vendor_id=vendor_id,
        period=period,
        sender=sender,
        recipient=recipient,
        services=tuple(_service(month) for month in told),
        uses=tuple(each for of_app in uses.values() for each in of_app),
        songs=songs,
    )
    files = write_report(report, blocks_a_file=blocks_a_file)
    _record_message(centre, report, author)
    for file in files:
        _write(folder, file)
    return SalesReport(
        message_id=report.message_id,
        files=[str(folder / file.name) for file in files],
        blocks=sum(file.blocks for file in files),
        open_apps=[month.app.app_id for month in told if not month.is_closed],
    )


def _record_message(centre: Centre, report: Report, author: Author) -> None:
    at_ms = centre.now_ms()

    def job(transaction: Transaction) -> None:
        transaction.sales_reports.add(
            report.message_id, vendor_id=report.vendor_id, period=report.period, at_ms=report.created_at_ms
        )
        detail: dict[str, Any] = {"message_id": report.message_id, "period": str(report.period)}
        transaction.audit(author.entry("report.dsr", f"vendor {report.vendor_id}", at_ms=at_ms, **detail))

    centre.work.run(job)


def _free_second_ms(at_ms: int, folder: Path) -> int:
    """The first second from then on of which the folder has no file: names tell the second, and none is overwritten."""
    while any(folder.glob(f"DSR_*_{file_stamp(at_ms)}.tsv")):
        at_ms += 1_000
    return at_ms


def _write(folder: Path, file: ReportFile) -> None:
    """The file whole or not at all, under a name that nobody has taken."""
    target = folder / file.name
    unfinished = folder / f".{file.name}.part"
    target.touch(exist_ok=False)
    try:
        with unfinished.open("x", encoding="utf-8", newline="") as opened:
            opened.writelines(f"{line}\n" for line in file.lines)
        unfinished.rename(target)
    except OSError:
        unfinished.unlink(missing_ok=True)
        target.unlink()
        raise


def _service(month: _Month) -> Service:
    app = month.app
    return Service(app_id=app.app_id, name=app.name, territory=app.home_territory, currency=month.plan.currency)


# Rows.


def _row(line: Line) -> dict[str, Any]:
    selection, counts = line.selection, line.counts
    return {
        "key": selection.key,
        "period": str(selection.period),
        "app_id": selection.app_id,
        "vendor_id": selection.vendor_id,
        "entry": (selection.entry or PostingKind.CHARGE).value,
        "month": str(selection.of_period),
        "currency": selection.currency,
        **{name: getattr(counts, name) for name in Counts.__struct_fields__},
    }


def _usage_row(line: Line, titles: dict[SongId, str]) -> UsageRow:
    selection = line.selection
    song_id = selection.song_id
    return UsageRow(
        **_row(line),
        resource_type=selection.resource_type or 0,
        scene_id=selection.scene_id or 0,
        mode=selection.billing_mode or 0,
        song_id=None if song_id is None else str(song_id),
        title=None if song_id is None else titles.get(song_id, ""),
    )


def _invoice_row(line: Line) -> InvoiceRow:
    selection = line.selection
    price_id = None if selection.price_id == NO_PRICE else selection.price_id
    return InvoiceRow(
        **_row(line), mode=selection.billing_mode or 0, price_id=price_id, unit_minor=selection.unit_minor or 0
    )


def _trace_row(traced: TracedUse, titles: dict[SongId, str], keys: dict[str, str] | None = None) -> TraceRow:
    return TraceRow(
        entry=traced.entry,
        grant_id=traced.grant_id,
        charge_id=traced.charge_id,
        posting_id=traced.posting_id,
        song_id=str(traced.song_id),
        title=titles.get(traced.song_id, ""),
        rights_revision=traced.rights_revision,
        at=format_instant(traced.at_ms),
        amount_minor=traced.amount_minor,
        currency=traced.currency,
        reason=traced.reason,
        keys=keys or {},
    )


def _titles(centre: Centre, song_ids: Iterable[SongId]) -> dict[SongId, str]:
    return {song_id: song.title for song_id, song in centre.usage.songs(song_ids).items()}
