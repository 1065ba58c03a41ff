"""What an operator is told about other replicas, and what the log keeps of it."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import grpc.aio
import pytest
import structlog
from aiprovider.v1 import admin_service_pb2 as pb
from aiprovider.v1 import admin_service_pb2_grpc, routing_pb2

from tests.kit.redis import RedisServer, redis_server
from tests.kit.serving import Status, details, unary
from tests.kit.stack import Stack, running

ALLOWED = {
    "AI_PROVIDER__CACHE__ENABLED": "true",
    "AI_PROVIDER__AUTH__ANONYMOUS_PERMISSIONS": '["cache_admin"]',
}
CONFIRMED_WITHIN_S = 1.0


def allowed(folder: Path, **more: str) -> AbstractAsyncContextManager[Stack]:
    """A service where everyone may do everything."""
    return running(folder, "native", None, **ALLOWED, **more)


@pytest.fixture(name="redis")
def _redis(tmp_path: Path) -> Generator[RedisServer, None, None]:
    with redis_server(tmp_path) as server:
        yield server


def admin(stack: Stack) -> Any:
    channel: Any = stack.channel
    return admin_service_pb2_grpc.AdminServiceStub(channel)


async def told_of(stack: Stack, **asked: Any) -> Mapping[str, Any]:
    """The line that the log has of an invalidation."""
    with structlog.testing.capture_logs() as lines:
        await admin(stack).InvalidateCache(pb.InvalidateCacheRequest(**asked))
    (line,) = [line for line in lines if line["event"].startswith("cache invalidated")]
    return line


async def test_how_soon(redis: RedisServer, tmp_path: Path) -> None:
    """Where Redis is shared the bounds are told: 2 s, and 30 s for who does not reach it."""
    everything = pb.InvalidateCacheRequest(everything=True)
    async with allowed(tmp_path, REDIS_URL=redis.url) as shared:
        done = await admin(shared).InvalidateCache(everything)
    async with allowed(tmp_path) as alone:
        told = await admin(alone).InvalidateCache(everything)

    assert (2, 30) == (done.takes_effect_within.seconds, done.takes_effect_cut_off_within.seconds)
    assert (0, 0) == (told.takes_effect_within.seconds, told.takes_effect_cut_off_within.seconds)


@pytest.mark.parametrize("fault", ["kill", "stop"])
async def test_without_confirmation(redis: RedisServer, tmp_path: Path, fault: str) -> None:
    """UNAVAILABLE, in time, and a word that the answers are void on this replica alone."""
    async with allowed(tmp_path, REDIS_URL=redis.url) as stack:
        await stack.completion.Complete(unary(model="gpt-4o"))
        getattr(redis, fault)()
        began_at = time.monotonic()
        with (
            structlog.testing.capture_logs() as lines,
            pytest.raises(grpc.aio.AioRpcError) as caught,
        ):
            await admin(stack).InvalidateCache(pb.InvalidateCacheRequest(model="gpt-4o"))
        took_s = time.monotonic() - began_at
        answer = await stack.completion.Complete(unary(model="gpt-4o"))
        redis.resume()

    error = caught.value
    assert Status.UNAVAILABLE == error.code()
    assert "SHARED_CACHE_UNAVAILABLE" == details(error).error.reason
    assert 1 == details(error).retry.retry_delay.seconds
    assert "this replica alone" in (error.details() or "")
    assert took_s < CONFIRMED_WITHIN_S + 0.5
    assert routing_pb2.CacheInfo.STATUS_MISS == answer.cache.status
    assert "cache invalidated on this replica alone" in [line["event"] for line in lines]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"everything": True}, "everything"),
        ({"tenant": "t", "namespace": ""}, "tenant='t' namespace=''"),
        ({"model": "m\nforged"}, "model='m\\nforged'"),
        ({"key": "ab12cd34" * 8}, "key='ab12cd34...'"),
    ],
)
async def test_the_log(tmp_path: Path, asked: dict[str, Any], expected: str) -> None:
    """Who made what void, on one line; of a key only its first digits."""
    async with allowed(tmp_path) as stack:
        line = await told_of(stack, **asked)

    assert expected == line["selector"]
    assert ("anonymous", "anonymous", 0) == (line["caller"], line["tenant"], line["local_entries"])
    assert line["request_id"]
