"""Two attempts beside each other, on virtual time, and a log of what they did."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from service.pipeline.hedging import first_of
from tests.kit.virtual import now

Attempt = Coroutine[Any, Any, str | None]


class Race:
    """A log of what two attempts did. `discarded` are results that came too late."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.discarded: list[str] = []
        self.began = now()

    async def attempt(
        self, name: str, seconds: float, ending: str | Exception | None = "", closing_s: float = 0.0
    ) -> str | None:
        """Takes `seconds`, then comes to its name or `ending`; closing takes time as well."""
        self._note(f"{name} began")
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            self._note(f"{name} cancelled")
            await asyncio.sleep(closing_s)
            self._note(f"{name} closed")
            raise
        if isinstance(ending, Exception):
            raise ending
        return name if ending == "" else ending

    async def discard(self, loser: str) -> None:
        self.discarded.append(loser)

    async def run(
        self, first: Attempt, second: Attempt | Callable[[], Attempt | None], delay_s: float = 1.0
    ) -> str | None:
        def hedge() -> Attempt | None:
            self._note("late")
            return second() if callable(second) else second

        result = await first_of(first, hedge, delay_s, self.discard)
        self._note("over")
        return result

    def _note(self, what: str) -> None:
        self.log.append(f"{now() - self.began:g} {what}")


def never() -> Attempt | None:
    raise AssertionError


def declined() -> Attempt | None:
    return None
