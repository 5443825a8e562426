"""Reports and splits on the admin API."""

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from yuefu.ids import AppId, SongId, VendorId
from yuefu.rights.plan import BadPeriod, Period, month_of
from yuefu.rights.split import BadSplit, Portion, Split, parse_share
from yuefu.rights.usage import BadKey, Selection, UnknownGrant
from yuefu.server.http.admin.endpoint import (
    AUDITORS,
    OPERATORS,
    PREFIX,
    AnyEndpoint,
    BadBody,
    Call,
    Endpoint,
    Nothing,
    NotThere,
)
from yuefu.server.http.admin.shapes import (
    NewSplit,
    ReportQuery,
    Splits,
    SplitsQuery,
    TraceQuery,
    UsageQuery,
)
from yuefu.server.reports import (
    GrantTrace,
    InvoiceReport,
    ReportScope,
    ShownSplit,
    StatementReport,
    Trace,
    UsageReport,
    invoice_report,
    set_split,
    shown_split,
    statement_report,
    trace,
    trace_grant,
    usage_report,
)

T = TypeVar("T")


def _usage(call: Call[UsageQuery, Nothing]) -> UsageReport:
    return usage_report(call.centre, _scope(call.query), by_song=call.query.by == "song")


def _statement(call: Call[ReportQuery, Nothing]) -> StatementReport:
    return statement_report(call.centre, _scope(call.query))


def _invoice(call: Call[ReportQuery, Nothing]) -> InvoiceReport:
    return invoice_report(call.centre, _scope(call.query))


def _trace(call: Call[TraceQuery, Nothing]) -> Trace:
    selection = _read("key", Selection.parse, call.query.key)
    return trace(call.centre, selection, at_most=call.query.limit)


def _trace_grant(call: Call[Nothing, Nothing]) -> GrantTrace:
    text = call.path["grant_id"]
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise NotThere
    try:
        return trace_grant(call.centre, int(text))
    except UnknownGrant:
        raise NotThere from None


def _scope(query: ReportQuery) -> ReportScope:
    return ReportScope(
        period=None if query.period is None else _read("period", Period.parse, query.period),
        vendor_id=None if query.vendor is None else VendorId(query.vendor),
        app_id=None if query.app is None else AppId(query.app),
    )


def _list_splits(call: Call[SplitsQuery, Nothing]) -> Splits:
    vendor_id = None if call.query.vendor is None else VendorId(call.query.vendor)
    return Splits(splits=[shown_split(each) for each in call.centre.splits.splits(vendor_id)])


def _set_split(call: Call[Nothing, NewSplit]) -> ShownSplit:
    body = call.body
    said = body.from_period
    from_period = month_of(call.centre.now_ms(), "UTC") if said is None else _read("from_period", Period.parse, said)
    try:
        asked = Split(
            vendor_id=VendorId(body.vendor),
            song_id=None if body.song_id is None else SongId(int(body.song_id)),
            from_period=from_period,
            portions=tuple(
                Portion(chain=each.chain, holder=each.holder, share_ppm=parse_share(each.percent))
                for each in body.shares
            ),
        )
    except BadSplit as error:
        raise BadBody(f"shares: {error}") from None
    return set_split(call.centre, asked, call.author)


def _read(name: str, parse: Callable[[str], T], text: str) -> T:
    try:
        return parse(text)
    except (BadPeriod, BadKey) as error:
        raise BadBody(f"{name}: {error}") from None


def _report(
    name: str, summary: str, handle: Any, query: type[msgspec.Struct], result: type[msgspec.Struct]
) -> AnyEndpoint:
    return Endpoint(
        name=f"report_{name}",
        summary=summary,
        method="GET",
        path=f"{PREFIX}/reports/{name}",
        roles=AUDITORS,
        handle=handle,
        query=query,
        body=Nothing,
        result=result,
    )


REPORTS: tuple[AnyEndpoint, ...] = (
    _report("usage", "What was used in a month, and what it came to", _usage, UsageQuery, UsageReport),
    _report(
        "statement", "Who gets what of a month, by vendor and rights holder", _statement, ReportQuery, StatementReport
    ),
    _report(
        "invoice", "What apps owe for a month, by price; the sums are the books'", _invoice, ReportQuery, InvoiceReport
    ),
    _report("trace", "Every charge, share and play behind a line of a report", _trace, TraceQuery, Trace),
    Endpoint(
        name="trace_grant",
        summary="What reports tell of a grant, and in which lines",
        method="GET",
        path=f"{PREFIX}/reports/grants/{{grant_id}}",
        roles=AUDITORS,
        handle=_trace_grant,
        query=Nothing,
        body=Nothing,
        result=GrantTrace,
        missing="no such grant in any report",
    ),
    Endpoint(
        name="list_splits",
        summary="Who gets what of what is owed for vendors' songs, in the order it was written",
        method="GET",
        path=f"{PREFIX}/splits",
        roles=AUDITORS,
        handle=_list_splits,
        query=SplitsQuery,
        body=Nothing,
        result=Splits,
    ),
    Endpoint(
        name="set_split",
        summary="Say who gets what, from a month on; closed months keep what they were told",
        method="POST",
        path=f"{PREFIX}/splits",
        roles=OPERATORS,
        handle=_set_split,
        query=Nothing,
        body=NewSplit,
        result=ShownSplit,
        status=201,
    ),
)
