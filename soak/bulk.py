"""Many songs at once: taken down by a list in a file, and given back."""

import json
import subprocess
import time
from dataclasses import dataclass
from typing import Any

from bench.stock import YUEFU

from soak.stage import Stage


@dataclass(frozen=True, slots=True)
class Bulk:
    """How long each command took, from its start to its end, on how many songs."""

    songs: int
    down_s: float
    back_s: float


def take_bulk_down(stage: Stage) -> Bulk:
    """Take all of the stage's bulk down and give it back, each by a command as an operator types it."""
    ids = stage.folder / "ids.txt"
    ids.write_text("\n".join(map(str, stage.bulk)), encoding="utf-8")
    down_s, taken = _time(stage, "--file", str(ids), "--reason", "all at once")
    back_s, undone = _time(stage, "--undo", str(taken["case"]))
    if (len(taken["songs"]), undone["songs"]) != (len(stage.bulk), len(stage.bulk)):
        raise ValueError("not every song was hit")
    return Bulk(songs=len(stage.bulk), down_s=down_s, back_s=back_s)


def _time(stage: Stage, *arguments: str) -> tuple[float, dict[str, Any]]:
    command = [str(YUEFU), "takedown", *arguments, "--data", str(stage.folder), "--json"]
    began_s = time.monotonic()
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    return time.monotonic() - began_s, json.loads(done.stdout)
