"""A thousand requests at candidates that bear few: no place is idle, and nobody is forgotten."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from random import Random

import pytest

from service.domain.limit import Limit
from service.domain.provider import ModelRef
from service.pipeline.scoreboard import Scoreboard
from service.pipeline.turns import Turns
from tests.kit.virtual import now, on_virtual_time, settled
from tests.unit.pipeline.boards import ANSWERED, LEFT, A, B, C

BEARS = {A: 3, B: 1, C: 5}


class Crowd:
    """Requests that come, wait for their turns, and leave."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.board = Scoreboard(now, rng)
        self.turns = Turns(self.board, waiting_max=1000)
        self.served_count = 0
        self.waited_count = 0
        for target, count in BEARS.items():
            self.board.entry(target).limit = Limit(count, now(), now())

    async def request(self, targets: Sequence[ModelRef], seconds: float) -> None:
        """Begins at the first with room, or waits; then takes its time."""
        target = next((place for place in targets if self.turns.has_room(place)), None)
        if target is None:
            self.waited_count += 1
            target = await self.turns.wait(targets, now() + seconds)
            self.board.began(target, reserved=True)
        else:
            self.board.began(target)
        entry = self.board.entry(target)
        assert entry.in_flight + entry.reserved <= entry.limit.value
        try:
            await asyncio.sleep(self.rng.expovariate(20.0))
            self.served_count += seconds == math.inf
        finally:
            self.board.ended(target, self.rng.choice([LEFT, ANSWERED]))

    def nobody_is_overlooked(self) -> bool:
        """Where there is room, nobody stands in line."""
        return all(self.turns.has_room(target) == self.board.has_room(target) for target in BEARS)


@pytest.mark.parametrize("seed", range(3))
@on_virtual_time
async def test_a_thousand_come_and_go(seed: int) -> None:
    """Whatever comes and leaves when, no place is idle while somebody waits, and all are served."""
    rng = Random(seed)
    crowd = Crowd(rng)
    loop = asyncio.get_running_loop()
    tasks: list[asyncio.Task[None]] = []
    patient_count = 0
    for _ in range(1000):
        targets = rng.sample(list(BEARS), rng.randint(1, 3))
        patient = rng.random() < 0.5
        patient_count += patient
        seconds = math.inf if patient else rng.uniform(0.0, 0.5)
        task = asyncio.create_task(crowd.request(targets, seconds))
        tasks.append(task)
        if not patient and rng.random() < 0.5:
            loop.call_later(rng.uniform(0.0, 0.5), task.cancel)
        await asyncio.sleep(rng.choice([0.0, 0.0, 0.002, 0.01]))
        if rng.random() < 0.1:
            await settled()
            assert crowd.nobody_is_overlooked()
    ended = await asyncio.gather(*tasks, return_exceptions=True)

    assert {TimeoutError, asyncio.CancelledError, type(None)} >= {type(one) for one in ended}
    assert patient_count == crowd.served_count
    assert crowd.waited_count > 100
    assert 0 == crowd.turns.waiting_count
    entries = [crowd.board.entry(target) for target in BEARS]
    assert [(0, 0)] * 3 == [(entry.in_flight, entry.reserved) for entry in entries]
    assert crowd.nobody_is_overlooked()
