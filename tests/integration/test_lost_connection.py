"""A provider that closes a connection without a word, as they do with pooled ones."""

from __future__ import annotations

import asyncio

import pytest

from service.domain.completion import CompletionSpec, Message, Role, Text
from service.domain.errors import ProviderFailure
from service.domain.provider import Defaults, ProviderCall
from service.providers.http import Endpoint
from service.providers.native import NativeProvider
from service.providers.openai import OpenAI

CALL = ProviderCall(
    CompletionSpec("m", (Message(Role.USER, (Text("Hi."),)),)), "m", Defaults(0.7, 100)
)


async def failure_of(answer: bytes, *, reset: bool = False) -> ProviderFailure:
    """What comes of a request that is answered so, before the connection ends."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        if reset:
            writer.transport.abort()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        provider = NativeProvider(OpenAI(), Endpoint("openai", url), "key")
        with pytest.raises(ProviderFailure) as caught:
            await provider.complete(CALL)
        await provider.aclose()
    return caught.value


@pytest.mark.parametrize("reset", [False, True])
async def test_before_a_byte(reset: bool) -> None:
    """Lost before any byte of the answer, the request may be made again at once."""
    assert (await failure_of(b"", reset=reset)).unheard


async def test_after_a_byte() -> None:
    """Lost within the answer, it may not: the provider has worked on it."""
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"

    assert not (await failure_of(head)).unheard


async def test_nobody_there() -> None:
    """A refused connection is not a lost one."""
    server = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()
    await server.wait_closed()
    provider = NativeProvider(OpenAI(), Endpoint("openai", url), "key")
    with pytest.raises(ProviderFailure) as caught:
        await provider.complete(CALL)
    await provider.aclose()

    assert not caught.value.unheard
