"""Webhooks and their outbox in SQLite. Secrets are sealed before they get here."""

from typing import Any

import apsw

from yuefu.access.keyring import KeyRing, sealing_key
from yuefu.access.webhook import Event, NewEvent, NewWebhook, Place, Tells, UnknownWebhook, Webhook
from yuefu.ids import AppId
from yuefu.storage.sqlite.database import Database, fetch

_ALL = """
SELECT webhook_id, app_id, url, tells, sealed_secret, told_until, told_postings_until, is_enabled,
       failing_since_ms, failure, created_at_ms
FROM webhooks
"""
_IN_ORDER = _ALL + " ORDER BY webhook_id"
_ONE = _ALL + " WHERE webhook_id = ?"
_ADD = """
INSERT INTO webhooks (app_id, url, tells, sealed_secret, told_until, told_postings_until, is_enabled, failure,
                      created_at_ms)
VALUES (?, ?, ?, ?, ?, ?, 1, '', ?) RETURNING webhook_id
"""
_REMOVE = "DELETE FROM webhooks WHERE webhook_id = ?"
_ENABLE = "UPDATE webhooks SET is_enabled = 1, failing_since_ms = NULL, failure = '' WHERE webhook_id = ?"
_DISABLE = "UPDATE webhooks SET is_enabled = 0 WHERE webhook_id = ?"
_TELL = """
UPDATE webhooks SET told_until = ?4, told_postings_until = ?5
WHERE webhook_id = ?1 AND told_until = ?2 AND told_postings_until = ?3
"""
_TOLD = """
UPDATE webhooks SET told_until = ?2, told_postings_until = ?3, failing_since_ms = NULL, failure = ''
WHERE webhook_id = ?1
"""
_FAILED = """
UPDATE webhooks SET failing_since_ms = coalesce(failing_since_ms, ?2), failure = ?3 WHERE webhook_id = ?1
"""
_EVENT = "SELECT webhook_id, event_id, body, attempts, next_attempt_ms FROM webhook_events WHERE webhook_id = ?"
_ADD_EVENT = """
INSERT INTO webhook_events (webhook_id, event_id, body, tells_until, tells_postings_until, attempts, next_attempt_ms)
VALUES (?, ?, ?, ?, ?, 1, ?)
"""
_CLAIM = "UPDATE webhook_events SET attempts = attempts + 1, next_attempt_ms = ? WHERE webhook_id = ?"
_POSTPONE = "UPDATE webhook_events SET next_attempt_ms = ? WHERE event_id = ? AND attempts = ? RETURNING 1"
_HURRY = "UPDATE webhook_events SET next_attempt_ms = ? WHERE webhook_id = ?"
_END = "DELETE FROM webhook_events WHERE event_id = ? RETURNING tells_until, tells_postings_until"
_REMOVE_EVENT = "DELETE FROM webhook_events WHERE webhook_id = ?"


