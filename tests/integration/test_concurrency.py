"""How many calls were in flight on a replica as each began."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

import grpc.aio
import pytest
from aiprovider.v1 import analytics_service_pb2 as pb
from aiprovider.v1 import health_service_pb2

from service.domain.call_record import CallRecord, Record
from tests.integration.analytics_calls import analysed, by, performance
from tests.kit.scripted import HELLO, ScriptedProvider, member
from tests.kit.serving import Served, serving, streaming, unary

SLOW_S = 0.2


class Met:
    """What the calls of models met that have ended, in that order."""

    def __init__(self) -> None:
        self.counts: list[int] = []

    def __call__(self, records: Iterable[Record]) -> None:
        self.counts += [
            record.in_flight
            for record in records
            if isinstance(record, CallRecord) and "CompletionService" in record.method
        ]


async def heard(served: Served) -> None:
    async for _ in served.completion.StreamComplete(streaming()):
        pass


async def test_calls_beside_each_other() -> None:
    """Each counts itself and those before it that have not ended, whole or as a stream."""
    met = Met()
    async with serving(member(ScriptedProvider(SLOW_S, *HELLO)), sinks=(met,)) as served:
        await asyncio.gather(heard(served), served.completion.Complete(unary()), heard(served))
        await served.completion.Complete(unary())

    assert [1, 2, 3] == sorted(met.counts[:3])
    assert [1] == met.counts[3:]


async def test_whoever_has_left_is_gone() -> None:
    """A call that was cancelled, refused or failed is in flight no more."""
    met = Met()
    provider = ScriptedProvider(scripts=[(60.0, *HELLO), HELLO])
    async with serving(member(provider), sinks=(met,)) as served:
        left = asyncio.ensure_future(served.completion.Complete(unary()))
        await provider.entered.wait()
        left.cancel()
        while not met.counts:
            await asyncio.sleep(0.01)
        with pytest.raises(grpc.aio.AioRpcError):
            await served.completion.Complete(unary(model="nobody-has-it"))
        await served.completion.Complete(unary())

    assert [1, 1, 1] == met.counts


async def test_questions_about_the_service() -> None:
    """Who watches how the service does is not in flight."""
    met = Met()
    async with serving(member(ScriptedProvider()), sinks=(met,)) as served:
        watch = served.providers_health.WatchProviders(health_service_pb2.WatchProvidersRequest())
        await watch.read()
        live = served.analytics.WatchMetrics(pb.WatchMetricsRequest())
        await live.read()
        await served.completion.Complete(unary())
        watch.cancel()
        live.cancel()

    assert [1] == met.counts


async def test_what_analytics_tell(tmp_path: Path) -> None:
    """The peak is of the replica: a tenant's calls are counted beside those of others."""
    provider = ScriptedProvider(SLOW_S, *HELLO)
    async with analysed(tmp_path, member(provider)) as (served, _):
        calls = [served.completion.Complete(unary(str(n)), **by("acme")) for n in range(3)]
        theirs = asyncio.gather(*calls)
        while len(provider.calls) < 3:
            await asyncio.sleep(0.01)
        await served.completion.Complete(unary("theirs"), **by("globex"))
        await theirs
        acme = (await served.analytics.QueryPerformance(performance(), **by("acme"))).total
        globex = (await served.analytics.QueryPerformance(performance(), **by("globex"))).total

    assert (3, 3) == (acme.p95_concurrency, acme.peak_concurrency)
    assert (4, 4) == (globex.p95_concurrency, globex.peak_concurrency)
    assert 1 == globex.requests
