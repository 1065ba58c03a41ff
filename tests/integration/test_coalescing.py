"""Equal calls in flight share one: nobody is hurt by another's cancel, deadline or pace."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import grpc.aio
import pytest
from aiprovider.v1 import routing_pb2

from service.domain.cache_use import CacheConduct
from service.domain.errors import ProviderFailure
from service.domain.events import TextDelta
from service.domain.kept import Selector
from service.domain.reasons import ErrorReason
from tests.kit.scripted import ENDING, HELLO, ScriptedProvider, member
from tests.kit.serving import Served, Status, details, serving, streaming, unary
from tests.kit.virtual import Clock

CACHED = CacheConduct()
Info = routing_pb2.CacheInfo


def slowly(pause_s: float, count: int = 5) -> tuple[Any, ...]:
    steps: list[Any] = []
    for number in range(count):
        steps += [pause_s, TextDelta(f"{number} ")]
    return (*steps, ENDING)


async def until(condition: Any) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.002)


async def in_flight(served: Served, count: int) -> None:
    await until(lambda: served.admission.in_flight_count >= count)


async def code_of(call: Any) -> Any:
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return error.code()
    except asyncio.CancelledError:
        return Status.CANCELLED
    return Status.OK


async def texts(served: Served, request: Any = None, **options: Any) -> list[str]:
    call = served.completion.StreamComplete(request or streaming(), **options)
    return [event.text.text async for event in call if event.HasField("text")]


async def test_five_hundred() -> None:
    """500 equal calls at once are one call upstream, and each is answered for itself."""
    provider = ScriptedProvider(1.0, *HELLO)
    async with serving(member(provider), conduct=CACHED, in_flight_max=1000) as served:
        answers = await asyncio.gather(*(served.completion.Complete(unary()) for _ in range(500)))

    assert 1 == len(provider.calls)
    statuses = [answer.cache.status for answer in answers]
    assert 1 == statuses.count(Info.STATUS_MISS)
    assert 500 == len({answer.id for answer in answers})
    assert {"Hello there"} == {answer.message.parts[0].text for answer in answers}
    joined = [answer for answer in answers if answer.cache.status == Info.STATUS_COALESCED]
    assert len(joined) + statuses.count(Info.STATUS_HIT_LOCAL) == 499
    assert len(joined) > 400


async def test_a_late_joiner_of_a_stream() -> None:
    """It gets what has come so far at once, then what comes, in the same pieces."""
    provider = ScriptedProvider(*slowly(0.1))
    async with serving(member(provider), conduct=CACHED) as served:
        first = asyncio.create_task(texts(served))
        await asyncio.sleep(0.35)
        began = time.monotonic()
        call = served.completion.StreamComplete(streaming())
        seen = [(event, time.monotonic() - began) async for event in call]
        told = await first

    assert 1 == len(provider.calls)
    pieces = [(event.text.text, at) for event, at in seen if event.HasField("text")]
    assert told == [text for text, _ in pieces] == ["0 ", "1 ", "2 ", "3 ", "4 "]
    assert pieces[1][1] < 0.1
    assert pieces[-1][1] > 0.1
    assert Info.STATUS_COALESCED == seen[0][0].started.cache.status


async def test_a_whole_answer_of_a_stream_in_flight() -> None:
    """Who wants the answer whole waits for the stream that is on its way."""
    provider = ScriptedProvider(*slowly(0.05))
    async with serving(member(provider), conduct=CACHED) as served:
        stream = asyncio.create_task(texts(served))
        await in_flight(served, 1)
        whole = await served.completion.Complete(unary())
        await stream
        later = await served.completion.Complete(unary())

    assert Info.STATUS_HIT_LOCAL == later.cache.status
    assert 1 == len(provider.calls)
    assert "0 1 2 3 4 " == whole.message.parts[0].text
    assert Info.STATUS_COALESCED == whole.cache.status


@pytest.mark.parametrize("leaver", ["first", "second"])
async def test_a_cancel_hurts_nobody_else(leaver: str) -> None:
    """Whoever leaves, the others get their answer, and the provider notices nothing."""
    provider = ScriptedProvider(0.3, *HELLO)
    async with serving(member(provider), conduct=CACHED) as served:
        calls = []
        for number in (1, 2):
            calls.append(served.completion.Complete(unary()))
            await in_flight(served, number)
        leaving, staying = calls if leaver == "first" else reversed(calls)
        leaving.cancel()
        answer = await staying

    assert "Hello there" == answer.message.parts[0].text
    assert 1 == len(provider.calls)
    assert 0 == provider.cancelled_count


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
async def test_the_last_to_leave(stream: bool) -> None:
    """When nobody waits any more the provider's connection is closed at once; nothing is left."""
    provider = ScriptedProvider(TextDelta("a"), 30.0, ENDING)
    async with serving(member(provider), conduct=CACHED) as served:
        calls = []
        for number in (1, 2, 3):
            ask = served.completion.StreamComplete if stream else served.completion.Complete
            calls.append(ask(streaming() if stream else unary()))
            await in_flight(served, number)
        await provider.entered.wait()
        for call in calls[:2]:
            call.cancel()
        await until(lambda: 1 == served.admission.in_flight_count)
        open_count = provider.open_count
        calls[2].cancel()
        began = time.monotonic()
        await until(lambda: 0 == provider.open_count)
        took_s = time.monotonic() - began
        await until(lambda: 0 == served.admission.in_flight_count)
        later = asyncio.create_task(code_of(served.completion.Complete(unary(), timeout=0.2)))
        await until(lambda: 2 == len(provider.calls))
        await later

    assert 1 == open_count
    assert took_s < 0.1
    assert "0 in flight" in repr(served.pipeline)


