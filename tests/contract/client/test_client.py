"""The Python client against the real service."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import aiprovider_client as client_package
import pytest
from aiprovider.v1 import completion_service_pb2 as pb
from aiprovider.v1 import error_details_pb2, routing_pb2
from aiprovider_client import (
    AIProviderError,
    AnswerStream,
    Client,
    DeadlineError,
    IncompleteStreamError,
    InvalidRequestError,
    NotFoundError,
    ProviderError,
    RateLimitedError,
    StreamInterruptedError,
    UnreachableError,
)
from aiprovider_client.errors import BY_REASON

from tests.kit.stack import Stack, running


def test_every_reason_has_an_exception() -> None:
    """Whatever the service says, the client has a name for it."""
    names = {
        name.removeprefix("ERROR_REASON_")
        for name in dict(error_details_pb2.ErrorReason.items())
        if not name.endswith("UNSPECIFIED")
    }

    assert names == set(BY_REASON)


async def test_complete(client: Client) -> None:
    """A whole answer, with what stands beside the text."""
    answer = await client.complete("claude-x", "Hi.", system="Be kind.", request_id="r-1")

    assert answer.text.startswith("Hello from anthropic")
    assert "STOP" == answer.finish_reason
    assert "r-1" == answer.raw.id
    assert ("anthropic", "claude-x") == (answer.served_by.provider, answer.served_by.model)


@pytest.mark.parametrize("timeout_s", [0.0, -1.0])
async def test_no_time_at_all(client: Client, timeout_s: float) -> None:
    """A timeout that is none is a mistake of the program, not a deadline that passed."""
    with pytest.raises(ValueError, match="timeout_s must be more than 0"):
        await client.complete("claude-x", "Hi.", timeout_s=timeout_s)


async def test_a_client_that_nobody_opened() -> None:
    """Whoever forgets `async with` is told to use it, by every call."""
    client = Client("localhost:1")

    calls = (client.complete("m", "Hi."), client.health(), client.cache_stats())
    for call in calls:
        with pytest.raises(RuntimeError, match="async with"):
            await call
    with pytest.raises(RuntimeError, match="async with"):
        client.stream("m", "Hi.")


async def test_a_failure_is_not_slept_away(client: Client) -> None:
    """Where the next try would be too late the failure is told, and not the deadline."""
    with pytest.raises(RateLimitedError) as caught:
        await client.complete("claude-x+status=429+retry-after=20", "Hi.", timeout_s=3)

    assert 1 == len(caught.value.attempts)
    assert caught.value.retry_after_s is not None
    assert caught.value.retry_after_s > 15


async def test_stream(client: Client) -> None:
    """The texts of a stream join to the text of its answer."""
    spec = pb.CompletionSpec()
    async with client.stream("claude-x+reasoning", "Hi.", spec=spec) as stream:
        texts = [text async for text in stream.texts()]

    assert stream.answer.text == "".join(texts)
    assert "Let me think." == stream.answer.reasoning
    assert b"c2lnbmF0dXJl" == stream.answer.message.parts[0].signature


async def test_leaving_a_stream_cancels_it(client: Client, stack: Stack) -> None:
    """Leaving the block early closes the provider's connection."""
    async with client.stream("gpt-4o+rate=10", "Hi.") as stream:
        await anext(stream.texts())

    await stack.adversary.wait_hangups(1, timeout_s=1)


@pytest.mark.parametrize(
    ("model", "kind", "reason"),
    [
        ("nope", NotFoundError, "MODEL_NOT_FOUND"),
        ("gpt-4o+status=503", ProviderError, "PROVIDER_UNAVAILABLE"),
        ("gpt-4o+status=400", InvalidRequestError, "INVALID_REQUEST"),
        ("gpt-4o+error=quota", RateLimitedError, "PROVIDER_QUOTA_EXHAUSTED"),
    ],
)
async def test_failures(
    client: Client, model: str, kind: type[AIProviderError], reason: str
) -> None:
    """A failure is an exception by what can be done about it, with request id and attempts."""
    with pytest.raises(kind) as caught:
        await client.complete(model, "Hi.")

    assert reason == caught.value.reason
    assert caught.value.request_id
    assert (0 if model == "nope" else 1) == len(caught.value.attempts)


