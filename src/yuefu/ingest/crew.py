"""A few worker processes that outlive the jobs that kill them.

Codecs are C code fed with files from anywhere. A job that crashes its process, or hangs in it, is lost by itself: the
process is replaced and the others work on. When the process that runs the crew dies, its workers meet the end of their
pipes and go too.
"""

import contextlib
import multiprocessing
import signal
import time
import traceback
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any, Generic, TypeVar, cast

Job = TypeVar("Job")
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Lost:
    """A job that has no answer: it crashed, took too long or raised. `trace` is for whoever mends it."""

    reason: str
    trace: str = ""


@dataclass(frozen=True, slots=True)
class _Told:
    amount: float


@dataclass(frozen=True, slots=True)
class _Answered:
    answer: Any


def work_through(
    task: Callable[[Job, Callable[[float], None]], Answer],
    jobs: Iterable[Job],
    *,
    worker_count: int,
    time_limit_s: float,
    told: Callable[[Job, float], None],
) -> Generator[tuple[Job, Answer | Lost]]:
    """Each job with its answer, in the order they are done; `jobs` is drawn from only when a worker is free.

    `task` must be importable, jobs and answers picklable. What a task tells through its second argument arrives at
    `told` while it works. Closing the iterator ends all workers at once.
    """
    waiting = iter(jobs)
    idle: list[_Worker[Job, Answer]] = []
    busy: list[_Worker[Job, Answer]] = []
    done: list[tuple[Job, Answer | Lost]] = []
    try:
        while True:
            while len(busy) < worker_count and (job := next(waiting, None)) is not None:
                worker = idle.pop() if idle else _Worker(task, time_limit_s)
                worker.begin(job)
                busy.append(worker)
            yield from done  # after handing out work, so that nobody idles while an answer is used
            if not busy:
                return
            gathered = _gather(busy, idle, told)
            done = list(gathered)
    finally:
        for worker in (*busy, *idle):
            worker.dismiss()


class _Worker(Generic[Job, Answer]):
    """One process and the job it is at."""

    def __init__(self, task: Callable[[Job, Callable[[float], None]], Answer], time_limit_s: float) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(task, theirs), daemon=True)
        # Ctrl-C reaches every process of the terminal, but whoever runs the crew ends it: workers are born deaf to it.
        deaf_to = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        self._process.start()
        signal.pthread_sigmask(signal.SIG_SETMASK, deaf_to)
        theirs.close()
        self._time_limit_s = time_limit_s
        self._deadline_s = 0.0
        self.job: Job

    @property
    def time_left_s(self) -> float:
        return max(0.0, self._deadline_s - time.monotonic())

    def begin(self, job: Job) -> None:
        self.job = job
        self._deadline_s = time.monotonic() + self._time_limit_s
        self.pipe.send(job)

    def receive(self) -> _Told | _Answered | Lost:
        """What the worker says next, or that it is dead."""
        try:
            return cast("_Told | _Answered | Lost", self.pipe.recv())
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


def _gather(
    busy: list[_Worker[Job, Answer]], idle: list[_Worker[Job, Answer]], told: Callable[[Job, float], None]
) -> Iterator[tuple[Job, Answer | Lost]]:
    """Wait for the next messages; move the workers that are done with their jobs out of `busy`."""
    ready = wait([worker.pipe for worker in busy], timeout=min(worker.time_left_s for worker in busy))
    for worker in list(busy):
        message = worker.receive() if worker.pipe in ready else None
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


def _serve(task: Callable[[Any, Callable[[float], None]], Any], pipe: "Connection[Any, Any]") -> None:
    """A worker's life: answer jobs until the pipe ends."""
    with contextlib.suppress(EOFError, ConnectionError):
        while True:
            job = pipe.recv()
            try:
                message: _Answered | Lost = _Answered(task(job, lambda amount: pipe.send(_Told(amount))))
            except Exception as error:  # noqa: BLE001  whatever it is, it is this job's alone and reaches the report
                message = Lost(f"{type(error).__name__}: {error}", traceback.format_exc())
            pipe.send(message)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
