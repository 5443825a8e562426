"""`python -m bench.serving MODULE:FACTORY PORT`: an ASGI app, served the way `yuefu serve` serves the site."""

import sys

from granian.constants import Interfaces, Loops
from granian.log import LogLevels
from granian.server import Server


def main() -> None:
    target, port = sys.argv[1:]
    Server(
        target,
        factory=True,
        port=int(port),
        interface=Interfaces.ASGI,
        loop=Loops.uvloop,
        websockets=False,
        log_level=LogLevels.warning,
    ).serve()


if __name__ == "__main__":
    main()
