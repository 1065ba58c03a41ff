"""Where the time of a call went: the parts are true, and they are the whole."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping

import pytest
from aiprovider.v1 import completion_service_pb2 as pb
from google.protobuf import duration_pb2

from service.domain.cache_use import CacheConduct
from service.domain.errors import ProviderFailure
from service.domain.reasons import ErrorReason
from tests.kit.scripted import HELLO, ScriptedProvider, member
from tests.kit.serving import Served, serving, streaming, unary

PARTS = ("cache", "queue", "route", "provider", "serialise")
SLOW_S = 0.15
SILENT = ProviderFailure(ErrorReason.PROVIDER_UNAVAILABLE, "gone")


def seconds(duration: duration_pb2.Duration) -> float:
    return duration.ToNanoseconds() / 1e9


def parts_s(timing: pb.Timing) -> Mapping[str, float]:
    return {name: seconds(getattr(timing, f"{name}_duration")) for name in PARTS}


def require_whole(timing: pb.Timing) -> Mapping[str, float]:
    """The parts, after it was seen that they are the whole within a hundredth."""
    told, total_s = parts_s(timing), timing.total_duration.ToNanoseconds() / 1e9

    assert total_s == pytest.approx(sum(told.values()), rel=0.01)
    return told


async def streamed(served: Served) -> pb.Timing:
    timing = pb.Timing()
    async for event in served.completion.StreamComplete(streaming()):
        if event.HasField("finished"):
            timing = event.finished.timing
    return timing


async def test_a_slow_provider() -> None:
    """The time that a provider takes is the provider's, whether it answers whole or as it comes."""
    provider = ScriptedProvider(SLOW_S, *HELLO)
    async with serving(member(provider)) as served:
        whole = (await served.completion.Complete(unary())).timing
        stream = await streamed(served)

    for timing in (whole, stream):
        told = require_whole(timing)
        assert told["provider"] >= SLOW_S
        assert sum(told.values()) - told["provider"] < SLOW_S


async def test_a_failed_attempt_and_the_pause_after_it() -> None:
    """What failed was the provider's time; the pause before it is asked again is routing's.

    Attempts tell when they began, counted from the same moment.
    """
    provider = ScriptedProvider(scripts=[(SLOW_S, SILENT), HELLO])
    async with serving(member(provider)) as served:
        answer = await served.completion.Complete(unary())

    told = require_whole(answer.timing)
    assert 2 == len(provider.calls)
    assert told["provider"] >= SLOW_S
    assert told["route"] > told["queue"] == 0
    first, second = answer.route.attempts
    assert first.start_offset.ToMilliseconds() < SLOW_S * 1000
    assert seconds(second.start_offset) > seconds(first.start_offset) + seconds(first.duration)
    end_s = seconds(second.start_offset) + seconds(second.duration)
    assert end_s <= told["provider"] + told["route"] + told["queue"] + 1e-6


async def test_a_turn_that_was_waited_for() -> None:
    """Waiting for a turn is queueing, and nothing else is."""
    overloaded = ProviderFailure(ErrorReason.PROVIDER_UNAVAILABLE, "overloaded", http_status=529)
    slow = (2 * SLOW_S, *HELLO)
    provider = ScriptedProvider(scripts=[slow, slow, slow, (overloaded,), HELLO])
    async with serving(member(provider)) as served:
        calls = [served.completion.Complete(unary()) for _ in range(4)]
        answers = await asyncio.gather(*calls)

    told = [require_whole(answer.timing) for answer in answers]
    assert max(one["queue"] for one in told) > SLOW_S
    assert min(one["queue"] for one in told) == 0


async def test_one_who_joins() -> None:
    """Who joins a call in flight waits for the provider as long as is left of it."""
    provider = ScriptedProvider(2 * SLOW_S, *HELLO)
    async with serving(member(provider), conduct=CacheConduct()) as served:
        first = asyncio.ensure_future(served.completion.Complete(unary()))
        await provider.entered.wait()
        await asyncio.sleep(SLOW_S)
        second = await served.completion.Complete(unary())
        before = require_whole((await first).timing)

    told = require_whole(second.timing)
    assert 1 == len(provider.calls)
    assert 0 < told["provider"] < before["provider"]
    assert before["provider"] >= 2 * SLOW_S


async def test_a_hit() -> None:
    """A hit has no part but the cache's and the edge's, unary and streamed."""
    async with serving(member(ScriptedProvider()), conduct=CacheConduct()) as served:
        await served.completion.Complete(unary())
        whole = (await served.completion.Complete(unary())).timing
        stream = await streamed(served)

    for timing in (whole, stream):
        told = require_whole(timing)
        assert told["cache"] > 0
        assert told["serialise"] > 0
        assert [0, 0, 0] == [told["queue"], told["route"], told["provider"]]


async def test_it_is_what_passed() -> None:
    """The whole is what passed between the arrival of the call and its answer."""
    async with serving(member(ScriptedProvider(SLOW_S, *HELLO))) as served:
        await served.completion.Complete(unary())
        began = time.monotonic()
        answer = await served.completion.Complete(unary())
        passed_s = time.monotonic() - began

    total_s = answer.timing.total_duration.ToNanoseconds() / 1e9
    assert SLOW_S <= total_s <= passed_s
