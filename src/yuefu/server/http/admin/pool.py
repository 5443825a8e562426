"""Where calls of the admin API are worked on: threads beside the event loop, each call on a centre of its own.

Some go through every song, a takedown waits for answers under way, and neither may hold up the apps.
"""

import queue
from collections.abc import Callable
from typing import TypeVar

import anyio.to_thread
from anyio import CapacityLimiter

from yuefu.server.centre import Centre

T = TypeVar("T")

AT_ONCE = 3
"""Calls of a kind at a time. Reads and writes have places apart: no list may hold up a takedown."""


class CentrePool:
    """Centres beside the serving one, opened as they are needed and kept; closed with it."""

    def __init__(self, centre: Centre) -> None:
        self._centre = centre
        self._idle: queue.LifoQueue[Centre] = queue.LifoQueue()
        self._reading: CapacityLimiter | None = None
        self._writing: CapacityLimiter | None = None

    async def run(self, work: Callable[[Centre], T], *, is_write: bool) -> T:
        """What `work` makes of a centre that no other thread has meanwhile."""
        return await anyio.to_thread.run_sync(self._on_one, work, limiter=self._limiter(is_write=is_write))

    def _on_one(self, work: Callable[[Centre], T]) -> T:
        try:
            centre = self._idle.get_nowait()
        except queue.Empty:
            centre = self._centre.beside()
        try:
            return work(centre)
        finally:
            self._idle.put(centre)

    def _limiter(self, *, is_write: bool) -> CapacityLimiter:
        """Made where a loop runs: they belong to it."""
        if self._reading is None or self._writing is None:
            self._reading, self._writing = CapacityLimiter(AT_ONCE), CapacityLimiter(AT_ONCE)
        return self._writing if is_write else self._reading
