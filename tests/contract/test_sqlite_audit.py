"""The audit's file against somebody who may write to it past us."""

from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import apsw
import pytest
from hypothesis import assume, given, reject, settings
from hypothesis import strategies as st

from yuefu.access.audit import AuditBroken, Author, HeadGone, verify
from yuefu.storage.sqlite.audit import SqliteAudit
from yuefu.storage.sqlite.database import Database
from yuefu.storage.sqlite.transaction import SqliteTransaction, SqliteWork

ENTRIES = 6
FILE = "yuefu.sqlite3"
COLUMNS = ("at_ms", "actor", "origin", "action", "subject", "before_revision", "after_revision", "detail", "hash")
TRIGGERS = ("audit_is_never_edited", "audit_is_never_deleted")


def through(connection: apsw.Connection) -> Any:
    """A database as one open transaction sees it."""
    return SimpleNamespace(reader=connection)


class Chained:
    """An audit of some entries, and a connection of somebody who has dropped the triggers."""

    def __init__(self, folder: Path, database: Database) -> None:
        self.database = database
        self.audit = SqliteAudit(database)
        author = Author(actor="cli:YWJj", origin="a\ufffd")
        work = SqliteWork(database)
        for number in range(1, ENTRIES + 1):
            revisions: dict[str, Any] = {"after_revision": number} if number % 2 else {}
            entry = author.entry("song.edit", "song 7", at_ms=number, title={"b": "", "a": 1.5}, **revisions)
            work.run(partial(SqliteTransaction.audit, entry=entry))
        self.head = verify(self.audit.entries()).head
        self.raw = apsw.Connection(str(folder / FILE))

    def drop_triggers(self) -> None:
        for trigger in TRIGGERS:
            self.raw.execute(f"DROP TRIGGER {trigger}")

    def do(self, statement: str, *bindings: Any) -> None:
        self.raw.execute(statement, bindings).fetchall()

    def bytes_of(self, column: str, entry_id: int) -> tuple[Any, ...]:
        statement = f"SELECT typeof({column}), hex({column}) FROM audit WHERE entry_id = ?"
        rows = self.raw.execute(statement, (entry_id,)).fetchall()
        return tuple(rows[0]) if rows else ()


@pytest.fixture(scope="module")
def chained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chained]:
    """For tests that leave it as it was."""
    folder = tmp_path_factory.mktemp("audit")
    with Database(folder / FILE) as database:
        made = Chained(folder, database)
        with closing(made.raw):
            made.drop_triggers()
            yield made


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Chained]:
    with Database(tmp_path / FILE) as database:
        made = Chained(tmp_path, database)
        with closing(made.raw):
            yield made


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET actor = 'nobody' WHERE entry_id = 2",
        "DELETE FROM audit WHERE entry_id = 6",
        "DELETE FROM audit",
        "REPLACE INTO audit SELECT entry_id, 5, actor, origin, action, subject, 1, 1, detail, hash FROM audit LIMIT 1",
    ],
)
def test_the_file_itself_refuses_changes(own: Chained, statement: str) -> None:
    own.do("PRAGMA recursive_triggers=ON")
    with pytest.raises(apsw.ConstraintError, match="append-only"):
        own.do(statement)
    assert verify(own.audit.entries()).head == own.head


def test_a_row_put_in_the_place_of_another_goes_past_the_triggers_and_is_found(own: Chained) -> None:
    own.do("PRAGMA recursive_triggers=OFF")  # what a connection is by itself
    own.do(
        "REPLACE INTO audit SELECT entry_id, at_ms, 'nobody', origin, action, subject, before_revision, after_revision,"
        " detail, hash FROM audit WHERE entry_id = 3"
    )
    with pytest.raises(AuditBroken) as caught:
        verify(own.audit.entries())
    assert caught.value.entry_id == 3


def test_entries_of_one_transaction_are_chained_in_their_order(own: Chained) -> None:
    def job(transaction: SqliteTransaction) -> None:
        for number in range(3):
            transaction.audit(Author("cli:mei", "host").entry("takedown.lay", f"song {number}", at_ms=9))

    SqliteWork(own.database).run(job)
    added = [written.entry.subject for written in own.audit.entries(ENTRIES)]
    assert added == ["song 0", "song 1", "song 2"]
    assert verify(own.audit.entries(), seen=own.head).count == ENTRIES + 3


