"""Forgetting a user of an app, in SQLite: what only they need is deleted, what is counted stays without their id."""

from collections.abc import Iterator
from contextlib import contextmanager

import apsw

from yuefu.access.person import Traces
from yuefu.ids import AppId, UserId
from yuefu.rights.deal import CommercialModel
from yuefu.rights.purpose import MODELS
from yuefu.storage.sqlite.database import fetch

_PERSONAL_MODES = tuple(
    mode for mode, model in MODELS.items() if model in {CommercialModel.USER_MONTH, CommercialModel.HOST_MONTH}
)
_END_HELD = (
    """
DELETE FROM kept_answers WHERE session_id IN (SELECT session_id FROM sessions WHERE app_id = ? AND user_id = ?)
""",
    """
DELETE FROM granted_resources WHERE session_id IN (SELECT session_id FROM sessions WHERE app_id = ? AND user_id = ?)
""",
)
_END_SESSIONS = "DELETE FROM sessions WHERE app_id = ? AND user_id = ? RETURNING 1"
_END_MEMBERS = "DELETE FROM members WHERE app_id = ? AND user_id = ? RETURNING 1"
_END_SHARES = """
DELETE FROM shares
WHERE (app_id, room_id, vendor_id, song_id, resource_type) IN
    (SELECT app_id, room_id, vendor_id, song_id, resource_type FROM grants WHERE app_id = ?1 AND user_id = ?2)
AND grant_id IN (SELECT grant_id FROM grants WHERE app_id = ?1 AND user_id = ?2) RETURNING 1
"""
_BLANK_PLAYS = """
UPDATE plays SET user_id = '', name = '', room_id = ''
WHERE app_id = ?1 AND user_id = ?2 AND user_id <> '' RETURNING 1
"""
_BLANK_GRANTS = """
UPDATE grants SET session_id = NULL, user_id = '', room_id = '', expires_at_ms = min(expires_at_ms, ?3)
WHERE app_id = ?1 AND user_id = ?2 RETURNING 1
"""
_RENAME_MONTHS = """
UPDATE charges SET subject = ?3
WHERE app_id = ?1 AND subject = ?2 AND subject <> '' AND billing_mode = ?4 RETURNING 1
"""
_END_EVENTS = """
DELETE FROM webhook_events
WHERE webhook_id IN (SELECT webhook_id FROM webhooks WHERE app_id = ? AND tells = 'usage') RETURNING 1
"""


class SqlitePersonDesk:
    """Where one transaction forgets."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    def forget(self, app_id: AppId, user_id: UserId, *, alias: str, at_ms: int) -> Traces:
        """Erase a user's id from every record of an app's; what named it. The file keeps no copy of what was there."""
        who = (app_id, user_id)
        with _overwriting(self._connection):
            for statement in _END_HELD:
                fetch(self._connection, statement, who)
            shares = self._count(_END_SHARES, *who)  # found by the grants
            grants = self._count(_BLANK_GRANTS, *who, at_ms)
            charges = sum(self._count(_RENAME_MONTHS, *who, alias, mode) for mode in _PERSONAL_MODES)
            return Traces(
                sessions=self._count(_END_SESSIONS, *who),
                members=self._count(_END_MEMBERS, *who),
                shares=shares,
                grants=grants,
                plays=self._count(_BLANK_PLAYS, *who),
                charges=charges,
                events=self._count(_END_EVENTS, app_id) if grants or charges else 0,
            )

    def _count(self, statement: str, *bindings: object) -> int:
        return len(fetch(self._connection, statement, bindings))


@contextmanager
def _overwriting(connection: apsw.Connection) -> Iterator[None]:
    """Meanwhile what is deleted is overwritten, not only given free."""
    fetch(connection, "PRAGMA secure_delete=ON")
    try:
        yield
    finally:
        fetch(connection, "PRAGMA secure_delete=OFF")
