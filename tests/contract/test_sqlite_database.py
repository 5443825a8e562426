"""What the SQLite file promises beyond the ports: migrations, money that is never edited, a full disk."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import apsw
import pytest

from yuefu.storage.sqlite import database as module
from yuefu.storage.sqlite.database import Database, StorageFailed, fetch
from yuefu.storage.sqlite.schema import MIGRATIONS

DEADLINE_S = 10
OPEN_AT_ONCE = """
import sys, time
from pathlib import Path
from yuefu.storage.sqlite.database import Database
start, folder = float(sys.argv[1]), Path(sys.argv[2])
for number in range(15):
    while time.time() < start + number * 0.06:
        pass
    with Database(folder / f"{number}.sqlite3") as database:
        database.write(lambda writer: writer.execute("INSERT INTO term_sheets (body) VALUES (hex(randomblob(8)))"))
"""


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with Database(tmp_path / "yuefu.sqlite3") as database:
        yield database


def add_sheet(body: str = "{}", *, kib: int = 0) -> Callable[[apsw.Connection], None]:
    def job(connection: apsw.Connection) -> None:
        connection.execute("INSERT INTO term_sheets (body) VALUES (?)", (body + "x" * 1024 * kib,))

    return job


def sheets(database: Database) -> int:
    count: int = fetch(database.reader, "SELECT count(*) FROM term_sheets")[0][0]
    return count


def test_two_processes_that_open_a_new_file_together_migrate_it_once(tmp_path: Path) -> None:
    start = time.time() + 1.0
    command = [sys.executable, "-c", OPEN_AT_ONCE, str(start), str(tmp_path)]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as one, subprocess.Popen(command) as other:
        assert one.communicate(timeout=60)[1] == b""
        assert (one.wait(), other.wait(60)) == (0, 0)
    for number in range(15):
        with Database(tmp_path / f"{number}.sqlite3") as database:
            assert sheets(database) == 2
            assert fetch(database.reader, "PRAGMA user_version") == [(len(MIGRATIONS),)]


def test_opening_again_migrates_nothing(tmp_path: Path) -> None:
    path = tmp_path / "yuefu.sqlite3"
    for count in range(3):
        with Database(path) as database:
            assert sheets(database) == count
            database.write(add_sheet(str(count)))


def test_a_file_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "yuefu.sqlite3"
    with Database(path) as database:
        database.write(lambda connection: connection.execute(f"PRAGMA user_version={len(MIGRATIONS) + 1}"))
    with pytest.raises(StorageFailed, match="newer version"):
        Database(path)
    with apsw.Connection(str(path)) as connection:
        assert fetch(connection, "PRAGMA user_version") == [(len(MIGRATIONS) + 1,)]


@pytest.mark.parametrize("content", [b"not a database " * 100, "茉莉花".encode() * 500], ids=["text", "Chinese"])
def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "yuefu.sqlite3"
    path.write_bytes(content)
    with pytest.raises(StorageFailed, match="not a database"):
        Database(path)
    assert path.read_bytes() == content


def test_a_folder_or_a_missing_one_is_no_database_either(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing" / "yuefu.sqlite3"):
        with pytest.raises(StorageFailed, match=str(path)):
            Database(path)


def test_an_engine_that_can_corrupt_the_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SAFE_VERSION", apsw.SQLITE_VERSION_NUMBER + 1)
    with pytest.raises(StorageFailed, match="can corrupt"):
        Database(tmp_path / "yuefu.sqlite3")
    assert not (tmp_path / "yuefu.sqlite3").exists()


def test_the_settings_that_make_an_answer_lasting_are_on(database: Database) -> None:
    for connection, expected in ((database._write_connection, 0), (database.reader, 1)):
        assert fetch(connection, "PRAGMA journal_mode") == [("wal",)]
        assert fetch(connection, "PRAGMA synchronous") == [(2,)]
        assert fetch(connection, "PRAGMA foreign_keys") == [(1,)]
        assert fetch(connection, "PRAGMA query_only") == [(expected,)]


def test_the_reader_cannot_write(database: Database) -> None:
    with pytest.raises(apsw.ReadOnlyError):
        database.reader.execute("DELETE FROM apps")


def test_the_generation_changes_when_another_process_writes(tmp_path: Path, database: Database) -> None:
    with Database(tmp_path / "yuefu.sqlite3") as other:
        seen = [database.generation(), database.generation()]
        for view in (other, database, other):
            view.write(add_sheet(f"sheet {len(seen)}"))
            seen += [database.generation(), database.generation()]
    pairs = list(zip(seen[::2], seen[1::2], strict=True))
    assert all(first == second for first, second in pairs)
    assert len({first for first, _ in pairs}) == 4


EDITS = [
    "UPDATE rights_revisions SET work_sheet = work_sheet",
    "UPDATE rights_revisions SET recorded_at_ms = 0 WHERE song_id = 1",
    "DELETE FROM rights_revisions",
    "DELETE FROM rights_revisions WHERE song_id = 1",
    "INSERT OR REPLACE INTO rights_revisions SELECT song_id, 1, 9, 1, 1, NULL, '', '', '' FROM rights_revisions",
    "UPDATE charges SET billing_mode = 1",
    "UPDATE OR IGNORE charges SET charged_at_ms = 0",
    "DELETE FROM charges",
    "DELETE FROM charges WHERE charge_id = 1",
    "INSERT OR REPLACE INTO charges SELECT charge_id, grant_id, 9, 9, 9, 9, '', '', 0, 0, '', NULL, 0 FROM charges",
]
FACTS = """
INSERT INTO songs (song_id, vendor_id, source_key, revision, fingerprint, title, singers, album, language, genre,
                   duration_ms, accompaniment_duration_ms, states, published_at_ms)
