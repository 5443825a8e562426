"""Who changed what, and from where: entries that are only ever added, each carrying the hash of all before it.

An entry cut out, altered or slipped in breaks every hash after it. Entries cut off at the end are found by whoever kept
the last hash he saw.
"""

import hashlib
from collections.abc import Iterable
from typing import Any

import msgspec

from yuefu.errors import YuefuError
from yuefu.units import format_instant

NOTHING_BEFORE = bytes(32)
"""What the first entry's hash begins from."""


class Author(msgspec.Struct, frozen=True):
    """Who makes a change, and from where: "cli:mei" at a host, an admin key at an address."""

    actor: str
    origin: str

    def entry(
        self,
        action: str,
        subject: str,
        /,
        *,
        at_ms: int,
        before_revision: int | None = None,
        after_revision: int | None = None,
        **detail: Any,
    ) -> "AuditEntry":
        """The entry that tells of a change of his. Of `detail` nothing may be a secret."""
        return AuditEntry(
            at_ms=at_ms,
            actor=self.actor,
            origin=self.origin,
            action=action,
            subject=subject,
            before_revision=before_revision,
            after_revision=after_revision,
            detail=detail,
        )


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One change. `actor` is who made it and `origin` from where; `subject` is what was changed, as in "song 7".

    The revisions are the subject's before and after, where it has any; `detail` is whatever else tells the change.
    """

    at_ms: int
    actor: str
    origin: str
    action: str
    subject: str
    before_revision: int | None = None
    after_revision: int | None = None
    detail: dict[str, Any] = {}


class WrittenEntry(msgspec.Struct, frozen=True, kw_only=True):
    """An entry as it was written down."""

    entry_id: int
    entry: AuditEntry
    hash: bytes

    def told(self) -> dict[str, Any]:
        """The entry by field as people read it. Never raises: an entry that somebody altered is shown as it is now."""
        entry = self.entry
        return {
            "entry_id": self.entry_id,
            "at": _instant(entry.at_ms),
            "actor": str(entry.actor),
            "origin": str(entry.origin),
            "action": str(entry.action),
            "subject": str(entry.subject),
            "before_revision": entry.before_revision,
            "after_revision": entry.after_revision,
            "detail": entry.detail,
            "hash": _hex(self.hash),
        }


def _hex(written: Any) -> str:
    return written.hex() if isinstance(written, bytes) else str(written)


def _instant(at_ms: int) -> str:
    try:
        return format_instant(at_ms)
    except (TypeError, OverflowError):
        return str(at_ms)


class AuditChain(msgspec.Struct, frozen=True):
    """What a chain that holds comes to: its length, and the hash that its next entry begins from."""

    count: int
    head: bytes


class AuditBroken(YuefuError):
    """The chain of hashes does not hold from `entry_id` on."""

    def __init__(self, entry_id: int) -> None:
        super().__init__(f"the audit is broken at entry {entry_id}: it, or one before it, is not as it was written")
        self.entry_id = entry_id


class HeadGone(YuefuError):
    """A hash that was seen before is in the chain no more."""

    def __init__(self, head: bytes) -> None:
        super().__init__(
            f"no entry of the audit has the hash {head.hex()}: entries were cut off, or all of it was written anew"
        )


def link(before: bytes, entry_id: int, entry: AuditEntry) -> bytes:
    """The hash of an entry that follows on the one whose hash is `before`."""
    spelt = msgspec.json.encode([entry_id, entry], order="sorted")
    return hashlib.sha256(before + spelt).digest()


def verify(entries: Iterable[WrittenEntry], *, seen: bytes = NOTHING_BEFORE) -> AuditChain:
    """The chain that the entries make, all of them in order, with the hash `seen` in it.

    Raises `AuditBroken` for the first entry that is not as it was written, `HeadGone`.
    """
    count, head = 0, NOTHING_BEFORE
    is_there = seen == head
    for written in entries:
        count += 1
        if written.entry_id != count or written.hash != link(head, written.entry_id, written.entry):
            raise AuditBroken(written.entry_id)
        head = written.hash
        is_there = is_there or head == seen
    if not is_there:
        raise HeadGone(seen)
    return AuditChain(count, head)
