"""Grants and their charges in SQLite: one transaction, or nothing."""

import apsw

from yuefu.ids import SongId
from yuefu.rights.grant import HeldGrant, Need, NewGrant
from yuefu.storage.sqlite.database import Database, fetch

_GRANT = """
INSERT INTO grants (session_id, app_id, user_id, room_id, song_id, vendor_id, resource_type, scene_id,
                    billing_mode, rights_revision, granted_at_ms, expires_at_ms)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING grant_id
"""
_CHARGE = "INSERT INTO charges (grant_id, app_id, vendor_id, billing_mode, charged_at_ms) VALUES (?, ?, ?, ?, ?)"
_HOLD = """
INSERT INTO granted_resources (session_id, resource_id, grant_id, song_id, need, expires_at_ms)
VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (session_id, resource_id) DO UPDATE
SET grant_id = excluded.grant_id, need = excluded.need, expires_at_ms = excluded.expires_at_ms
"""
_HELD = """
SELECT song_id, need, min(granted_resources.expires_at_ms, sessions.expires_at_ms)
FROM granted_resources JOIN sessions USING (session_id) WHERE session_id = ? AND resource_id = ?
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
        if not rows:
            return None
        song_id, need, expires_at_ms = rows[0]
        return HeldGrant(song_id=SongId(song_id), need=Need(need), expires_at_ms=expires_at_ms)


def issue_grant(connection: apsw.Connection, grant: NewGrant) -> int:
    """Write a grant, its charge and what its session may now download, inside the caller's transaction.

    Returns the grant's id.
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
        grant.granted_at_ms,
        grant.expires_at_ms,
    )
    grant_id = int(fetch(connection, _GRANT, row)[0][0])
    connection.execute(_CHARGE, (grant_id, grant.app_id, grant.vendor_id, grant.billing_mode, grant.granted_at_ms))
    for resource in grant.resources:
        held = (resource.resource_id, grant_id, grant.song_id, resource.need.value, grant.expires_at_ms)
        connection.execute(_HOLD, (grant.session_id, *held))
    return grant_id