class SqliteWebhooks:
    """Reads of the webhooks, on the caller's thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def webhooks(self) -> list[Webhook]:
        """All of them, by number."""
        return [_to_webhook(row) for row in fetch(self._database.reader, _IN_ORDER)]

    def webhook(self, webhook_id: int) -> Webhook:
        """One of them. Raises `UnknownWebhook`."""
        return _read(self._database.reader, webhook_id)

    def event(self, webhook_id: int) -> Event | None:
        """The event under way, None when there is none."""
        return _read_event(self._database.reader, webhook_id)

    def lost_keys(self, keys: KeyRing) -> set[str]:
        """The ids of keys that secrets are sealed with and that are not in the ring: those are told nothing."""
        return {sealing_key(webhook.sealed_secret) for webhook in self.webhooks()} - keys.keys.keys()


class SqliteWebhookDesk:
    """Where one transaction writes webhooks."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    def add(self, webhook: NewWebhook, *, at_ms: int) -> int:
        """Add one; its number."""
        row = (webhook.app_id, webhook.url, webhook.tells.value, webhook.sealed_secret, *webhook.told_until, at_ms)
        return int(fetch(self._connection, _ADD, row)[0][0])

    def remove(self, webhook_id: int) -> Webhook:
        """Take one away, with what was under way; what it was. Raises `UnknownWebhook`."""
        removed = _read(self._connection, webhook_id)
        self._connection.execute(_REMOVE_EVENT, (webhook_id,))
        self._connection.execute(_REMOVE, (webhook_id,))
        return removed

    def enable(self, webhook_id: int, *, at_ms: int) -> Webhook:
        """Begin to tell again where it broke off, at once; what it was. Raises `UnknownWebhook`."""
        before = _read(self._connection, webhook_id)
        self._connection.execute(_ENABLE, (webhook_id,))
        self._connection.execute(_HURRY, (at_ms, webhook_id))
        return before

    def skip(self, webhook_id: int, *, tells_from: Place, tells_until: Place) -> None:
        """Have a stretch that says nothing to the app count as told."""
        if _read_event(self._connection, webhook_id) is None:
            self._connection.execute(_TELL, (webhook_id, *tells_from, *tells_until))

    def claim(self, webhook_id: int, fresh: NewEvent | None, *, at_ms: int, until_ms: int) -> Event | None:
        """The event to send now, nobody else's until that instant: the one under way if it is due, else `fresh`.

        None when there is nothing to send, or somebody else sends it.
        """
        rows = fetch(self._connection, _ONE, (webhook_id,))
        webhook = _to_webhook(rows[0]) if rows else None
        if webhook is None or not webhook.is_enabled:
            return None
        event = _read_event(self._connection, webhook_id)
        if event is None:
            if fresh is None or fresh.tells_from != webhook.told_until:
                return None
            row = (webhook_id, fresh.event_id, fresh.body, *fresh.tells_until, until_ms)
            self._connection.execute(_ADD_EVENT, row)
        elif event.next_attempt_ms <= at_ms:
            self._connection.execute(_CLAIM, (until_ms, webhook_id))
        else:
            return None
        return _read_event(self._connection, webhook_id)

    def delivered(self, event: Event) -> None:
        """Have an event count as told."""
        rows = fetch(self._connection, _END, (event.event_id,))
        if rows:
            self._connection.execute(_TOLD, (event.webhook_id, *rows[0]))

    def failed(self, event: Event, failure: str, *, at_ms: int, next_attempt_ms: int) -> Webhook | None:
        """Write down that an attempt failed; the webhook as it is then, None when the attempt was not the last."""
        if not fetch(self._connection, _POSTPONE, (next_attempt_ms, event.event_id, event.attempts)):
            return None
        self._connection.execute(_FAILED, (event.webhook_id, at_ms, failure))
        return _read(self._connection, event.webhook_id)

    def disable(self, webhook_id: int) -> None:
        """Tell it nothing more until it is enabled."""
        self._connection.execute(_DISABLE, (webhook_id,))


def _read(connection: apsw.Connection, webhook_id: int) -> Webhook:
    rows = fetch(connection, _ONE, (webhook_id,))
    if not rows:
        raise UnknownWebhook(webhook_id)
    return _to_webhook(rows[0])


def _read_event(connection: apsw.Connection, webhook_id: int) -> Event | None:
    rows = fetch(connection, _EVENT, (webhook_id,))
    if not rows:
        return None
    number, event_id, body, attempts, next_attempt_ms = rows[0]
    return Event(webhook_id=number, event_id=event_id, body=body, attempts=attempts, next_attempt_ms=next_attempt_ms)


def _to_webhook(row: tuple[Any, ...]) -> Webhook:
    webhook_id, app_id, url, tells, sealed_secret, told_until, told_postings_until, *fares = row
    is_enabled, failing_since_ms, failure, created_at_ms = fares
    return Webhook(
        webhook_id=webhook_id,
        app_id=AppId(app_id),
        url=url,
        tells=Tells(tells),
        sealed_secret=sealed_secret,
        told_until=Place(told_until, told_postings_until),
        is_enabled=bool(is_enabled),
        failing_since_ms=failing_since_ms,
        failure=failure,
        created_at_ms=created_at_ms,
    )
