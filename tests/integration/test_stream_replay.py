"""A cached answer told again as a stream: the same events, and one form made of the other."""

from __future__ import annotations

import time
from typing import Any

import pytest
from aiprovider.v1 import completion_service_pb2 as pb
from aiprovider.v1 import routing_pb2
from google.protobuf import duration_pb2

from service.domain.cache_use import CacheConduct
from service.domain.completion import Ending, FinishReason, Reasoning, Text, TokenLogprob, Usage
from service.domain.errors import ProviderFailure
from service.domain.events import PartDone, ReasoningDelta, TextDelta, ToolCallDelta
from service.domain.reasons import ErrorReason
from tests.kit.scripted import ENDING, HELLO, ScriptedProvider, member
from tests.kit.serving import Served, serving, streaming, unary

CACHED = CacheConduct()
Info = routing_pb2.CacheInfo
RICH = (
    ReasoningDelta("Let me ", 0),
    ReasoningDelta("see.", 0),
    PartDone(0, Reasoning(encrypted=b"\x01\x02", signature=b"sig")),
    TextDelta("It ", 1, (TokenLogprob("It", -0.1, b"It", (TokenLogprob("It", -0.1),)),)),
    ToolCallDelta(2, "call-1", "weather", ""),
    TextDelta("is ", 1),
    ToolCallDelta(2, "", "", '{"city":'),
    ToolCallDelta(3, "call-2", "time", "{}"),
    TextDelta("fine.", 1),
    ToolCallDelta(2, "", "", '"Rome"}'),
    PartDone(1, Text("", signature=b"t")),
    PartDone(2),
    PartDone(3),
    Ending(
        FinishReason.TOOL_CALLS,
        "tool_use",
        Usage(11, 7, 5, 1, 3),
        "resp-9",
        {"fingerprint": "x", "n": [1, 2]},
        ("spec.sampling.top_k",),
    ),
)
"""Everything that a stream may hold, interleaved."""


async def told(served: Served, **fields: Any) -> list[pb.StreamCompleteResponse]:
    return [event async for event in served.completion.StreamComplete(streaming(**fields))]


def bare(event: pb.StreamCompleteResponse) -> pb.StreamCompleteResponse:
    """Without what differs from request to request."""
    rest = pb.StreamCompleteResponse()
    rest.CopyFrom(event)
    for name in ("id", "cache", "create_time"):
        rest.started.ClearField(name) if event.HasField("started") else None
    for name in ("cost", "route", "timing"):
        rest.finished.ClearField(name) if event.HasField("finished") else None
    return rest


async def test_the_same_events() -> None:
    """Chunk boundaries, reasoning, tool calls, usage and numbers are those of the first telling."""
    provider = ScriptedProvider(*RICH)
    async with serving(member(provider), conduct=CACHED) as served:
        first = await told(served)
        second = await told(served)

    assert 1 == len(provider.calls)
    assert [bare(event) for event in first] == [bare(event) for event in second]
    assert len(RICH) + 1 == len(second)
    assert list(range(1, len(second) + 1)) == [event.sequence for event in second]
    statuses = [events[0].started.cache.status for events in (first, second)]
    assert [Info.STATUS_MISS, Info.STATUS_HIT_LOCAL] == statuses
    begun, made = (events[0].started.create_time.ToNanoseconds() for events in (first, second))
    assert abs(made - begun) < 10**9
    assert first[-1].finished.route.attempts
    assert not second[-1].finished.route.attempts
    assert second[-1].finished.usage == first[-1].finished.usage


async def test_a_whole_answer_of_a_stream() -> None:
    """A whole answer made of a cached stream is the one that the provider would have given."""
    async with serving(member(ScriptedProvider(*RICH)), conduct=CACHED) as served:
        asked = await served.completion.Complete(unary())
    async with serving(member(ScriptedProvider(*RICH)), conduct=CACHED) as served:
        await told(served)
        made = await served.completion.Complete(unary())
        again = await served.completion.Complete(unary())

    assert Info.STATUS_HIT_LOCAL == made.cache.status
    assert made.message == again.message
    for answer in (asked, made):
        for name in ("id", "cache", "create_time", "cost", "route", "timing"):
            answer.ClearField(name)
    assert asked == made


