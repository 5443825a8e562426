"""An operator in a process of its own, who runs `yuefu` commands one after the other without starting anew for each."""

import contextlib
import io
import json
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from yuefu.errors import YuefuError
from yuefu.server.cli import commands

ROOT = Path(__file__).parents[1]


class Operator:
    """The other end: commands go out, and with each answer come the instants (monotonic, s) it began and returned."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process = subprocess.Popen(
            [sys.executable, "-m", "soak.operator"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate()

    def run(self, *arguments: str) -> dict[str, Any]:
        """What the command says as JSON, with `began_s` and `returned_s`."""
        process = self._process
        assert process.stdin is not None  # noqa: S101 - it was asked for above
        assert process.stdout is not None  # noqa: S101
        process.stdin.write(json.dumps([*arguments, "--data", str(self._folder), "--json"]) + "\n")
        process.stdin.flush()
        said: dict[str, Any] = json.loads(process.stdout.readline())
        if "error" in said:
            raise CommandFailed(said["error"])
        return said


class CommandFailed(Exception):
    """A command was refused."""


def _serve_commands() -> None:
    for line in sys.stdin:
        print(json.dumps(_run(json.loads(line))), flush=True)


def _run(arguments: list[str]) -> dict[str, Any]:
    printed = io.StringIO()
    began_s = time.monotonic()
    try:
        with contextlib.redirect_stdout(printed):
            commands.main(arguments, standalone_mode=False)
    except YuefuError as error:
        return {"error": str(error)}
    returned_s = time.monotonic()
    return {**json.loads(printed.getvalue()), "began_s": began_s, "returned_s": returned_s}


if __name__ == "__main__":
    _serve_commands()
