"""A line to a Redis that is a dictionary, on virtual time, and does as it is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from service.redis_door import Line, Words


class ScriptedLine(Line):
    """Answers GET, MGET, SET and UNLINK after `takes_s`; `fault` is raised, or is the reply."""

    def __init__(self) -> None:
        self.values: dict[bytes, bytes] = {}
        self.takes_s = 0.001
        self.fault: Exception | None = None
        self.reply: Any = None
        """In place of all replies."""
        self.trips: list[list[Words]] = []
        self.under_way = 0
        self.under_way_max = 0

    async def exchange(
        self, commands: Sequence[Words], sent: Callable[[], None] = lambda: None
    ) -> list[Any]:
        self.trips.append(list(commands))
        self.under_way += 1
        self.under_way_max = max(self.under_way, self.under_way_max)
        try:
            sent()
            await asyncio.sleep(self.takes_s)
            if self.fault is not None:
                raise self.fault
            return [self._answer(words) for words in commands]
        finally:
            self.under_way -= 1

    def _answer(self, words: Words) -> Any:
        if self.reply is not None:
            return self.reply
        match words:
            case ("GET", bytes() as key):
                return self.values.get(key)
            case ("MGET", *keys):
                return [self.values.get(key) for key in keys if isinstance(key, bytes)]
            case ("SET", bytes() as key, bytes() as value, *_):
                self.values[key] = value
                return b"OK"
            case ("UNLINK", bytes() as key):
                return int(self.values.pop(key, None) is not None)
            case _:
                raise AssertionError(words)
