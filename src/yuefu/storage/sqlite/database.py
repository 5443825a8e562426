"""One SQLite file: its settings, its one writer, its readers.

Writes go through one thread that commits in groups: whatever waits is one transaction, each job in a savepoint of its
own, and nobody is answered before the commit has reached the disk. Jobs that an event loop waits for are done on that
loop, all of a group in one go, while the thread does the waiting, for locks and for the disk: two threads that both
compute pass the interpreter's lock to and fro at every statement, which costs more than the statements.

Reads are prepared statements of some tens of microseconds on the caller's own connection, so an event loop may make
them itself.

Several processes may share the file (a server, an import, a takedown on the command line): `generation` tells cheaply
that anyone wrote.
"""

import asyncio
import contextlib
import copy
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar, cast

import apsw
import msgspec

from yuefu.errors import EngineBusy, YuefuError
from yuefu.storage.sqlite.schema import MIGRATIONS
from yuefu.units import SECOND_MS

T = TypeVar("T")

SAFE_VERSION = 3_051_003
"""Before SQLite 3.51.3 two connections that write and checkpoint together can corrupt a WAL file."""

GROUP_SIZE = 256
BUSY_TIMEOUT_MS = 10_000
READ_TIMEOUT_MS = 1_000
"""What cannot be read within a second is refused: rights of that age may be those of before a takedown."""
_CACHE_KIB = 65_536
_CHECKPOINT_PAGES = 8_000
"""32 MiB of log before it is worked into the file: pages that an import touches again and again are copied once."""
_WAL_RETRY_S = 0.01
_LOOP_PATIENCE_S = 0.05
"""How long a group waits for an event loop to do its jobs, before it does them without it."""

ENGINE_FAILURES = (
    apsw.FullError,
    apsw.IOError,
    apsw.BusyError,
    apsw.CorruptError,
    apsw.NoMemError,
    apsw.ReadOnlyError,
)
"""What a statement may run into without any fault of the job's."""

_Attempt = Callable[[apsw.Connection, Callable[[apsw.Connection], Any]], tuple[Any, BaseException | None]]


