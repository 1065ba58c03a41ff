"""Answers from the domain onto the wire. Pure, but for the clock that the caller passes in."""

from __future__ import annotations

from aiprovider.v1 import completion_service_pb2 as pb
from aiprovider.v1 import content_pb2, model_service_pb2, routing_pb2, usage_pb2
from google.protobuf import struct_pb2

from service.domain.attempt import Attempt
from service.domain.catalogue import Listing
from service.domain.completion import (
    Blob,
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
from service.domain.events import PartDone, ReasoningDelta, TextDelta, ToolCallDelta
from service.domain.provider import ModelRef
from service.domain.routing import Plan
from service.domain.trace import Trace
from service.pipeline.router import Answered, Begun, Done
from service.rpc.routes import attempt_pb, candidates, route_trace
from service.rpc.values import duration, model_ref, timestamp, usage_pb

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
# No answer cache and no price table yet: said in every answer, never left to be guessed.
_CACHE = routing_pb2.CacheInfo(status=routing_pb2.CacheInfo.STATUS_BYPASSED)
_COST = usage_pb2.Cost(unpriced=True)


def complete_response(
    answered: Answered, request_id: str, timing: pb.Timing, now: float
) -> pb.CompleteResponse:
    """`now` is in seconds since the epoch."""
    completion, target = answered.completion, answered.target
    ending = completion.ending
    response = pb.CompleteResponse(
        id=request_id,
        message=content_pb2.Message(
            role=content_pb2.ROLE_ASSISTANT, parts=[part_pb(part) for part in completion.parts]
        ),
        finish_reason=_FINISH_REASONS[ending.finish_reason],
        provider_finish_reason=ending.provider_finish_reason,
        usage=usage_pb(ending.usage) if ending.usage else None,
        cost=_COST,
        served_by=model_ref(target),
        provider_response_id=ending.response_id,
        create_time=timestamp(now),
        logprobs=[_logprob(token) for token in completion.logprobs],
        dropped_parameters=ending.dropped_parameters,
        route=route_trace(answered.trace, now),
        cache=_CACHE,
        timing=timing,
    )
    if ending.metadata:
        response.provider_metadata[target.provider].update(ending.metadata)
    return response


def stream_started(request_id: str, target: ModelRef, now: float) -> pb.StreamCompleteResponse:
    started = pb.StreamStarted(
        id=request_id, served_by=model_ref(target), cache=_CACHE, create_time=timestamp(now)
    )
    return pb.StreamCompleteResponse(started=started)


def stream_restarted(begun: Begun) -> pb.StreamCompleteResponse:
    restarted = pb.StreamRestarted(served_by=model_ref(begun.target))
    if begun.broken is not None:
        restarted.attempt.CopyFrom(attempt_pb(begun.broken))
    return pb.StreamCompleteResponse(restarted=restarted)


def stream_finished(done: Done, timing: pb.Timing, now: float) -> pb.StreamCompleteResponse:
    ending = done.ending
    finished = pb.StreamFinished(
        finish_reason=_FINISH_REASONS[ending.finish_reason],
        provider_finish_reason=ending.provider_finish_reason,
        usage=usage_pb(ending.usage) if ending.usage else None,
        cost=_COST,
        route=route_trace(done.trace, now),
        timing=timing,
        provider_response_id=ending.response_id,
        dropped_parameters=ending.dropped_parameters,
    )
    if ending.metadata:
        finished.provider_metadata[done.target.provider].update(ending.metadata)
    return pb.StreamCompleteResponse(finished=finished)


def explained(plan: Plan, now: float) -> pb.ExplainRouteResponse:
    return pb.ExplainRouteResponse(
        candidates=candidates(plan, now), route=route_trace(Trace(plan), now)
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


def timing(total_s: float, trace: Trace, first_token_s: float | None = None) -> pb.Timing:
    provider_s = sum(attempt.duration_s for attempt in trace.attempts)
    return pb.Timing(
        total_duration=duration(total_s),
        provider_duration=duration(provider_s),
        queue_duration=duration(trace.queued_s),
        time_to_first_token=None if first_token_s is None else duration(first_token_s),
    )


def model_pb(listing: Listing) -> model_service_pb2.Model:
    return model_service_pb2.Model(
        name=listing.name,
        targets=[model_ref(target) for target in listing.targets],
        context_window_tokens=listing.context_window_tokens,
        max_output_tokens=listing.max_output_tokens,
        capabilities=sorted(listing.capabilities),
    )


def _logprob(token: TokenLogprob) -> pb.TokenLogprob:
    return pb.TokenLogprob(
        token=token.token,
        logprob=token.logprob,
        token_bytes=token.token_bytes,
        top=[_logprob(other) for other in token.top],
    )
