"""What a caller of CompletionService sees, over a real server, with scripted providers."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import grpc.aio
import pytest
from aiprovider.v1 import completion_service_pb2 as pb
from aiprovider.v1 import content_pb2, routing_pb2

from service.domain.completion import Ending, FinishReason, Text, ToolCall
from service.domain.errors import ProviderFailure
from service.domain.events import PartDone, TextDelta, ToolCallDelta
from service.domain.reasons import ErrorReason
from service.pipeline.roster import TimeLimits
from tests.kit.scripted import ENDING, HELLO, ScriptedProvider, member
from tests.kit.serving import Status, details, serving, streaming, unary

DOWN = ProviderFailure(ErrorReason.PROVIDER_UNAVAILABLE, "out of order", http_status=503)


async def events_of(call: Any) -> list[pb.StreamCompleteResponse]:
    return [event async for event in call]


async def collect(call: Any, seen: list[pb.StreamCompleteResponse]) -> None:
    async for event in call:
        seen.append(event)  # noqa: PERF401 - what came before a failure counts


async def failure_of(call: Any) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call if not hasattr(call, "__aiter__") else await events_of(call)
    return caught.value


async def test_unary_answer() -> None:
    """A unary answer carries message, usage, who served it, its route and its timing."""
    async with serving(member(ScriptedProvider())) as served:
        response = await served.completion.Complete(unary(), metadata=(("x-request-id", "req-7"),))

    assert response.id == "req-7"
    assert [part.text for part in response.message.parts] == ["Hello there"]
    assert response.message.role == content_pb2.ROLE_ASSISTANT
    assert response.finish_reason == pb.FINISH_REASON_STOP
    assert (response.usage.input_tokens, response.usage.output_tokens) == (3, 2)
    assert (response.served_by.provider, response.served_by.model) == ("one", "m")
    assert [a.outcome for a in response.route.attempts] == [routing_pb2.Attempt.OUTCOME_OK]
    assert response.cost.unpriced
    assert response.timing.total_duration.ToNanoseconds() > 0


async def test_stream_order() -> None:
    """A stream is started, deltas, finished, numbered from 1 without a gap."""
    async with serving(member(ScriptedProvider())) as served:
        events = await events_of(served.completion.StreamComplete(streaming()))

    assert ["started", "text", "text", "finished"] == [e.WhichOneof("event") for e in events]
    assert [1, 2, 3, 4] == [event.sequence for event in events]
    assert "Hello there" == "".join(event.text.text for event in events)
    assert pb.FINISH_REASON_STOP == events[-1].finished.finish_reason
    assert 3 == events[-1].finished.usage.input_tokens
    assert events[-1].finished.timing.time_to_first_token.ToNanoseconds() > 0


async def test_tool_call_stream() -> None:
    """Tool call fragments and signatures arrive as they were spoken."""
    provider = ScriptedProvider(
        ToolCallDelta(0, "call-1", "weather", '{"city"'),
        ToolCallDelta(0, arguments_json_fragment=':"Rome"}'),
        PartDone(0, ToolCall("", "", "", signature=b"sig")),
        Ending(FinishReason.TOOL_CALLS),
    )
    async with serving(member(provider)) as served:
        events = await events_of(served.completion.StreamComplete(streaming()))
        whole = await served.completion.Complete(unary())

    first, second, done = (events[1].tool_call, events[2].tool_call, events[3].part_done)
    assert ("call-1", "weather") == (first.id, first.name)
    assert '{"city":"Rome"}' == first.arguments_json_fragment + second.arguments_json_fragment
    assert b"sig" == done.part.signature
    call = whole.message.parts[0]
    assert ('{"city":"Rome"}', b"sig") == (call.tool_call.arguments_json, call.signature)


async def test_usage_is_estimated_when_the_provider_is_silent() -> None:
    """Without usage from the provider the answer has an estimate, and says so."""
    provider = ScriptedProvider(TextDelta("x" * 40), Ending(FinishReason.STOP))
    async with serving(member(provider)) as served:
        response = await served.completion.Complete(unary())
        events = await events_of(served.completion.StreamComplete(streaming()))

    for usage in (response.usage, events[-1].finished.usage):
        assert usage.estimated
        assert 10 == usage.output_tokens


@pytest.mark.parametrize("stream", [False, True])
async def test_failover(stream: bool) -> None:
    """A provider's fault is answered by the next provider, and the route tells of both."""
    first, second = ScriptedProvider(DOWN), ScriptedProvider()
    async with serving(member(first, "a"), member(second, "b", priority=20)) as served:
        if stream:
            request = streaming(stream_options={"include_route_events": True})
            events = await events_of(served.completion.StreamComplete(request))
            route = events[-1].finished.route
            assert "route" == events[0].WhichOneof("event")
            assert "PROVIDER_UNAVAILABLE" == events[0].route.attempt.reason
        else:
            route = (await served.completion.Complete(unary())).route

    assert ["a", "b"] == [attempt.target.provider for attempt in route.attempts]
    assert ["PROVIDER_UNAVAILABLE", ""] == [attempt.reason for attempt in route.attempts]
    assert 503 == route.attempts[0].http_status


