"""Who routes: the service's own code, or the overview's formula. Both are asked in the same way."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import NamedTuple, Protocol

from service.domain.attempt import Attempt
from service.domain.completion import CompletionSpec, Message, Role, Text
from service.domain.errors import ServiceFailure
from service.domain.provider import Defaults, Offer, ServedModel
from service.domain.reasons import ErrorReason
from service.domain.request import CompletionRequest
from service.domain.scoring import POLICIES, PolicyName
from service.domain.wishes import Bounds, RouteWish
from service.pipeline.course import Course
from service.pipeline.planner import Planner
from service.pipeline.retries import Retries
from service.pipeline.roster import Member, Roster, TimeLimits
from service.pipeline.router import Router
from service.pipeline.scoreboard import Scoreboard
from service.pipeline.turns import Turns
from tests.benchmark.simulation.upstream import (
    FAULT_SHARE,
    Traits,
    Upstream,
    mean_duration_s,
    silence,
)

DEADLINE_S = 30.0
ATTEMPTS_MAX = 3
ATTEMPT_MIN_S = 0.05
WAITING_MAX = 1000
_LIMITS = TimeLimits(attempt_s=120.0, first_token_s=30.0, idle_s=30.0)
_SPEC = CompletionSpec("m", (Message(Role.USER, (Text("Hi."),)),))
HEALTHY_BONUS = 0.3
RECENT_BONUS = 0.1
RECENT_S = 60.0


class Result(NamedTuple):
    """One request: whether it was answered, and who was asked for that, in order."""

    ok: bool
    asked: tuple[str, ...]
    refused_count: int = 0
    """Attempts that met a rate limit."""


class Contestant(Protocol):
    """One replica."""

    async def ask(self) -> Result: ...


class Service:
    """The service's Router with a Scoreboard of its own.

    Without `bounded` silence is borne as long as the deadline allows.
    """

    def __init__(
        self,
        upstreams: Sequence[Upstream],
        rng: Random,
        *,
        policy: PolicyName = PolicyName.COMPOSITE,
        bounded: bool = True,
    ) -> None:
        self._now = asyncio.get_running_loop().time
        self.board = Scoreboard(self._now, rng)
        members = [
            Member(
                upstream,
                Offer(upstream.traits.name, 100, (ServedModel("m"),)),
                _LIMITS,
                Defaults(),
            )
            for upstream in upstreams
        ]
        turns = Turns(self.board, WAITING_MAX)
        self._router = Router(
            Roster(members, attempts_max=ATTEMPTS_MAX, bounds=Bounds(POLICIES[policy])),
            Planner(self.board),
            Course(self.board, turns, Retries(self._now), ATTEMPT_MIN_S),
        )
        self._wish = RouteWish() if bounded else RouteWish(first_token_timeout_s=DEADLINE_S)

    async def ask(self) -> Result:
        request = CompletionRequest(_SPEC, self._wish, self._now() + DEADLINE_S)
        try:
            answered = await self._router.complete(request)
        except ServiceFailure as failure:
            return _result(failure.attempts, ok=False)
        return _result(answered.trace.attempts, ok=True)


def _result(attempts: Sequence[Attempt], *, ok: bool) -> Result:
    asked = tuple(attempt.target.provider for attempt in attempts)
    limited = ErrorReason.PROVIDER_RATE_LIMITED
    return Result(ok, asked, sum(attempt.reason is limited for attempt in attempts))


@dataclass(slots=True)
class Counters:
    """What the overview keeps of a provider, for ever. Times are milliseconds."""

    request_count: int = 0
    success_count: int = 0
    avg_response_time: float = 0.0
    last_used: float | None = None

    def score(self, now: float) -> float:
        """The overview's `provider_score`, to the letter.

        Our reading of what it leaves open: health checks list models and find everybody healthy
        (0.3), and recently means within a minute.
        """
        success_rate = self.success_count / max(self.request_count, 1)
        time_score = max(0.0, 1.0 - self.avg_response_time / 5000.0)
        recent = self.last_used is not None and now - self.last_used < RECENT_S
        recent_bonus = RECENT_BONUS if recent else 0.0
        return success_rate * 0.4 + time_score * 0.3 + HEALTHY_BONUS + recent_bonus

    def count(self, now: float, duration_s: float, *, success: bool) -> None:
        self.request_count += 1
        self.success_count += success
        self.avg_response_time += (duration_s * 1000.0 - self.avg_response_time) / (
            self.request_count
        )
        self.last_used = now


class Formula:
    """The overview's routing: the highest score first, on failure the next one."""

    def __init__(self, upstreams: Sequence[Upstream], past: Mapping[str, Counters]) -> None:
        self._now = asyncio.get_running_loop().time
        self._known = [(u, replace(past.get(u.traits.name, Counters()))) for u in upstreams]

    async def ask(self) -> Result:
        began = self._now()
        ranked = sorted(self._known, key=lambda known: known[1].score(began), reverse=True)
        asked: list[str] = []
        refused_count = 0
        for upstream, counters in ranked[:ATTEMPTS_MAX]:
            asked.append(upstream.traits.name)
            started = self._now()
            answer = upstream.answer()
            try:
                async with asyncio.timeout_at(began + DEADLINE_S):
                    await silence(answer.first_token_s + answer.rest_s)
            except TimeoutError:
                counters.count(self._now(), self._now() - started, success=False)
                break
            ok = answer.failure is None
            counters.count(self._now(), self._now() - started, success=ok)
            if answer.failure is None:
                return Result(ok=True, asked=tuple(asked), refused_count=refused_count)
            refused_count += answer.failure.http_status == 429
        return Result(ok=False, asked=tuple(asked), refused_count=refused_count)


def past(traits: Sequence[Traits], request_count: int) -> dict[str, Counters]:
    """Counters after so many requests in good weather: the first of `traits` led from the start."""
    left = request_count
    found: dict[str, Counters] = {}
    for each in traits:
        faults = round(left * FAULT_SHARE)
        found[each.name] = Counters(left, left - faults, mean_duration_s(each) * 1000.0, 0.0)
        left = faults
    return found
