"""The change feed follows the clock: what deals and takedowns say of an instant is told once that instant has come.

Sheets and sets of blocks list their boundaries, so that nothing but one look at an index is done while none has passed.
Once some have, the songs that hold them are gone through in slices, a transaction each; how far that has come is kept
in the same transactions, so that it is done once however many processes do it, and goes on where one was killed.
"""

import apsw

from yuefu.ids import SongId
from yuefu.rights.change import latest_change
from yuefu.storage.sqlite.database import fetch
from yuefu.storage.sqlite.rights import SqliteRightsDesk, to_rights
from yuefu.units import HOUR_MS

SLICE = 5_000
"""Songs looked at in one transaction: a request that writes waits for no more than that."""

_LAG_MS = HOUR_MS
"""A clock further behind is moved on though nothing has passed, so that boundaries that came in with songs after they
had passed are not looked at again and again.
"""

_CLOCK = "SELECT followed_until_ms, following_until_ms, done_song_id FROM feed_clock"
_START = "INSERT INTO feed_clock VALUES (0, NULL, 0)"
_SET = "UPDATE feed_clock SET followed_until_ms = ?, following_until_ms = ?, done_song_id = ?"
_PASSED = """
SELECT EXISTS (SELECT 1 FROM sheet_boundaries WHERE at_ms > ?1 AND at_ms <= ?2)
       OR EXISTS (SELECT 1 FROM block_boundaries WHERE at_ms > ?1 AND at_ms <= ?2)
"""
_SLICE_END = "SELECT max(song_id) FROM (SELECT song_id FROM song_rights WHERE song_id > ? ORDER BY song_id LIMIT ?)"
_HOLDERS = """
WITH passed (sheet_id) AS MATERIALIZED (SELECT sheet_id FROM sheet_boundaries WHERE at_ms > ?1 AND at_ms <= ?2),
     begun (block_set_id) AS MATERIALIZED (SELECT block_set_id FROM block_boundaries WHERE at_ms > ?1 AND at_ms <= ?2)
SELECT song_id, recording_sheet, work_sheet, block_set,
       coalesce((SELECT recorded_at_ms FROM rights_revisions
                 WHERE song_id = song_rights.song_id AND revision = song_rights.revision), 0)
FROM song_rights
WHERE song_id > ?3 AND song_id <= ?4 AND is_published
      AND (recording_sheet IN (SELECT sheet_id FROM passed) OR work_sheet IN (SELECT sheet_id FROM passed)
           OR block_set IN (SELECT block_set_id FROM begun))
ORDER BY song_id
"""

_Known = tuple[int | None, ...]


def is_behind(connection: apsw.Connection, at_ms: int) -> bool:
    """Whether there is anything to follow up to that instant."""
    clock = fetch(connection, _CLOCK)
    if not clock:
        return True
    followed_ms, following_ms, _ = clock[0]
    return following_ms is not None or at_ms - followed_ms > _LAG_MS or _has_passed(connection, followed_ms, at_ms)


def follow(connection: apsw.Connection, desk: SqliteRightsDesk, at_ms: int) -> bool:
    """Do one slice of what the clock brought up to that instant; whether there is more to do."""
    if not fetch(connection, _CLOCK):
        connection.execute(_START)
    followed_ms, following_ms, done = fetch(connection, _CLOCK)[0]
    if following_ms is None:
        if at_ms <= followed_ms:
            return False
        if not _has_passed(connection, followed_ms, at_ms):
            if at_ms - followed_ms > _LAG_MS:
                connection.execute(_SET, (at_ms, None, 0))
            return False
        following_ms = at_ms
    last = fetch(connection, _SLICE_END, (done, SLICE))[0][0]
    if last is None:
        connection.execute(_SET, (following_ms, None, 0))
        return is_behind(connection, at_ms)
    latest: dict[_Known, int | None] = {}  # what songs share is worked out once
    for song_id, *held, recorded_at_ms in fetch(connection, _HOLDERS, (followed_ms, following_ms, done, last)):
        known = (*held,)
        if known not in latest:
            rights = to_rights(connection, 0, *known)
            latest[known] = latest_change(rights, after_ms=followed_ms, until_ms=following_ms)
        changed_at_ms = latest[known]
        if changed_at_ms is not None and changed_at_ms > recorded_at_ms:  # else it was told when it was recorded
            desk.touch(SongId(song_id), at_ms=changed_at_ms)
    connection.execute(_SET, (followed_ms, following_ms, last))
    return True


def _has_passed(connection: apsw.Connection, after_ms: int, until_ms: int) -> bool:
    return bool(fetch(connection, _PASSED, (after_ms, until_ms))[0][0])