VALUES (1, 1, '', 1, '', '', '[]', '', '', '', 0, 0, '[]', 0);
INSERT INTO term_sheets (sheet_id, body) VALUES (1, '{"terms":[]}');
INSERT INTO rights_revisions VALUES (1, 1, 5, NULL, 1, NULL, 'deal', '["work"]', '');
INSERT INTO apps (app_id, name, sealed_secrets, default_vendor, vendors, scenes, billing_modes, home_territory,
                  is_enabled, is_replay_protected, created_at_ms)
VALUES (7, '', '[]', 1, '[]', '[]', '[]', 'CN', 1, 1, 0);
INSERT INTO sessions VALUES (1, x'00', 7, '', '', NULL, 'CN', 0, 0);
INSERT INTO grants (grant_id, session_id, app_id, user_id, room_id, song_id, vendor_id, resource_type, scene_id,
                    billing_mode, rights_revision, granted_at_ms, expires_at_ms)
VALUES (1, 1, 7, '', '', 1, 1, 0, 0, 0, 0, 0, 0);
INSERT INTO charges (grant_id, app_id, vendor_id, billing_mode, charged_at_ms) VALUES (1, 7, 1, 0, 5);
"""


@pytest.mark.parametrize("edit", EDITS)
def test_rights_and_charges_are_added_to_and_never_edited(database: Database, edit: str) -> None:
    database.write(lambda connection: connection.execute(FACTS))
    before = [fetch(database.reader, f"SELECT * FROM {table}") for table in ("rights_revisions", "charges")]
    with pytest.raises(Exception, match=r"append-only|UNIQUE"):
        database.write(lambda connection: connection.execute(edit))
    assert [fetch(database.reader, f"SELECT * FROM {table}") for table in ("rights_revisions", "charges")] == before


def test_a_grant_is_never_charged_twice(database: Database) -> None:
    database.write(lambda connection: connection.execute(FACTS))
    with pytest.raises(Exception, match="UNIQUE"):
        database.write(
            lambda connection: connection.execute(
                "INSERT INTO charges (grant_id, app_id, vendor_id, billing_mode, charged_at_ms) VALUES (1, 7, 1, 0, 6)"
            )
        )


def fill_up(database: Database) -> None:
    """Leave no room but what the file has already."""
    pages = fetch(database._write_connection, "PRAGMA page_count")[0][0]
    fetch(database._write_connection, f"PRAGMA max_page_count={pages}")


def make_room(database: Database) -> None:
    fetch(database._write_connection, "PRAGMA max_page_count=1000000")


def test_a_full_disk_fails_cleanly_and_writes_work_again_when_there_is_room(database: Database) -> None:
    fill_up(database)
    with pytest.raises(StorageFailed, match="full"):
        database.write(add_sheet(kib=1_000))
    assert sheets(database) == 0
    make_room(database)
    database.write(add_sheet(kib=1_000))
    assert sheets(database) == 1


def test_on_a_full_disk_what_needs_no_room_may_pass_but_nothing_is_half_done(database: Database) -> None:
    fill_up(database)
    futures = [database.submit(add_sheet(str(number), kib=number % 2 * 500)) for number in range(6)]
    failures = [future.exception(DEADLINE_S) for future in futures]
    assert all(isinstance(failures[number], StorageFailed) for number in (1, 3, 5))
    assert sheets(database) == failures.count(None)


def test_a_lock_held_too_long_is_a_failure_that_passes(database: Database, tmp_path: Path) -> None:
    database._write_connection.set_busy_timeout(50)
    other = apsw.Connection(str(tmp_path / "yuefu.sqlite3"))
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageFailed, match="locked"):
        database.write(add_sheet())
    other.close()
    database.write(add_sheet())
    assert sheets(database) == 1


def test_a_job_that_ends_the_transaction_itself_does_not_stop_the_writer(database: Database) -> None:
    def job(connection: apsw.Connection) -> None:
        connection.execute("ROLLBACK")
        raise ValueError("and then some")

    with pytest.raises(StorageFailed, match="transaction was lost"):
        database.write(job)
    database.write(add_sheet())
    assert sheets(database) == 1


def test_closing_finishes_what_waits(tmp_path: Path) -> None:
    path = tmp_path / "yuefu.sqlite3"
    with Database(path) as database:
        futures = [database.submit(add_sheet(str(number))) for number in range(1_000)]
    assert all(future.done() for future in futures)
    with Database(path) as database:
        assert sheets(database) == 1_000


_OPEN_AND_CLOSE = """
import sys
from pathlib import Path
from yuefu.storage.sqlite.database import Database
for _ in range(40):
    Database(Path(sys.argv[1])).close()
