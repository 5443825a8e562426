"""Pin every dependency with its hashes: `requirements/dev.lock` for work on the project, `server.lock` to run it, and
`accuracy.lock` for what its accuracy is compared with.
"""

import subprocess
import sys
from pathlib import Path

BASE = [
    sys.executable, "-m", "uv", "pip", "compile", "pyproject.toml", "--universal", "--python-version", "3.11",
    "--generate-hashes", "--no-emit-index-url", "--no-header", "--no-annotate", "--quiet",
]  # fmt: skip
DEV = Path("requirements/dev.lock")
SERVER = Path("requirements/server.lock")
ACCURACY = Path("requirements/accuracy.lock")


def main() -> None:
    """Write all files; the pins of all are the same as the developers'."""
    subprocess.run([*BASE, "--all-extras", "--group", "dev", "-o", str(DEV)], check=True)
    subprocess.run([*BASE, "--extra", "server", "-c", str(DEV), "--group", "build", "-o", str(SERVER)], check=True)
    subprocess.run([*BASE, "-c", str(DEV), "--group", "accuracy", "-o", str(ACCURACY)], check=True)


if __name__ == "__main__":
    main()
