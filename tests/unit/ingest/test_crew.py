import multiprocessing
import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from yuefu.ingest.crew import Crew, Lost

TASKS = """
import os, time

def double(job, tell):
    tell(job / 2)
    return 2 * job

def whoami(job, tell):
    return os.getpid()

def hoard(job, tell):
    return len(bytearray(job))

def stumble(job, tell):
    if job == 1:
        os.kill(os.getpid(), 11)
    if job == 2:
        raise KeyError("two")
    if job == 3:
        time.sleep(60)
    return job
"""

Task = Callable[[int, Callable[[float], None]], int]


@pytest.fixture
def tasks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Task]]:
    """Tasks that a worker process can import."""
    (tmp_path / "crew_tasks.py").write_text(TASKS)
    monkeypatch.syspath_prepend(tmp_path)
    import crew_tasks  # type: ignore[import-not-found]  # noqa: PLC0415  it exists from the line before on

    yield vars(crew_tasks)
    del sys.modules["crew_tasks"]


def test_every_job_is_answered_and_what_it_tells_arrives(tasks: dict[str, Task]) -> None:
    told: list[tuple[int, float]] = []
    with Crew(2, time_limit_s=60) as crew:
        answers = crew.work_through(tasks["double"], range(5), told=lambda job, amount: told.append((job, amount)))
        assert sorted(answers) == [(job, 2 * job) for job in range(5)]
    assert sorted(told) == [(job, job / 2) for job in range(5)]


def test_a_job_that_crashes_raises_or_hangs_is_lost_alone(tasks: dict[str, Task]) -> None:
    with Crew(2, time_limit_s=3) as crew:
        done = dict(crew.work_through(tasks["stumble"], range(6), told=lambda job, amount: None))
    assert {job for job, answer in done.items() if answer == job} == {0, 4, 5}
    crashed, raised, hung = (done[job] for job in (1, 2, 3))
    assert crashed == Lost("reading it crashed (SIGSEGV)")
    assert isinstance(raised, Lost)
    assert raised.reason == "KeyError: 'two'"
    assert "in stumble" in raised.trace
    assert hung == Lost("not done after 3 s")


def test_leaving_early_ends_all_workers_at_once(tasks: dict[str, Task]) -> None:
    begun = time.monotonic()
    with Crew(2, time_limit_s=60) as crew:
        answers = crew.work_through(tasks["stumble"], [0, 3, 3], told=lambda job, amount: None)
        assert next(answers) == (0, 0)
        answers.close()
        assert time.monotonic() - begun < 20
        assert dict(crew.work_through(tasks["double"], [4], told=lambda job, amount: None)) == {4: 8}
        assert len(multiprocessing.active_children()) == 1
    assert multiprocessing.active_children() == []


def test_a_worker_is_kept_for_the_next_jobs_whatever_they_are(tasks: dict[str, Task]) -> None:
    with Crew(1, time_limit_s=60) as crew:
        first = dict(crew.work_through(tasks["whoami"], [0], told=lambda job, amount: None))
        assert dict(crew.work_through(tasks["double"], [4], told=lambda job, amount: None)) == {4: 8}
        assert dict(crew.work_through(tasks["whoami"], [0], told=lambda job, amount: None)) == first


def test_a_job_that_takes_too_much_memory_is_lost_alone(tasks: dict[str, Task]) -> None:
    with Crew(1, time_limit_s=60, memory_limit_bytes=2**29) as crew:
        done = dict(crew.work_through(tasks["hoard"], [2**30, 2**20], told=lambda job, amount: None))
    assert done == {2**30: Lost("it takes more than 0.5 GB of memory"), 2**20: 2**20}


def test_workers_do_not_outlive_the_process_that_runs_them(tasks: dict[str, Task], tmp_path: Path) -> None:
    script = tmp_path / "boss.py"
    script.write_text(
        textwrap.dedent("""
            import multiprocessing, sys, time
            sys.path.insert(0, sys.argv[1])
            from crew_tasks import double
            from yuefu.ingest.crew import Crew
            if __name__ == "__main__":
                for _ in Crew(1, time_limit_s=60).work_through(double, range(9), told=lambda *_: None):
                    print(multiprocessing.active_children()[0].pid, flush=True)
                    time.sleep(60)
        """)
    )
    with subprocess.Popen([sys.executable, str(script), str(tmp_path)], stdout=subprocess.PIPE, text=True) as boss:
        assert boss.stdout is not None
        worker = int(boss.stdout.readline())
        assert is_running(worker)
        boss.kill()
        boss.wait()
        deadline = time.monotonic() + 10
        while is_running(worker) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not is_running(worker)


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (ProcessLookupError, FileNotFoundError):
        return False
    return state != "Z"
