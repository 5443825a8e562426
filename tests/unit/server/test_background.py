"""What a server does besides answering: again and again, whatever goes wrong, and not a moment longer."""

import asyncio

from yuefu.server.background import doing


async def test_rounds_are_gone_again_though_one_breaks_off() -> None:
    gone: list[str] = []
    enough = asyncio.Event()

    async def failing() -> None:
        gone.append("failing")
        raise OSError

    async def passing() -> None:
        gone.append("passing")
        if gone.count("failing") >= 3 and gone.count("passing") >= 3:
            enough.set()

    async with doing(failing, passing, period_s=0):
        await enough.wait()
    count = len(gone)
    await asyncio.sleep(0)
    assert len(gone) == count


async def test_a_round_under_way_is_broken_off_at_the_end() -> None:
    begun, broken_off = asyncio.Event(), asyncio.Event()

    async def endless() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            broken_off.set()

    async with doing(endless):
        await begun.wait()
    assert broken_off.is_set()