VALUES = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.text(st.characters(codec="utf-8", exclude_characters="\0")),
    st.binary(),
    st.sampled_from(
        [b"YWJj", b"cli:YWJj", "cli:\ufffd", b"a\xef\xbf\xbd", b"a\xff", '{"title":{"a":1.5,"b":"" }}', "{}"]
    ),
    st.sampled_from([b'{"title":{"a":1.5,"b":""}}', '{"title":{"a":1.5,"b":"","b":""}}', "{" * 5_000, float("inf")]),
)


@settings(max_examples=400, deadline=None)
@given(
    column=st.sampled_from(COLUMNS),
    entry_id=st.integers(1, ENTRIES),
    value=VALUES,
    kind=st.sampled_from(["as it is", "as text"]),
)
def test_any_alteration_of_any_field_of_any_entry_is_found(
    chained: Chained, column: str, entry_id: int, value: Any, kind: str
) -> None:
    before = chained.bytes_of(column, entry_id)
    as_bytes = kind == "as text" and isinstance(value, bytes)
    chained.do("BEGIN")
    try:
        try:
            chained.do(
                f"UPDATE audit SET {column} = {'CAST(? AS TEXT)' if as_bytes else '?'} WHERE entry_id = ?",
                value,
                entry_id,
            )
        except apsw.ConstraintError:  # no value of a column that needs one
            reject()
        assume(chained.bytes_of(column, entry_id) != before)
        with pytest.raises(AuditBroken) as broken:
            verify(SqliteAudit(through(chained.raw)).entries())
        assert broken.value.entry_id == entry_id
        assert all(each.told() for each in SqliteAudit(through(chained.raw)).entries())
    finally:
        chained.do("ROLLBACK")
    assert verify(chained.audit.entries()).head == chained.head


@settings(max_examples=60, deadline=None)
@given(entry_id=st.integers(1, ENTRIES), other_id=st.integers(-(2**63), 2**63 - 1) | st.integers(-3, ENTRIES + 3))
def test_an_entry_in_another_place_is_found(chained: Chained, entry_id: int, other_id: int) -> None:
    chained.do("BEGIN")
    try:
        try:
            chained.do("UPDATE audit SET entry_id = ? WHERE entry_id = ?", other_id, entry_id)
        except apsw.ConstraintError:  # that place is taken
            reject()
        assume(other_id != entry_id)
        with pytest.raises(AuditBroken):
            verify(SqliteAudit(through(chained.raw)).entries())
    finally:
        chained.do("ROLLBACK")


@pytest.mark.parametrize("entry_id", range(1, ENTRIES))
def test_an_entry_cut_out_of_the_middle_is_found(own: Chained, entry_id: int) -> None:
    own.drop_triggers()
    own.do("DELETE FROM audit WHERE entry_id = ?", entry_id)
    with pytest.raises(AuditBroken) as broken:
        verify(own.audit.entries())
    assert broken.value.entry_id == entry_id + 1


@pytest.mark.parametrize("entry_id", [-(2**63), -1, 0, ENTRIES + 1, ENTRIES + 5])
def test_an_entry_slipped_in_is_found(own: Chained, entry_id: int) -> None:
    own.drop_triggers()
    own.do(
        "INSERT INTO audit SELECT ?, at_ms, actor, origin, action, subject, 1, 1, detail, hash FROM audit LIMIT 1",
        entry_id,
    )
    with pytest.raises(AuditBroken) as broken:
        verify(own.audit.entries())
    assert broken.value.entry_id == entry_id


def test_entries_cut_off_at_the_end_are_found_by_who_kept_the_head(own: Chained) -> None:
    own.drop_triggers()
    own.do("DELETE FROM audit WHERE entry_id > 4")
    assert verify(own.audit.entries()).count == 4
    with pytest.raises(HeadGone):
        verify(own.audit.entries(), seen=own.head)
