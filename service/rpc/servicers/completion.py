"""CompletionService."""

from __future__ import annotations

import time
from contextlib import aclosing

from aiprovider.v1 import completion_service_pb2 as pb
from aiprovider.v1 import completion_service_pb2_grpc as pb_grpc
from aiprovider.v1 import usage_pb2

from service.domain.errors import ServiceFailure
from service.domain.provider import ModelRef
from service.domain.request import CompletionRequest
from service.domain.routing import RouteWish
from service.domain.trace import Trace
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
        answered = await self._pipeline.complete(_asked(call, request))
        _remember(call, answered.target, answered.trace)
        timing = encode.timing(time.monotonic() - call.started, answered.trace)
        return encode.complete_response(answered, call.request_id, timing, time.time())

    async def StreamComplete(  # pyright: ignore[reportIncompatibleMethodOverride] - grpc.aio takes a coroutine
        self, request: pb.StreamCompleteRequest, context: Context
    ) -> None:
        call = current()
        require_supported(request)
        options = request.stream_options
        window_s = coalesce_window_s(options)
        asked = _asked(call, request, restart=options.restart_on_interruption)
        first_token_s: float | None = None
        events = self._pipeline.stream(asked)
        async with StreamWriter(context.write, window_s) as writer, aclosing(events):
            try:
                async for event in events:
                    match event:
                        case Begun() if event.broken is not None:
                            await writer.write(encode.stream_restarted(event))
                        case Begun():
                            first_token_s = time.monotonic() - call.started
                            await writer.write(
                                encode.stream_started(call.request_id, event.target, time.time())
                            )
                        case Missed():
                            if options.include_route_events:
                                await writer.write(encode.route_event(event.attempt))
                        case Done():
                            _remember(call, event.target, event.trace)
                            total_s = time.monotonic() - call.started
                            timing = encode.timing(total_s, event.trace, first_token_s)
                            finished = encode.stream_finished(event, timing, time.time())
                            await writer.write(finished)
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
        call = current()
        asked = CompletionRequest(spec, RouteWish(), call.deadline, call.identity.tenant)
        count = await self._pipeline.count_tokens(asked)
        return pb.CountTokensResponse(
            input_tokens=count.input_tokens,
            exact=count.exact,
            tokenizer=count.tokenizer,
            estimated_input_cost=usage_pb2.Cost(unpriced=True),
        )

    async def ExplainRoute(
        self, request: pb.ExplainRouteRequest, context: Context
    ) -> pb.ExplainRouteResponse:
        plan = self._pipeline.explain(_asked(current(), request))
        return encode.explained(plan, time.time())


def _asked(
    call: Call,
    request: pb.CompleteRequest | pb.StreamCompleteRequest | pb.ExplainRouteRequest,
    *,
    restart: bool = False,
) -> CompletionRequest:
    wish = route_wish(request, restart=restart)
    spec = completion_spec(request.spec)
    return CompletionRequest(spec, wish, call.deadline, call.identity.tenant, call.request_id)


def _remember(call: Call, target: ModelRef, trace: Trace) -> None:
    call.facts["provider"] = target.provider
    call.facts["model"] = target.model
    call.facts["attempts"] = len(trace.attempts)
