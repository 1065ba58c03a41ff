"""Idempotency keys: one key and spec is one answer and one bill, whoever asks how."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc.aio
import pytest
from aiprovider.v1 import routing_pb2

from service.domain.cache_use import CacheConduct, CacheTerms, KeepPolicy
from service.domain.errors import ProviderFailure
from service.domain.events import TextDelta
from service.domain.reasons import ErrorReason
from service.rpc.call import Identity
from service.rpc.interceptors.identity import Directory
from tests.kit.scripted import ENDING, HELLO, ScriptedProvider, member
from tests.kit.serving import Served, Status, details, serving, streaming, unary
from tests.kit.virtual import Clock

OFF = CacheConduct(CacheTerms(KeepPolicy.OFF))
Info = routing_pb2.CacheInfo
ANSWERS = [(TextDelta(str(number)), ENDING) for number in range(5)]


async def text_of(served: Served, request: Any, **options: Any) -> str:
    answer = await served.completion.Complete(request, **options)
    return answer.message.parts[0].text


async def reason_of(call: Any) -> str:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return details(caught.value).error.reason


async def test_a_repeat() -> None:
    """The same key and spec gets the same answer, whatever the cache policy, and says so."""
    provider = ScriptedProvider(scripts=ANSWERS)
    async with serving(member(provider), conduct=OFF) as served:
        first = await served.completion.Complete(unary(idempotency_key="k"))
        second = await served.completion.Complete(unary(idempotency_key="k"))
        other = await text_of(served, unary(idempotency_key="other"))
        without = await text_of(served, unary())

    assert first.message == second.message
    assert [Info.STATUS_MISS, Info.STATUS_REPEATED] == [first.cache.status, second.cache.status]
    assert ["1", "2"] == [other, without]
    assert 3 == len(provider.calls)


async def test_another_spec() -> None:
    """The same key with another spec is refused, while the first is in flight and after."""
    provider = ScriptedProvider(0.2, *HELLO)
    async with serving(member(provider), conduct=OFF) as served:
        first = asyncio.create_task(text_of(served, unary(idempotency_key="k")))
        await provider.entered.wait()
        meanwhile = await reason_of(served.completion.Complete(unary("Ho", idempotency_key="k")))
        await first
        afterwards = await reason_of(served.completion.Complete(unary("Ho", idempotency_key="k")))

    assert ["IDEMPOTENCY_KEY_REUSED"] * 2 == [meanwhile, afterwards]
    assert 1 == len(provider.calls)


async def test_at_once() -> None:
    """Repeats at the same time, whole and streamed, share one call."""
    provider = ScriptedProvider(1.0, *HELLO)

    async def streamed() -> str:
        call = served.completion.StreamComplete(streaming(idempotency_key="k"))
        return "".join([event.text.text async for event in call])

    async with serving(member(provider), conduct=OFF) as served:
        told = await asyncio.gather(
            *(text_of(served, unary(idempotency_key="k")) for _ in range(10)),
            *(streamed() for _ in range(10)),
        )
        reverse = await asyncio.gather(streamed(), text_of(served, unary(idempotency_key="k")))

    assert ["Hello there"] * 20 == told
    assert ["Hello there"] * 2 == reverse
    assert 1 == len(provider.calls)


async def test_a_failure_may_be_repeated() -> None:
    """A request that failed is asked again under the same key."""
    down = ProviderFailure(ErrorReason.PROVIDER_UNAVAILABLE, "down")
    provider = ScriptedProvider(scripts=[(down,), HELLO])
    async with serving(member(provider), conduct=OFF, attempts_max=1) as served:
        failed = await reason_of(served.completion.Complete(unary(idempotency_key="k")))
        told = await text_of(served, unary(idempotency_key="k"))

    assert "PROVIDER_UNAVAILABLE" == failed
    assert "Hello there" == told


async def test_the_window() -> None:
    """After the configured time the key means nothing any more."""
    provider, clock = ScriptedProvider(scripts=ANSWERS), Clock()
    async with serving(member(provider), conduct=OFF, cache_clock=clock) as served:
        first = await text_of(served, unary(idempotency_key="k"))
        clock.now += 3599.0
        second = await text_of(served, unary(idempotency_key="k"))
        clock.now += 2.0
        third = await text_of(served, unary("Ho", idempotency_key="k"))

    assert ["0", "0", "1"] == [first, second, third]


async def test_keys_of_tenants() -> None:
    """Equal keys of different tenants have nothing to do with each other."""
    import hashlib

    known = {
        hashlib.sha256(name.encode()).digest(): Identity(name, name) for name in ("one", "two")
    }
    provider = ScriptedProvider(scripts=ANSWERS)
    async with serving(member(provider), conduct=OFF, directory=Directory(known)) as served:
        told = [
            await text_of(
                served,
                unary(text, idempotency_key="k"),
                metadata=(("authorization", f"Bearer {name}"),),
            )
            for name, text in (("one", "Hi"), ("two", "Ho"), ("one", "Hi"))
        ]

    assert ["0", "1", "0"] == told


async def test_beside_the_cache() -> None:
    """A key may be answered from the cache, and keeps that answer though it leaves the cache."""
    provider, clock = ScriptedProvider(scripts=ANSWERS), Clock()
    async with serving(
        member(provider), conduct=CacheConduct(early_refresh=0.0), cache_clock=clock
    ) as served:
        cached = await text_of(served, unary())
        first = await text_of(served, unary(idempotency_key="k"))
        clock.now += 400.0
        anew = await text_of(served, unary())
        second = await text_of(served, unary(idempotency_key="k"))

    assert ["0", "0", "1", "0"] == [cached, first, anew, second]


async def test_the_first_leaves() -> None:
    """A caller who lost its connection repeats, and is billed once if somebody still waited."""
    provider = ScriptedProvider(0.3, *HELLO)
    async with serving(member(provider), conduct=OFF) as served:
        lost = served.completion.Complete(unary(idempotency_key="k"))
        await provider.entered.wait()
        again = asyncio.create_task(text_of(served, unary(idempotency_key="k")))
        while served.admission.in_flight_count < 2:
            await asyncio.sleep(0.002)
        lost.cancel()
        told = await again

    assert "Hello there" == told
    assert 1 == len(provider.calls)
    assert Status.CANCELLED == await lost.code()
