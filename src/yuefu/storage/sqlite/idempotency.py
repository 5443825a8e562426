"""Kept answers in SQLite: what a session was answered under a key, as long as it may ask again."""

import apsw

from yuefu.rights.grant import Need
from yuefu.rights.kept_answer import KeptAnswer, RequestKey
from yuefu.storage.sqlite.database import fetch
from yuefu.storage.sqlite.grants import to_held

_FIND = """
SELECT kept.request_hash, kept.answer, song_id, kept.need, expires_at_ms, resource_type, scene_id,
       billing_mode, territory
FROM kept_answers AS kept JOIN grants USING (grant_id)
WHERE kept.session_id = ? AND idempotency_key = ?
"""
_KEEP = "INSERT INTO kept_answers VALUES (?, ?, ?, ?, ?, ?, ?)"


class SqliteAnswers:
    """Reads on whatever connection it is given: a reader, or a transaction's own."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    def find(self, key: RequestKey) -> KeptAnswer | None:
        """What was answered under the key, to whichever request."""
        rows = fetch(self._connection, _FIND, (key.session_id, key.key))
        if not rows:
            return None
        request_hash, answer, *granted = rows[0]
        return KeptAnswer(request_hash=request_hash, answer=answer, grant=to_held(*granted))


class SqliteAnswerDesk(SqliteAnswers):
    """Where one transaction keeps answers."""

    def keep(self, key: RequestKey, answer: bytes, *, grant_id: int, need: Need, at_ms: int) -> None:
        """Keep what is about to be answered under the key. Only the first who does can."""
        row = (key.session_id, key.key, key.request_hash, grant_id, need.value, answer, at_ms)
        self._connection.execute(_KEEP, row)
