"""Calls that go on beyond their end are cancelled, on virtual time."""

from __future__ import annotations

import asyncio
from typing import cast

from service.rpc.interceptors.overruns import Overruns
from tests.kit.virtual import on_virtual_time


async def cancelled_after_s(overruns: Overruns, limit_s: float, takes_s: float) -> float | None:
    """How long a call went on that was cancelled for its length; None if it came to its end."""
    now = asyncio.get_running_loop().time
    task = cast("asyncio.Task[object]", asyncio.current_task())
    began = now()
    overruns.watch(task, began + limit_s)
    try:
        await asyncio.sleep(takes_s)
    except asyncio.CancelledError:
        if not overruns.was_it(task):
            raise
        return now() - began
    finally:
        overruns.leave(task)
    return None


@on_virtual_time
async def test_each_at_its_own_end() -> None:
    """Whatever the order in which they come, each is cancelled at its own end, or not at all."""
    overruns = Overruns()
    calls = [(10.0, 60.0), (2.0, 60.0), (5.0, 1.0), (2.0, 60.0), (30.0, 60.0)]

    after_s = await asyncio.gather(
        *(cancelled_after_s(overruns, limit_s, takes_s) for limit_s, takes_s in calls)
    )

    assert [10.0, 2.0, None, 2.0, 30.0] == after_s
    assert "<Overruns of 0 calls>" == repr(overruns)


@on_virtual_time
async def test_one_that_comes_later() -> None:
    """After all have ended the next one is watched as the first one was."""
    overruns = Overruns()
    first = await cancelled_after_s(overruns, 3.0, 1.0)
    second = await cancelled_after_s(overruns, 7.0, 60.0)

    assert (None, 7.0) == (first, second)


@on_virtual_time
async def test_the_callers_own_cancellation() -> None:
    """A cancellation that comes from elsewhere is not taken for ours, also in the same moment."""
    overruns = Overruns()
    alone = asyncio.ensure_future(cancelled_after_s(overruns, 10.0, 60.0))
    both = asyncio.ensure_future(cancelled_after_s(overruns, 10.0, 60.0))
    loop = asyncio.get_running_loop()
    loop.call_at(4.0, alone.cancel)
    loop.call_at(10.0, both.cancel)
    ended = await asyncio.gather(alone, both, return_exceptions=True)

    assert [True, True] == [isinstance(one, asyncio.CancelledError) for one in ended]
