"""The change feed as one app reads it: followed up to now, then page by page."""

import asyncio
from operator import methodcaller

from yuefu.access.app import App
from yuefu.rights.deal import SongRights
from yuefu.rights.feed import FeedPage, FeedRow
from yuefu.rights.purpose import Purpose, browsing
from yuefu.server.centre import Centre
from yuefu.units import format_instant
from yuefu.wire.changes import Change, Changes, render_cursor


async def follow_clock(centre: Centre) -> None:
    """Have the feed tell of every deal and takedown that has begun or ended by now. Costs a look where none has."""
    while centre.feed.is_behind(at_ms := centre.now_ms()):
        await asyncio.wrap_future(centre.work.submit(methodcaller("follow_clock", at_ms)))


def changes_for(centre: Centre, app: App, *, territory: str, after: int, at_most: int) -> tuple[Changes, int]:
    """What changed for an app after a place in the feed, and the place up to which that tells."""
    page = centre.feed.page(app.vendors, after=after, at_most=at_most)
    return _told(centre, page, territory), page.until


def _told(centre: Centre, page: FeedPage, territory: str) -> Changes:
    held = dict(centre.rights.rights_of(None, [row.song_id for row in page.rows]))
    purpose, at_ms = browsing(territory), centre.now_ms()
    return Changes(
        changes=[_change(centre, row, held.get(row.song_id), purpose, at_ms=at_ms) for row in page.rows],
        next=render_cursor(page.until),
        more=not page.is_last,
    )


def _change(centre: Centre, row: FeedRow, rights: SongRights | None, purpose: Purpose, *, at_ms: int) -> Change:
    """A row with the rights of now, which may be later than the row: then the song comes again."""
    decision = None if rights is None else centre.decide(row.song_id, rights, purpose, at_ms=at_ms)
    return Change(
        song_id=str(row.song_id),
        vendor_id=row.vendor_id,
        kind=row.kind.value,
        at=format_instant(row.at_ms),
        right=int(decision is not None and decision.any_right),
        song_lyric=int(decision is not None and decision.sing.allowed),
        recording=int(decision is not None and decision.play.allowed),
        channel=0 if decision is None else decision.channel,
        rights_revision=row.revision if rights is None else rights.revision,
    )
