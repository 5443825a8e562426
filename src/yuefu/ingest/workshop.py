"""Folders for half-made things, gone when the work is done, however it ended.

A run's folder is locked while the run lives. A run that was killed leaves it unlocked, and the next one sweeps it away.
"""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

_PREFIX = "run-"


@contextlib.contextmanager
def open_workshop(work_dir: Path) -> Iterator[Path]:
    """A new folder of this run's own in `work_dir`, which is made when missing. Several runs may share `work_dir`."""
    work_dir.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as held:
        with _locked(work_dir):  # nobody sweeps between making a folder and locking it
            _sweep(work_dir)
            run = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=work_dir))
            held.callback(shutil.rmtree, run, ignore_errors=True)
            held.enter_context(_locked(run))
        yield run


def _sweep(work_dir: Path) -> None:
    for folder in work_dir.glob(f"{_PREFIX}*"):
        with contextlib.suppress(BlockingIOError), _locked(folder, fcntl.LOCK_EX | fcntl.LOCK_NB):
            shutil.rmtree(folder)


@contextlib.contextmanager
def _locked(folder: Path, how: int = fcntl.LOCK_EX) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, how)
        yield
    finally:
        os.close(descriptor)
