"""What the HTTP server runs: one site per worker process, set up from the environment."""

import os
import threading
import time
from contextlib import ExitStack

from yuefu.server.http.front import ASGI, place_in_front
from yuefu.server.http.site import Site
from yuefu.server.logs import set_up_logs
from yuefu.server.programme import counting_charts
from yuefu.server.settings import load_settings
from yuefu.server.wiring import open_installation

PARENT_CHECK_S = 0.5


def make_site() -> ASGI:
    """The site on the installation that `YUEFU_*` variables name, and what they put in front of it; closed when the
    server says so.
    """
    settings = load_settings({}, os.environ)
    set_up_logs(settings.log_level)
    _follow_parent(os.getppid())
    stack = ExitStack()
    installation = stack.enter_context(open_installation(settings))
    stack.enter_context(counting_charts(installation.centre))
    return place_in_front(Site(installation.centre, on_shutdown=stack.close), settings)


def _follow_parent(parent: int) -> None:
    """End this worker when the server that started it is gone, so that a killed server frees its port."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(PARENT_CHECK_S)
        os._exit(1)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()
