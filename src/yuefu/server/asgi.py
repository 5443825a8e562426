"""What the HTTP server runs: one site per worker process, set up from the environment."""

import os
import random
import socket
import threading
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack, aclosing, asynccontextmanager
from functools import partial

from yuefu.access.audit import Author
from yuefu.catalogue.spelling import initials
from yuefu.server.background import doing
from yuefu.server.changes import follow_clock
from yuefu.server.dispatch import Dispatcher
from yuefu.server.http.front import ASGI, place_in_front
from yuefu.server.http.site import Site
from yuefu.server.keeping import PERIOD_S as KEEPING_PERIOD_S
from yuefu.server.keeping import keep_no_longer
from yuefu.server.logs import set_up_logs
from yuefu.server.programme import counting_charts
from yuefu.server.settings import load_settings
from yuefu.server.webhooks import Post
from yuefu.server.wiring import Installation, open_installation

PARENT_CHECK_S = 0.5


def make_site() -> ASGI:
    """The site on the installation that `YUEFU_*` variables name, and what they put in front of it; closed when the
    server says so.
    """
    settings = load_settings({}, os.environ)
    set_up_logs(settings.log_level)
    _follow_parent(os.getppid())
    initials(["永"])  # loads the dictionary before anybody waits for it
    stack = ExitStack()
    installation = stack.enter_context(open_installation(settings))
    stack.enter_context(counting_charts(installation.centre))
    site = Site(installation.centre, on_shutdown=stack.close, while_up=partial(_background, installation))
    return place_in_front(site, settings)


@asynccontextmanager
async def _background(installation: Installation) -> AsyncIterator[None]:
    """The feed follows the clock, webhooks are told of it, and what is old goes."""
    centre, settings = installation.centre, installation.settings
    dispatcher = Dispatcher(
        centre,
        Post(centre, allow_private=settings.webhook_allow_private),
        author=Author(actor="server", origin=socket.gethostname()),
        failing_days=settings.webhook_failing_days,
        chance=random.random,
    )
    keep = partial(keep_no_longer, centre, settings.retention)
    async with (
        aclosing(dispatcher),
        doing(partial(follow_clock, centre), dispatcher.round),
        doing(keep, period_s=KEEPING_PERIOD_S),
    ):
        yield


def _follow_parent(parent: int) -> None:
    """End this worker when the server that started it is gone, so that a killed server frees its port."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(PARENT_CHECK_S)
        os._exit(1)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()
