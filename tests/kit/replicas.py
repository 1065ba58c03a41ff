"""Replicas in this process that share through a real Redis: boards and sharers, no servers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

from service.domain.candidate import Candidate
from service.domain.errors import ProviderFailure
from service.domain.peers import INTERVAL_S
from service.domain.provider import ModelRef
from service.domain.reasons import ErrorReason
from service.domain.routing import Plan, RouteRequest, plan_route
from service.domain.scoring import View
from service.pipeline.ended import Ended
from service.pipeline.scoreboard import Scoreboard
from service.redis_door import RedisTerms
from service.sharing.sharer import Sharer

A, B, C = (ModelRef(provider, "m") for provider in "abc")
CANDIDATES = [Candidate(target, "m") for target in (A, B, C)]
SLACK_S = 1.0
"""What a busy machine may add."""
HEARD_WITHIN_S = 2.0 * INTERVAL_S + SLACK_S
"""One interval until it is told, one until it is read."""
FAST = 5.0
DOWN = ProviderFailure(ErrorReason.PROVIDER_UNAVAILABLE, "down", http_status=503)
BUSY = ProviderFailure(
    ErrorReason.PROVIDER_RATE_LIMITED, "slow down", http_status=429, retry_after_s=30.0
)


class Replica:
    """What one process has of all this: a board, and a sharer. Both clocks may run faster."""

    def __init__(self, speed: float = 1.0) -> None:
        self.board = Scoreboard(lambda: speed * time.monotonic())
        self.sharer = Sharer(self.board, self.board.clock, INTERVAL_S / speed)

    def see(self, target: ModelRef, failure: ProviderFailure | None = None, times: int = 1) -> None:
        for _ in range(times):
            start = self.board.began(target)
            first_token_s = None if failure else 0.1
            how = Ended(0.2, failure, first_token_s=first_token_s, start=start)
            self.board.ended(target, how)

    def view(self, target: ModelRef) -> View:
        return self.board.views([Candidate(target, "m")])[0]

    def plan(self) -> Plan:
        now = self.board.clock()
        return plan_route(RouteRequest(), self.board.views(CANDIDATES), now, 0.5)

    def share_of(self, target: ModelRef) -> float:
        """The probability that the next request goes there first."""
        shares = (r.share for r in self.plan().ranked if r.candidate.target == target)
        return next(shares, 0.0)


@asynccontextmanager
async def replicas(
    count: int, where: str | RedisTerms, speed: float = 1.0
) -> AsyncGenerator[list[Replica], None]:
    """Ends when all have left. They know each other when the block begins."""
    terms = RedisTerms(where) if isinstance(where, str) else where
    all_of_them = [Replica(speed) for _ in range(count)]
    try:
        for replica in all_of_them:
            await replica.sharer.follow(terms)
        await until(lambda: all(f"{count - 1} peers" in repr(r.sharer) for r in all_of_them))
        yield all_of_them
    finally:
        for replica in all_of_them:
            await replica.sharer.follow(None)


async def until(holds: Callable[[], bool], within_s: float = 10.0) -> float:
    """Waits, and gives how long it took, in seconds."""
    began = time.monotonic()
    while not holds():
        elapsed_s = time.monotonic() - began
        assert elapsed_s < within_s, f"does not hold after {elapsed_s:.1f} s"
        await asyncio.sleep(0.01)
    return time.monotonic() - began


def die(replica: Replica) -> None:
    """As by `kill -9`: nothing is told any more, not even goodbye."""
    sharer: Any = replica.sharer
    sharer._task.cancel()
