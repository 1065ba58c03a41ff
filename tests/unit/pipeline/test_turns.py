"""Who may begin when candidates are at their limits."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from random import Random

import pytest

from service.domain.errors import ServiceFailure
from service.domain.limit import Limit
from service.domain.provider import ModelRef
from service.domain.reasons import ErrorReason
from service.pipeline.scoreboard import Scoreboard
from service.pipeline.turns import Turns
from tests.kit.virtual import now, on_virtual_time, settled
from tests.unit.pipeline.boards import ANSWERED, LEFT, A, B


class Counter:
    """Candidates that bear so many attempts at once, and those who want a turn."""

    def __init__(self, waiting_max: int = 100, **bears: int) -> None:
        self.board = Scoreboard(now, Random(5))
        self.turns = Turns(self.board, waiting_max)
        self.served: list[str] = []
        for name, count in bears.items():
            target = ModelRef(name, "m")
            self.board.entry(target).limit = Limit(count, now(), now())
            for _ in range(count):
                self.board.began(target)

    def come(
        self, name: str, *targets: ModelRef, seconds: float = math.inf
    ) -> asyncio.Task[ModelRef]:
        """Someone who waits for any of `targets`, for so long, and begins when it is his turn."""
        return asyncio.create_task(self._wait(name, targets or (A,), now() + seconds))

    async def _wait(self, name: str, targets: Sequence[ModelRef], deadline: float) -> ModelRef:
        target = await self.turns.wait(targets, deadline)
        self.board.began(target, reserved=True)
        self.served.append(name)
        return target

    def end(self, target: ModelRef = A) -> None:
        self.board.ended(target, LEFT)


@on_virtual_time
async def test_room() -> None:
    """Whoever has room may be asked at once."""
    counter = Counter(a=2)
    full = counter.turns.has_room(A)
    counter.end()

    assert (False, True, True) == (full, counter.turns.has_room(A), counter.turns.has_room(B))


@on_virtual_time
async def test_the_nearest_deadline_first() -> None:
    """The turn is his whose time runs out first; among equals, his who came first."""
    counter = Counter(a=1)
    for name, seconds in (("30", 30.0), ("10", 10.0), ("20", 20.0), ("10 too", 10.0)):
        counter.come(name, seconds=seconds)
    await settled()
    for _ in range(4):
        counter.end()
        await settled()

    assert ["10", "10 too", "20", "30"] == counter.served
    assert (0, 1) == (counter.turns.waiting_count, counter.board.entry(A).in_flight)


@on_virtual_time
async def test_one_place_one_turn() -> None:
    """A place that becomes free is one turn, not more; several are several."""
    counter = Counter(a=3)
    for number in range(5):
        counter.come(str(number))
    await settled()
    counter.end()
    await settled()
    one = list(counter.served)
    counter.end()
    counter.end()
    await settled()

    assert (["0"], ["0", "1", "2"]) == (one, counter.served)
    assert 3 == counter.board.entry(A).in_flight


@on_virtual_time
async def test_any_of_several() -> None:
    """Whoever waits for several takes the first that has room, and is in no line any more."""
    counter = Counter(a=1, b=1)
    task = counter.come("x", A, B)
    await settled()
    counter.end(B)
    await settled()
    counter.end(A)

    assert B == task.result()
    assert counter.turns.has_room(A)
    assert 0 == counter.board.entry(A).reserved


@on_virtual_time
async def test_nobody_overtakes() -> None:
    """Who comes when a place is free that is another one's turn has no room."""
    counter = Counter(a=1)
    counter.come("x")
    counter.come("y")
    await settled()
    counter.end()
    at_once = counter.turns.has_room(A)
    await settled()
    counter.board.entry(A).limit = Limit(2, now(), now())

    assert not at_once
    assert counter.board.has_room(A)
    assert not counter.turns.has_room(A)


@on_virtual_time
async def test_too_many() -> None:
    """Only so many wait; one more is refused at once, and told when to come again."""
    counter = Counter(waiting_max=2, a=1)
    counter.come("x")
    counter.come("y")
    await settled()
    with pytest.raises(ServiceFailure) as caught:
        await counter.turns.wait([A], math.inf)
    counter.turns.waiting_max = 3
    counter.come("z")
    await settled()

    assert (ErrorReason.SERVER_OVERLOADED, 1.0) == (caught.value.reason, caught.value.retry_after_s)
    assert (3, "<Turns 3/3 waiting>") == (counter.turns.waiting_count, repr(counter.turns))


@on_virtual_time
async def test_out_of_time() -> None:
    """At his deadline whoever still waits gives up; the next one has his turn."""
    counter = Counter(a=1)
    began = now()
    counter.come("y", seconds=60.0)
    with pytest.raises(TimeoutError):
        await counter.come("x", seconds=5.0)
    waited_s = now() - began
    counter.end()
    await settled()

    assert (5.0, ["y"], 0) == (waited_s, counter.served, counter.turns.waiting_count)


@on_virtual_time
async def test_leaving() -> None:
    """Whoever leaves while he waits is passed over."""
    counter = Counter(a=1)
    first = counter.come("x")
    counter.come("y")
    await settled()
    first.cancel()
    await settled()
    counter.end()
    await settled()

    assert (["y"], 0) == (counter.served, counter.turns.waiting_count)


@on_virtual_time
async def test_leaving_as_the_turn_comes() -> None:
    """Whoever leaves at the moment of his turn passes it on."""
    counter = Counter(a=1)
    first = counter.come("x")
    counter.come("y")
    await settled()
    counter.end()
    first.cancel()
    await settled()

    assert (True, ["y"]) == (first.cancelled(), counter.served)
    assert (1, 0) == (counter.board.entry(A).in_flight, counter.board.entry(A).reserved)


@pytest.mark.parametrize("ends_first", [True, False])
@on_virtual_time
async def test_the_turn_comes_at_the_deadline(*, ends_first: bool) -> None:
    """If turn and deadline come at the same moment, the place is taken or passed on, never lost."""
    counter = Counter(a=1)
    loop = asyncio.get_running_loop()
    if ends_first:
        loop.call_later(5.0, counter.end)
    first = counter.come("x", seconds=5.0)
    counter.come("y", seconds=50.0)
    await settled()
    if not ends_first:
        loop.call_later(5.0, counter.end)
    await asyncio.sleep(6.0)

    assert first.done()
    assert (["y"] if first.exception() else ["x"]) == counter.served
    assert (1, 0) == (counter.board.entry(A).in_flight, counter.board.entry(A).reserved)


@on_virtual_time
async def test_a_limit_that_is_forgotten() -> None:
    """When there is no limit any more, everybody has his turn at once."""
    counter = Counter(a=2)
    await asyncio.sleep(300.0)
    for name in "xyz":
        counter.come(name, seconds=60.0)
    await settled()
    counter.board.ended(A, ANSWERED)
    await settled()

    assert ["x", "y", "z"] == counter.served


@on_virtual_time
async def test_a_limit_that_grows() -> None:
    """When a limit grows, so many more have their turns."""
    counter = Counter(a=2)
    for name in "xyz":
        counter.come(name)
    await asyncio.sleep(1.5)
    counter.board.ended(A, ANSWERED)
    await settled()

    assert (["x", "y"], 3.0) == (counter.served, counter.board.entry(A).limit.value)
