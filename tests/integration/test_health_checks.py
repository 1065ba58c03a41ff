"""The unbilled checks of both engines on the wire, before the adversary."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from service.adversary import Adversary
from service.domain.errors import ProviderFailure
from service.domain.health import Status
from service.domain.reasons import ErrorReason
from service.health.monitor import Monitor, Terms
from service.ports import Provider
from service.providers.anthropic import Anthropic
from service.providers.gemini import Gemini
from service.providers.http import Endpoint
from service.providers.litellm import LiteLLMProvider
from service.providers.native import NativeProvider
from service.providers.openai import COMPATIBLE, DEEPSEEK, OpenAI
from service.providers.wire import WireFamily

KEY = "test-key-0123"
FAMILIES: dict[str, WireFamily] = {
    "openai": OpenAI(),
    "anthropic": Anthropic(),
    "gemini": Gemini(),
    "deepseek": OpenAI(DEEPSEEK),
}
GOLDEN = {
    "openai": ("GET", "/openai/v1/models", {"authorization": f"Bearer {KEY}"}),
    "anthropic": (
        "GET",
        "/anthropic/v1/models?limit=1",
        {"x-api-key": KEY, "anthropic-version": "2023-06-01"},
    ),
    "gemini": ("GET", "/gemini/v1beta/models?pageSize=1", {"x-goog-api-key": KEY}),
    "deepseek": ("GET", "/deepseek/v1/models", {"authorization": f"Bearer {KEY}"}),
}
Make = Callable[..., Provider]


def native(family: str, base_url: str, key: str = KEY, **bounds: Any) -> Provider:
    return NativeProvider(FAMILIES[family], Endpoint(family, base_url, **bounds), key)


def litellm(family: str, base_url: str, key: str = KEY, **bounds: Any) -> Provider:
    return LiteLLMProvider(family, Endpoint(family, base_url, **bounds), key)


engines = pytest.mark.parametrize("make", [native, litellm])
families = pytest.mark.parametrize("family", FAMILIES)


@pytest.fixture
async def adversary() -> AsyncGenerator[Adversary, None]:
    async with Adversary() as adversary:
        yield adversary


@asynccontextmanager
async def closing(provider: Provider) -> AsyncGenerator[Provider, None]:
    try:
        yield provider
    finally:
        await provider.aclose()


async def failure_of(provider: Provider) -> ProviderFailure:
    with pytest.raises(ProviderFailure) as caught:
        await provider.check()
    return caught.value


@engines
@families
async def test_request(adversary: Adversary, make: Make, family: str) -> None:
    """A check is one GET of the list of models, as small as can be asked, with the key."""
    async with closing(make(family, adversary.url(family))) as provider:
        told = await provider.check()

    [sent] = adversary.requests
    method, path, headers = GOLDEN[family]
    assert told
    assert (method, path, b"") == (sent.method, sent.path, sent.body)
    assert headers == {name: sent.headers.get(name) for name in headers}
    assert "content-length" not in sent.headers


@families
async def test_headers_of_the_configuration(adversary: Adversary, family: str) -> None:
    """What is configured to be sent along with every request is sent along with a check."""
    endpoint = native(family, adversary.url(family), headers={"x-adversary": "status=503"})
    async with closing(endpoint) as provider:
        failure = await failure_of(provider)

    assert ErrorReason.PROVIDER_UNAVAILABLE is failure.reason


@engines
@families
@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("status=500", ErrorReason.PROVIDER_UNAVAILABLE),
        ("status=503", ErrorReason.PROVIDER_UNAVAILABLE),
        ("status=302", ErrorReason.PROVIDER_UNAVAILABLE),
        ("error=rate", ErrorReason.PROVIDER_RATE_LIMITED),
        ("error=quota", ErrorReason.PROVIDER_QUOTA_EXHAUSTED),
        ("error=key_invalid", ErrorReason.PROVIDER_CREDENTIALS_REJECTED),
        ("content-type=text/html", ErrorReason.PROVIDER_RESPONSE_INVALID),
        ("cut=20", ErrorReason.PROVIDER_UNAVAILABLE),
        ("cut=20; cut-mode=rst", ErrorReason.PROVIDER_UNAVAILABLE),
    ],
)
async def test_failures(
    adversary: Adversary, make: Make, family: str, script: str, reason: ErrorReason
) -> None:
    """A check fails by the family's own reasons, and half an answer is no answer."""
    adversary.script(script)
    async with closing(make(family, adversary.url(family))) as provider:
        failure = await failure_of(provider)

    assert reason is failure.reason
    assert KEY not in failure.message


