"""Short-lived state shared by the worker processes of one machine: nonces and quotas in a small file of their own.

Nothing in it outlives twenty minutes, so it is never synced to disk; what must survive a crash is in the database.
"""

import itertools
from pathlib import Path

import apsw

from yuefu.access.quota import Rate, admit
from yuefu.ids import AppId
from yuefu.storage.sqlite.database import BUSY_TIMEOUT_MS, enter_wal, fetch

PRUNE_EVERY = 4_096

_SCHEMA = """
CREATE TABLE IF NOT EXISTS nonces (
    app_id INTEGER NOT NULL,
    nonce TEXT NOT NULL,
    until_s INTEGER NOT NULL,
    PRIMARY KEY (app_id, nonce)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS nonces_by_age ON nonces (until_s);
CREATE TABLE IF NOT EXISTS quotas (key TEXT PRIMARY KEY, arrival_us INTEGER NOT NULL) WITHOUT ROWID;
"""
_FORGET = "DELETE FROM nonces WHERE until_s <= ?"
_SPENT = "SELECT nonce FROM nonces WHERE app_id = ? AND nonce = ? AND until_s > ?"
_NOTE = """
INSERT INTO nonces (app_id, nonce, until_s) VALUES (?, ?, ?)
ON CONFLICT (app_id, nonce) DO UPDATE SET until_s = excluded.until_s WHERE nonces.until_s <= ?
RETURNING nonce
"""
_ARRIVAL = "SELECT arrival_us FROM quotas WHERE key = ?"
_PRUNE = "DELETE FROM quotas WHERE arrival_us <= ?"
_SET_ARRIVAL = "INSERT INTO quotas VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET arrival_us = excluded.arrival_us"


class SharedState:
    """The file, opened by each worker for itself."""

    def __init__(self, path: Path) -> None:
        self._connection = apsw.Connection(str(path))
        self._connection.set_busy_timeout(BUSY_TIMEOUT_MS)
        enter_wal(self._connection)
        fetch(self._connection, "PRAGMA synchronous=OFF")
        self._connection.execute(_SCHEMA)
        self.nonces = SharedNonces(self._connection)
        self.quota = SharedQuota(self._connection)

    def close(self) -> None:
        self._connection.close()


class SharedNonces:
    """One row a nonce; the insert decides which of two workers saw it first."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._count = itertools.count()

    def is_spent(self, app_id: AppId, nonce: str, *, at_s: int) -> bool:
        """Whether the nonce was noted and is not yet forgotten."""
        return bool(fetch(self._connection, _SPENT, (app_id, nonce, at_s)))

    def spend(self, app_id: AppId, nonce: str, *, until_s: int, at_s: int) -> bool:
        """Note the nonce; False when it was noted before and is not yet forgotten."""
        if next(self._count) % PRUNE_EVERY == 0:
            fetch(self._connection, _FORGET, (at_s,))
        return bool(fetch(self._connection, _NOTE, (app_id, nonce, until_s, at_s)))


class SharedQuota:
    """One row a key: GCRA's theoretical arrival time, read and set under the file's write lock."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    def spend(self, key: str, rate: Rate, *, at_us: int) -> bool:
        """Count one call; False when the rate is exceeded."""
        connection = self._connection
        fetch(connection, "BEGIN IMMEDIATE")
        try:
            rows = fetch(connection, _ARRIVAL, (key,))
            arrival_us = admit(rows[0][0] if rows else 0, at_us=at_us, rate=rate)
            if arrival_us is not None:
                fetch(connection, _SET_ARRIVAL, (key, arrival_us))
            fetch(connection, "COMMIT")
        except BaseException:
            if connection.in_transaction:  # else everybody would wait for it from now on, and so would we
                connection.execute("ROLLBACK")
            raise
        return arrival_us is not None

    def prune(self, *, at_us: int) -> None:
        """Forget the keys whose buckets are empty by then."""
        fetch(self._connection, _PRUNE, (at_us,))
