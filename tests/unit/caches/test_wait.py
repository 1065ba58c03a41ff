"""A request waits for Redis a few milliseconds, and Redis is not blamed for a busy process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import uvloop

from service.caches.wait import Wait
from tests.kit.virtual import now, on_virtual_time

LOOPS = pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
Loops = Callable[[], asyncio.AbstractEventLoop]


def run(main: Callable[[], Coroutine[Any, Any, None]], loop: Loops) -> None:
    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(main())


@on_virtual_time
async def test_nothing_comes() -> None:
    """Where nothing comes the wait is over when its time is."""
    over_at: list[float] = []
    wait = Wait(0.005, lambda: over_at.append(now()))
    wait.sent()
    await asyncio.sleep(1.0)

    assert [0.005] == over_at
    assert not wait.end()


@on_virtual_time
async def test_something_comes() -> None:
    """What comes in time ends the wait, and nothing happens later."""
    over: list[bool] = []
    wait = Wait(0.005, lambda: over.append(True))
    await asyncio.sleep(0.004)
    in_time = wait.end()
    await asyncio.sleep(1.0)

    assert in_time
    assert [] == over
    assert not wait.end()


@LOOPS
def test_a_command_that_a_busy_loop_has_not_sent(loop: Loops) -> None:
    """Time that passes before the command is written is not taken for the server's."""

    async def main() -> None:
        over: list[bool] = []
        wait = Wait(0.005, lambda: over.append(True))
        time.sleep(0.02)  # noqa: ASYNC251 - busy
        for _ in range(3):
            await asyncio.sleep(0)
        wait.sent()
        for _ in range(2):
            await asyncio.sleep(0)

        assert wait.end()
        assert [] == over

    run(main, loop)


@LOOPS
@pytest.mark.parametrize("sent", [True, False])
def test_a_busy_loop_waits_no_longer_than_a_few_passes(loop: Loops, sent: bool) -> None:
    """Where nothing comes, a busy loop too gives up."""

    async def main() -> None:
        over: list[bool] = []
        wait = Wait(0.005, lambda: over.append(True))
        if sent:
            wait.sent()
        time.sleep(0.02)  # noqa: ASYNC251 - busy
        for _ in range(12):
            await asyncio.sleep(0)

        assert [True] == over

    run(main, loop)
