"""How to end a task that talks to Redis."""

from __future__ import annotations

import asyncio
from typing import Any

AGAIN_AFTER_S = 0.5


async def end(*tasks: asyncio.Task[Any]) -> None:
    """Cancels them, again and again, until all have ended; raises nothing of what they raise.

    The library writes within `asyncio.wait_for`, which before Python 3.12 loses a cancellation that
    comes just when it is done: a task that goes round for ever would not hear of its end.
    """
    while pending := [task for task in tasks if not task.done()]:
        for task in pending:
            task.cancel()
        await asyncio.wait(pending, timeout=AGAIN_AFTER_S)
