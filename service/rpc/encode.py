"""Answers from the domain onto the wire. Pure, but for the clock that the caller passes in."""

from __future__ import annotations

from aiprovider.v1 import completion_service_pb2 as pb
from aiprovider.v1 import content_pb2, model_service_pb2, routing_pb2, usage_pb2
from google.protobuf import struct_pb2

from service.domain.attempt import Attempt
from service.domain.cache_note import CacheNote, CacheStatus
from service.domain.call_record import Phases
from service.domain.catalogue import Listing
from service.domain.completion import (
    Blob,
    Completion,
    Ending,
    FinishReason,
    MediaUri,
    Part,
    ProviderPart,
    Reasoning,
    Refusal,
    Text,
    TokenLogprob,
    ToolCall,
    ToolResult,
)
from service.domain.consumption import cost_of_all
from service.domain.cost import UNPRICED
from service.domain.events import PartDone, ReasoningDelta, TextDelta, ToolCallDelta
from service.domain.pricing import Price
from service.domain.provider import ModelRef
from service.domain.trace import Trace
from service.pipeline.completion import Explained
from service.pipeline.routed import Begun
from service.pipeline.told import Finished, Whole
from service.rpc.routes import attempt_pb, candidates, route_trace
from service.rpc.values import cost_pb, duration, model_ref, timestamp, usage_pb

_FINISH_REASONS = {
    FinishReason.STOP: pb.FINISH_REASON_STOP,
    FinishReason.MAX_TOKENS: pb.FINISH_REASON_MAX_TOKENS,
    FinishReason.TOOL_CALLS: pb.FINISH_REASON_TOOL_CALLS,
    FinishReason.CONTENT_FILTER: pb.FINISH_REASON_CONTENT_FILTER,
    FinishReason.REFUSAL: pb.FINISH_REASON_REFUSAL,
    FinishReason.CONTEXT_LIMIT: pb.FINISH_REASON_CONTEXT_LIMIT,
    FinishReason.PAUSED: pb.FINISH_REASON_PAUSED,
    FinishReason.OTHER: pb.FINISH_REASON_OTHER,
}
STATUSES = {
    CacheStatus.MISS: routing_pb2.CacheInfo.STATUS_MISS,
    CacheStatus.HIT_LOCAL: routing_pb2.CacheInfo.STATUS_HIT_LOCAL,
    CacheStatus.HIT_SHARED: routing_pb2.CacheInfo.STATUS_HIT_SHARED,
    CacheStatus.COALESCED: routing_pb2.CacheInfo.STATUS_COALESCED,
    CacheStatus.BYPASSED: routing_pb2.CacheInfo.STATUS_BYPASSED,
    CacheStatus.REFRESHED: routing_pb2.CacheInfo.STATUS_REFRESHED,
    CacheStatus.REPEATED: routing_pb2.CacheInfo.STATUS_REPEATED,
}


def whole(completion: Completion, target: ModelRef, now: float) -> pb.CompleteResponse:
    """Without what differs from request to request. `now` is in seconds since the epoch."""
    ending = completion.ending
    response = pb.CompleteResponse(
        message=content_pb2.Message(
            role=content_pb2.ROLE_ASSISTANT, parts=[part_pb(part) for part in completion.parts]
        ),
        finish_reason=_FINISH_REASONS[ending.finish_reason],
        provider_finish_reason=ending.provider_finish_reason,
        usage=usage_pb(ending.usage) if ending.usage else None,
        served_by=model_ref(target),
        provider_response_id=ending.response_id,
        create_time=timestamp(now),
        logprobs=[_logprob(token) for token in completion.logprobs],
        dropped_parameters=ending.dropped_parameters,
    )
    if ending.metadata:
        response.provider_metadata[target.provider].update(ending.metadata)
    return response


