"""A second attempt beside a first that is slow: whoever is first wins, the other is ended."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def first_of(
    first: Coroutine[Any, Any, T | None],
    second: Callable[[], Coroutine[Any, Any, T | None] | None],
    delay_s: float,
    discard: Callable[[T], Awaitable[None]],
) -> T | None:
    """The result that comes first; None when all there are came to None.

    `second` is called when nothing has come for `delay_s`; it may decline. A loser is cancelled; if
    it has come to a result at the same moment, that is handed to `discard`. What either raises is
    raised.
    """
    tasks = [asyncio.create_task(first)]
    winner: asyncio.Task[T | None] | None = None
    taken = False
    try:
        done, _ = await asyncio.wait(tasks, timeout=delay_s)
        if not done:
            another = second()
            if another is not None:
                tasks.append(asyncio.create_task(another))
        pending = set(tasks)
        while pending:
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            # A result counts before a failure that came at the same moment.
            for task in sorted(done, key=lambda task: task.exception() is not None):
                if task.result() is not None:
                    winner = task
                    return winner.result()
        return None
    finally:
        try:
            await _end([task for task in tasks if task is not winner], discard)
            taken = True
        finally:
            won = None if winner is None else winner.result()
            if won is not None and not taken:
                # The caller left while the loser was being ended: nobody takes the winner.
                await discard(won)


async def _end(
    losers: list[asyncio.Task[T | None]], discard: Callable[[T], Awaitable[None]]
) -> None:
    for task in losers:
        task.cancel()
    try:
        await asyncio.gather(*losers, return_exceptions=True)
    finally:
        # Also where the caller leaves while they are being ended.
        for task in losers:
            if task.done() and not task.cancelled() and task.exception() is None:
                result = task.result()
                if result is not None:
                    await discard(result)