async def test_break_after_the_first_delta() -> None:
    """A stream that breaks after it began ends in STREAM_INTERRUPTED, never clean, never anew."""
    broken = ScriptedProvider(TextDelta("Hel"), DOWN)
    spare = ScriptedProvider()
    seen: list[pb.StreamCompleteResponse] = []
    async with serving(member(broken, "a"), member(spare, "b", priority=20)) as served:
        call = served.completion.StreamComplete(streaming())
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await collect(call, seen)

    found = details(caught.value)
    assert Status.UNAVAILABLE == caught.value.code()
    assert "STREAM_INTERRUPTED" == found.error.reason
    assert "-1" == found.trailers["grpc-retry-pushback-ms"]
    assert seen[-1].sequence == found.failure.last_sequence == 2
    assert [] == spare.calls


async def test_a_stream_without_an_ending_is_no_answer() -> None:
    """An adapter that stops without an Ending is a failure, even if it raises nothing."""
    async with serving(member(ScriptedProvider(TextDelta("Hel")))) as served:
        error = await failure_of(served.completion.StreamComplete(streaming()))

    assert "STREAM_INTERRUPTED" == details(error).error.reason


async def test_content_policy_is_never_routed_around() -> None:
    """A prompt that one provider refuses is not shown to another."""
    refusing = ScriptedProvider(ProviderFailure(ErrorReason.CONTENT_POLICY_VIOLATION, "no"))
    spare = ScriptedProvider()
    async with serving(member(refusing, "a"), member(spare, "b", priority=20)) as served:
        error = await failure_of(served.completion.Complete(unary()))

    assert Status.INVALID_ARGUMENT == error.code()
    assert "CONTENT_POLICY_VIOLATION" == details(error).error.reason
    assert [] == spare.calls


async def test_all_providers_down() -> None:
    """When all fail the caller learns every attempt, and when to come back."""
    busy = ProviderFailure(ErrorReason.PROVIDER_RATE_LIMITED, "slow down", retry_after_s=3.0)
    down = ProviderFailure(ErrorReason.PROVIDER_UNAVAILABLE, "down", retry_after_s=2.0)
    providers = member(ScriptedProvider(busy), "a"), member(ScriptedProvider(down), "b")
    async with serving(*providers) as served:
        error = await failure_of(served.completion.Complete(unary()))

    found = details(error)
    assert Status.UNAVAILABLE == error.code()
    assert "PROVIDER_UNAVAILABLE" == found.error.reason
    assert ["a", "b"] == [a.target.provider for a in found.failure.attempts]
    assert 2 == found.retry.retry_delay.seconds
    assert "2000" == found.trailers["grpc-retry-pushback-ms"]
    assert found.request.request_id == found.trailers["x-request-id"]


async def test_whose_quota_is_spent() -> None:
    """That of the provider that said so; while nobody is asked any more that of any."""
    busy = ProviderFailure(ErrorReason.PROVIDER_RATE_LIMITED, "slow down", retry_after_s=60.0)
    async with serving(member(ScriptedProvider(busy), "a")) as served:
        errors = [await failure_of(served.completion.Complete(unary())) for _ in range(2)]

    subjects = [details(error).quota.violations[0].subject for error in errors]
    assert ["provider:a", "provider"] == subjects
    assert [1, 0] == [len(details(error).failure.attempts) for error in errors]


