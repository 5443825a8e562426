import subprocess
import sys
from pathlib import Path

import pytest

from yuefu.ingest.workshop import open_workshop

HOLD = """
import sys
from pathlib import Path
from yuefu.ingest.workshop import open_workshop

with open_workshop(Path(sys.argv[1])) as folder:
    (folder / "half").touch()
    print(folder, flush=True)
    sys.stdin.read()
"""


def test_the_folder_is_gone_when_the_work_fails(tmp_path: Path) -> None:
    def fail() -> None:
        with open_workshop(tmp_path / "work") as folder:
            (folder / "half").touch()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert list((tmp_path / "work").iterdir()) == []


def test_what_a_killed_run_left_is_swept_and_a_living_run_is_left_alone(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        theirs = Path(other.stdout.readline().strip())
        with open_workshop(tmp_path) as ours:
            assert {theirs, ours} == set(tmp_path.iterdir())
        other.kill()
        other.wait()
        assert (theirs / "half").exists()
        with open_workshop(tmp_path) as ours:
            assert [ours] == list(tmp_path.iterdir())