async def test_a_short_deadline_hurts_nobody_else() -> None:
    """Who has less time leaves alone, though it began the call: the others get the answer."""
    provider = ScriptedProvider(0.6, *HELLO)
    async with serving(member(provider), conduct=CACHED) as served:
        short = asyncio.create_task(code_of(served.completion.Complete(unary(), timeout=0.3)))
        await in_flight(served, 1)
        answer = await served.completion.Complete(unary(), timeout=5)
        code = await short

    assert Status.DEADLINE_EXCEEDED == code
    assert "Hello there" == answer.message.parts[0].text
    assert 1 == len(provider.calls)
    assert 0 == provider.cancelled_count


async def test_a_short_deadline_cuts_no_stream_of_others() -> None:
    """The same in the middle of a stream that it began."""
    provider = ScriptedProvider(*slowly(0.15))
    async with serving(member(provider), conduct=CACHED) as served:
        short = asyncio.create_task(texts(served, timeout=0.4))
        await in_flight(served, 1)
        told = await texts(served, timeout=5)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await short

    assert Status.DEADLINE_EXCEEDED == caught.value.code()
    assert ["0 ", "1 ", "2 ", "3 ", "4 "] == told
    assert 1 == len(provider.calls)


async def test_a_joiner_with_little_time() -> None:
    """A joiner's deadline is kept too, and it is told why."""
    provider = ScriptedProvider(2.0, *HELLO)
    async with serving(member(provider), conduct=CACHED) as served:
        first = asyncio.create_task(code_of(served.completion.Complete(unary(), timeout=10)))
        await in_flight(served, 1)
        began = time.monotonic()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await served.completion.Complete(unary(), timeout=0.2)
        took_s = time.monotonic() - began
        code = await first

    assert "DEADLINE_EXCEEDED" == details(caught.value).error.reason
    assert took_s < 1.5
    assert Status.OK == code


async def test_a_failure_is_everybodys() -> None:
    """Those who share a call share its failure, each with a request id of its own."""
    provider = ScriptedProvider(
        1.0, ProviderFailure(ErrorReason.PROVIDER_CREDENTIALS_REJECTED, "x")
    )
    async with serving(member(provider), conduct=CACHED, attempts_max=1) as served:
        told = await asyncio.gather(
            *(served.completion.Complete(unary()) for _ in range(20)), return_exceptions=True
        )

    assert 1 == len(provider.calls)
    failures = [details(error) for error in told]  # type: ignore[arg-type]
    assert {"PROVIDER_CREDENTIALS_REJECTED"} == {one.error.reason for one in failures}
    assert 20 == len({one.request.request_id for one in failures})
    assert {1} == {len(one.failure.attempts) for one in failures}


