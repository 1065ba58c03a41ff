"""A stream that is cut at any byte never ends clean, on any wire format and any framing."""

from __future__ import annotations

import asyncio

import pytest

from service.adversary import Adversary
from service.domain.completion import CompletionSpec, Ending, Message, Role, Text
from service.domain.errors import ProviderFailure
from service.domain.provider import Defaults, ProviderCall
from service.ports import Provider
from service.providers.anthropic import Anthropic
from service.providers.gemini import Gemini
from service.providers.http import Endpoint
from service.providers.litellm import LiteLLMProvider
from service.providers.native import NativeProvider
from service.providers.openai import DEEPSEEK, OpenAI
from service.providers.wire import WireFamily

NATIVE: dict[str, WireFamily] = {
    "openai": OpenAI(),
    "anthropic": Anthropic(),
    "gemini": Gemini(),
    "deepseek": OpenAI(DEEPSEEK),
}
SPEC = CompletionSpec("m", (Message(Role.USER, (Text("Hi."),)),))
AT_ONCE = 32


def call(directives: str) -> ProviderCall:
    return ProviderCall(SPEC, f"m+tokens=1{directives}", Defaults(0.7, 4000))


async def ended_clean(provider: Provider, directives: str) -> bool:
    """Whether the stream came to an Ending. Anything but a ProviderFailure is an error."""
    try:
        async with provider.stream(call(directives)) as events:
            return [isinstance(event, Ending) async for event in events][-1]
    except ProviderFailure:
        return False


async def clean_cuts(
    provider: Provider, adversary: Adversary, framing: str, stride: int
) -> tuple[int, list[int]]:
    """How long the body is, and the offsets at which a cut passed for an end."""
    whole = framing != "close" or ends_itself(provider)
    assert whole is await ended_clean(provider, f"+framing={framing}")
    size = adversary.requests[-1].sent_bytes
    gate = asyncio.Semaphore(AT_ONCE)

    async def cut_at(offset: int) -> int | None:
        async with gate:
            clean = await ended_clean(provider, f"+cut={offset}+framing={framing}")
            return offset if clean else None

    found = await asyncio.gather(*(cut_at(offset) for offset in range(0, size, stride)))
    return size, [offset for offset in found if offset is not None]


def ends_itself(provider: Provider) -> bool:
    """Gemini sends no terminator: without framing nobody can tell its end from a cut."""
    return "gemini" not in repr(provider)


@pytest.mark.parametrize("framing", ["chunked", "length", "close"])
@pytest.mark.parametrize("family", NATIVE)
async def test_native(family: str, framing: str) -> None:
    """The native engine refuses a stream that is cut at any byte offset."""
    async with Adversary() as adversary:
        endpoint = Endpoint(family, adversary.url(family))
        provider = NativeProvider(NATIVE[family], endpoint, "key")
        size, clean = await clean_cuts(provider, adversary, framing, stride=1)
        await provider.aclose()

    assert size > 300
    assert [] == clean


@pytest.mark.parametrize("family", NATIVE)
async def test_litellm(family: str) -> None:
    """The litellm engine refuses cut streams too, also where the library ends them clean."""
    async with Adversary() as adversary:
        provider = LiteLLMProvider(family, Endpoint(family, adversary.url(family)), "key")
        size, clean = await clean_cuts(provider, adversary, "chunked", stride=11)
        await provider.aclose()

    assert size > 300
    assert [] == clean
