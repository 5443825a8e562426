"""Apps in SQLite. Secrets are sealed before they get here and stay sealed in the file."""

from collections.abc import Callable
from typing import Any

import apsw
import msgspec

from yuefu.access.app import App, AppExists, UnknownApp
from yuefu.access.audit import AuditEntry
from yuefu.access.keyring import KeyRing, sealing_key
from yuefu.ids import AppId, VendorId
from yuefu.storage.sqlite.audit import write_entry
from yuefu.storage.sqlite.database import Database, fetch, json_text

_PURPOSE = "server-secret"
_APP = """
SELECT name, sealed_secrets, default_vendor, vendors, scenes, billing_modes, home_territory, is_enabled,
       is_replay_protected, quotas, takes_signature2, takes_token04
FROM apps WHERE app_id = ?
"""
_SEALED = "SELECT sealed_secrets FROM apps"
_ALL = "SELECT app_id FROM apps ORDER BY app_id"
_CREATE = """
INSERT INTO apps (name, sealed_secrets, default_vendor, vendors, scenes, billing_modes, home_territory, is_enabled,
                  is_replay_protected, quotas, takes_signature2, takes_token04, app_id, created_at_ms)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_CHANGE = """
UPDATE apps
SET name = ?, sealed_secrets = ?, default_vendor = ?, vendors = ?, scenes = ?, billing_modes = ?, home_territory = ?,
    is_enabled = ?, is_replay_protected = ?, quotas = ?, takes_signature2 = ?, takes_token04 = ?
WHERE app_id = ?
"""


class SqliteApps:
    """The app directory. Unsealed apps are kept in memory until anyone writes to the file."""

    def __init__(self, database: Database, keys: KeyRing) -> None:
        self._database = database
        self._keys = keys
        self._known: dict[AppId, App] = {}
        self._generation = -1

    def app(self, app_id: AppId) -> App | None:
        """The app as it is now, None when there is none."""
        generation = self._database.generation()
        if generation != self._generation:
            self._known.clear()
            self._generation = generation
        app = self._known.get(app_id)
        if app is None:
            rows = fetch(self._database.reader, _APP, (app_id,))
            if not rows:
                return None
            app = self._known[app_id] = self._to_app(app_id, rows[0])
        return app

    def apps(self) -> list[App]:
        """All apps, by id."""
        found = (self.app(AppId(app_id)) for (app_id,) in fetch(self._database.reader, _ALL))
        return [app for app in found if app is not None]

    def lost_keys(self) -> list[str]:
        """The ids of keys that secrets are sealed with and that are not in the ring: those apps cannot sign in."""
        rows = fetch(self._database.reader, _SEALED)
        named = {sealing_key(text) for (sealed,) in rows for text in msgspec.json.decode(sealed, type=list[str])}
        return sorted(named - self._keys.keys.keys())

    def create(self, app: App, *, at_ms: int, entry: AuditEntry | None = None) -> None:
        """Add an app, and the audit's entry with it. Raises `AppExists` when its id is taken."""
        columns = self._columns(app)

        def job(connection: apsw.Connection) -> None:
            if fetch(connection, _APP, (app.app_id,)):
                raise AppExists(app.app_id)
            connection.execute(_CREATE, (*columns, app.app_id, at_ms))
            if entry is not None:
                write_entry(connection, entry)

        self._database.write(job)

    def change(
        self,
        app_id: AppId,
        change: Callable[[App], App],
        entry: Callable[[App, App], AuditEntry] | None = None,
    ) -> App:
        """Replace the app by what `change` makes of it, in one transaction.

        `entry` makes the audit's entry of the app before and after. Raises `UnknownApp`, or as `change`.
        """

        def job(connection: apsw.Connection) -> App:
            rows = fetch(connection, _APP, (app_id,))
            if not rows:
                raise UnknownApp(app_id)
            before = self._to_app(app_id, rows[0])
            changed = change(before)
            connection.execute(_CHANGE, (*self._columns(changed), app_id))
            if entry is not None:
                write_entry(connection, entry(before, changed))
            return changed

        return self._database.write(job)

    def _to_app(self, app_id: AppId, row: tuple[Any, ...]) -> App:
        name, sealed, default_vendor, vendors, scenes, modes, territory, enabled, protected, quotas, md5, token04 = row
        return App(
            app_id=app_id,
            name=name,
            live_secrets=tuple(
                self._keys.open_sealed(text, purpose=_PURPOSE).decode() for text in msgspec.json.decode(sealed)
            ),
            default_vendor=VendorId(default_vendor),
            vendors=_numbers(vendors),
            scenes=_numbers(scenes),
            billing_modes=_numbers(modes),
            home_territory=territory,
            is_enabled=bool(enabled),
            is_replay_protected=bool(protected),
            quotas=msgspec.json.decode(quotas, type=dict[str, int]),
            takes_signature2=bool(md5),
            takes_token04=bool(token04),
        )

    def _columns(self, app: App) -> tuple[Any, ...]:
        sealed = [self._keys.seal(secret.encode(), purpose=_PURPOSE) for secret in app.live_secrets]
        return (
            app.name,
            json_text(sealed),
            app.default_vendor,
            *(json_text(sorted(numbers)) for numbers in (app.vendors, app.scenes, app.billing_modes)),
            app.home_territory,
            app.is_enabled,
            app.is_replay_protected,
            msgspec.json.encode(app.quotas, order="sorted").decode(),
            app.takes_signature2,
            app.takes_token04,
        )


def _numbers(text: str) -> frozenset[int]:
    return msgspec.json.decode(text, type=frozenset[int])
