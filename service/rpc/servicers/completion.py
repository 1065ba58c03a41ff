"""CompletionService."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import aclosing

from aiprovider.v1 import completion_service_pb2 as pb
from aiprovider.v1 import completion_service_pb2_grpc as pb_grpc
from aiprovider.v1 import usage_pb2

from service.domain.attempt import Attempt
from service.domain.errors import ServiceFailure
from service.domain.provider import ModelRef
from service.domain.reasons import ErrorReason
from service.domain.routing import RouteWish
from service.pipeline.completion import CompletionPipeline
from service.pipeline.router import Begun, Done, Missed
from service.rpc import encode
from service.rpc.call import Call, Context, current
from service.rpc.decode.request import coalesce_window_s, require_supported, route_wish
from service.rpc.decode.spec import completion_spec
from service.rpc.stream_writer import StreamWriter


class CompletionServicer(pb_grpc.CompletionServiceServicer):
    def __init__(self, pipeline: CompletionPipeline) -> None:
        self._pipeline = pipeline

    async def Complete(self, request: pb.CompleteRequest, context: Context) -> pb.CompleteResponse:
        call = current()
        require_supported(request)
        wish = route_wish(request)
        spec = completion_spec(request.spec)
        answered = await self._pipeline.complete(spec, wish, call.deadline)
        _remember(call, answered.target, answered.attempts)
        timing = _timing(call, answered.attempts)
        return encode.complete_response(answered, call.request_id, timing, time.time())

    async def StreamComplete(  # pyright: ignore[reportIncompatibleMethodOverride] - grpc.aio takes a coroutine
        self, request: pb.StreamCompleteRequest, context: Context
    ) -> None:
        call = current()
        require_supported(request)
        window_s = coalesce_window_s(request.stream_options)
        wish = route_wish(request)
        spec = completion_spec(request.spec)
        tells_route = request.stream_options.include_route_events
        first_token_s: float | None = None
        events = self._pipeline.stream(spec, wish, call.deadline)
        async with StreamWriter(context.write, window_s) as writer, aclosing(events):
            try:
                async for event in events:
                    match event:
                        case Begun():
                            first_token_s = time.monotonic() - call.started
                            await writer.write(
                                encode.stream_started(call.request_id, event.target, time.time())
                            )
                        case Missed():
                            if tells_route:
                                await writer.write(encode.route_event(event.attempt))
                        case Done():
                            _remember(call, event.target, event.attempts)
                            timing = _timing(call, event.attempts, first_token_s)
                            await writer.write(encode.stream_finished(event, timing))
                        case _:
                            await writer.write_delta(event)
            except ServiceFailure as failure:
                await writer.flush()
                failure.last_sequence = writer.sequence
                raise

    async def CountTokens(
        self, request: pb.CountTokensRequest, context: Context
    ) -> pb.CountTokensResponse:
        spec = completion_spec(request.spec)
        count = await self._pipeline.count_tokens(spec, RouteWish(), current().deadline)
        return pb.CountTokensResponse(
            input_tokens=count.input_tokens,
            exact=count.exact,
            tokenizer=count.tokenizer,
            estimated_input_cost=usage_pb2.Cost(unpriced=True),
        )

    async def ExplainRoute(
        self, request: pb.ExplainRouteRequest, context: Context
    ) -> pb.ExplainRouteResponse:
        raise ServiceFailure(
            ErrorReason.NOT_IMPLEMENTED,
            "ExplainRoute comes with the scoring router; RouteTrace in every answer tells what"
            " was tried",
        )


def _remember(call: Call, target: ModelRef, attempts: Sequence[Attempt]) -> None:
    call.facts["provider"] = target.provider
    call.facts["model"] = target.model
    call.facts["attempts"] = len(attempts)


def _timing(
    call: Call, attempts: Sequence[Attempt], first_token_s: float | None = None
) -> pb.Timing:
    provider_s = sum(attempt.duration_s for attempt in attempts)
    return encode.timing(time.monotonic() - call.started, provider_s, first_token_s)