async def test_a_slow_reader_slows_nobody() -> None:
    """The pace of one who reads slowly is its own."""
    steps = [TextDelta("x" * 100_000) for _ in range(100)]
    provider = ScriptedProvider(*steps, ENDING)
    async with serving(member(provider), conduct=CACHED) as served:
        slow = served.completion.StreamComplete(streaming())
        await slow.read()
        began = time.monotonic()
        told = await texts(served, timeout=10)
        took_s = time.monotonic() - began
        slow.cancel()

    assert 100 == len(told)
    assert took_s < 5.0


async def test_wishes_that_differ() -> None:
    """Who wants to be routed otherwise does not share a call, though it would share the answer."""
    provider = ScriptedProvider(0.2, *HELLO)
    one_try = routing_pb2.RoutingPolicy(disable_failover=True)
    async with serving(member(provider), conduct=CACHED) as served:
        await asyncio.gather(
            served.completion.Complete(unary()),
            served.completion.Complete(unary(routing=one_try)),
        )

    assert 2 == len(provider.calls)


async def test_switched_off() -> None:
    """Where coalescing is off each one asks for itself."""
    provider = ScriptedProvider(0.1, *HELLO)
    async with serving(member(provider), conduct=CacheConduct(coalesce=False)) as served:
        await asyncio.gather(*(served.completion.Complete(unary()) for _ in range(5)))

    assert 5 == len(provider.calls)


async def test_an_early_refresh() -> None:
    """An answer that is asked for in its last moments is asked anew beside the request, once."""
    provider, clock = ScriptedProvider(0.05, *HELLO), Clock()
    async with serving(member(provider), conduct=CACHED, cache_clock=clock) as served:
        await served.completion.Complete(unary())
        served.caching.answers.draw = lambda: 0.999999
        clock.now += 290.0
        await served.completion.Complete(unary())
        early = len(provider.calls)
        clock.now += 9.9
        told = await asyncio.gather(*(served.completion.Complete(unary()) for _ in range(20)))
        await until(lambda: 0 == len(served.pipeline.flights))
        clock.now += 200.0
        later = await served.completion.Complete(unary())

    assert 1 == early
    assert {Info.STATUS_HIT_LOCAL} == {answer.cache.status for answer in told}
    assert 2 == len(provider.calls)
    assert Info.STATUS_HIT_LOCAL == later.cache.status


async def test_what_became_void_meanwhile() -> None:
    """Who asks after an invalidation does not join what was asked for before it."""
    provider = ScriptedProvider(0.3, *HELLO)
    async with serving(member(provider), conduct=CACHED) as served:
        before = asyncio.ensure_future(served.completion.Complete(unary()))
        await provider.entered.wait()
        await served.caching.invalidate(Selector())
        after = await served.completion.Complete(unary())
        await before

    assert 2 == len(provider.calls)
    assert Info.STATUS_MISS == after.cache.status


async def test_an_early_refresh_leaves_repeats_alone() -> None:
    """The answer to an idempotency key stays what it was, though the cache has a newer one."""
    clock = Clock()
    answers = [(0.05, TextDelta(str(number)), ENDING) for number in range(4)]
    provider = ScriptedProvider(scripts=answers)
    async with serving(member(provider), conduct=CACHED, cache_clock=clock) as served:
        await served.completion.Complete(unary())
        served.caching.answers.draw = lambda: 0.999999
        clock.now += 299.9
        first = await served.completion.Complete(unary(idempotency_key="k"))
        await until(lambda: 0 == len(served.pipeline.flights))
        second = await served.completion.Complete(unary(idempotency_key="k"))
        cached = await served.completion.Complete(unary())

    assert ["0", "0", "1"] == [a.message.parts[0].text for a in (first, second, cached)]


async def test_many_who_leave() -> None:
    """Those who have left leave nothing behind in a call that goes on."""
    provider = ScriptedProvider(30.0, *HELLO)
    async with serving(member(provider), conduct=CACHED, in_flight_max=1000) as served:
        staying = served.completion.Complete(unary())
        await in_flight(served, 1)
        leaving = [served.completion.Complete(unary()) for _ in range(50)]
        await in_flight(served, 51)
        for call in leaving:
            call.cancel()
        await until(lambda: 1 == served.admission.in_flight_count)
        flight = next(iter(served.pipeline.flights))
        left = (flight.waiting_count, flight.waker_count)
        staying.cancel()

    assert (1, 1) == left
