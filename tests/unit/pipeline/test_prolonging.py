"""A deadline that moves later while a request is carried out: nothing ends before the new one."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from service.domain.errors import ServiceFailure
from service.domain.events import TextDelta
from service.domain.limit import Limit
from service.domain.reasons import ErrorReason
from service.pipeline.roster import TimeLimits
from service.pipeline.routed import Done
from tests.kit.scripted import ENDING, ScriptedProvider, member
from tests.kit.virtual import now, on_virtual_time
from tests.unit.pipeline.routed import A, Routed

WORD = TextDelta("x")
LIMITS = TimeLimits(attempt_s=100.0, first_token_s=60.0, idle_s=30.0)


@on_virtual_time
async def test_a_whole_answer() -> None:
    """An attempt that began with little time goes on when there is more, and is the only one."""
    provider = ScriptedProvider(5.0, WORD, ENDING)
    routed = Routed(member(provider, "a", limits=LIMITS))
    request = routed.asked(2.0)
    answer = asyncio.create_task(routed.router.complete(request))
    await asyncio.sleep(1.0)
    request.prolong(now() + 20.0)
    await answer

    assert 5.0 == now()
    assert 1 == len(provider.calls)


@on_virtual_time
async def test_not_beyond_the_new_one() -> None:
    """The new deadline is kept as the old one would have been."""
    routed = Routed(member(ScriptedProvider(50.0, WORD, ENDING), "a", limits=LIMITS))
    request = routed.asked(2.0)
    answer = asyncio.create_task(routed.router.complete(request))
    await asyncio.sleep(1.0)
    request.prolong(now() + 6.0)
    with pytest.raises(ServiceFailure) as caught:
        await answer

    assert ErrorReason.DEADLINE_EXCEEDED is caught.value.reason
    assert 6.99 < now() < 7.01


@on_virtual_time
async def test_an_earlier_one_changes_nothing() -> None:
    """A caller with less time takes none from the others."""
    routed = Routed(member(ScriptedProvider(5.0, WORD, ENDING), "a", limits=LIMITS))
    request = routed.asked(20.0)
    answer = asyncio.create_task(routed.router.complete(request))
    await asyncio.sleep(1.0)
    request.prolong(now() + 0.5)
    await answer

    assert 5.0 == now()


@on_virtual_time
@pytest.mark.parametrize("at_s", [0.5, 1.5, 2.5])
async def test_a_stream(at_s: float) -> None:
    """Before the first event, between two of them, or in a long silence: it goes on."""
    provider = ScriptedProvider(1.0, WORD, 1.0, WORD, 4.0, WORD, ENDING)
    routed = Routed(member(provider, "a", limits=LIMITS))
    request = routed.asked(3.0)

    async def hear() -> list[object]:
        async with aclosing(routed.router.stream(request)) as events:
            return [event async for event in events]

    heard = asyncio.create_task(hear())
    await asyncio.sleep(at_s)
    request.prolong(now() + 20.0)
    events = await heard

    assert isinstance(events[-1], Done)
    assert 6.0 == now()
    assert 1 == len(provider.calls)


@on_virtual_time
async def test_waiting_for_a_turn() -> None:
    """Who waits for a turn waits on, when there is more time."""
    provider = ScriptedProvider(4.0, WORD, ENDING)
    routed = Routed(member(provider, "a", limits=LIMITS))
    first = asyncio.create_task(routed.router.complete(routed.asked(30.0)))
    await asyncio.sleep(0.1)
    routed.entry(A).limit = Limit(1.0)
    request = routed.asked(2.0)
    second = asyncio.create_task(routed.router.complete(request))
    await asyncio.sleep(0.2)
    request.prolong(now() + 30.0)
    await asyncio.gather(first, second)

    assert 2 == len(provider.calls)
    assert 8.0 == now()


@on_virtual_time
async def test_nothing_watches_afterwards() -> None:
    """A request that is over is told nothing any more."""
    routed = Routed(member(ScriptedProvider(1.0, WORD, ENDING), "a", limits=LIMITS))
    request = routed.asked(5.0)
    await routed.router.complete(request)

    assert [] == request.watchers
