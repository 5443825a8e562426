"""Admin keys in SQLite. Looked up anew at each call, so that one that is revoked is good no more from then on."""

from typing import Any

import apsw

from yuefu.access.admin_key import (
    AdminKey,
    AdminKeyNameTaken,
    AdminKeyRevoked,
    NewAdminKey,
    Role,
    UnknownAdminKey,
    hash_key,
)
from yuefu.storage.sqlite.database import Database, fetch

_KEY = "SELECT key_id, name, role, created_at_ms, revoked_at_ms FROM admin_keys"
_LIVE = f"{_KEY} WHERE key_hash = ? AND revoked_at_ms IS NULL"
_BY_ID = f"{_KEY} WHERE key_id = ?"
_ALL = f"{_KEY} ORDER BY created_at_ms, key_id"
_NAMED = "SELECT 1 FROM admin_keys WHERE name = ? AND revoked_at_ms IS NULL"
_ADD = "INSERT INTO admin_keys (key_id, name, role, created_at_ms, key_hash) VALUES (?, ?, ?, ?, ?)"
_REVOKE = "UPDATE admin_keys SET revoked_at_ms = ? WHERE key_id = ?"


class SqliteAdminKeys:
    """Reads on the caller's thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, secret: str) -> AdminKey | None:
        """The key that somebody shows; None when there is none, or when it was revoked."""
        rows = fetch(self._database.reader, _LIVE, (hash_key(secret),))
        return _to_key(rows[0]) if rows else None

    def all_keys(self) -> list[AdminKey]:
        """All keys, the revoked ones too, in the order they were made."""
        return [_to_key(row) for row in fetch(self._database.reader, _ALL)]


class SqliteAdminKeyDesk:
    """Where one transaction writes admin keys."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    def add(self, new: NewAdminKey) -> None:
        """Add a key. Raises `AdminKeyNameTaken`."""
        key = new.key
        if fetch(self._connection, _NAMED, (key.name,)):
            raise AdminKeyNameTaken(key.name)
        row = (key.key_id, key.name, key.role.value, key.created_at_ms, hash_key(new.secret))
        self._connection.execute(_ADD, row)

    def revoke(self, key_id: str, *, at_ms: int) -> AdminKey:
        """Revoke a key. Raises `UnknownAdminKey`, `AdminKeyRevoked`."""
        rows = fetch(self._connection, _BY_ID, (key_id,))
        if not rows:
            raise UnknownAdminKey(key_id)
        if _to_key(rows[0]).revoked_at_ms is not None:
            raise AdminKeyRevoked(key_id)
        self._connection.execute(_REVOKE, (at_ms, key_id))
        return _to_key(fetch(self._connection, _BY_ID, (key_id,))[0])


def _to_key(row: tuple[Any, ...]) -> AdminKey:
    key_id, name, role, created_at_ms, revoked_at_ms = row
    return AdminKey(key_id=key_id, name=name, role=Role(role), created_at_ms=created_at_ms, revoked_at_ms=revoked_at_ms)
