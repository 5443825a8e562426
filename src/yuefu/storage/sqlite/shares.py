"""What rooms share, in SQLite: the payer's grant under its key, and the free grants that came of it.

That nobody fetches twice is the table's own rule (`grants_once_a_share`), so it holds between transactions, threads and
processes alike.
"""

from typing import Any

import apsw

from yuefu.ids import AppId, RoomId, SongId, UserId, VendorId
from yuefu.rights.grant import NewGrant
from yuefu.rooms.sharing import Share, ShareKey, ShareUsedUp
from yuefu.storage.sqlite.database import Database, fetch
from yuefu.storage.sqlite.grants import write_grant

_OPEN = """
INSERT INTO shares (app_id, room_id, vendor_id, song_id, resource_type, grant_id) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (app_id, room_id, vendor_id, song_id, resource_type) DO UPDATE SET grant_id = excluded.grant_id
"""
_FIELDS = """
SELECT grants.app_id, grants.room_id, grants.vendor_id, grants.song_id, grants.resource_type, grant_id, user_id,
       scene_id, billing_mode, expires_at_ms
"""
_SHARE = (
    _FIELDS
    + """
FROM shares JOIN grants USING (grant_id)
WHERE shares.app_id = ? AND shares.room_id = ? AND shares.vendor_id = ? AND shares.song_id = ?
AND shares.resource_type = ?
"""
)
_PAID = _FIELDS + " FROM grants WHERE grant_id = ? AND shared_from IS NULL"
_FETCHED = "SELECT 1 FROM grants WHERE shared_from = ? AND user_id = ? AND user_id <> ''"


class SqliteShares:
    """Looks shares up on the caller's thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def share(self, key: ShareKey) -> Share | None:
        """What is shared under a key, lapsed or not; None where nobody ever shared it."""
        rows = fetch(self._database.reader, _SHARE, _columns(key))
        return _to_share(rows[0]) if rows else None

    def share_of(self, grant_id: int) -> Share | None:
        """The share that a paid grant is, lapsed or not; None when there is no such grant."""
        rows = fetch(self._database.reader, _PAID, (grant_id,))
        return _to_share(rows[0]) if rows else None

    def has_fetched(self, grant_id: int, user_id: UserId) -> bool:
        """Whether a user has fetched the share of a paid grant."""
        return bool(fetch(self._database.reader, _FETCHED, (grant_id, user_id)))


class SqliteShareDesk:
    """Where one transaction writes shares."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    def open(self, grant_id: int, grant: NewGrant) -> None:
        """Share a paid grant with its room, in place of what was shared there before; without a room nothing is."""
        if grant.room_id:
            key = ShareKey(
                app_id=grant.app_id,
                room_id=grant.room_id,
                vendor_id=grant.vendor_id,
                song_id=grant.song_id,
                resource_type=grant.resource_type,
            )
            self._connection.execute(_OPEN, (*_columns(key), grant_id))

    def fetch(self, share: Share, grant: NewGrant) -> int:
        """Write the free grant of somebody who fetches a share; its id. Raises `ShareUsedUp`: they have before."""
        try:
            return write_grant(self._connection, grant, shared_from=share.grant_id)
        except apsw.ConstraintError:
            if fetch(self._connection, _FETCHED, (share.grant_id, grant.user_id)):
                raise ShareUsedUp from None
            raise


def _columns(key: ShareKey) -> tuple[Any, ...]:
    return key.app_id, key.room_id, key.vendor_id, key.song_id, key.resource_type


def _to_share(row: tuple[Any, ...]) -> Share:
    app_id, room_id, vendor_id, song_id, resource_type, grant_id, user_id, scene_id, billing_mode, expires_at_ms = row
    return Share(
        key=ShareKey(
            app_id=AppId(app_id),
            room_id=RoomId(room_id),
            vendor_id=VendorId(vendor_id),
            song_id=SongId(song_id),
            resource_type=resource_type,
        ),
        grant_id=grant_id,
        payer=UserId(user_id),
        scene_id=scene_id,
        billing_mode=billing_mode,
        expires_at_ms=expires_at_ms,
    )