async def test_violations(client: Client) -> None:
    """A mistake in the request comes with the path of its field."""
    spec = pb.CompletionSpec(sampling=pb.SamplingParams(temperature=7))
    with pytest.raises(InvalidRequestError) as caught:
        await client.complete("gpt-4o", "Hi.", spec=spec)

    assert ["spec.sampling.temperature"] == [v.field for v in caught.value.violations]


async def test_deadline(client: Client) -> None:
    """A silent provider ends in a DeadlineError, with the attempt that was made."""
    with pytest.raises(DeadlineError) as caught:
        await client.complete("gpt-4o+hang=headers", "Hi.", timeout_s=0.3)

    assert 1 == len(caught.value.attempts)


async def test_interrupted_stream(client: Client) -> None:
    """A broken stream is told as such, and is not retried by gRPC."""
    with pytest.raises(StreamInterruptedError):
        async with client.stream("gpt-4o+cut-event=4", "Hi.") as stream:
            assert [text async for text in stream.texts()]


async def test_retries(client: Client, stack: Stack) -> None:
    """GRPC itself retries what may be retried: the second call finds a well provider."""
    answer = await client.complete("gpt-4o+status=503+first=1", "Hi.")

    assert answer.text.startswith("Hello")
    assert 2 == len(stack.adversary.requests)


async def test_fallback(tmp_path: Path) -> None:
    """A fallback model answers when the first cannot, and the route tells of both."""
    routing = routing_pb2.RoutingPolicy(fallback_models=["gemini-x"])
    async with (
        running(tmp_path, AI_PROVIDER__LIMITS__ATTEMPTS_MAX="3") as stack,
        Client(f"127.0.0.1:{stack.app.server.port}") as client,
    ):
        answer = await client.complete("gpt-4o+status=503", "Hi.", routing=routing)

    assert "google" == answer.served_by.provider
    assert ["PROVIDER_UNAVAILABLE", ""] == [a.reason for a in answer.raw.route.attempts]


async def test_models_and_health(client: Client) -> None:
    """Models come from all pages; health is the standard protocol's."""
    names = [model.name async for model in client.models()]
    watch = client.watch_health()

    assert len(names) > 100
    assert names == sorted(names)
    assert "SERVING" == await client.health()
    assert "SERVING" == await anext(watch)
    await watch.aclose()  # pyright: ignore[reportAttributeAccessIssue] - it is a generator


async def test_embed_and_count(client: Client) -> None:
    """Vectors and counts come as plain values."""
    vectors = await client.embed("text-embedding-3-small", ["a", "b"], dimensions=3)
    counted = await client.count_tokens("claude-x", "Hi.")

    assert [3, 3] == [len(vector) for vector in vectors]
    assert counted.exact


async def test_unreachable() -> None:
    """Nobody there: the error names the target."""
    async with Client("127.0.0.1:1", timeout_s=1) as client:
        with pytest.raises((UnreachableError, DeadlineError)):
            await client.complete("gpt-4o", "Hi.")


async def test_a_stream_without_an_end() -> None:
    """A stream that stops without StreamFinished is no answer, whoever lost the rest."""

    class Call:
        def __aiter__(self) -> Call:
            return self

        async def __anext__(self) -> pb.StreamCompleteResponse:
            raise StopAsyncIteration

        def cancel(self) -> None:
            pass

    async with AnswerStream(Call(), "nowhere") as stream:
        with pytest.raises(IncompleteStreamError):
            await anext(aiter(stream))


def test_the_client_stands_alone() -> None:
    """Importing the client imports nothing of the service, nor litellm, aiohttp or redis."""
    program = (
        "import sys, aiprovider_client, aiprovider_client.cli\n"
        "bad = {'service', 'litellm', 'aiohttp', 'redis', 'pydantic'} & set(sys.modules)\n"
        "assert not bad, bad\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd="/", capture_output=True, check=False
    )

    assert 0 == done.returncode, done.stderr.decode()
    assert client_package.__file__
