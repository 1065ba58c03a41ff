"""How tasks that talk to Redis are ended."""

from __future__ import annotations

import asyncio

from service.redis_door import end


async def test_a_cancellation_that_is_lost_is_sent_again() -> None:
    """On its way through a library, say; and what fails then is nobody's."""
    lost: list[str] = []

    async def deaf_once() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            lost.append("once")
        await asyncio.sleep(60)

    async def fails() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            raise RuntimeError

    tasks = [asyncio.create_task(one()) for one in (deaf_once, fails)]
    await asyncio.sleep(0)

    async with asyncio.timeout(5):
        await end(*tasks)

    assert ["once"] == lost
    assert tasks[0].cancelled()
    assert isinstance(tasks[1].exception(), RuntimeError)


async def test_there_may_be_nothing_to_end() -> None:
    """No task, or one that has ended."""
    done = asyncio.create_task(asyncio.sleep(0))
    await done

    await end(done)
    await end()

    assert not done.cancelled()
