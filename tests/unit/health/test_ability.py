"""Whether anybody can serve, in virtual time and from the real scoreboard."""

from __future__ import annotations

import asyncio

import pytest

from service.domain.candidate import Candidate
from service.domain.provider import ModelRef
from service.health.ability import Ability
from service.pipeline.ended import Ended
from service.pipeline.scoreboard import Scoreboard
from service.pipeline.vitals import Vitals
from tests.kit.virtual import now, on_virtual_time
from tests.unit.health.scenes import DOWN, attempt

ONE, TWO = ModelRef("one", "m"), ModelRef("two", "m")
BOTH = (("one", ""), ("two", ""))


class Scene:
    def __init__(self) -> None:
        self.told: list[tuple[float, bool]] = []
        self.board = Scoreboard(now)
        self.ability = Ability(
            Vitals(self.board).read, now, lambda able: self.told.append((round(now(), 3), able))
        )
        self.board.changed.append(self.ability.circuit_changed)
        self.ability.adopt(BOTH)

    async def break_down(self, *targets: ModelRef) -> None:
        for target in targets:
            for _ in range(5):
                attempt(self.board, target, Ended(0.1, DOWN))
        await asyncio.sleep(0.001)

    def open_until(self, target: ModelRef) -> float:
        return self.board.entry(target).breaker.open_until


@on_virtual_time
async def test_one_provider_out() -> None:
    """While one provider can be asked, nothing is told."""
    scene = Scene()
    await scene.break_down(ONE)

    assert [] == scene.told


@on_virtual_time
async def test_all_out_and_back() -> None:
    """With every circuit open nobody can serve; the first that lets a trial through is enough, and
    that is told in time without any request.
    """
    scene = Scene()
    await scene.break_down(ONE, TWO)
    first = min(scene.open_until(ONE), scene.open_until(TWO))
    await asyncio.sleep(20.0)

    assert [False, True] == [able for _, able in scene.told]
    assert 0.0 == scene.told[0][0]
    assert pytest.approx(first, abs=0.02) == scene.told[1][0]


@on_virtual_time
async def test_trials_that_fail() -> None:
    """A trial that fails makes it unable again, until the next."""
    scene = Scene()
    await scene.break_down(ONE, TWO)
    for _ in range(3):
        await asyncio.sleep(max(scene.open_until(ONE), scene.open_until(TWO)) - now() + 0.1)
        for target in (ONE, TWO):
            scene.board.views([Candidate(target, "m")])
            attempt(scene.board, target, Ended(0.1, DOWN))
        await asyncio.sleep(0.001)

    assert [False, *[True, False] * 3] == [able for _, able in scene.told]


@on_virtual_time
async def test_reloads() -> None:
    """Without any provider nobody can serve; a new one of which nothing is known can."""
    scene = Scene()
    scene.ability.adopt(())
    scene.ability.adopt(BOTH)
    await scene.break_down(ONE, TWO)
    scene.ability.adopt((*BOTH, ("three", "")))

    assert [False, True, False, True] == [able for _, able in scene.told]


@on_virtual_time
async def test_close() -> None:
    """After the end nothing is told."""
    scene = Scene()
    await scene.break_down(ONE, TWO)
    scene.ability.close()
    await asyncio.sleep(100.0)

    assert [(0.0, False)] == scene.told
