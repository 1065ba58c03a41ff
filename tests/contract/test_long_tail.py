"""Providers that only litellm reaches keep the promises of all others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import orjson
import pytest

from service.adversary import Adversary
from service.domain.completion import CompletionSpec, Ending, Message, Role, Text
from service.domain.errors import ProviderFailure
from service.domain.provider import Defaults, EmbeddingCall, ProviderCall
from service.domain.reasons import ErrorReason
from service.providers.http import Endpoint
from service.providers.litellm import LiteLLMProvider

# Through the OpenAI SDK, and through the library's own handlers.
PREFIXES = ("groq", "mistral", "together_ai", "xai", "hosted_vllm", "databricks", "nvidia_nim")
SPEC = CompletionSpec("m", (Message(Role.USER, (Text("Hi."),)),))
AT_ONCE = 16
STRIDE = 29
CUT_PREFIXES = ("groq", "hosted_vllm", "databricks")
FAULTS = {
    "missing=finish": "PROVIDER_RESPONSE_INVALID",
    "malformed=sse": "PROVIDER_RESPONSE_INVALID",
    "malformed=json": "PROVIDER_RESPONSE_INVALID",
    "truncate-json": "PROVIDER_RESPONSE_INVALID",
    "empty": "PROVIDER_RESPONSE_INVALID",
    "content-type=text/html": "PROVIDER_RESPONSE_INVALID",
    "gzip-bomb": "PROVIDER_RESPONSE_INVALID",
    "line-bomb": "PROVIDER_RESPONSE_INVALID",
    "delta=10MB": "PROVIDER_RESPONSE_INVALID",
    "error-midstream": "PROVIDER_UNAVAILABLE",
    "cut-event=2": "PROVIDER_UNAVAILABLE",
    "status=302": "PROVIDER_UNAVAILABLE",
    "status=429": "PROVIDER_RATE_LIMITED",
    "status=500": "PROVIDER_UNAVAILABLE",
    "status=401": "PROVIDER_CREDENTIALS_REJECTED",
}


def call(directives: str = "") -> ProviderCall:
    return ProviderCall(SPEC, f"m+tokens=3{directives}", Defaults(0.7, 4000))


async def streamed(provider: LiteLLMProvider, asked: ProviderCall) -> str:
    """The reason of the failure; an empty one when the stream came to its Ending."""
    try:
        async with provider.stream(asked) as events:
            told = [event async for event in events]
    except ProviderFailure as failure:
        return failure.reason.name
    assert isinstance(told[-1], Ending)
    return ""


async def reason_at(adversary: Adversary) -> int:
    """Where in the stream the finish reason stands."""
    asked = {**adversary.requests[-1].json, "model": "m+tokens=3"}
    url = adversary.url("openai") + "/chat/completions"
    headers = {"authorization": "Bearer key"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, json=asked, headers=headers) as answer,
    ):
        return (await answer.read()).index(b'"finish_reason":"stop"')


@asynccontextmanager
async def asking(prefix: str) -> AsyncGenerator[tuple[LiteLLMProvider, Adversary], None]:
    async with Adversary() as adversary:
        provider = LiteLLMProvider(prefix, Endpoint(prefix, adversary.url("openai")), "key")
        try:
            yield provider, adversary
        finally:
            await provider.aclose()


@pytest.mark.parametrize("prefix", PREFIXES)
async def test_answers(prefix: str) -> None:
    """A whole answer is an answer, unary and streamed, with what it consumed."""
    async with asking(prefix) as (provider, _):
        completion = await provider.complete(call())
        assert "" == await streamed(provider, call())

    assert (Text("w0 w1 w2 "),) == completion.parts
    assert completion.ending.usage is not None
    assert 3 == completion.ending.usage.output_tokens


@pytest.mark.parametrize("prefix", CUT_PREFIXES)
async def test_cuts(prefix: str) -> None:
    """A stream that is cut never ends clean, whether its framing tells of the cut or not."""
    clean: list[tuple[str, int]] = []
    gate = asyncio.Semaphore(AT_ONCE)

    async def cut_at(provider: LiteLLMProvider, framing: str, offset: int) -> None:
        async with gate:
            if not await streamed(provider, call(f"+framing={framing}+cut={offset}")):
                clean.append((framing, offset))

    async with asking(prefix) as (provider, adversary):
        for framing in ("chunked", "close"):
            assert "" == await streamed(provider, call(f"+framing={framing}"))
            size = adversary.requests[-1].sent_bytes
            if framing == "close":
                # Without framing the finish reason is the last thing that can be missed.
                size = await reason_at(adversary)
            offsets = range(0, size, STRIDE)
            await asyncio.gather(*(cut_at(provider, framing, offset) for offset in offsets))

    assert [] == clean


@pytest.mark.parametrize("prefix", PREFIXES)
async def test_faults(prefix: str) -> None:
    """What a library would pass over, or swallow whole, is a typed failure."""
    found: dict[str, str] = {}
    async with asking(prefix) as (provider, _):
        for fault in FAULTS:
            async with asyncio.timeout(10):
                found[fault] = await streamed(provider, call(f"+{fault}"))

    assert FAULTS == found


async def test_no_key_is_sent_for_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a key none is sent, not even one that the library finds in its environment."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-somebody-else")
    monkeypatch.setenv("GROQ_API_KEY", "gsk-somebody-else")
    async with Adversary() as adversary:
        for prefix in ("openai", "groq", "hosted_vllm"):
            endpoint = Endpoint(prefix, adversary.url("openai"))
            provider = LiteLLMProvider(prefix, endpoint, "")
            await streamed(provider, call())
            await provider.aclose()
        sent = [request.headers for request in adversary.requests]

    assert 3 == len(sent)
    assert not [headers for headers in sent if "authorization" in str(headers).lower()]


async def test_a_caller_who_leaves() -> None:
    """Leaving closes the connection at once: before the head, and within a stream."""
    async with asking("groq") as (provider, adversary):
        for directive in ("+hang=headers", "+hang=first-token", "+stall-after=1"):
            task = asyncio.create_task(streamed(provider, call(directive)))
            await asyncio.sleep(0.3)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await asyncio.sleep(0.1)
            assert adversary.requests[-1].hung_up_at is not None


async def test_embeddings_keep_their_places() -> None:
    """One vector for each input, from a provider that only the library knows."""
    async with asking("together_ai") as (provider, _):
        embeddings = await provider.embed(EmbeddingCall("m", ("a", "b", "c")))

    assert 3 == len(embeddings.vectors)


# Formats that the adversary does not speak, one JSON object a line; the last is the end.
FORMATS: dict[str, tuple[dict[str, Any], ...]] = {
    "ollama_chat": (
        {"model": "m", "message": {"role": "assistant", "content": "He"}, "done": False},
        {
            "model": "m",
            "message": {"role": "assistant", "content": ""},
            "done": True,
            "done_reason": "stop",
            "prompt_eval_count": 3,
            "eval_count": 2,
        },
    ),
    "cohere_chat": (
        {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": "He"}}}},
        {"type": "message-end", "delta": {"finish_reason": "COMPLETE"}},
    ),
}


@asynccontextmanager
async def saying(pieces: Sequence[bytes]) -> AsyncGenerator[str, None]:
    """A server that answers everything with these pieces, chunked and ended as it should be."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1])
            for line in head.lower().splitlines()
            if line.startswith(b"content-length")
        )
        await reader.readexactly(length)
        chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces if piece)
        writer.write(
            b"HTTP/1.1 200 OK\r\nconnection: close\r\ntransfer-encoding: chunked\r\n"
            b"content-type: application/x-ndjson\r\n\r\n" + chunks + b"0\r\n\r\n"
        )
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.mark.parametrize("prefix", FORMATS)
async def test_foreign_formats(prefix: str) -> None:
    """A provider's own format is read to its end, and one that stops early is never believed."""
    pieces = [orjson.dumps(value) + b"\n" for value in FORMATS[prefix]]
    told: list[str] = []
    for said in (pieces, pieces[:-1], [*pieces[:-1], pieces[-1][:20]]):
        async with saying(said) as url:
            provider = LiteLLMProvider(prefix, Endpoint(prefix, url), "key")
            told.append(await streamed(provider, call()))
            await provider.aclose()

    invalid = ErrorReason.PROVIDER_RESPONSE_INVALID.name
    assert ["", invalid, invalid] == told
