"""Whole services that share a Redis: callers notice nothing of it, whatever becomes of it."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import grpc.aio
import pytest
import structlog

from service.config import Loaded, load
from service.domain.candidate import Candidate
from service.domain.provider import ModelRef
from service.domain.reasons import ErrorReason
from service.redis_door.terms import TIMEOUT_S
from service.sharing.redis import KEY
from tests.kit.redis import RedisServer, redis_server
from tests.kit.serving import details, unary
from tests.kit.stack import MODELS, Stack, environment, running

MODEL = MODELS["openai"]
_CALLERS = 4
_PHASE_S = 1.5
_QUOTA_WITHIN_S = 3.0
_CANDIDATES = [Candidate(ModelRef("openai", MODEL), MODEL)]


@pytest.fixture(name="redis")
def _redis(tmp_path: Path) -> Generator[RedisServer, None, None]:
    with redis_server(tmp_path) as server:
        yield server


@asynccontextmanager
async def two_apps(
    folder: Path, url: str, **more: str
) -> AsyncGenerator[tuple[Stack, Stack], None]:
    """They know each other when the block begins."""
    async with AsyncExitStack() as stack:
        first, second = [
            await stack.enter_async_context(running(folder, "native", REDIS_URL=url, **more))
            for _ in range(2)
        ]
        async with asyncio.timeout(10):
            while any("1 peers" not in repr(one.app.sharer) for one in (first, second)):
                await asyncio.sleep(0.05)
        yield first, second


async def load_for(stack: Stack, seconds: float) -> list[float]:
    """How long each request took, in seconds. A request that fails raises."""
    took: list[float] = []
    end = time.monotonic() + seconds

    async def call() -> None:
        while time.monotonic() < end:
            began = time.monotonic()
            await stack.completion.Complete(unary(model=MODEL), timeout=5)
            took.append(time.monotonic() - began)

    await asyncio.gather(*(call() for _ in range(_CALLERS)))
    return sorted(took)


async def test_no_request_notices_what_becomes_of_redis(tmp_path: Path, redis: RedisServer) -> None:
    """Redis is killed, restarted and stopped under load: no request fails, none waits for it."""
    async with two_apps(tmp_path, redis.url) as (first, _second):
        took = {"up": await load_for(first, _PHASE_S)}
        redis.kill()
        took["dead"] = await load_for(first, _PHASE_S)
        redis.start()
        took["back"] = await load_for(first, _PHASE_S)
        redis.stop()
        took["stopped"] = await load_for(first, _PHASE_S)
        assert first.app.sharer.failed_count > 0
        redis.resume()

    for phase, times in took.items():
        assert statistics.median(times) < TIMEOUT_S / 2, phase


async def test_a_quota_met_by_one_service(tmp_path: Path, redis: RedisServer) -> None:
    """After one service was told 429, the other refuses at once, and does not ask the provider."""
    async with two_apps(tmp_path, redis.url) as (first, second):
        first.adversary.script("status=429; retry-after=30")
        with pytest.raises(grpc.aio.AioRpcError):
            await first.completion.Complete(unary(model=MODEL))
        told_at = time.monotonic()
        while second.app.board.views(_CANDIDATES)[0].quota_until == 0:
            assert time.monotonic() - told_at < _QUOTA_WITHIN_S
            await asyncio.sleep(0.02)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await second.completion.Complete(unary(model=MODEL))
        asked = [request for request in second.adversary.requests if "completions" in request.path]

    failure = details(caught.value)
    assert ErrorReason.PROVIDER_RATE_LIMITED.value == failure.error.reason
    assert 20 < failure.retry.retry_delay.seconds <= 36
    assert [] == asked


async def test_sharing_can_be_switched_off_and_on(tmp_path: Path, redis: RedisServer) -> None:
    """`routing.share` is followed by a reload: off takes the field away, on brings it back."""
    async with running(tmp_path, "native", REDIS_URL=redis.url) as stack:
        await _fields(redis, 1)
        await stack.app.reload(_loaded(tmp_path, stack, redis, share="false"))
        alone = repr(stack.app.sharer)
        await _fields(redis, 0)
        await stack.app.reload(_loaded(tmp_path, stack, redis, share="true"))
        await _fields(redis, 1)

    assert "<Sharer alone>" == alone
    assert b":0\r\n" == redis.ask("HLEN", KEY)


async def test_a_redis_that_is_not_there_at_the_start(tmp_path: Path, redis: RedisServer) -> None:
    """The service starts and answers without its Redis; the password is in no log line."""
    redis.kill()
    url = redis.url.replace("127.0.0.1", ":hidden-password-789@127.0.0.1")
    with structlog.testing.capture_logs() as lines:
        async with running(tmp_path, "native", REDIS_URL=url) as stack:
            await stack.completion.Complete(unary(model=MODEL))
            async with asyncio.timeout(5):
                while not stack.app.sharer.failed_count:
                    await asyncio.sleep(0.02)

    assert ["ConnectionError"] == [line["error"] for line in lines if "error" in line]
    assert "hidden-password" not in str(lines)


def _loaded(folder: Path, stack: Stack, redis: RedisServer, share: str) -> Loaded:
    more = {"REDIS_URL": redis.url, "AI_PROVIDER__ROUTING__SHARE": share}
    variables = environment(stack.adversary, "native", **more)
    return load(variables, directory=folder, secrets_dir=folder / "no-secrets")


async def _fields(redis: RedisServer, count: int) -> None:
    async with asyncio.timeout(5):
        while redis.ask("HLEN", KEY) != b":%d\r\n" % count:
            await asyncio.sleep(0.02)