@dataclass(frozen=True, slots=True)
class _Job:
    """What is to be done, and who waits for it: a thread, or a task of `loop`."""

    do: Callable[[apsw.Connection], Any]
    future: "Future[Any] | asyncio.Future[Any]"
    loop: asyncio.AbstractEventLoop | None = None

    def begin(self) -> bool:
        """Whether its asker still waits; a thread can leave no more from here on."""
        if isinstance(self.future, Future):
            return self.future.set_running_or_notify_cancel()
        return not self.future.cancelled()


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What came of a job that may be told once it is on disk."""

    job: _Job
    value: Any
    problem: BaseException | None

    def tell(self) -> None:
        """Answer the job's asker, unless it has left. Of a loop only that loop's thread may do it."""
        if self.job.future.cancelled():
            return
        if self.problem is None:
            self.job.future.set_result(self.value)
        else:
            self.job.future.set_exception(self.problem)


class StorageFailed(YuefuError):
    """The engine could not do it: disk full, file damaged. Nothing of it was written."""


class StorageBusy(StorageFailed, EngineBusy):
    """Other connections kept the file locked for longer than we wait."""


class Database:
    """A database file, opened and brought up to the present schema.

    Raises `StorageFailed` when the file is no database, comes from a newer version of this project, or the SQLite
    library is one that can corrupt it.
    """

    def __init__(self, path: Path) -> None:
        if apsw.SQLITE_VERSION_NUMBER < SAFE_VERSION:
            raise StorageFailed(
                f"SQLite {apsw.sqlite_lib_version()} can corrupt shared files; 3.51.3 or later is needed"
            )
        self._path = path
        try:
            self._write_connection = self._connect()
            _migrate(self._write_connection)
            self.reader = self._connect_reader()
        except apsw.Error as error:
            raise StorageFailed(f"{path}: {error}") from error
        self._readers = [self.reader]
        self._seen: int | None = None
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write_in_groups, name="sqlite-writer", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Finish what waits, then let go of the file."""
        self._jobs.put(None)
        self._thread.join()
        for reader in self._readers:
            reader.close()
        self._write_connection.close()

    def beside(self) -> "Database":
        """The same database with a reader of its own, for one thread beside this one's; it is closed with this one."""
        other = copy.copy(self)
        try:
            other.reader = self._connect_reader()
        except apsw.Error as error:
            raise failure(error) from error
        self._readers.append(other.reader)
        other._seen = None  # noqa: SLF001 - one of us
        return other

    def submit(self, job: Callable[[apsw.Connection], T]) -> "Future[T]":
        """Have the writer do `job` in a transaction; the future is done once it is on disk.

        An error that `job` raises undoes what it wrote, is the future's, and touches no other job.
        """
        future: Future[T] = Future()
        self._queue(_Job(job, future))
        return future

    async def perform(self, job: Callable[[apsw.Connection], T]) -> T:
        """As `submit`, for a task: `job` is done on its event loop, so it must be brief."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._queue(_Job(job, future, loop))
        return await future

    def _queue(self, job: _Job) -> None:
        if not self._thread.is_alive():
            raise StorageFailed("the database is closed")
        self._jobs.put(job)

    def write(self, job: Callable[[apsw.Connection], T]) -> T:
        """`submit`, and wait: for callers without an event loop."""
        return self.submit(job).result()

    def look(self) -> None:
        """Notice now what anyone has written; until `look_away` that is all there is to notice.

        For one stretch of work that nothing interrupts: it asks once, however many of its parts want to know.
        """
        self._seen = self._ask_generation()

    def look_away(self) -> None:
        """End what `look` began."""
        self._seen = None

    def generation(self) -> int:
        """A number that differs from the last one when anyone, in any process, has written since."""
        return self._ask_generation() if self._seen is None else self._seen

    def _ask_generation(self) -> int:
        try:
            return cast("int", self.reader.execute("PRAGMA data_version").get)
        except ENGINE_FAILURES as error:
            raise failure(error) from error

    def _connect(self) -> apsw.Connection:
        connection = apsw.Connection(str(self._path))
        connection.set_busy_timeout(BUSY_TIMEOUT_MS)
        enter_wal(connection)
        fetch(
            connection,
            "PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA recursive_triggers=ON;"  # REPLACE deletes, too
            f"PRAGMA cache_size=-{_CACHE_KIB}; PRAGMA temp_store=MEMORY; PRAGMA wal_autocheckpoint={_CHECKPOINT_PAGES}",
        )
        return connection

    def _connect_reader(self) -> apsw.Connection:
        reader = self._connect()
        reader.execute("PRAGMA query_only=ON; PRAGMA wal_autocheckpoint=0")
        reader.set_busy_timeout(READ_TIMEOUT_MS)
        return reader

    def _write_in_groups(self) -> None:
        stopping = False
        while not stopping:
            group: list[_Job] = []
            item = self._jobs.get()
            while item is not None:
                if item.begin():
                    group.append(item)
                if len(group) == GROUP_SIZE:
                    break
                try:
                    item = self._jobs.get_nowait()
                except queue.Empty:
                    break
            stopping = item is None
            if group:
                self._commit_group(group)

    def _commit_group(self, group: list[_Job]) -> None:
        connection = self._write_connection
        attempt = _attempt if len(group) > 1 else _attempt_alone
        try:
            connection.execute("BEGIN IMMEDIATE")
            outcomes: list[_Outcome] = []
            for loop, jobs in groupby(group, key=_loop_of):
                outcomes += _do_at_home(loop, partial(_attempt_all, attempt, connection, list(jobs)))
            connection.execute("COMMIT")
        except apsw.Error as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            outcomes = [_Outcome(job, None, failure(error)) for job in group]
        for loop, told in groupby(outcomes, key=lambda outcome: _loop_of(outcome.job)):
            _tell_at_home(loop, list(told))


def _loop_of(job: _Job) -> asyncio.AbstractEventLoop | None:
    return job.loop


def _do_at_home(loop: asyncio.AbstractEventLoop | None, work: Callable[[], T]) -> T:
    """Have a loop do the work of its tasks, and wait for it; do it here where there is none, or none that has time."""
    if loop is None:
        return work()
    turn, answer = threading.Lock(), Future[T]()

    def take() -> None:
        if turn.acquire(blocking=False):
            try:
                answer.set_result(work())
            except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
                answer.set_exception(error)

    with contextlib.suppress(RuntimeError):  # the loop is closed
        loop.call_soon_threadsafe(take)
        with contextlib.suppress(TimeoutError):
            return answer.result(_LOOP_PATIENCE_S)
    take()
    return answer.result()


def _tell_at_home(loop: asyncio.AbstractEventLoop | None, outcomes: list[_Outcome]) -> None:
    """Answer all who wait on one loop in one go; on one that is closed nobody waits."""

    def tell() -> None:
        for outcome in outcomes:
            outcome.tell()

    if loop is None:
        tell()
    else:
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(tell)


def fetch(connection: apsw.Connection, statement: str, bindings: tuple[Any, ...] = ()) -> list[Any]:
    """All rows. Always all of them: a statement left unfinished pins its snapshot of the file, and of several
    statements those after the first row are not even begun. Raises `StorageFailed` for what is the engine's fault.
    """
    try:
        return connection.execute(statement, bindings).fetchall()
    except ENGINE_FAILURES as error:
        raise failure(error) from error


def json_text(value: object) -> str:
    """A value as a column holds it that nobody searches in. Nothing at all comes by the million, and is known."""
    return "[]" if value == () else msgspec.json.encode(value).decode()


def failure(error: Exception) -> StorageFailed:
    """The engine's failure for those who must not know the engine."""
    return (StorageBusy if isinstance(error, apsw.BusyError) else StorageFailed)(str(error))