@pytest.mark.parametrize(("timeout_s", "pushback"), [(3.0, "-1"), (30.0, "2000")])
async def test_no_retry_in_vain(timeout_s: float, pushback: str) -> None:
    """GRPC is told to retry only where the wait leaves time; the details say when in any case."""
    down = ProviderFailure(ErrorReason.PROVIDER_UNAVAILABLE, "down", retry_after_s=2.0)
    async with serving(member(ScriptedProvider(down))) as served:
        error = await failure_of(served.completion.Complete(unary(), timeout=timeout_s))

    found = details(error)
    assert pushback == found.trailers["grpc-retry-pushback-ms"]
    assert 2 == found.retry.retry_delay.seconds


async def test_unknown_model() -> None:
    """A model that nobody serves is NOT_FOUND, and the message says who is there."""
    async with serving(member(ScriptedProvider())) as served:
        error = await failure_of(served.completion.Complete(unary(model="nope")))

    assert Status.NOT_FOUND == error.code()
    assert "MODEL_NOT_FOUND" == details(error).error.reason
    assert "enabled: one" in (error.details() or "")


async def test_field_violations() -> None:
    """Every mistake of a request is told, each with its path."""
    request = pb.CompleteRequest(
        spec=pb.CompletionSpec(
            messages=[content_pb2.Message(role=content_pb2.ROLE_USER, parts=[content_pb2.Part()])],
            sampling=pb.SamplingParams(temperature=9, stop=[""]),
        )
    )
    async with serving(member(ScriptedProvider())) as served:
        error = await failure_of(served.completion.Complete(request))

    assert Status.INVALID_ARGUMENT == error.code()
    assert {
        "spec.model",
        "spec.messages[0].parts[0]",
        "spec.sampling.temperature",
        "spec.sampling.stop[0]",
    } == {violation.field for violation in details(error).bad.field_violations}


async def test_malformed_protobuf() -> None:
    """Bytes that are no message are INVALID_ARGUMENT, without a Python name in sight."""
    async with serving(member(ScriptedProvider())) as served:
        channel: Any = served.channel
        raw = channel.unary_unary("/aiprovider.v1.CompletionService/Complete")
        error = await failure_of(raw(b"\xff\xff\xff"))

    assert Status.INVALID_ARGUMENT == error.code()
    assert "INVALID_REQUEST" == details(error).error.reason
    assert "DecodeError" not in (error.details() or "")


@pytest.mark.parametrize("stream", [False, True])
async def test_the_callers_deadline(stream: bool) -> None:
    """A silent provider never holds a caller beyond its deadline, and the details still arrive."""
    provider = ScriptedProvider(30.0, *HELLO)
    async with serving(member(provider)) as served:
        started = time.monotonic()
        call = (
            served.completion.StreamComplete(streaming(), timeout=0.4)
            if stream
            else served.completion.Complete(unary(), timeout=0.4)
        )
        error = await failure_of(call)
        took_s = time.monotonic() - started

    assert Status.DEADLINE_EXCEEDED == error.code()
    assert details(error).error.reason in ("DEADLINE_EXCEEDED", "")  # "": the client was faster
    assert 0.3 < took_s < 0.45
    assert 0 == provider.open_count


async def test_default_deadline() -> None:
    """A caller without a deadline gets the configured one."""
    from service.rpc.interceptors.guard import Deadlines

    provider = ScriptedProvider(30.0, *HELLO)
    async with serving(member(provider), deadlines=Deadlines(0.3, 60.0)) as served:
        error = await failure_of(served.completion.Complete(unary()))

    assert "DEADLINE_EXCEEDED" == details(error).error.reason


async def test_first_token_limit_fails_over() -> None:
    """A provider that is silent for too long is left for the next, inside the deadline."""
    limits = TimeLimits(attempt_s=30.0, first_token_s=0.2, idle_s=30.0)
    silent, spare = ScriptedProvider(30.0, *HELLO), ScriptedProvider()
    members = member(silent, "a", limits=limits), member(spare, "b", priority=20)
    async with serving(*members) as served:
        events = await events_of(served.completion.StreamComplete(streaming(), timeout=5))

    assert ["PROVIDER_TIMEOUT", ""] == [a.reason for a in events[-1].finished.route.attempts]
    assert 0 == silent.open_count


