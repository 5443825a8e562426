"""Yuefu with a fault, to see whether the harness finds it: it answers before the commit.

`python -m bench.serving soak.hasty:make_site PORT` serves it. Nothing in the project can be set to be so.
"""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

import apsw

from yuefu.server import asgi, wiring
from yuefu.server.http.front import ASGI
from yuefu.storage.sqlite.database import Database

T = TypeVar("T")

_LATER_S = 0.03
"""How long each job of a group lets those before it be answered without a commit: time for a kill, or a look."""


class HastyDatabase(Database):
    """The futures it gives are done when their job is, not when it is on disk."""

    def submit(self, job: Callable[[apsw.Connection], T]) -> "Future[T]":
        hasty: Future[T] = Future()
        hasty.set_running_or_notify_cancel()

        def whole(connection: apsw.Connection) -> None:
            try:
                value = job(connection)
            except BaseException as error:
                hasty.set_exception(error)
                raise
            hasty.set_result(value)
            time.sleep(_LATER_S)

        super().submit(whole)
        return hasty

    async def perform(self, job: Callable[[apsw.Connection], T]) -> T:
        """As `submit`: nothing is done on the event loop, so that its answers can overtake the commit."""
        return await asyncio.wrap_future(self.submit(job))


def make_site() -> ASGI:
    """The site of `yuefu serve` on such a database."""
    wiring.Database = HastyDatabase  # type: ignore[attr-defined]
    return asgi.make_site()
