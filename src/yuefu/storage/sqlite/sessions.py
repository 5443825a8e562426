"""Client sessions in SQLite."""

import apsw
import msgspec

from yuefu.access.session import NewSession, Session
from yuefu.ids import AppId, RoomId, UserId
from yuefu.storage.sqlite.database import Database, fetch, json_text
from yuefu.storage.sqlite.rooms import join_rooms, leave_rooms

_SESSION = "SELECT session_id, app_id, user_id, rooms, territory, expires_at_ms FROM sessions WHERE token_hash = ?"
_OPEN = """
INSERT INTO sessions (token_hash, app_id, user_id, user_name, rooms, territory, started_at_ms, expires_at_ms)
VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING session_id
"""
_END = "UPDATE sessions SET expires_at_ms = min(expires_at_ms, ?) WHERE session_id = ?"


class SqliteSessions:
    """Looks sessions up on the caller's thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def session(self, token_hash: bytes) -> Session | None:
        """The session, ended or not; None when there is none."""
        rows = fetch(self._database.reader, _SESSION, (token_hash,))
        if not rows:
            return None
        session_id, app_id, user_id, rooms, territory, expires_at_ms = rows[0]
        return Session(
            session_id=session_id,
            app_id=AppId(app_id),
            user_id=UserId(user_id),
            rooms=None if rooms is None else tuple(RoomId(room) for room in msgspec.json.decode(rooms, type=list[str])),
            territory=territory,
            expires_at_ms=expires_at_ms,
        )


def open_session(connection: apsw.Connection, session: NewSession) -> None:
    """Begin a session, in the rooms it says it is in, inside the caller's transaction."""
    row = (
        session.token_hash,
        session.app_id,
        session.user_id,
        session.user_name,
        None if session.rooms is None else json_text(session.rooms),
        session.territory,
        session.started_at_ms,
        session.expires_at_ms,
    )
    session_id = int(fetch(connection, _OPEN, row)[0][0])
    join_rooms(connection, session_id, session.joined_rooms)


def end_session(connection: apsw.Connection, session_id: int, *, at_ms: int) -> None:
    """End a session at `at_ms` and take it out of its rooms, inside the caller's transaction."""
    connection.execute(_END, (at_ms, session_id))
    leave_rooms(connection, session_id)
