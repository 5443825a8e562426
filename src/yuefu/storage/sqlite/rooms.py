"""Which sessions are in which rooms, in SQLite."""

from collections.abc import Iterable

import apsw

from yuefu.access.session import SessionUnknown
from yuefu.ids import RoomId
from yuefu.storage.sqlite.database import Database, fetch

_JOINED = "SELECT room_id FROM room_members WHERE session_id = ? ORDER BY room_id"
_JOIN = "INSERT INTO room_members (session_id, room_id) VALUES (?, ?) ON CONFLICT DO NOTHING"
_LEAVE = "DELETE FROM room_members WHERE session_id = ? AND room_id = ?"
_LEAVE_ALL = "DELETE FROM room_members WHERE session_id = ?"


class SqliteRooms:
    """Looks memberships up on the caller's thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def joined(self, session_id: int) -> tuple[RoomId, ...]:
        """The rooms a session is in, by name; none once it has ended."""
        return _joined(self._database.reader, session_id)


class SqliteRoomDesk:
    """Where one transaction writes memberships."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    def joined(self, session_id: int) -> tuple[RoomId, ...]:
        """The rooms a session is in, by name."""
        return _joined(self._connection, session_id)

    def join(self, session_id: int, room_id: RoomId) -> None:
        """Put a session into a room; nothing is done twice."""
        join_rooms(self._connection, session_id, [room_id])

    def leave(self, session_id: int, room_id: RoomId) -> None:
        """Take a session out of a room, if it is in it."""
        self._connection.execute(_LEAVE, (session_id, room_id))


def join_rooms(connection: apsw.Connection, session_id: int, room_ids: Iterable[RoomId]) -> None:
    """Put a session into rooms, inside the caller's transaction. Raises `SessionUnknown`."""
    try:
        connection.executemany(_JOIN, ((session_id, room_id) for room_id in room_ids))
    except apsw.ConstraintError:
        raise SessionUnknown from None


def leave_rooms(connection: apsw.Connection, session_id: int) -> None:
    """Take a session out of all its rooms, inside the caller's transaction."""
    connection.execute(_LEAVE_ALL, (session_id,))


def _joined(connection: apsw.Connection, session_id: int) -> tuple[RoomId, ...]:
    return tuple(RoomId(room_id) for (room_id,) in fetch(connection, _JOINED, (session_id,)))
