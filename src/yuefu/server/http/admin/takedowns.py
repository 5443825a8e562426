"""Takedowns on the admin API."""

import re
from typing import Any

import msgspec
from msgspec import UNSET

from yuefu.catalogue.identifier import BadIdentifier, parse_isrc, parse_iswc
from yuefu.catalogue.spelling import fold_name
from yuefu.ids import SongId, VendorId
from yuefu.rights.takedown import BadScope, Case, NewCase, NothingHit, Scope
from yuefu.server.http.admin.endpoint import (
    EVERYBODY,
    OPERATORS,
    PREFIX,
    AnyEndpoint,
    BadBody,
    Call,
    Endpoint,
    Nothing,
    NotThere,
)
from yuefu.server.http.admin.shapes import Cases, CaseShape, CaseUndone, NewTakedown, TakedownReport, instant_ms
from yuefu.server.takedowns import take_down, undo
from yuefu.units import format_instant

MISSING = "no such case"


def _take_down(call: Call[Nothing, NewTakedown]) -> TakedownReport:
    body = call.body
    said_ms = instant_ms(body.begins_at, "begins_at")
    from_ms = call.centre.now_ms() if said_ms is None else said_ms
    try:
        case = NewCase(scope=_read_scope(body), reason=body.reason, is_banned=body.is_banned, from_ms=from_ms)
        report = take_down(call.centre, case, call.author)
    except (BadScope, BadIdentifier) as error:
        raise BadBody(f"body: {error}") from None
    except NothingHit:
        said = "body: there is no such song; with is_banned it would also hold for songs that come later"
        raise BadBody(said) from None
    return TakedownReport(
        case=report.case_id,
        songs=list(map(str, report.songs)),
        unknown=list(map(str, report.unknown)),
        grants_revoked=report.grants_revoked,
        rooms_affected=report.rooms_affected,
        is_banned=case.is_banned,
        begins_at=format_instant(case.from_ms),
        reason=case.reason,
    )


def _list(call: Call[Nothing, Nothing]) -> Cases:
    return Cases(takedowns=[_to_shape(case) for case in call.centre.takedowns.cases()])


def _show(call: Call[Nothing, Nothing]) -> CaseShape:
    return _to_shape(call.centre.takedowns.case(_case_id(call)))


def _undo(call: Call[Nothing, Nothing]) -> CaseUndone:
    case_id = _case_id(call)
    return CaseUndone(case=case_id, songs=undo(call.centre, case_id, call.author))


def _case_id(call: Call[Any, Any]) -> int:
    text = call.path["case"]
    if not re.fullmatch("[1-9][0-9]{0,17}", text, re.ASCII):
        raise NotThere
    return int(text)


def _read_scope(body: NewTakedown) -> Scope:
    if body.singer is not UNSET and not body.singer.strip():
        raise BadBody("singer: is blank; say who is meant, or leave it out")
    return Scope(
        songs=() if body.songs is UNSET else tuple(dict.fromkeys(SongId(int(text)) for text in body.songs)),
        recording="" if body.recording is UNSET else parse_isrc(body.recording),
        work="" if body.work is UNSET else parse_iswc(body.work),
        singer="" if body.singer is UNSET else fold_name(body.singer.strip()),
        vendor_id=None if body.vendor_id is UNSET else VendorId(body.vendor_id),
    )


def _to_shape(case: Case) -> CaseShape:
    scope = msgspec.to_builtins(case.case.scope)
    if "songs" in scope:
        scope["songs"] = list(map(str, scope["songs"]))
    return CaseShape(
        case=case.case_id,
        scope=scope,
        songs=case.songs,
        blocked_songs=case.blocked_songs,
        is_banned=case.case.is_banned,
        begins_at=format_instant(case.case.from_ms),
        reason=case.case.reason,
        actor=case.actor,
        recorded_at=format_instant(case.recorded_at_ms),
        ended_at=None if case.ended_at_ms is None else format_instant(case.ended_at_ms),
    )


TAKEDOWNS: tuple[AnyEndpoint, ...] = (
    Endpoint(
        name="take_down",
        summary="Take songs down at once: when it is answered, nothing of them is served any more",
        method="POST",
        path=f"{PREFIX}/takedowns",
        roles=OPERATORS,
        handle=_take_down,
        query=Nothing,
        body=NewTakedown,
        result=TakedownReport,
        status=201,
    ),
    Endpoint(
        name="list_takedowns",
        summary="Every takedown, the latest first",
        method="GET",
        path=f"{PREFIX}/takedowns",
        roles=EVERYBODY,
        handle=_list,
        query=Nothing,
        body=Nothing,
        result=Cases,
    ),
    Endpoint(
        name="show_takedown",
        summary="One takedown",
        method="GET",
        path=f"{PREFIX}/takedowns/{{case}}",
        roles=EVERYBODY,
        handle=_show,
        query=Nothing,
        body=Nothing,
        result=CaseShape,
        missing=MISSING,
    ),
    Endpoint(
        name="undo_takedown",
        summary="Undo a takedown: what it took may be used again as deals allow",
        method="POST",
        path=f"{PREFIX}/takedowns/{{case}}/undo",
        roles=OPERATORS,
        handle=_undo,
        query=Nothing,
        body=Nothing,
        result=CaseUndone,
        missing=MISSING,
    ),
)
