"""AdminService and GetCacheStats: who may, what is refused, and what it does."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

import grpc.aio
import pytest
from aiprovider.v1 import admin_service_pb2 as admin_pb
from aiprovider.v1 import analytics_service_pb2, routing_pb2

from service.domain.cache_use import CacheConduct
from service.domain.permission import Permission
from service.rpc.call import Identity
from service.rpc.interceptors.identity import Directory
from tests.kit.scripted import HELLO, ScriptedProvider, member
from tests.kit.serving import Served, Status, details, serving, unary
from tests.kit.virtual import Clock

CACHED = CacheConduct(early_refresh=0.0)
Info = routing_pb2.CacheInfo
Invalidate = admin_pb.InvalidateCacheRequest


def _key(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()


DIRECTORY = Directory(
    {
        _key("one"): Identity("a", "one"),
        _key("two"): Identity("b", "two"),
        _key("boss"): Identity("boss", "ops", frozenset({Permission.CACHE_ADMIN})),
    }
)


def by(name: str) -> dict[str, Any]:
    return {"metadata": (("authorization", f"Bearer {name}"),)}


async def failure_of(call: Any) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value


async def hits(served: Served, *requests: tuple[str, Any]) -> list[bool]:
    """Whether each is answered from the cache. Nothing is kept of those that are not."""
    only = routing_pb2.CachePolicy.MODE_ONLY_IF_CACHED
    told: list[bool] = []
    for name, request in requests:
        request.cache.mode = only
        try:
            await served.completion.Complete(request, **by(name))
        except grpc.aio.AioRpcError:
            told.append(False)
        else:
            told.append(True)
    return told


def spaced(model: str = "m") -> Any:
    return unary(model=model, cache=routing_pb2.CachePolicy(namespace="n"))


@pytest.mark.parametrize(
    ("asked", "left"),
    [
        ({"everything": True}, [False, False, False, False]),
        ({"tenant": "one"}, [False, False, False, True]),
        ({"namespace": "n"}, [True, True, False, True]),
        ({"namespace": ""}, [False, False, True, False]),
        ({"model": "m"}, [False, True, False, False]),
        ({"model": "p/n"}, [True, False, True, True]),
        ({"tenant": "one", "model": "m"}, [False, True, False, True]),
        ({"tenant": "nobody"}, [True, True, True, True]),
    ],
)
async def test_what_becomes_void(asked: dict[str, Any], left: list[bool]) -> None:
    """Those answers for which everything that is set holds, at once, and no others."""
    requests: list[tuple[str, Any]] = [
        ("one", unary()),
        ("one", unary(model="n")),
        ("one", spaced()),
        ("two", unary()),
    ]
    provider = member(ScriptedProvider(), "p", "m", "n")
    async with serving(provider, directory=DIRECTORY, conduct=CACHED) as served:
        for name, request in requests:
            await served.completion.Complete(request, **by(name))
        done = await served.admin.InvalidateCache(Invalidate(**asked), **by("boss"))
        told = await hits(served, *requests)

    assert left == told
    assert left.count(False) == done.local_entries


async def test_one_key() -> None:
    """The answer under one key, as callers are told it."""
    async with serving(member(ScriptedProvider()), directory=DIRECTORY, conduct=CACHED) as served:
        first = await served.completion.Complete(unary(), **by("one"))
        await served.completion.Complete(unary("Ho"), **by("one"))
        await served.admin.InvalidateCache(Invalidate(key=first.cache.key), **by("boss"))
        told = await hits(served, ("one", unary()), ("one", unary("Ho")))

    assert [False, True] == told


async def test_a_repeat_becomes_void() -> None:
    """Answers to idempotency keys are among those that become void."""
    provider = ScriptedProvider()
    async with serving(member(provider), directory=DIRECTORY, conduct=CACHED) as served:
        await served.completion.Complete(unary(idempotency_key="k"), **by("one"))
        await served.admin.InvalidateCache(Invalidate(tenant="one"), **by("boss"))
        await served.completion.Complete(unary(idempotency_key="k"), **by("one"))

    assert 2 == len(provider.calls)


async def test_what_is_asked_for_meanwhile() -> None:
    """An answer that was asked for before, and comes after, is void as well."""
    provider = ScriptedProvider(0.3, *HELLO)
    async with serving(member(provider), directory=DIRECTORY, conduct=CACHED) as served:
        slow = asyncio.ensure_future(served.completion.Complete(unary(), **by("one")))
        await provider.entered.wait()
        await served.admin.InvalidateCache(Invalidate(everything=True), **by("boss"))
        await slow
        told = await hits(served, ("one", unary()))

    assert [False] == told


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({}, "everything"),
        ({"everything": True, "model": "m"}, "everything"),
        ({"key": "12"}, "key"),
        ({"key": "z" * 64}, "key"),
        ({"key": "0" * 64, "tenant": "one"}, "key"),
        ({"tenant": "t" * 257}, "tenant"),
    ],
)
async def test_what_is_refused(asked: dict[str, Any], field: str) -> None:
    """A request that names nothing, or contradicts itself, makes nothing void."""
    async with serving(member(ScriptedProvider()), directory=DIRECTORY, conduct=CACHED) as served:
        await served.completion.Complete(unary(), **by("one"))
        error = await failure_of(served.admin.InvalidateCache(Invalidate(**asked), **by("boss")))
        told = await hits(served, ("one", unary()))

    assert Status.INVALID_ARGUMENT == error.code()
    assert field == details(error).bad.field_violations[0].field
    assert [True] == told


async def test_who_may() -> None:
    """Without the permission nothing is made void, nor seen of others; without a key neither."""
    everything = Invalidate(everything=True)
    all_tenants = analytics_service_pb2.GetCacheStatsRequest(all_tenants=True)
    async with serving(member(ScriptedProvider()), directory=DIRECTORY, conduct=CACHED) as served:
        errors = [
            await failure_of(served.admin.InvalidateCache(everything, **by("one"))),
            await failure_of(served.analytics.GetCacheStats(all_tenants, **by("one"))),
            await failure_of(served.admin.InvalidateCache(everything)),
        ]

    assert [Status.PERMISSION_DENIED, Status.PERMISSION_DENIED, Status.UNAUTHENTICATED] == [
        error.code() for error in errors
    ]
    assert "cache_admin" in (errors[0].details() or "")


async def test_the_statistics() -> None:
    """Each tenant sees what its requests came to, and the operator all of it."""
    clock = Clock()
    off = routing_pb2.CachePolicy(mode=routing_pb2.CachePolicy.MODE_OFF)
    refresh = routing_pb2.CachePolicy(mode=routing_pb2.CachePolicy.MODE_REFRESH)
    asked = analytics_service_pb2.GetCacheStatsRequest()
    everybody = analytics_service_pb2.GetCacheStatsRequest(all_tenants=True)
    async with serving(
        member(ScriptedProvider()), directory=DIRECTORY, conduct=CACHED, cache_clock=clock
    ) as served:
        for request in (unary(), unary(), unary(cache=off), unary(cache=refresh)):
            await served.completion.Complete(request, **by("one"))
        clock.now += 10.0
        await served.completion.Complete(unary(), **by("one"))
        for _ in range(2):
            await served.completion.Complete(unary(idempotency_key="k"), **by("two"))
        one = await served.analytics.GetCacheStats(asked, **by("one"))
        two = await served.analytics.GetCacheStats(asked, **by("two"))
        both = await served.analytics.GetCacheStats(everybody, **by("boss"))

    assert (2, 1, 1, 1) == (one.local_hits, one.misses, one.bypassed, one.refreshed)
    assert (0, 1, 1) == (two.local_hits, two.misses, two.repeated)
    assert (2, 2, 1) == (both.local_hits, both.misses, both.repeated)
    assert 5.0 == one.mean_hit_age.ToMilliseconds() / 1000
    assert 2 == one.unpriced
    assert one.hit_bytes > 0
    assert 2 == both.local_entries
    assert 0 < both.local_bytes < both.local_bytes_max
    assert "none" == both.shared_state
    assert not both.shared_available
