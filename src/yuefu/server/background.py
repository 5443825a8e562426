"""What a server process does besides answering. Every process does all of it: the transactions see to it that each
thing is done once.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog

PERIOD_S = 1.0

Round = Callable[[], Awaitable[None]]
_log = structlog.get_logger(__name__)


@asynccontextmanager
async def doing(*rounds: Round, period_s: float = PERIOD_S) -> AsyncIterator[None]:
    """Meanwhile each of the rounds is gone again and again, that long after it ended."""
    tasks = [asyncio.create_task(_repeat(each, period_s)) for each in rounds]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _repeat(round_of: Round, period_s: float) -> None:
    while True:
        try:
            await round_of()
        except Exception:  # noqa: BLE001 - whatever it was, the next round may pass
            _log.exception("a round in the background broke off")
        await asyncio.sleep(period_s)