@pytest.mark.parametrize("when", ["before the first delta", "between deltas", "unary"])
async def test_cancellation_reaches_the_provider(when: str) -> None:
    """A caller who leaves closes the provider's stream within 100 ms."""
    steps = (TextDelta("a"), 30.0, ENDING) if when == "between deltas" else (30.0, *HELLO)
    provider = ScriptedProvider(*steps)
    async with serving(member(provider)) as served:
        if when == "unary":
            call = served.completion.Complete(unary())
            task = asyncio.ensure_future(call)
        else:
            call = served.completion.StreamComplete(streaming())
            task = asyncio.ensure_future(events_of(call))
        await asyncio.wait_for(provider.entered.wait(), 5)
        await asyncio.sleep(0.05)
        call.cancel()
        started = time.monotonic()
        while provider.open_count and time.monotonic() - started < 1:
            await asyncio.sleep(0.002)
        took_s = time.monotonic() - started
        await asyncio.gather(task, return_exceptions=True)
        await asyncio.sleep(0.02)

        assert took_s < 0.1
        assert 0 == provider.open_count
        assert "CANCELLED" == served.lines[-1]["code"]
        assert 0 == served.admission.in_flight_count


async def test_overload_is_refused_at_once() -> None:
    """Beyond its maximum a replica refuses, and sends the caller elsewhere."""
    provider = ScriptedProvider(0.3, *HELLO)
    async with serving(member(provider), in_flight_max=1) as served:
        first = asyncio.ensure_future(served.completion.Complete(unary()))
        await provider.entered.wait()
        error = await failure_of(served.completion.Complete(unary()))
        await first

    assert Status.UNAVAILABLE == error.code()
    assert "SERVER_OVERLOADED" == details(error).error.reason


async def test_only_if_cached() -> None:
    """MODE_ONLY_IF_CACHED never asks a provider."""
    provider = ScriptedProvider()
    policy = routing_pb2.CachePolicy(mode=routing_pb2.CachePolicy.MODE_ONLY_IF_CACHED)
    async with serving(member(provider)) as served:
        error = await failure_of(served.completion.Complete(unary(cache=policy)))

    assert Status.NOT_FOUND == error.code()
    assert "CACHE_MISS" == details(error).error.reason
    assert [] == provider.calls


async def test_a_bug_tells_nothing_to_the_caller() -> None:
    """An unexpected exception is INTERNAL; what it says stays in the log."""
    provider = ScriptedProvider(KeyError("secret detail"))
    async with serving(member(provider)) as served:
        error = await failure_of(served.completion.Complete(unary()))

    assert Status.INTERNAL == error.code()
    assert "INTERNAL" == details(error).error.reason
    assert "secret detail" not in (error.details() or "")


async def test_credentials_never_reach_a_caller() -> None:
    """A provider that echoes our key in its message does not leak it."""
    leak = ProviderFailure(
        ErrorReason.PROVIDER_CREDENTIALS_REJECTED, "bad key topsecret-123456 given"
    )
    async with serving(member(ScriptedProvider(leak)), secrets=["topsecret-123456"]) as served:
        error = await failure_of(served.completion.Complete(unary()))

    assert "topsecret" not in (error.details() or "") + str(error.trailing_metadata())
    assert "topsecret" not in str(served.lines)


async def test_coalesced_deltas() -> None:
    """With a window, deltas of one part arrive joined, and nothing is lost or reordered."""
    steps = [TextDelta(str(digit)) for digit in range(10)]
    provider = ScriptedProvider(*steps, 0.1, TextDelta("!"), ENDING)
    options = pb.StreamOptions()
    options.coalesce_window.FromMilliseconds(30)
    async with serving(member(provider)) as served:
        request = streaming(stream_options=options)
        events = await events_of(served.completion.StreamComplete(request))

    texts = [event.text.text for event in events if event.WhichOneof("event") == "text"]
    assert ["0123456789", "!"] == texts
    assert list(range(1, len(events) + 1)) == [event.sequence for event in events]


async def test_text_signature() -> None:
    """A signature on text arrives with the part's end."""
    provider = ScriptedProvider(
        TextDelta("a"), PartDone(0, Text("", signature=b"s")), Ending(FinishReason.STOP)
    )
    async with serving(member(provider)) as served:
        response = await served.completion.Complete(unary())

    assert b"s" == response.message.parts[0].signature
