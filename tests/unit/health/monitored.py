"""A monitor with its surroundings, and somebody who watches it."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from contextlib import aclosing
from typing import Any

from service.domain.health import CandidateHealth
from service.domain.provider import ModelRef
from service.health.monitor import Monitor, Terms
from tests.kit.virtual import now
from tests.unit.health.scenes import Checkable

DAY_S = 24 * 3600.0


class Scene:
    """A monitor of `one` and `two`, what it checks, and what live traffic tells it."""

    def __init__(self, one: Checkable | None = None, two: Checkable | None = None) -> None:
        self.one, self.two = one or Checkable(0.2), two or Checkable(0.2)
        self.passive: list[CandidateHealth] = []
        self.look_count = 0
        self.monitor = Monitor(self._look, now)
        self.configured = {"two": {"": self.two}, "off": {}, "one": {"": self.one}}
        self.monitor.adopt(self.configured, Terms())

    def _look(self) -> list[CandidateHealth]:
        self.look_count += 1
        return self.passive

    async def statuses(self, **wish: Any) -> dict[str, str]:
        report = await self.monitor.report(**wish)
        return {health.provider: health.status.value for health in report.providers}

    def turn(self, *passive: CandidateHealth) -> None:
        """A circuit of `one` has changed, and this is how things are now."""
        self.passive = list(passive)
        self.monitor.circuit_changed(ModelRef("one", "m"))

    @property
    def counts(self) -> tuple[int, int]:
        return self.one.count, self.two.count


class Watcher:
    """Somebody who watches, and what he was told."""

    def __init__(self, monitor: Monitor, providers: Collection[str] = ()) -> None:
        self.told: list[tuple[str, str, str]] = []
        self.ended = False
        self._monitor = monitor
        self._providers = providers
        self.task = asyncio.create_task(self._watch())

    async def _watch(self) -> None:
        async with aclosing(self._monitor.changes(self._providers)) as changes:
            async for health in changes:
                self.told.append((health.provider, health.status.value, health.circuit.value))
        self.ended = True

    def take(self) -> list[tuple[str, str, str]]:
        """What was told since the last time."""
        told, self.told = self.told, []
        return told
