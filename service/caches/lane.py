"""One node of Redis: what is asked of it, what it is told, and how it does.

Decides when to go on without it (`breaker.py`) and says so in the log, once each time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog

from service.caches.breaker import Breaker, State
from service.caches.errands import Errands
from service.caches.lookups import Lookups
from service.caches.replies import NonsenseError
from service.redis_door import Fault, Line, fault, kind

LOOKS_IN_FLIGHT_MAX = 2
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a lookup is waited for, and anything else; and how often a node is visited.

    For as long as that it is left alone at first, and told nothing after it would not take
    something: full, read-only, or its disk failed. Seconds.
    """

    wait_s: float
    timeout_s: float
    pace_s: float = 1.0


class Lane:
    """`name` is for logs. `probe` is a key that it must take. `at_once`: MGET may name any keys.

    `failure_count` counts round trips that failed, `late_count` those that nobody waited for to
    the end.
    """

    def __init__(
        self, line: Line, name: str, probe: bytes, patience: Patience, *, at_once: bool
    ) -> None:
        self.name = name
        self.probe = probe
        self.breaker = Breaker(patience.pace_s)
        self.failure_count = 0
        self.late_count = 0
        self.moved = False
        """Whether it has sent us elsewhere."""
        self.write_problem = ""
        """The kind of the error with which it last refused to take something."""
        self.line = line
        self.wait_s = patience.wait_s
        self.pace_s = patience.pace_s
        self._in_cluster = not at_once
        self._loop = asyncio.get_running_loop()
        self._writes_from = 0.0
        self.lookups = Lookups(line, self, patience.wait_s, at_once=at_once)
        self.stores = Errands(line, self.is_open)
        """Answers. Apart, so that large ones hold up nobody."""
        self.errands = Errands(line, self.is_open)
        self.looks = Errands(line, self.is_open, LOOKS_IN_FLIGHT_MAX)
        """In no order."""

    def __repr__(self) -> str:
        state = self.breaker.state.value
        problem = self.breaker.problem or self.write_problem
        problem = f" ({problem})" if problem else ""
        return (
            f"<Lane {self.name} {state}{problem}, {self.failure_count} failed,"
            f" {self.late_count} late>"
        )

    def is_open(self) -> bool:
        """Whether to ask it."""
        return self.breaker.state is State.OK

    def takes(self) -> bool:
        """Whether to tell it anything."""
        return self.breaker.state is State.OK and self._loop.time() >= self._writes_from

    def in_time(self) -> None:
        self.breaker.in_time()

    def late(self, began_at: float) -> None:
        self.late_count += 1
        self._judged(partial(self.breaker.late, began_at, self._loop.time()))

    def failed(self, began_at: float, error: Exception) -> None:
        self.failure_count += 1
        what = fault(error)
        if what is Fault.MOVED and self._in_cluster:
            # It does answer, and has other slots.
            self.moved = True
            return
        now, nobody = self._loop.time(), what is Fault.UNREACHABLE
        self._judged(partial(self.breaker.failed, began_at, now, kind(error), nobody=nobody))

    def nonsense(self, began_at: float) -> None:
        """What came is no reply of a Redis."""
        self.failure_count += 1
        self.foreign(began_at)

    def foreign(self, began_at: float) -> None:
        """A lookup has brought nothing but what nobody of us has written: a miss, if it is rare."""
        now, problem = self._loop.time(), NonsenseError.__name__
        self._judged(partial(self.breaker.nonsense, began_at, now, problem))

    def written(self, reply: Any) -> bool:
        """Hears the reply to a write, or the Exception in place of it. True if it was taken."""
        if isinstance(reply, NonsenseError):
            self._refused(reply)
            return False
        if not isinstance(reply, Exception):
            self.breaker.sensible()
            if self.write_problem:
                _log.warning("Redis takes answers again", server=self.name)
            self.write_problem = ""
            self._writes_from = 0.0
            return True
        match fault(reply):
            case Fault.MOVED:
                self.moved = True
            case Fault.REFUSED_COMMAND:
                self._refused(reply)
            case _:
                # Those who look values up find out whether it is there at all.
                self._writes_from = self._loop.time() + self.pace_s
        return False

    def tried(self, *, in_time: bool) -> None:
        """A trial was answered."""
        if not in_time:
            self.late_count += 1
            self.breaker.trial_late(self._loop.time())
            return
        self.breaker.trial_passed(self._loop.time())
        _log.warning("a Redis that was left alone is asked again", server=self.name)

    def tried_in_vain(self, error: Exception) -> None:
        """A trial was not answered."""
        self.failure_count += 1
        self.moved |= fault(error) is Fault.MOVED
        self.breaker.trial_failed(self._loop.time(), kind(error))

    async def aclose(self) -> None:
        await self.lookups.aclose()
        for errands in (self.stores, self.errands, self.looks):
            await errands.aclose()
        await self.line.aclose()

    def _judged(self, judge: Callable[[], None]) -> None:
        was_open = self.is_open()
        judge()
        if was_open and not self.is_open():
            _log.warning(
                "a Redis is left alone, requests go on without",
                server=self.name,
                state=self.breaker.state.value,
                error=self.breaker.problem,
            )

    def _refused(self, error: Exception) -> None:
        self.failure_count += 1
        self._writes_from = self._loop.time() + self.pace_s
        if not self.write_problem:
            _log.warning("Redis takes no answers", server=self.name, error=kind(error))
        self.write_problem = kind(error)
