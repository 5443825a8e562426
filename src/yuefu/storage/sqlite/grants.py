"""Grants in SQLite, and what sessions may download by them."""

from typing import Any

import apsw

from yuefu.access.session import SessionUnknown
from yuefu.ids import SongId
from yuefu.rights.grant import HeldGrant, Need, NewGrant, RunningGrant
from yuefu.storage.sqlite.database import Database, fetch

_GRANT = """
INSERT INTO grants (session_id, app_id, user_id, room_id, song_id, vendor_id, resource_type, scene_id,
                    billing_mode, rights_revision, territory, need, granted_at_ms, expires_at_ms, shared_from)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING grant_id
"""
_HOLD = """
INSERT INTO granted_resources (session_id, resource_id, grant_id, song_id, need, expires_at_ms)
VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (session_id, resource_id) DO UPDATE
SET grant_id = excluded.grant_id, need = excluded.need, expires_at_ms = excluded.expires_at_ms
"""
_HOLD_LONGER = _HOLD + "WHERE excluded.expires_at_ms > granted_resources.expires_at_ms"
_HELD = """
SELECT held.song_id, held.need, min(held.expires_at_ms, sessions.expires_at_ms), resource_type,
       scene_id, billing_mode, grants.territory
FROM granted_resources AS held JOIN sessions USING (session_id) JOIN grants USING (grant_id)
WHERE held.session_id = ? AND resource_id = ?
"""
_HOLD_AGAIN = """
INSERT INTO granted_resources (session_id, resource_id, grant_id, song_id, need, expires_at_ms)
VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (session_id, resource_id) DO UPDATE
SET grant_id = excluded.grant_id, need = excluded.need, expires_at_ms = max(expires_at_ms, excluded.expires_at_ms)
"""
# Not by what the session holds, which is the latest grant of each resource only: types, rooms and scenes share them.
# The `+` keeps an engine from going through all that a song was granted.
_RUNNING = """
SELECT grant_id, min(grants.expires_at_ms, sessions.expires_at_ms)
FROM sessions JOIN grants USING (session_id)
WHERE session_id = ? AND grants.app_id = ? AND grants.user_id = ? AND granted_at_ms >= started_at_ms
  AND +song_id = ? AND need = ? AND vendor_id = ? AND resource_type = ? AND scene_id = ? AND billing_mode = ?
  AND room_id = ? AND shared_from IS NULL AND min(grants.expires_at_ms, sessions.expires_at_ms) > ?
ORDER BY grant_id DESC LIMIT 1
"""


class SqliteGrants:
    """Looks held grants up on the caller's thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def held(self, session_id: int, resource_id: str) -> HeldGrant | None:
        """The session's latest grant of that resource, run out or not; None when it never had one.

        It runs no longer than its session.
        """
        rows = fetch(self._database.reader, _HELD, (session_id, resource_id))
        return to_held(*rows[0]) if rows else None

    def running(self, grant: NewGrant, *, at_ms: int) -> RunningGrant | None:
        """The session's grant that was paid for, runs still at that instant and is for the same as this one."""
        return find_running(self._database.reader, grant, at_ms=at_ms)


def to_held(song_id: int, need: str, expires_at_ms: int, *granted_for: Any) -> HeldGrant:
    """A grant from its columns; the last are its type, scene, billing mode and territory."""
    resource_type, scene_id, billing_mode, territory = granted_for
    return HeldGrant(
        song_id=SongId(song_id),
        need=Need(need),
        expires_at_ms=expires_at_ms,
        resource_type=resource_type,
        scene_id=scene_id,
        billing_mode=billing_mode,
        territory=territory,
    )


def find_running(connection: apsw.Connection, grant: NewGrant, *, at_ms: int) -> RunningGrant | None:
    """The session's grant that was paid for, runs still at that instant and is for the same as this one."""
    whose = (grant.session_id, grant.app_id, grant.user_id)
    what = (grant.song_id, grant.resources[0].need.value, grant.vendor_id, grant.resource_type)
    rows = fetch(connection, _RUNNING, (*whose, *what, grant.scene_id, grant.billing_mode, grant.room_id, at_ms))
    return RunningGrant(grant_id=rows[0][0], expires_at_ms=rows[0][1]) if rows else None


def hold_again(connection: apsw.Connection, grant: NewGrant, grant_id: int) -> None:
    """Let the session hold the resources by a grant of before; what it holds for longer, it does."""
    _hold(connection, _HOLD_AGAIN, grant, grant_id)


def write_grant(connection: apsw.Connection, grant: NewGrant, *, shared_from: int | None = None) -> int:
    """Write a grant and what its session may now download, and no charge; the grant's id.

    `shared_from` is the grant that was paid for, where this one came free of it; it never shortens what the session
    holds already. Raises `apsw.ConstraintError` when its user has had a free one before, `SessionUnknown` when its
    session is gone: its user was forgotten meanwhile.
    """
    row = (
        grant.session_id,
        grant.app_id,
        grant.user_id,
        grant.room_id,
        grant.song_id,
        grant.vendor_id,
        grant.resource_type,
        grant.scene_id,
        grant.billing_mode,
        grant.rights_revision,
        grant.territory,
        grant.resources[0].need.value if grant.resources else "",
        grant.granted_at_ms,
        grant.expires_at_ms,
        shared_from,
    )
    grant_id = int(fetch(connection, _GRANT, row)[0][0])
    hold = _HOLD if shared_from is None else _HOLD_LONGER
    _hold(connection, hold, grant, grant_id)
    return grant_id


def _hold(connection: apsw.Connection, statement: str, grant: NewGrant, grant_id: int) -> None:
    try:
        for resource in grant.resources:
            held = (resource.resource_id, grant_id, grant.song_id, resource.need.value, grant.expires_at_ms)
            connection.execute(statement, (grant.session_id, *held))
    except apsw.ConstraintError:
        raise SessionUnknown from None