async def test_a_stream_of_a_whole_answer() -> None:
    """A stream made of a cached whole answer folds into it, one delta for each part."""
    async with serving(member(ScriptedProvider(*RICH)), conduct=CACHED) as served:
        whole = await served.completion.Complete(unary())
        events = await told(served)

    kinds = [event.WhichOneof("event") for event in events]
    assert [
        "started",
        "reasoning",
        "part_done",
        "text",
        "part_done",
        "tool_call",
        "part_done",
        "tool_call",
        "part_done",
        "finished",
    ] == kinds
    assert Info.STATUS_HIT_LOCAL == events[0].started.cache.status
    assert whole.served_by == events[0].started.served_by
    assert whole.message.parts[1].text == events[3].text.text
    assert list(whole.logprobs) == list(events[3].text.logprobs)
    assert (
        whole.message.parts[0].reasoning.encrypted == events[2].part_done.part.reasoning.encrypted
    )
    assert whole.message.parts[0].signature == events[2].part_done.part.signature
    assert whole.message.parts[2].tool_call.arguments_json == (
        events[5].tool_call.arguments_json_fragment
    )
    assert whole.usage == events[-1].finished.usage
    assert whole.provider_metadata == events[-1].finished.provider_metadata


async def test_gathered_deltas() -> None:
    """A window joins the deltas of a cached stream as it does those of a live one."""
    options = pb.StreamOptions(coalesce_window=duration_pb2.Duration(nanos=50_000_000))
    async with serving(member(ScriptedProvider(*RICH)), conduct=CACHED) as served:
        await told(served)
        events = await told(served, stream_options=options)

    text = "".join(event.text.text for event in events)
    assert "It is fine." == text
    assert "Let me see." == events[1].reasoning.text


async def test_paced() -> None:
    """With a replay interval the deltas come one after the other; a live stream is not slowed."""
    steps = [*(TextDelta(str(number)) for number in range(6)), ENDING]
    options = pb.StreamOptions(replay_interval=duration_pb2.Duration(nanos=30_000_000))
    async with serving(member(ScriptedProvider(*steps)), conduct=CACHED) as served:
        began = time.monotonic()
        await told(served, stream_options=options)
        live_s = time.monotonic() - began
        began = time.monotonic()
        await told(served, stream_options=options)
        replay_s = time.monotonic() - began

    assert live_s < 0.15
    assert 0.17 < replay_s < 1.0


async def test_a_stream_that_broke_off() -> None:
    """A partial answer is never kept."""
    broken = ProviderFailure(ErrorReason.PROVIDER_UNAVAILABLE, "gone")
    provider = ScriptedProvider(scripts=[(TextDelta("Hel"), broken), HELLO])
    async with serving(member(provider), conduct=CACHED, attempts_max=1) as served:
        with pytest.raises(Exception, match="broke off"):
            await told(served)
        events = await told(served)

    assert Info.STATUS_MISS == events[0].started.cache.status
    assert "Hello there" == "".join(event.text.text for event in events)


async def test_a_stream_that_began_anew() -> None:
    """Of a stream that was restarted only what counts is kept."""
    broken = ProviderFailure(ErrorReason.PROVIDER_UNAVAILABLE, "gone")
    first = ScriptedProvider(TextDelta("Hel"), broken)
    second = ScriptedProvider(*HELLO)
    options = pb.StreamOptions(restart_on_interruption=True)
    async with serving(
        member(first, "one"), member(second, "two", priority=20), conduct=CACHED
    ) as served:
        live = await told(served, stream_options=options)
        cached = await told(served, stream_options=options)

    assert any(event.HasField("restarted") for event in live)
    assert "two" == cached[0].started.served_by.provider
    assert ["Hello", " there"] == [e.text.text for e in cached if e.HasField("text")]
    assert not any(event.HasField("restarted") for event in cached)
