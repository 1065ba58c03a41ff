"""A caller who leaves while a hedge runs leaves nothing behind."""

from __future__ import annotations

import asyncio

import pytest

from tests.kit.virtual import now, on_virtual_time, settled
from tests.unit.pipeline.race import Attempt, Race, declined, never


@pytest.mark.parametrize(("leaves_s", "ended"), [(0.5, {"a"}), (2.0, {"a", "b"})])
@on_virtual_time
async def test_the_caller_leaves(leaves_s: float, ended: set[str]) -> None:
    """When the caller leaves, both are cancelled, and their ends are waited for."""
    race = Race()

    def second() -> Attempt:
        return race.attempt("b", 9.0, closing_s=0.25)

    task = asyncio.create_task(race.run(race.attempt("a", 9.0, closing_s=0.5), second))
    await asyncio.sleep(leaves_s)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert ended == {line.split()[1] for line in race.log if "closed" in line}
    assert leaves_s + 0.5 == now() - race.began


@on_virtual_time
async def test_the_caller_leaves_at_once() -> None:
    """A caller who leaves as soon as the first has begun leaves nothing behind."""
    race = Race()
    task = asyncio.create_task(race.run(race.attempt("a", 9.0), never))
    await asyncio.sleep(0)
    task.cancel()
    await settled()

    assert task.cancelled()
    assert ["0 a began", "0 a cancelled", "0 a closed"] == race.log


@on_virtual_time
async def test_the_caller_leaves_as_a_result_comes() -> None:
    """A result that nobody takes any more is discarded."""
    race = Race()
    ready = asyncio.Event()

    async def attempt() -> str | None:
        await ready.wait()
        return "a"

    task = asyncio.create_task(race.run(attempt(), declined))
    await asyncio.sleep(2.0)
    ready.set()
    task.cancel()
    await settled()

    assert task.cancelled()
    assert ["a"] == race.discarded


@on_virtual_time
async def test_the_caller_leaves_while_the_loser_closes() -> None:
    """A winner that nobody takes any more is discarded."""
    race = Race()

    def second() -> Attempt:
        return race.attempt("b", 1.0)

    task = asyncio.create_task(race.run(race.attempt("a", 9.0, closing_s=1.0), second))
    await asyncio.sleep(2.5)
    task.cancel()
    await asyncio.sleep(1.0)

    assert task.cancelled()
    assert ["b"] == race.discarded
