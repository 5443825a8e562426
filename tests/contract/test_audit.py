"""What every audit keeps: entries in one chain, written with the change they tell of, and readable by who asks."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from yuefu.access.admin_key import AdminKeyNameTaken, AdminKeyRevoked, Role, UnknownAdminKey, make_key
from yuefu.access.app import AppExists
from yuefu.access.audit import (
    NOTHING_BEFORE,
    AuditChain,
    AuditEntry,
    Author,
    HeadGone,
    WrittenEntry,
    link,
    verify,
)
from yuefu.ids import AppId

NOW_MS = 1_700_000_000_000
MEI = Author(actor="cli:梅", origin="主机")


def entry(number: int = 1, **changes: Any) -> AuditEntry:
    given: dict[str, Any] = {
        "before_revision": 1,
        "after_revision": 2,
        "b": [1, {"z": None, "a": "茉莉"}],
        "a": 0.5,
    } | changes
    return MEI.entry("song.edit", f"song {number}", at_ms=NOW_MS + number, **given)


def write(store: Any, *entries: AuditEntry) -> None:
    for each in entries:
        store.work.run(lambda transaction, each=each: transaction.audit(each))


def test_entries_are_read_back_whole_and_in_order(store: Any, other: Any) -> None:
    given = [entry(number) for number in range(1, 6)]
    write(store, *given)
    for view in (store, other):
        assert [written.entry for written in view.audit.entries()] == given
        assert [written.entry_id for written in view.audit.entries(after=3)] == [4, 5]


def test_the_chain_is_what_anybody_can_work_out_from_the_entries(store: Any) -> None:
    write(store, entry(1), entry(2))
    first = link(NOTHING_BEFORE, 1, entry(1))
    second = link(first, 2, entry(2))
    assert verify(store.audit.entries()) == AuditChain(2, second)
    assert [written.hash for written in store.audit.entries()] == [first, second]


def test_no_entries_are_a_chain_too(store: Any) -> None:
    assert verify(store.audit.entries()) == AuditChain(0, NOTHING_BEFORE)


def test_more_entries_than_are_read_at_once_are_one_chain(store: Any) -> None:
    def job(transaction: Any) -> None:
        for number in range(2_500):
            transaction.audit(entry(number))

    store.work.run(job)
    assert verify(store.audit.entries()).count == 2_500


def test_entries_are_found_by_subject_actor_and_time(store: Any) -> None:
    key = Author(actor="key:ci", origin="192.0.2.1")
    write(store, entry(1), entry(2), entry(1), key.entry("app.grant", "app 7", at_ms=NOW_MS + 9))
    found = store.audit.entries

    def ids(entries: Any) -> list[int]:
        return [written.entry_id for written in entries]

    assert ids(found(subject="song 1")) == [1, 3]
    assert ids(found(after=1, subject="song 1")) == [3]
    assert ids(found(actor="key:ci")) == [4]
    assert ids(found(since_ms=NOW_MS + 2)) == [2, 4]
    assert ids(found(subject="song 1", actor="key:ci")) == []


def test_an_entry_is_written_with_its_change_or_not_at_all(store: Any, app_maker: Any) -> None:
    store.apps.create(app_maker(), at_ms=NOW_MS, entry=entry(1))
    with pytest.raises(AppExists):
        store.apps.create(app_maker(), at_ms=NOW_MS, entry=entry(2))
    told = store.apps.change(AppId(7), lambda app: app, lambda before, after: entry(3, same=before == after))
    assert told == app_maker()

    def change_its_mind(transaction: Any) -> None:
        transaction.audit(entry(4))
        raise KeyError

    with pytest.raises(KeyError):
        store.work.run(change_its_mind)
    assert [written.entry for written in store.audit.entries()] == [entry(1), entry(3, same=True)]
    assert verify(store.audit.entries()).count == 2


def test_two_processes_write_one_chain(store: Any, other: Any) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: write((store, other)[number % 2], entry(number)), range(60)))
    assert verify(store.audit.entries()) == verify(other.audit.entries())
    assert verify(store.audit.entries()).count == 60


def test_an_end_that_was_cut_off_is_found_by_the_head_seen_before(store: Any) -> None:
    write(store, entry(1), entry(2), entry(3))
    heads = [written.hash for written in store.audit.entries()]
    written: list[WrittenEntry] = list(store.audit.entries())
    for head in (NOTHING_BEFORE, *heads):
        assert verify(written, seen=head).count == 3
    assert verify(written[:2]).count == 2
    with pytest.raises(HeadGone):
        verify(written[:2], seen=heads[2])


def test_a_key_is_found_by_itself_until_it_is_revoked(store: Any, other: Any) -> None:
    sizes: list[int] = []

    def random_bytes(size: int) -> bytes:
        sizes.append(size)
        return bytes([len(sizes)]) * size

    new = make_key("梅", Role.FINANCE, at_ms=NOW_MS, random_bytes=random_bytes)
    assert sizes[-1] == 32
    store.work.run(lambda transaction: transaction.admin_keys.add(new))
    for view in (store, other):
        assert view.admin_keys.find(new.secret) == new.key
        assert view.admin_keys.find(new.secret[:-1]) is None
        assert view.admin_keys.find("") is None
    revoked = store.work.run(lambda transaction: transaction.admin_keys.revoke(new.key.key_id, at_ms=NOW_MS + 1))
    assert revoked.revoked_at_ms == NOW_MS + 1
    for view in (store, other):
        assert view.admin_keys.find(new.secret) is None
        assert view.admin_keys.all_keys() == [revoked]


def test_a_key_is_revoked_once_and_its_name_is_free_from_then_on(store: Any) -> None:
    numbers = iter(range(1, 100))

    def make(name: str) -> Any:
        return make_key(name, Role.VIEWER, at_ms=NOW_MS, random_bytes=lambda size: bytes([next(numbers)]) * size)

    first, second = make("ci"), make("ci")
    store.work.run(lambda transaction: transaction.admin_keys.add(first))
    with pytest.raises(AdminKeyNameTaken):
        store.work.run(lambda transaction: transaction.admin_keys.add(second))
    store.work.run(lambda transaction: transaction.admin_keys.revoke(first.key.key_id, at_ms=NOW_MS))
    store.work.run(lambda transaction: transaction.admin_keys.add(second))
    with pytest.raises(AdminKeyRevoked):
        store.work.run(lambda transaction: transaction.admin_keys.revoke(first.key.key_id, at_ms=NOW_MS))
    with pytest.raises(UnknownAdminKey):
        store.work.run(lambda transaction: transaction.admin_keys.revoke("none", at_ms=NOW_MS))
    assert store.admin_keys.find(second.secret) == second.key


def test_no_file_of_the_store_holds_a_key(store: Any, tmp_path: Any) -> None:
    new = make_key("ci", Role.OPERATOR, at_ms=NOW_MS, random_bytes=lambda size: b"\x5a" * size)
    store.work.run(lambda transaction: transaction.admin_keys.add(new))
    assert "yuefu_admin_Wlpa" in new.secret
    assert new.secret not in repr(new)
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"ci" in written
    assert new.secret.encode() not in written
    assert b"\x5a" * 32 not in written
