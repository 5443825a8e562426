"""The audit on the admin API."""

from itertools import islice

from yuefu.server.http.admin.endpoint import AUDITORS, PREFIX, AnyEndpoint, Call, Endpoint, Nothing
from yuefu.server.http.admin.shapes import AuditEntryShape, AuditPage, AuditQuery, instant_ms


def _list(call: Call[AuditQuery, Nothing]) -> AuditPage:
    query = call.query
    entries = call.centre.audit.entries(
        query.after, subject=query.subject, actor=query.actor, since_ms=instant_ms(query.since, "since")
    )
    found = list(islice(entries, query.limit + 1))
    shown = [AuditEntryShape(**written.told()) for written in found[: query.limit]]
    return AuditPage(entries=shown, next_after=shown[-1].entry_id if len(found) > query.limit else None)


TRAIL: tuple[AnyEndpoint, ...] = (
    Endpoint(
        name="list_audit",
        summary="Who changed what, in order; finance and operators may see it",
        method="GET",
        path=f"{PREFIX}/audit",
        roles=AUDITORS,
        handle=_list,
        query=AuditQuery,
        body=Nothing,
        result=AuditPage,
    ),
)
