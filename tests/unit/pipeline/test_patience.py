"""One timer for a whole stream: what counts as silence, and whose cancellation is whose."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable

import pytest

from service.pipeline.patience import OutOfPatience, Patience
from tests.kit.virtual import on_virtual_time


async def speaking(*pauses: float) -> AsyncGenerator[int, None]:
    """An event after each pause."""
    for number, pause in enumerate(pauses):
        await asyncio.sleep(pause)
        yield number


def soon(seconds: float) -> float:
    return asyncio.get_running_loop().time() + seconds


def at(end: float) -> Callable[[], float]:
    return lambda: end


async def test_events_in_time() -> None:
    """Events that come in their time are passed on, and the waiting is counted."""
    patience = Patience(0.1, at(soon(5)))
    events = speaking(0.02, 0.02, 0.02)
    told = [await patience.following(events) for _ in range(4)]
    patience.close()

    assert [0, 1, 2, None] == told
    assert 0.05 < patience.waited_s < 0.5


async def test_silence() -> None:
    """A longer silence than is borne ends the wait, about when it should."""
    patience = Patience(0.1, at(soon(5)))
    events = speaking(0.0, 3.0)
    await patience.following(events)
    began = soon(0)
    with pytest.raises(OutOfPatience):
        await patience.following(events)
    patience.close()

    assert 0.09 < soon(0) - began < 0.3
    task = asyncio.current_task()
    assert task is not None
    assert 0 == task.cancelling()


async def test_the_end_of_all() -> None:
    """Nothing is waited for beyond the end, whether the wait began before it or after."""
    patience = Patience(1.0, at(soon(0.1)))
    began = soon(0)
    with pytest.raises(OutOfPatience):
        await patience.following(speaking(3.0))
    with pytest.raises(OutOfPatience):
        await patience.following(speaking(3.0))
    patience.close()

    assert soon(0) - began < 0.5


async def test_a_slow_reader() -> None:
    """The time that the reader takes is not the provider's, and is never cut short."""
    patience = Patience(0.05, at(soon(5)))
    events = speaking(0.0, 0.0)
    await patience.following(events)
    await asyncio.sleep(0.2)
    told = await patience.following(events)
    patience.close()

    assert 1 == told
    assert patience.waited_s < 0.05


async def test_somebody_elses_cancellation() -> None:
    """A caller's own cancellation passes through as what it is."""
    patience = Patience(0.05, at(soon(5)))

    async def wait() -> None:
        await patience.following(speaking(3.0))

    task = asyncio.create_task(wait())
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    patience.close()

    assert task.cancelled()


async def test_closed() -> None:
    """A closed one leaves no timer that could fire into something else."""
    patience = Patience(0.02, at(soon(5)))
    await patience.following(speaking(0.0))
    patience.close()
    await asyncio.sleep(0.1)

    assert (await asyncio.sleep(0, "untouched")) == "untouched"


@on_virtual_time
@pytest.mark.parametrize("left_at", [4.0, 5.0])
async def test_a_caller_who_left_first(left_at: float) -> None:
    """Time that runs out while a caller's cancellation is under way does not take its place."""
    patience = Patience(5.0, at(soon(100)))

    async def closing_slowly() -> AsyncGenerator[int, None]:
        yield 1
        try:
            await asyncio.sleep(100)
        finally:
            await asyncio.sleep(2)

    async def wait() -> None:
        events = closing_slowly()
        await patience.following(events)
        await patience.following(events)

    waiting = asyncio.create_task(wait())
    asyncio.get_running_loop().call_later(left_at, waiting.cancel)
    await asyncio.wait([waiting])

    assert waiting.cancelled()
