"""The file that several workers share their nonces and quotas through."""

import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from yuefu.access.quota import Rate
from yuefu.ids import AppId
from yuefu.storage.sqlite.database import StorageFailed, fetch
from yuefu.storage.sqlite.shared import PRUNE_EVERY, SharedState

APP = AppId(7)
AT_S = 1_700_000_000
AT_US = AT_S * 1_000_000
RATE = Rate(200, burst=200)
SPEND_TOGETHER = f"""
import sys, time
from pathlib import Path
from yuefu.access.quota import Rate
from yuefu.storage.sqlite.shared import SharedState
while time.time() < float(sys.argv[1]):
    pass
state = SharedState(Path(sys.argv[2]))
nonces = sum(state.nonces.spend(7, str(number), until_s={AT_S + 9}, at_s={AT_S}) for number in range(300))
calls = sum(state.quota.spend("7/a", Rate(200, burst=200), at_us={AT_US}) for _ in range(300))
print(nonces, calls)
"""


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[tuple[SharedState, SharedState]]:
    with closing(SharedState(tmp_path / "shared")) as one, closing(SharedState(tmp_path / "shared")) as other:
        yield one, other


def test_a_nonce_that_one_worker_saw_is_spent_for_all(workers: tuple[SharedState, SharedState]) -> None:
    one, other = workers
    assert one.nonces.spend(APP, "a", until_s=AT_S + 9, at_s=AT_S)
    assert not other.nonces.spend(APP, "a", until_s=AT_S + 9, at_s=AT_S)
    assert other.nonces.spend(APP, "a", until_s=AT_S + 18, at_s=AT_S + 9)
    assert not one.nonces.spend(APP, "a", until_s=AT_S + 18, at_s=AT_S + 9)


def test_all_workers_spend_one_quota(workers: tuple[SharedState, SharedState]) -> None:
    passed = [worker.quota.spend("7/a", RATE, at_us=AT_US) for _ in range(150) for worker in workers]
    assert sum(passed) == 200


def test_workers_that_start_and_spend_together_agree(tmp_path: Path) -> None:
    start = str(time.time() + 1.0)
    command = [sys.executable, "-c", SPEND_TOGETHER, start, str(tmp_path / "shared")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as first:
        other = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=60).stdout.split()
        one = first.communicate(timeout=60)[0].split()
    assert int(one[0]) + int(other[0]) == 300
    assert int(one[1]) + int(other[1]) == 200


def test_nonces_past_their_time_make_room(workers: tuple[SharedState, SharedState]) -> None:
    state, _ = workers
    for number in range(2 * PRUNE_EVERY):
        state.nonces.spend(APP, str(number), until_s=AT_S + number, at_s=AT_S + number)
    assert fetch(state._connection, "SELECT count(*) FROM nonces")[0][0] <= PRUNE_EVERY


def test_on_a_full_disk_nothing_is_spent_and_everything_again_when_there_is_room(
    workers: tuple[SharedState, SharedState], tmp_path: Path
) -> None:
    one, other = workers
    one.quota.spend("7/before", RATE, at_us=AT_US)
    with no_longer_files_than((tmp_path / "shared-wal").stat().st_size):
        for _ in range(3):
            with pytest.raises(StorageFailed):
                one.quota.spend("7/a", Rate(1, burst=1), at_us=AT_US)
            with pytest.raises(StorageFailed):
                one.nonces.spend(APP, "a", until_s=AT_S + 9, at_s=AT_S)
    for state, passes in ((other, True), (one, False)):
        assert state.quota.spend("7/a", Rate(1, burst=1), at_us=AT_US) is passes
        assert state.nonces.spend(APP, "a", until_s=AT_S + 9, at_s=AT_S) is passes


@contextmanager
def no_longer_files_than(size_bytes: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_nothing_waits_for_the_disk(workers: tuple[SharedState, SharedState]) -> None:
    for state in workers:
        assert fetch(state._connection, "PRAGMA journal_mode") == [("wal",)]
        assert fetch(state._connection, "PRAGMA synchronous") == [(0,)]
