"""Apps' plans and members in SQLite."""

from functools import lru_cache
from typing import Any

import apsw
import msgspec

from yuefu.access.app import UnknownApp
from yuefu.ids import AppId, UserId, VendorId
from yuefu.rights.plan import EVERY_VENDOR, Member, NoMember, Plan
from yuefu.storage.sqlite.database import fetch, json_text

_PLAN = "SELECT plan FROM apps WHERE app_id = ?"
_SET_PLAN = "UPDATE apps SET plan = ? WHERE app_id = ? RETURNING app_id"
_IS_MEMBER = """
SELECT 1 FROM members
WHERE app_id = ? AND user_id = ? AND vendor_id IN (?, ?) AND (until_ms IS NULL OR until_ms > ?)
"""
_MEMBERS = """
SELECT app_id, user_id, vendor_id, added_at_ms, until_ms FROM members WHERE app_id = ? ORDER BY user_id, vendor_id
"""
_ADD = """
INSERT INTO members VALUES (?, ?, ?, ?, ?)
ON CONFLICT (app_id, user_id, vendor_id) DO UPDATE SET until_ms = excluded.until_ms
"""
_REMOVE = "DELETE FROM members WHERE app_id = ? AND user_id = ? AND vendor_id = ? RETURNING user_id"
_APP = "SELECT 1 FROM apps WHERE app_id = ?"
_DEFAULT = Plan()


class SqlitePlans:
    """Reads on whatever connection it is given: a reader, or a transaction's own."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    def plan(self, app_id: AppId) -> Plan:
        """An app's plan; the one that nobody has changed yet for an app that is not there."""
        rows = fetch(self._connection, _PLAN, (app_id,))
        return _read(rows[0][0]) if rows else _DEFAULT

    def is_member(self, app_id: AppId, user_id: UserId, vendor_id: VendorId, *, at_ms: int) -> bool:
        """Whether somebody may be billed by the month at a vendor at that instant."""
        return bool(fetch(self._connection, _IS_MEMBER, (app_id, user_id, vendor_id, EVERY_VENDOR, at_ms)))

    def members(self, app_id: AppId) -> list[Member]:
        """An app's members, by user."""
        return [_to_member(row) for row in fetch(self._connection, _MEMBERS, (app_id,))]


class SqlitePlanDesk(SqlitePlans):
    """Where one transaction writes plans and members."""

    def set_plan(self, app_id: AppId, plan: Plan) -> None:
        """Put a plan in place of an app's. Raises `UnknownApp`."""
        if not fetch(self._connection, _SET_PLAN, (json_text(plan), app_id)):
            raise UnknownApp(app_id)

    def add_member(self, member: Member) -> None:
        """Make somebody a member, or put another end to a membership. Raises `UnknownApp`."""
        if not fetch(self._connection, _APP, (member.app_id,)):
            raise UnknownApp(member.app_id)
        row = (member.app_id, member.user_id, member.vendor_id, member.added_at_ms, member.until_ms)
        self._connection.execute(_ADD, row)

    def remove_member(self, app_id: AppId, user_id: UserId, vendor_id: VendorId) -> None:
        """End a membership at once. Raises `NoMember`."""
        if not fetch(self._connection, _REMOVE, (app_id, user_id, vendor_id)):
            raise NoMember(user_id)


@lru_cache(maxsize=1024)
def _read(text: str) -> Plan:
    return msgspec.json.decode(text, type=Plan)


def _to_member(row: tuple[Any, ...]) -> Member:
    app_id, user_id, vendor_id, added_at_ms, until_ms = row
    return Member(
        app_id=AppId(app_id),
        user_id=UserId(user_id),
        vendor_id=VendorId(vendor_id),
        added_at_ms=added_at_ms,
        until_ms=until_ms,
    )
