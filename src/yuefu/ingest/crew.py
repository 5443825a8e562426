"""A few worker processes that outlive the jobs they do, and the jobs that kill them.

Codecs are C code fed with files from anywhere. A job that crashes its process, or hangs in it, is lost by itself: the
process is replaced and the others work on. When the process that runs the crew dies, its workers meet the end of their
pipes and go too.
"""

import contextlib
import multiprocessing
import resource
import signal
import time
import traceback
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any, Self, TypeVar, cast

Job = TypeVar("Job")
Answer = TypeVar("Answer")

START_LIMIT_S = 120.0
"""How long a worker may take to be there."""

MEMORY_LIMIT_BYTES = 2 * 2**30
"""Far more than any song takes: what runs into it does not end."""


@dataclass(frozen=True, slots=True)
class Lost:
    """A job that has no answer: it crashed, took too long or raised. `trace` is for whoever mends it."""

    reason: str
    trace: str = ""


@dataclass(frozen=True, slots=True)
class _Begun:
    """The worker has the job: only now does its time run, however long the process took to start."""


@dataclass(frozen=True, slots=True)
class _Told:
    amount: float


@dataclass(frozen=True, slots=True)
class _Answered:
    answer: Any


class Crew:
    """Workers, started when there is something to do and kept until the crew is dismissed.

    A job may take `time_limit_s`, and a worker `memory_limit_bytes` of memory of its own where the system bounds that.
    """

    def __init__(self, worker_count: int, *, time_limit_s: float, memory_limit_bytes: int = MEMORY_LIMIT_BYTES) -> None:
        self._worker_count = worker_count
        self._time_limit_s = time_limit_s
        self._memory_limit_bytes = memory_limit_bytes
        self._idle: list[_Worker] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        while self._idle:
            self._idle.pop().dismiss()

    def work_through(
        self,
        task: Callable[[Job, Callable[[float], None]], Answer],
        jobs: Iterable[Job],
        *,
        told: Callable[[Job, float], None],
    ) -> Generator[tuple[Job, Answer | Lost]]:
        """Each job with its answer, in the order they are done; `jobs` is drawn from only when a worker is free.

        `task` must be importable, jobs and answers picklable. What a task tells through its second argument arrives at
        `told` while it works. Closing the iterator ends all workers that are at a job at once.
        """
        waiting = iter(jobs)
        busy: list[_Worker] = []
        done: list[tuple[Any, Any]] = []
        try:
            while True:
                while len(busy) < self._worker_count and (job := next(waiting, None)) is not None:
                    worker = self._idle.pop() if self._idle else _Worker(self._memory_limit_bytes)
                    busy.append(worker)
                    worker.begin(task, job, self._time_limit_s)
                yield from done  # after handing out work, so that nobody idles while an answer is used
                if not busy:
                    return
                gathered = _gather(busy, self._idle, told)
                done = list(gathered)
        finally:
            for worker in busy:
                worker.dismiss()


class _Worker:
    """One process and the job it is at."""

    def __init__(self, memory_limit_bytes: int) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, memory_limit_bytes), daemon=True)
        # Ctrl-C reaches every process of the terminal, but whoever runs the crew ends it: workers are born deaf to it.
        deaf_to = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        self._process.start()
        signal.pthread_sigmask(signal.SIG_SETMASK, deaf_to)
        theirs.close()
        self._time_limit_s = 0.0
        self._deadline_s = 0.0
        self.job: Any = None

    @property
    def time_left_s(self) -> float:
        return max(0.0, self._deadline_s - time.monotonic())

    def begin(self, task: Callable[[Any, Callable[[float], None]], Any], job: Any, time_limit_s: float) -> None:
        self.job = job
        self._time_limit_s = time_limit_s
        self._deadline_s = time.monotonic() + START_LIMIT_S
        self.pipe.send((task, job))

    def time_it(self) -> None:
        self._deadline_s = time.monotonic() + self._time_limit_s

    def receive(self) -> _Begun | _Told | _Answered | Lost:
        """What the worker says next, or that it is dead."""
        try:
            return cast("_Begun | _Told | _Answered | Lost", self.pipe.recv())
        except (EOFError, ConnectionError):
            self._process.join()
            code = self._process.exitcode or 0
            return Lost(f"reading it crashed ({_signal_name(-code) if code < 0 else f'exit status {code}'})")

    def give_up(self) -> Lost:
        self.dismiss()
        return Lost(f"not done after {self._time_limit_s:g} s")

    @property
    def is_alive(self) -> bool:
        return self._process.is_alive()

    def dismiss(self) -> None:
        self._process.kill()
        self._process.join()
        self.pipe.close()


def _gather(busy: list[_Worker], idle: list[_Worker], told: Callable[[Any, float], None]) -> Iterator[tuple[Any, Any]]:
    """Wait for the next messages; move the workers that are done with their jobs out of `busy`."""
    ready = wait([worker.pipe for worker in busy], timeout=min(worker.time_left_s for worker in busy))
    for worker in list(busy):
        message = worker.receive() if worker.pipe in ready else None
        if isinstance(message, _Begun):
            worker.time_it()
            message = None
        if isinstance(message, _Told):
            told(worker.job, message.amount)
            message = None
        if message is None and not worker.time_left_s:
            message = worker.give_up()
        if message is None:
            continue
        busy.remove(worker)
        if worker.is_alive:
            idle.append(worker)
        yield worker.job, message.answer if isinstance(message, _Answered) else message


def _serve(pipe: "Connection[Any, Any]", memory_limit_bytes: int) -> None:
    """A worker's life: answer jobs until the pipe ends."""
    resource.setrlimit(resource.RLIMIT_DATA, (memory_limit_bytes, memory_limit_bytes))
    with contextlib.suppress(EOFError, ConnectionError):
        while True:
            task, job = pipe.recv()
            pipe.send(_Begun())
            try:
                message: _Answered | Lost = _Answered(task(job, lambda amount: pipe.send(_Told(amount))))
            except MemoryError:
                message = Lost(f"it takes more than {memory_limit_bytes / 2**30:g} GB of memory")
            except Exception as error:  # noqa: BLE001  whatever it is, it is this job's alone and reaches the report
                message = Lost(f"{type(error).__name__}: {error}", traceback.format_exc())
            pipe.send(message)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
