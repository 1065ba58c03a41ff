"""What a caller of WatchMetrics sees: its own requests of the last seconds, until either leaves."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest
from aiprovider.v1 import analytics_service_pb2 as pb
from aiprovider.v1 import health_service_pb2

from service.server import Listen
from tests.integration.analytics_calls import CHEAP, DIRECTORY, analysed, by, serves
from tests.integration.health_calls import end_of
from tests.kit.scripted import HELLO, ScriptedProvider, member
from tests.kit.serving import Served, Status, details, serving, unary

OFTEN = pb.WatchMetricsRequest(interval={"nanos": 200_000_000}, window={"seconds": 10})


def watch(served: Served, name: str) -> Any:
    return served.analytics.WatchMetrics(OFTEN, **by(name))


async def until(watching: Any, count: int) -> pb.WatchMetricsResponse:
    """The first that tells of so many requests."""
    async with asyncio.timeout(5):
        while True:
            told = await watching.read()
            if told.requests.count >= count:
                return told


async def test_a_watch(tmp_path: Path) -> None:
    """Requests, latency, cache, cost and providers of the last seconds; of one's own tenant."""
    members = (serves("cheap", 1, CHEAP, "m"), serves("free", 1, None, "u"))
    async with analysed(tmp_path, *members) as (served, _):
        for text in ("One", "One", "Two"):
            await served.completion.Complete(unary(text), **by("acme"))
        await served.completion.Complete(unary("Three", "u"), **by("globex"))
        own = await until(watch(served, "acme"), 3)
        every = await until(watch(served, "ops"), 4)

    assert (3, 0, 26) == (own.requests.count, own.requests.errors, own.requests.nano_usd)
    assert (1, 2) == (own.cache.local_hits, own.cache.misses)
    assert pytest.approx(1 / 3) == own.cache_hit_ratio
    assert 3 == own.total_duration.count
    assert own.window.seconds * own.requests.per_second == pytest.approx(3)
    assert ["cheap", "free"] == [one.provider for one in own.providers]
    assert (2, 0) == (own.providers[0].attempts.count, own.providers[1].attempts.count)
    assert health_service_pb2.PROVIDER_STATUS_HEALTHY == own.providers[0].status
    assert (4, 1) == (every.requests.count, every.requests.unpriced_attempts)
    assert 26 * 3600 // every.window.seconds == every.requests.nano_usd_per_hour


async def test_in_flight(tmp_path: Path) -> None:
    """A request that is being answered is told as such, and counts once it has ended."""
    slow = ScriptedProvider(1.0, *HELLO)
    async with analysed(tmp_path, member(slow)) as (served, _):
        asked = asyncio.ensure_future(served.completion.Complete(unary(), **by("acme")))
        await slow.entered.wait()
        watching = watch(served, "acme")
        during = await watching.read()
        await asked
        after = await until(watching, 1)

    assert (1, 1) == (during.in_flight, during.providers[0].in_flight)
    assert (0, 0) == (after.in_flight, after.providers[0].in_flight)


async def test_a_watcher_who_leaves(tmp_path: Path) -> None:
    """Its watch ends at once, and is not counted among the requests."""
    async with analysed(tmp_path) as (served, _):
        watching = watch(served, "acme")
        await watching.read()
        watching.cancel()
        await asyncio.sleep(0.3)
        usage = await served.analytics.QueryUsage(pb.QueryUsageRequest(), **by("ops"))

    assert ["CANCELLED", "OK"] == [line["code"] for line in served.lines]
    assert 0 == usage.total.requests


async def test_a_deadline(tmp_path: Path) -> None:
    """At its deadline a watch is over, as agreed, and no failure."""
    async with analysed(tmp_path) as (served, _):
        watching = served.analytics.WatchMetrics(OFTEN, timeout=0.5, **by("acme"))
        seen = [told async for told in watching]
        code = await watching.code()

    assert 1 <= len(seen) <= 3
    assert Status.OK == code


async def test_a_drain() -> None:
    """A drain waits for no watcher, and sends it elsewhere."""
    listen = Listen("127.0.0.1", 0, settle_s=0.05, grace_s=5.0)
    async with serving(directory=DIRECTORY, listen=listen) as served:
        watching = watch(served, "acme")
        await watching.read()
        started = time.monotonic()
        await served.server.drain()
        took_s = time.monotonic() - started
        failure = await end_of(watching)

    assert took_s < 2.0
    assert Status.UNAVAILABLE == failure.code()
    assert "SERVER_DRAINING" == details(failure).error.reason