@engines
@families
@pytest.mark.parametrize("status", [403, 404, 405, 501])
async def test_no_such_call(adversary: Adversary, make: Make, family: str, status: int) -> None:
    """A server without a list of models, or a key that may not see it, tells nothing."""
    adversary.script(f"status={status}")
    async with closing(make(family, adversary.url(family))) as provider:
        told = await provider.check()

    assert not told


@families
async def test_without_a_key(adversary: Adversary, family: str) -> None:
    """The real servers want their key for the list, too."""
    async with closing(native(family, adversary.url(family), key="")) as provider:
        failure = await failure_of(provider)

    assert ErrorReason.PROVIDER_CREDENTIALS_REJECTED is failure.reason


@engines
async def test_nobody_listens(adversary: Adversary, make: Make) -> None:
    """Where nobody listens, a check fails at once."""
    async with closing(make("openai", adversary.refused_url())) as provider:
        failure = await failure_of(provider)

    assert ErrorReason.PROVIDER_UNAVAILABLE is failure.reason


async def test_a_body_that_is_too_large(adversary: Adversary) -> None:
    """The bounds of answers hold for checks."""
    async with closing(native("openai", adversary.url(), response_bytes_max=100)) as provider:
        failure = await failure_of(provider)

    assert ErrorReason.PROVIDER_RESPONSE_INVALID is failure.reason


async def test_a_retry_wish(adversary: Adversary) -> None:
    """What a server asks for is told, as for any attempt."""
    adversary.script("status=429; retry-after=7")
    async with closing(native("openai", adversary.url())) as provider:
        failure = await failure_of(provider)

    assert (429, 7.0) == (failure.http_status, failure.retry_after_s)


async def test_checks_share_a_connection(adversary: Adversary) -> None:
    """A check reads its answer to the end, so that the next one need not connect."""
    async with closing(native("openai", adversary.url())) as provider:
        for _ in range(3):
            await provider.check()

    assert 1 == len({request.connection for request in adversary.requests})


@engines
@pytest.mark.parametrize("hang", ["headers", "first-token", "body"])
async def test_cancelling(adversary: Adversary, make: Make, hang: str) -> None:
    """A check that is given up closes its connection at once."""
    adversary.script(f"hang={hang}")
    async with closing(make("openai", adversary.url())) as provider:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(provider.check(), 0.1)
        await adversary.wait_hangups(1)

    assert 1 == adversary.hangup_count


@pytest.mark.parametrize(("prefix", "base"), [("mistral", True), ("openai", False)])
async def test_providers_of_the_library(adversary: Adversary, prefix: str, base: bool) -> None:
    """Where the wire format or the place is the library's own business, nobody is asked."""
    provider = LiteLLMProvider(prefix, Endpoint("p", adversary.url() if base else ""), KEY)
    async with closing(provider):
        told = await provider.check()

    assert not told
    assert [] == list(adversary.requests)


async def test_compatible_servers(adversary: Adversary) -> None:
    """A compatible server is asked as OpenAI is, wherever it is."""
    endpoint = Endpoint("vllm", adversary.url("openai"))
    async with closing(NativeProvider(OpenAI(COMPATIBLE), endpoint, KEY)) as provider:
        told = await provider.check()

    assert told
    assert ["/openai/v1/models"] == [request.path for request in adversary.requests]


async def test_a_day_on_the_wire(adversary: Adversary) -> None:
    """In 24 simulated hours of reports, nothing that is billed reaches any provider."""
    providers = {family: native(family, adversary.url(family)) for family in FAMILIES}
    at = 0.0
    monitor = Monitor(list, lambda: at)
    monitor.adopt({name: {"": provider.check} for name, provider in providers.items()}, Terms())
    round_count = 24 * 30
    statuses: set[Status] = set()
    for turn in range(round_count):
        at = turn * 120.0
        for _ in range(3):
            statuses.add((await monitor.report()).overall)
    for provider in providers.values():
        await provider.aclose()

    sent = {(request.method, request.path) for request in adversary.requests}
    assert 23.9 * 3600 < at
    assert {Status.HEALTHY} == statuses
    assert {(method, path) for method, path, _ in GOLDEN.values()} == sent
    assert 4 * round_count == len(adversary.requests)
