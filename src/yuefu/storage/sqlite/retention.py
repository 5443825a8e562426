"""Pruning in SQLite: sessions that ended go with all they held, and old grants and plays no longer say whose they were.

What is deleted is found by an index. Grants and plays are never deleted: they are gone through in the order of their
ids, which is that of time, and `sweeps` says how far. So a step costs the same however much there is.
"""

import apsw

from yuefu.access.retention import Limits, Pruned
from yuefu.storage.sqlite.database import Database, fetch

_ENDED = "SELECT session_id FROM sessions WHERE expires_at_ms <= ? ORDER BY expires_at_ms LIMIT ?"
_END_SESSION = "DELETE FROM sessions WHERE session_id = ?"
_OF_A_SESSION = {
    "kept_answers": """
DELETE FROM kept_answers WHERE (session_id, idempotency_key) IN
    (SELECT session_id, idempotency_key FROM kept_answers WHERE session_id = ? LIMIT ?) RETURNING 1
""",
    "held_resources": """
DELETE FROM granted_resources WHERE (session_id, resource_id) IN
    (SELECT session_id, resource_id FROM granted_resources WHERE session_id = ? LIMIT ?) RETURNING 1
""",
    "room_members": """
DELETE FROM room_members WHERE (session_id, room_id) IN
    (SELECT session_id, room_id FROM room_members WHERE session_id = ? LIMIT ?) RETURNING 1
""",
}
_END_MEMBERS = """
DELETE FROM members WHERE (app_id, user_id, vendor_id) IN
    (SELECT app_id, user_id, vendor_id FROM members WHERE until_ms <= ? LIMIT ?) RETURNING 1
"""
_END_EVENTS = """
DELETE FROM webhook_events WHERE webhook_id IN
    (SELECT webhook_id FROM webhooks WHERE tells = 'usage' AND failing_since_ms <= ? LIMIT ?) RETURNING 1
"""
_GRANTS_AFTER = "SELECT grant_id, granted_at_ms FROM grants WHERE grant_id > ? ORDER BY grant_id LIMIT ?"
_PLAYS_AFTER = "SELECT play_id, reported_at_ms FROM plays WHERE play_id > ? ORDER BY play_id LIMIT ?"
_END_SHARES = """
DELETE FROM shares
WHERE (app_id, room_id, vendor_id, song_id, resource_type) IN
    (SELECT app_id, room_id, vendor_id, song_id, resource_type FROM grants WHERE grant_id > ?1 AND grant_id <= ?2)
AND grant_id > ?1 AND grant_id <= ?2 RETURNING 1
"""
_BLANK_GRANTS = """
UPDATE grants SET session_id = NULL, user_id = '', room_id = ''
WHERE grant_id > ? AND grant_id <= ? AND user_id <> '' RETURNING 1
"""
_BLANK_PLAYS = """
UPDATE plays SET user_id = '', name = '', room_id = '' WHERE play_id > ? AND play_id <= ? AND user_id <> '' RETURNING 1
"""
_DONE_UNTIL = "SELECT done_until FROM sweeps WHERE sweep = ?"
_DO_UNTIL = """
INSERT INTO sweeps VALUES (?, ?) ON CONFLICT (sweep) DO UPDATE SET done_until = excluded.done_until
"""
_COUNTS = {
    "sessions": "SELECT count(*) FROM sessions WHERE expires_at_ms <= ?1",
    "held_resources": "SELECT count(*) FROM granted_resources JOIN sessions USING (session_id)"
    " WHERE sessions.expires_at_ms <= ?1",
    "kept_answers": "SELECT count(*) FROM kept_answers JOIN sessions USING (session_id) WHERE expires_at_ms <= ?1",
    "room_members": "SELECT count(*) FROM room_members JOIN sessions USING (session_id) WHERE expires_at_ms <= ?1",
    "shares": "SELECT count(*) FROM shares JOIN grants USING (grant_id) WHERE granted_at_ms <= ?1",
    "members": "SELECT count(*) FROM members WHERE until_ms <= ?2",
    "users_of_grants": "SELECT count(*) FROM grants WHERE granted_at_ms <= ?2 AND user_id <> ''",
    "users_of_plays": "SELECT count(*) FROM plays WHERE reported_at_ms <= ?2 AND user_id <> ''",
    "events": "SELECT count(*) FROM webhook_events JOIN webhooks USING (webhook_id)"
    " WHERE tells = 'usage' AND failing_since_ms <= ?2",
}


class SqliteRetention:
    """Counts on the caller's thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def prunable(self, limits: Limits) -> Pruned:
        """How many of each would go, were all of it pruned."""
        bindings = (limits.sessions_ms, limits.users_ms)
        sums = ", ".join(f"({count})" for count in _COUNTS.values())
        counts = fetch(self._database.reader, f"SELECT {sums}", bindings)[0]
        return Pruned(**dict(zip(_COUNTS, counts, strict=True)))


class SqliteRetentionDesk:
    """Where one transaction prunes."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    def prune(self, limits: Limits, *, at_most: int) -> tuple[Pruned, bool]:
        """Look at no more than so many rows of what may go, and let those go that are due.

        What went, and whether there may be more.
        """
        batch = _Batch(self._connection, at_most)
        batch.end_sessions(limits.sessions_ms)
        batch.end_members(limits.users_ms)
        batch.walk("shares", _GRANTS_AFTER, _END_SHARES, until_ms=limits.sessions_ms)
        batch.walk("users_of_grants", _GRANTS_AFTER, _BLANK_GRANTS, until_ms=limits.users_ms)
        batch.walk("users_of_plays", _PLAYS_AFTER, _BLANK_PLAYS, until_ms=limits.users_ms)
        batch.end_events(limits.users_ms)
        return Pruned(**batch.counts), not batch.left


class _Batch:
    """What one transaction prunes. `left` is how many rows more it may look at."""

    def __init__(self, connection: apsw.Connection, at_most: int) -> None:
        self._connection = connection
        self.left = at_most
        self.counts = dict.fromkeys(Pruned.__struct_fields__, 0)

    def end_sessions(self, until_ms: int) -> None:
        """A session goes last: what it held may be more than one batch."""
        for (session_id,) in fetch(self._connection, _ENDED, (until_ms, self.left)):
            for kind, statement in _OF_A_SESSION.items():
                self._end(kind, statement, session_id)
            if self.left:
                self._connection.execute(_END_SESSION, (session_id,))
                self.counts["sessions"] += 1
                self.left -= 1

    def end_members(self, until_ms: int) -> None:
        self._end("members", _END_MEMBERS, until_ms)

    def end_events(self, until_ms: int) -> None:
        """What could not be delivered for so long is made anew, of what is left, should its webhook ever be enabled."""
        self._end("events", _END_EVENTS, until_ms)

    def walk(self, kind: str, after: str, change: str, *, until_ms: int) -> None:
        """Go on from where the last batch came to, up to the last row as old as that.

        A row before it is older, whatever a clock that was wrong for a while has written into it.
        """
        rows = fetch(self._connection, _DONE_UNTIL, (kind,))
        begin = rows[0][0] if rows else 0
        due = [row_id for row_id, at_ms in fetch(self._connection, after, (begin, self.left)) if at_ms <= until_ms]
        if due:
            self.counts[kind] += len(fetch(self._connection, change, (begin, due[-1])))
            self._connection.execute(_DO_UNTIL, (kind, due[-1]))
            self.left -= len(due)

    def _end(self, kind: str, statement: str, key: int) -> None:
        went = len(fetch(self._connection, statement, (key, self.left)))
        self.counts[kind] += went
        self.left -= went
