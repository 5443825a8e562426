"""The audit in SQLite."""

from collections.abc import Iterable, Iterator
from typing import Any

import apsw
import msgspec

from yuefu.access.audit import NOTHING_BEFORE, AuditEntry, WrittenEntry, link
from yuefu.storage.sqlite.database import Database, fetch

_LAST = "SELECT entry_id, hash FROM audit ORDER BY entry_id DESC LIMIT 1"
_ADD = "INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_COLUMNS = (
    "entry_id",
    "at_ms",
    "actor",
    "origin",
    "action",
    "subject",
    "before_revision",
    "after_revision",
    "detail",
    "hash",
)
_WHERE = """
FROM audit
WHERE entry_id >= ?1 AND (?2 IS NULL OR subject = ?2) AND (?3 IS NULL OR actor = ?3) AND (?4 IS NULL OR at_ms >= ?4)
ORDER BY entry_id LIMIT ?5
"""
_FROM = f"SELECT {', '.join(_COLUMNS)} {_WHERE}"
_TEXT_AS_BYTES = "typeof({0}) = 'text', CASE typeof({0}) WHEN 'text' THEN CAST({0} AS BLOB) ELSE {0} END"
_FROM_AS_BYTES = f"SELECT {', '.join(map(_TEXT_AS_BYTES.format, _COLUMNS))} {_WHERE}"
_BATCH = 1_000
_FIRST_POSSIBLE = -(2**63)
"""Ours begin at 1; one that somebody slipped in before them must not go unseen."""


class SqliteAudit:
    """Reads of the audit, on the caller's thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def entries(
        self,
        after: int | None = None,
        *,
        subject: str | None = None,
        actor: str | None = None,
        since_ms: int | None = None,
    ) -> Iterator[WrittenEntry]:
        """Every entry after that one, in order: of one subject, of one actor, from an instant on where these are said.

        Never raises for what is no entry as we write them: it comes as what it is.
        """
        begin = _FIRST_POSSIBLE if after is None else after + 1
        while rows := self._page((begin, subject, actor, since_ms, _BATCH)):
            yield from map(_to_written, rows)
            begin = rows[-1][0] + 1

    def _page(self, bindings: tuple[Any, ...]) -> list[Any]:
        try:
            return fetch(self._database.reader, _FROM, bindings)
        except UnicodeDecodeError:  # somebody wrote what is no text
            rows = fetch(self._database.reader, _FROM_AS_BYTES, bindings)
            return [tuple(map(_decoded, row[::2], row[1::2])) for row in rows]


def _decoded(is_text: Any, value: Any) -> Any:
    try:
        return value.decode() if is_text else value
    except UnicodeDecodeError:
        return _unknown(value)


def write_entry(connection: apsw.Connection, entry: AuditEntry) -> None:
    """Add an entry, inside the transaction of the change that it tells of."""
    write_entries(connection, [entry])


def write_entries(connection: apsw.Connection, entries: Iterable[AuditEntry]) -> None:
    """Add entries in their order, inside the transaction of the changes that they tell of."""
    rows = fetch(connection, _LAST)
    last_id, last_hash = rows[0] if rows else (0, NOTHING_BEFORE)
    connection.executemany(_ADD, _rows(entries, last_id, last_hash))


def _rows(entries: Iterable[AuditEntry], last_id: int, last_hash: bytes) -> Iterator[tuple[Any, ...]]:
    for entry_id, entry in enumerate(entries, last_id + 1):
        last_hash = link(last_hash, entry_id, entry)
        yield (
            entry_id,
            entry.at_ms,
            entry.actor,
            entry.origin,
            entry.action,
            entry.subject,
            entry.before_revision,
            entry.after_revision,
            _spell(entry.detail),
            last_hash,
        )


def _to_written(row: tuple[Any, ...]) -> WrittenEntry:
    entry_id, at_ms, actor, origin, action, subject, before_revision, after_revision, detail, written_hash = row
    entry = AuditEntry(
        at_ms=_known(at_ms, int),
        actor=_known(actor, str),
        origin=_known(origin, str),
        action=_known(action, str),
        subject=_known(subject, str),
        before_revision=_known(before_revision, int, type(None)),
        after_revision=_known(after_revision, int, type(None)),
        detail=_read(detail),
    )
    return WrittenEntry(entry_id=entry_id, entry=entry, hash=_known(written_hash, bytes))


def _spell(detail: dict[str, Any]) -> str:
    return msgspec.json.encode(detail, order="sorted").decode()


def _read(text: Any) -> dict[str, Any]:
    """The detail, spelt as we spell it."""
    try:
        detail = msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, TypeError):
        return _unknown(text)
    return detail if _spell(detail) == text else _unknown(text)


def _known(value: Any, *kinds: type) -> Any:
    """The value, of a kind that we write in its place."""
    return value if type(value) in kinds else _unknown(value)


def _unknown(value: Any) -> dict[str, Any]:
    """What we never wrote, as something that no hash of ours is right for."""
    return {"unreadable": repr(value)}
