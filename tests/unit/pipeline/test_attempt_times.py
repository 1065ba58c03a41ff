"""When attempts began: what was waited for before each of them."""

from __future__ import annotations

import asyncio

import pytest

from service.domain.attempt import Attempt
from service.domain.limit import Limit
from service.pipeline.router import Answered
from tests.kit.scripted import HELLO, ScriptedProvider, member
from tests.kit.virtual import on_virtual_time
from tests.unit.pipeline.boards import DOWN
from tests.unit.pipeline.routed import Routed


def began(answered: Answered) -> list[float]:
    return [attempt.start_offset_s for attempt in answered.trace.attempts]


def end_s(attempt: Attempt) -> float:
    return attempt.start_offset_s + attempt.duration_s


@on_virtual_time
async def test_from_one_to_the_next() -> None:
    """Who is asked at once after a failure begins where that ended."""
    routed = Routed(member(ScriptedProvider(2.0, DOWN), "a"), member(ScriptedProvider(), "b"))

    assert [0.0, 2.0] == began(await routed.router.complete(routed.asked()))


@on_virtual_time
async def test_a_pause() -> None:
    """The pause before somebody is asked again stands between two attempts, and is routing's."""
    provider = ScriptedProvider(scripts=[(2.0, DOWN), (1.0, *HELLO)])
    routed = Routed(member(provider, "a"))
    asked = routed.asked()
    first, second = (await routed.router.complete(asked)).trace.attempts

    assert 0.0 == first.start_offset_s
    assert 0.0 < asked.phases.route_s == pytest.approx(second.start_offset_s - end_s(first))
    assert 3.0 == asked.phases.provider_s


@on_virtual_time
async def test_a_hedge() -> None:
    """A hedge begins while the first goes on."""
    slow, quick = ScriptedProvider(9.0, *HELLO), ScriptedProvider(1.0, *HELLO)
    routed = Routed(member(slow, "a"), member(quick, "b"))

    assert [0.0, 0.5] == began(await routed.router.complete(routed.asked(hedge_delay_s=0.5)))


@on_virtual_time
async def test_a_turn() -> None:
    """Who waits for a turn begins when it comes."""
    routed = Routed(member(ScriptedProvider(3.0, *HELLO), "a"))
    routed.entry().limit = Limit(1.0)
    answers = await asyncio.gather(
        *(routed.router.complete(routed.asked()) for _ in range(2)),
    )

    assert [[0.0], [3.0]] == [began(answered) for answered in answers]