def finished(ending: Ending, target: ModelRef) -> pb.StreamCompleteResponse:
    """Without what differs from request to request."""
    told = pb.StreamFinished(
        finish_reason=_FINISH_REASONS[ending.finish_reason],
        provider_finish_reason=ending.provider_finish_reason,
        usage=usage_pb(ending.usage) if ending.usage else None,
        provider_response_id=ending.response_id,
        dropped_parameters=ending.dropped_parameters,
    )
    if ending.metadata:
        told.provider_metadata[target.provider].update(ending.metadata)
    return pb.StreamCompleteResponse(finished=told)


def whole_rest(answer: Whole, request_id: str, timing: pb.Timing, now: float) -> bytes:
    """What one request adds to a whole answer that it asked a provider for; see also `rest.py`."""
    return pb.CompleteResponse(
        id=request_id,
        cost=_cost(answer.trace, answer.saved_nano_usd),
        route=route_trace(answer.trace, now) if answer.trace else None,
        cache=cache_info(answer.note),
        timing=timing,
    ).SerializeToString()


def finished_rest(answer: Finished, timing: pb.Timing, now: float) -> bytes:
    """What one request adds to the last event of a stream."""
    told = pb.StreamFinished(
        cost=_cost(answer.trace, answer.saved_nano_usd),
        route=route_trace(answer.trace, now) if answer.trace else None,
        timing=timing,
    )
    return pb.StreamCompleteResponse(finished=told).SerializeToString()


def cache_info(note: CacheNote) -> routing_pb2.CacheInfo:
    return routing_pb2.CacheInfo(
        status=STATUSES[note.status],
        age=duration(note.age_s) if note.age_s else None,
        key=note.key.hex(),
    )


def _cost(trace: Trace | None, saved_nano_usd: int | None) -> usage_pb2.Cost:
    """Of every attempt that was made; where none was, what that saved."""
    if trace is not None:
        return cost_pb(cost_of_all(trace.attempts) or UNPRICED)
    if saved_nano_usd is None:
        return cost_pb(UNPRICED)
    return usage_pb2.Cost(saved_nano_usd=saved_nano_usd)


def stream_started(
    request_id: str, begun: Begun, note: CacheNote, now: float
) -> pb.StreamCompleteResponse:
    started = pb.StreamStarted(
        id=request_id,
        served_by=model_ref(begun.target),
        cache=cache_info(note),
        create_time=timestamp(now if begun.made_at is None else begun.made_at),
    )
    return pb.StreamCompleteResponse(started=started)


def stream_restarted(begun: Begun) -> pb.StreamCompleteResponse:
    restarted = pb.StreamRestarted(served_by=model_ref(begun.target))
    if begun.broken is not None:
        restarted.attempt.CopyFrom(attempt_pb(begun.broken))
    return pb.StreamCompleteResponse(restarted=restarted)


def explained(told: Explained, now: float) -> pb.ExplainRouteResponse:
    return pb.ExplainRouteResponse(
        candidates=candidates(told.plan, now),
        route=route_trace(Trace(told.plan), now),
        cache_key=told.key.hex(),
        would_hit_cache=told.would_hit,
    )


def route_event(attempt: Attempt) -> pb.StreamCompleteResponse:
    return pb.StreamCompleteResponse(route=pb.RouteEvent(attempt=attempt_pb(attempt)))


def delta(
    event: TextDelta | ReasoningDelta | ToolCallDelta | PartDone,
) -> pb.StreamCompleteResponse:
    match event:
        case TextDelta():
            text = pb.TextDelta(text=event.text, part_index=event.part_index)
            if event.logprobs:
                text.logprobs.extend(_logprob(token) for token in event.logprobs)
            return pb.StreamCompleteResponse(text=text)
        case ReasoningDelta():
            reasoning = pb.ReasoningDelta(text=event.text, part_index=event.part_index)
            return pb.StreamCompleteResponse(reasoning=reasoning)
        case ToolCallDelta():
            return pb.StreamCompleteResponse(
                tool_call=pb.ToolCallDelta(
                    part_index=event.part_index,
                    id=event.id,
                    name=event.name,
                    arguments_json_fragment=event.arguments_json_fragment,
                )
            )
        case PartDone():
            done = pb.PartDone(part_index=event.part_index)
            if event.part is not None:
                done.part.CopyFrom(part_pb(event.part))
            return pb.StreamCompleteResponse(part_done=done)