"""


def test_commands_beside_a_busy_writer_disturb_nobody(tmp_path: Path) -> None:
    """A process loses its locks on a file when it closes any descriptor of it: nothing but SQLite may open these."""
    path = tmp_path / "shared.sqlite3"
    with Database(path) as ours:
        ours.write(lambda connection: connection.execute("CREATE TABLE noise (x)"))
        opening = subprocess.Popen([sys.executable, "-c", _OPEN_AND_CLOSE, str(path)])
        written = 0
        while opening.poll() is None:
            ours.write(lambda connection: connection.execute("INSERT INTO noise VALUES (zeroblob(2000))"))
            ours.generation()
            written += 1
        assert opening.returncode == 0
        assert fetch(ours.reader, "SELECT count(*) FROM noise") == [(written,)]
        assert fetch(ours.reader, "PRAGMA integrity_check") == [("ok",)]


def test_every_write_of_many_is_noticed_at_once(tmp_path: Path) -> None:
    path = tmp_path / "shared.sqlite3"
    with Database(path) as ours, Database(path) as theirs:
        theirs.write(lambda connection: connection.execute("CREATE TABLE noise (x)"))
        seen = {ours.generation()}
        for _ in range(2_000):  # far enough for the log to be checkpointed and begun again
            theirs.write(lambda connection: connection.execute("INSERT INTO noise VALUES (zeroblob(3000))"))
            seen.add(ours.generation())
        assert len(seen) == 2_001
