"""A router over scripted providers, in the loop's time."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from random import Random

from service.domain.completion import CompletionSpec, Message, Role, Text
from service.domain.errors import ServiceFailure
from service.domain.provider import ModelRef
from service.domain.reasons import ErrorReason
from service.domain.request import CompletionRequest
from service.domain.scoring import POLICIES, PolicyName
from service.domain.wishes import Bounds, RouteWish
from service.pipeline.course import Course
from service.pipeline.entry import Entry
from service.pipeline.planner import Planner
from service.pipeline.retries import Retries
from service.pipeline.roster import Member, Roster
from service.pipeline.routed import RoutedEvent
from service.pipeline.router import Router
from service.pipeline.scoreboard import Scoreboard
from service.pipeline.turns import Turns
from tests.kit.virtual import now

SPEC = CompletionSpec("m", (Message(Role.USER, (Text("Hi."),)),))
A = ModelRef("a", "m")


class Routed:
    """A router over members that are asked in their order, in the loop's time."""

    def __init__(self, *members: Member) -> None:
        self.board = Scoreboard(now, Random(1))
        self.course = Course(self.board, Turns(self.board, 100), Retries(now), 0.05)
        bounds = Bounds(POLICIES[PolicyName.PRIORITY])
        roster = Roster(members, attempts_max=3, bounds=bounds)
        self.router = Router(roster, Planner(self.board), self.course)

    def asked(self, left_s: float = 30.0, **wish: object) -> CompletionRequest:
        return CompletionRequest(SPEC, RouteWish(**wish), now() + left_s)  # type: ignore[arg-type]

    async def reason(self, left_s: float = 30.0, **wish: object) -> ErrorReason | None:
        """None for an answer."""
        try:
            await self.router.complete(self.asked(left_s, **wish))
        except ServiceFailure as failure:
            return failure.reason
        return None

    async def heard(
        self, left_s: float = 30.0, reading_s: float = 0.0, **wish: object
    ) -> list[RoutedEvent]:
        """By a caller who reads for `reading_s` after each event."""
        told: list[RoutedEvent] = []
        async with aclosing(self.router.stream(self.asked(left_s, **wish))) as events:
            async for event in events:
                told.append(event)
                await asyncio.sleep(reading_s)
        return told

    def entry(self, target: ModelRef = A) -> Entry:
        return self.board.entry(target)