def _attempt_all(attempt: "_Attempt", connection: apsw.Connection, jobs: list[_Job]) -> list[_Outcome]:
    return [_Outcome(job, *attempt(connection, job.do)) for job in jobs]


def _attempt(connection: apsw.Connection, job: Callable[[apsw.Connection], Any]) -> tuple[Any, BaseException | None]:
    """One job in its savepoint. Raises only what ends the whole transaction (a full disk, an I/O error)."""
    connection.execute("SAVEPOINT job")
    try:
        value = job(connection)
    except BaseException as error:  # noqa: BLE001 - it is its asker's
        return None, _undo(connection, error, "ROLLBACK TO job; RELEASE job")
    connection.execute("RELEASE job")
    return value, None


def _attempt_alone(
    connection: apsw.Connection, job: Callable[[apsw.Connection], Any]
) -> tuple[Any, BaseException | None]:
    """As `_attempt`, for a job that shares its transaction with no other and so needs no savepoint.

    In one SQLite keeps what was on every page that is touched, and goes through all of it again whenever a statement
    ends that has a savepoint of its own: a large import would be slower with every thousand songs.
    """
    try:
        return job(connection), None
    except BaseException as error:  # noqa: BLE001 - it is its asker's
        return None, _undo(connection, error, "ROLLBACK; BEGIN")


def _undo(connection: apsw.Connection, error: BaseException, how: str) -> BaseException:
    """Undo what a job wrote; the failure to tell its asker."""
    if not connection.in_transaction:
        raise apsw.AbortError(f"the transaction was lost: {error}") from error
    connection.execute(how)
    return failure(error) if isinstance(error, ENGINE_FAILURES) else error


def enter_wal(connection: apsw.Connection) -> None:
    """Put the file into WAL mode. SQLite does not wait its turn for this one step, so we do."""
    give_up_at_s = time.monotonic() + BUSY_TIMEOUT_MS / SECOND_MS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL").fetchall()
        except apsw.BusyError:
            if time.monotonic() > give_up_at_s:
                raise
            time.sleep(_WAL_RETRY_S)
        else:
            return


def _migrate(connection: apsw.Connection) -> None:
    """Bring the file up to the present schema, one transaction a step, once even when two processes start together."""
    while True:
        connection.execute("BEGIN IMMEDIATE")
        version = fetch(connection, "PRAGMA user_version")[0][0]
        if version > len(MIGRATIONS):
            connection.execute("ROLLBACK")
            raise StorageFailed("the data folder was written by a newer version of Yuefu; upgrade this one")
        if version == len(MIGRATIONS):
            connection.execute("ROLLBACK")
            return
        connection.execute(MIGRATIONS[version])
        connection.execute(f"PRAGMA user_version={version + 1}")
        connection.execute("COMMIT")
