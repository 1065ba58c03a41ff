"""What a caller of CheckProviders sees."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import grpc.aio
import pytest
from aiprovider.v1 import health_service_pb2 as pb

from tests.integration.health_calls import (
    CLOSED,
    KEY,
    ask,
    check,
    told,
    watch,
)
from tests.kit.scripted import ScriptedProvider, member
from tests.kit.serving import Status, details, serving, streaming, unary
from tests.kit.stack import MODELS, Stack, running


@pytest.fixture
async def stack(tmp_path: Path) -> AsyncGenerator[Stack, None]:
    async with running(tmp_path) as stack:
        yield stack


async def test_four_checks_at_once(stack: Stack) -> None:
    """Four providers that take 200 ms are checked in about 200 ms, by one unbilled call each."""
    stack.adversary.script("latency=200ms")
    took_s: list[float] = []
    answers: list[pb.CheckProvidersResponse] = []
    for _ in range(3):
        started = time.monotonic()
        answers.append(await check(stack, force_refresh=True))
        took_s.append(time.monotonic() - started)

    response = answers[-1]
    assert 0.2 <= min(took_s) < 0.4, "the least disturbed"
    assert ["HEALTHY"] * 4 == [told(health)[1] for health in response.providers]
    assert pb.PROVIDER_STATUS_HEALTHY == response.overall
    assert all(health.probed for health in response.providers)
    assert all(health.check_duration.ToMilliseconds() >= 200 for health in response.providers)
    assert not response.from_cache
    assert ["GET"] * 12 == [request.method for request in stack.adversary.requests]


async def test_a_repeated_answer(stack: Stack) -> None:
    """Within 30 s the answer is repeated: nobody is asked, and its age is told."""
    first = await check(stack)
    await asyncio.sleep(0.05)
    second = await check(stack)
    third = await check(stack, force_refresh=True)

    assert (False, True, False) == (first.from_cache, second.from_cache, third.from_cache)
    assert first.check_time.ToMilliseconds() == pytest.approx(
        second.check_time.ToMilliseconds(), abs=20
    )
    assert 50 <= second.age.ToMilliseconds() < 1000
    assert 8 == len(stack.adversary.requests)


async def test_a_hundred_at_once(stack: Stack) -> None:
    """However many ask at once, each provider is asked once; who leaves takes nobody along."""
    stack.adversary.script("latency=200ms")
    callers = [asyncio.ensure_future(check(stack)) for _ in range(100)]
    await asyncio.sleep(0.1)
    for caller in callers[:50]:
        caller.cancel()
    answers = await asyncio.gather(*callers[50:])

    assert [pb.PROVIDER_STATUS_HEALTHY] * 50 == [answer.overall for answer in answers]
    assert 4 == len(stack.adversary.requests)
    assert 0 == stack.adversary.hangup_count


async def test_a_provider_that_hangs(tmp_path: Path) -> None:
    """A provider that hangs costs its own time and no more, and is told with the reason."""
    async with running(tmp_path, AI_PROVIDER__HEALTH__CHECK_TIMEOUT_S="0.3") as stack:
        stack.adversary.script("hang=headers", family="gemini")
        started = time.monotonic()
        response = await check(stack)
        took_s = time.monotonic() - started
        await stack.adversary.wait_hangups(1)

    by_name = {health.provider: health for health in response.providers}
    assert 0.3 <= took_s < 0.8
    assert ("google", "UNHEALTHY", "CLOSED") == told(by_name["google"])
    assert "PROVIDER_TIMEOUT" == by_name["google"].last_error_reason
    assert ("openai", "HEALTHY", "CLOSED") == told(by_name["openai"])
    assert pb.PROVIDER_STATUS_HEALTHY == response.overall


async def test_detail(stack: Stack) -> None:
    """Live traffic is told in full: ratio, latencies, count, last error, score, time to recover."""
    await ask(stack, "openai", 2)
    async for _ in stack.completion.StreamComplete(streaming(model=MODELS["openai"])):
        pass
    stack.adversary.script("status=503", family="anthropic")
    await ask(stack, "anthropic", 5)
    before = time.time()
    response = await check(stack)
    openai, anthropic, google, _ = response.providers

    assert ("openai", "HEALTHY", "CLOSED") == told(openai)
    assert (1.0, 3, 0) == (openai.success_ratio, openai.window_requests, openai.in_flight)
    assert 0 < openai.time_to_first_token_p50.ToNanoseconds()
    assert 0 < openai.latency_p50.ToNanoseconds() <= openai.latency_p95.ToNanoseconds()
    assert 0.5 < openai.score <= 1.0
    assert not openai.last_error_reason
    assert not openai.HasField("cooldown_until_time")
    assert ("anthropic", "UNHEALTHY", "OPEN") == told(anthropic)
    assert (0.0, 5) == (anthropic.success_ratio, anthropic.window_requests)
    assert "PROVIDER_UNAVAILABLE" == anthropic.last_error_reason
    assert before - 5 < anthropic.last_error_time.ToMicroseconds() / 1e6 < before + 5
    assert before < anthropic.cooldown_until_time.ToMicroseconds() / 1e6 < before + 7
    assert anthropic.score < openai.score
    assert 1 <= anthropic.concurrency_limit, "its refusals taught one"
    assert 0 == openai.concurrency_limit
    assert (0, 0.9) == (google.window_requests, google.success_ratio), "nothing is known"
    assert not google.HasField("latency_p50")


async def test_live_traffic_counts_at_once(stack: Stack) -> None:
    """An answer that is repeated for its checks is of now for live traffic."""
    await check(stack)
    await ask(stack, "openai")
    response = await check(stack)

    assert response.from_cache
    assert 1 == response.providers[0].window_requests


async def test_models(stack: Stack) -> None:
    """Each model that was asked of late has an entry behind its provider's."""
    await ask(stack, "openai")
    await stack.completion.Complete(unary(model="gpt-4o-mini"), timeout=5)
    response = await check(stack, providers=["openai", "google"], include_models=True)

    assert [("openai", ""), ("openai", "gpt-4o"), ("openai", "gpt-4o-mini"), ("google", "")] == [
        (health.provider, health.model) for health in response.providers
    ]
    assert [2, 1, 1, 0] == [health.window_requests for health in response.providers]