def part_pb(part: Part) -> content_pb2.Part:
    message = _part_kind(part)
    if part.cache_ttl_s is not None:
        message.cache_hint.ttl_seconds = part.cache_ttl_s
    if part.signature:
        message.signature = part.signature
    return message


def _part_kind(part: Part) -> content_pb2.Part:
    match part:
        case Text():
            return content_pb2.Part(text=part.text)
        case Blob():
            blob = content_pb2.Blob(
                mime_type=part.mime_type, data=part.data, filename=part.filename
            )
            return content_pb2.Part(blob=blob)
        case MediaUri():
            uri = content_pb2.MediaUri(mime_type=part.mime_type, uri=part.uri, detail=part.detail)
            return content_pb2.Part(uri=uri)
        case ToolCall():
            call = content_pb2.ToolCall(
                id=part.id, name=part.name, arguments_json=part.arguments_json
            )
            return content_pb2.Part(tool_call=call)
        case ToolResult():
            result = content_pb2.ToolResult(
                tool_call_id=part.tool_call_id,
                parts=[part_pb(inner) for inner in part.parts],
                is_error=part.is_error,
                name=part.name,
            )
            return content_pb2.Part(tool_result=result)
        case Reasoning():
            reasoning = content_pb2.Reasoning(text=part.text, encrypted=part.encrypted)
            return content_pb2.Part(reasoning=reasoning)
        case Refusal():
            return content_pb2.Part(refusal=part.text)
        case ProviderPart():
            value = struct_pb2.Struct()
            value.update(part.value)
            own = content_pb2.ProviderPart(provider=part.provider, value=value)
            return content_pb2.Part(provider_part=own)


def timing(total_s: float, phases: Phases, first_token_s: float | None = None) -> pb.Timing:
    """What `phases` leave of the whole was spent at the edge."""
    spent_s = phases.cache_s + phases.queue_s + phases.route_s + phases.provider_s
    return pb.Timing(
        total_duration=duration(total_s),
        provider_duration=duration(phases.provider_s),
        queue_duration=duration(phases.queue_s),
        cache_duration=duration(phases.cache_s),
        route_duration=duration(phases.route_s),
        serialise_duration=duration(max(0.0, total_s - spent_s)),
        time_to_first_token=None if first_token_s is None else duration(first_token_s),
    )


def model_pb(listing: Listing) -> model_service_pb2.Model:
    return model_service_pb2.Model(
        name=listing.name,
        targets=[model_ref(target) for target in listing.targets],
        context_window_tokens=listing.context_window_tokens,
        max_output_tokens=listing.max_output_tokens,
        capabilities=sorted(listing.capabilities),
        price=_price_table(listing.price) if listing.price else None,
    )


def _price_table(price: Price) -> model_service_pb2.PriceTable:
    """A class without a price of its own is charged as the rest of the prompt."""
    written = price.input if price.cache_write is None else price.cache_write
    return model_service_pb2.PriceTable(
        input_nano_usd_per_million_tokens=price.input,
        output_nano_usd_per_million_tokens=price.output,
        cache_read_nano_usd_per_million_tokens=(
            price.input if price.cache_read is None else price.cache_read
        ),
        cache_write_nano_usd_per_million_tokens=written,
        version=price.version,
    )


def _logprob(token: TokenLogprob) -> pb.TokenLogprob:
    return pb.TokenLogprob(
        token=token.token,
        logprob=token.logprob,
        token_bytes=token.token_bytes,
        top=[_logprob(other) for other in token.top],
    )
