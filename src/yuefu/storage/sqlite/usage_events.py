"""Usage to tell of, in SQLite: grants beside their charges, in the order in which they were written.

The tables themselves are the outbox: a grant and its charge are there as soon as their transaction is, and nothing more
is written for their sake.
"""

from itertools import takewhile
from typing import Any

from yuefu.ids import AppId, RoomId, SongId, UserId, VendorId
from yuefu.rights.ledger import PostingKind
from yuefu.rights.usage_event import UsageEvent, UsageKind, UsagePlace
from yuefu.storage.sqlite.database import Database, fetch

MOST_LOOKED_AT = 5_000
"""Grants that one page goes through, also where most are other apps'."""

# The `+` keeps an engine from going through all that an app ever used, by an index of apps, to find its latest.
_GRANTED = """
SELECT grants.grant_id, shared_from, song_id, grants.vendor_id, user_id, room_id, resource_type, scene_id,
       grants.billing_mode, territory, rights_revision
"""
_STRETCH = "SELECT max(grant_id) FROM (SELECT grant_id FROM grants WHERE grant_id > ? ORDER BY grant_id LIMIT ?)"
_GRANTS = (
    _GRANTED
    + """
       , granted_at_ms, coalesce(amount_minor, 0), coalesce(currency, ''), coalesce(period, ''),
       coalesce(is_unpriced, 0)
FROM grants LEFT JOIN charges USING (grant_id)
WHERE grants.grant_id > ? AND grants.grant_id <= ? AND +grants.app_id = ? ORDER BY grants.grant_id LIMIT ?
"""
)
_LAST_TAKEN_BACK = "SELECT coalesce(max(posting_id), 0) FROM postings WHERE kind <> 'charge'"
_TAKEN_BACK = (
    _GRANTED
    + """
       , posted_at_ms, -postings.amount_minor, postings.currency, postings.period, 0, posting_id, kind, reason
FROM postings JOIN charges USING (charge_id) JOIN grants USING (grant_id)
WHERE posting_id > ? AND posting_id <= ? AND kind <> 'charge' AND +postings.app_id = ? ORDER BY posting_id LIMIT ?
"""
)
_LAST_GRANT = "SELECT coalesce(max(grant_id), 0) FROM grants"
_KINDS = {PostingKind.REVERSAL: UsageKind.REVERSED, PostingKind.ADJUSTMENT: UsageKind.ADJUSTED}


class SqliteUsageFeed:
    """Reads on the caller's thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(self, app_id: AppId, after: UsagePlace, *, at_most: int) -> tuple[list[UsageEvent], UsagePlace]:
        """What became of an app's uses after a place, each use before what was done about it, and how far that tells.

        There may be more after a page that is empty.
        """
        grants, grant_id = self._granted(app_id, after.grant_id, at_most)
        taken_back, posting_id = self._taken_back(app_id, after.posting_id, at_most - len(grants), told=grant_id)
        return [*grants, *taken_back], UsagePlace(grant_id, posting_id)

    def latest(self) -> UsagePlace:
        """The place after everything there is."""
        reader = self._database.reader
        return UsagePlace(fetch(reader, _LAST_GRANT)[0][0], fetch(reader, _LAST_TAKEN_BACK)[0][0])

    def _granted(self, app_id: AppId, after: int, at_most: int) -> tuple[list[UsageEvent], int]:
        reader = self._database.reader
        until = fetch(reader, _STRETCH, (after, MOST_LOOKED_AT))[0][0]
        if until is None:
            return [], after
        events = [_to_event(*row) for row in fetch(reader, _GRANTS, (after, until, app_id, at_most))]
        return events, events[-1].grant_id if len(events) == at_most else until

    def _taken_back(self, app_id: AppId, after: int, at_most: int, *, told: int) -> tuple[list[UsageEvent], int]:
        """What was taken back of the grants up to `told`: a charge is told of before its reversal."""
        reader = self._database.reader
        last = fetch(reader, _LAST_TAKEN_BACK)[0][0]
        if last <= after:
            return [], after
        events = [_to_event(*row) for row in fetch(reader, _TAKEN_BACK, (after, last, app_id, at_most))]
        ready = list(takewhile(lambda event: event.grant_id <= told, events))
        if len(ready) == at_most or len(ready) < len(events):
            return ready, max((event.posting_id or after for event in ready), default=after)
        return ready, last


def _to_event(*row: Any) -> UsageEvent:
    grant_id, shared_from, song_id, vendor_id, user_id, room_id, resource_type, scene_id, mode, *rest = row
    territory, revision, at_ms, amount_minor, currency, period, is_unpriced, *posting = rest
    posting_id, kind, reason = posting or (None, None, "")
    granted_as = UsageKind.CHARGED if shared_from is None else UsageKind.SHARED
    return UsageEvent(
        kind=granted_as if kind is None else _KINDS[PostingKind(kind)],
        at_ms=at_ms,
        grant_id=grant_id,
        posting_id=posting_id,
        paid_grant_id=shared_from,
        song_id=SongId(song_id),
        vendor_id=VendorId(vendor_id),
        user_id=UserId(user_id),
        room_id=RoomId(room_id),
        resource_type=resource_type,
        scene_id=scene_id,
        billing_mode=mode,
        territory=territory,
        rights_revision=revision,
        amount_minor=amount_minor,
        currency=currency,
        period=period,
        is_unpriced=bool(is_unpriced),
        reason=reason,
    )