async def test_some_providers(stack: Stack) -> None:
    """Only the named ones are told and asked, in configured order."""
    response = await check(stack, providers=["google", "openai"])

    assert ["openai", "google"] == [health.provider for health in response.providers]
    assert {"openai", "gemini"} == {request.family for request in stack.adversary.requests}


@pytest.mark.parametrize("method", ["CheckProviders", "WatchProviders"])
async def test_an_unknown_provider(stack: Stack, method: str) -> None:
    """A name that is not configured is a mistake, told with its place and the known names."""
    names = ["openai", "opneai"]
    one_answer = method == "CheckProviders"
    call = check(stack, providers=names) if one_answer else watch(stack, *names).read()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call

    assert Status.INVALID_ARGUMENT == caught.value.code()
    assert ["providers[1]"] == [v.field for v in details(caught.value).bad.field_violations]
    assert "openai, anthropic" in str(caught.value.details())


async def test_who_is_switched_off(tmp_path: Path) -> None:
    """Providers without a key are told as DISABLED, in their place, and never asked."""
    async with running(tmp_path, ANTHROPIC_API_KEY="", ANTHROPIC_BASE_URL="") as stack:
        response = await check(stack)

    assert ("anthropic", "DISABLED", "UNSPECIFIED") == told(response.providers[1])
    assert "anthropic" not in {request.family for request in stack.adversary.requests}


async def test_any_identified_caller_may_ask() -> None:
    """A key is needed, and any key will do."""
    metadata = (("authorization", f"Bearer {KEY}"),)
    async with serving(member(ScriptedProvider()), directory=CLOSED) as served:
        stub = served.providers_health
        refused: list[Any] = []
        for call in (stub.CheckProviders(pb.CheckProvidersRequest()), watch(served).read()):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await call
            refused.append(caught.value.code())
        response = await stub.CheckProviders(pb.CheckProvidersRequest(), metadata=metadata)
        watching = watch(served, metadata=metadata)
        first = await watching.read()
        watching.cancel()

    assert [Status.UNAUTHENTICATED] * 2 == refused
    assert ("one", "HEALTHY", "CLOSED") == told(response.providers[0])
    assert "one" == first.provider.provider
