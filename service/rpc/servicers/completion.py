"""CompletionService."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

from aiprovider.v1 import completion_service_pb2 as pb
from aiprovider.v1 import completion_service_pb2_grpc as pb_grpc
from aiprovider.v1 import usage_pb2

from service.domain.cache_note import BYPASSED, REPLAYED, CacheNote
from service.domain.errors import ServiceFailure
from service.domain.provider import ModelRef
from service.domain.reasons import ErrorReason
from service.domain.request import CompletionRequest
from service.domain.trace import Trace
from service.domain.wishes import RouteWish
from service.pipeline.completion import CompletionPipeline
from service.pipeline.router import Begun, Missed
from service.pipeline.told import Finished, Spoken, StreamPiece
from service.rpc import encode
from service.rpc.call import Call, Context, current
from service.rpc.decode.request import StreamWishes, question, stream_options
from service.rpc.decode.spec import completion_spec
from service.rpc.rest import hit_rest
from service.rpc.stream_writer import StreamWriter


class CompletionServicer(pb_grpc.CompletionServiceServicer):
    def __init__(self, pipeline: CompletionPipeline) -> None:
        self._pipeline = pipeline

    async def Complete(  # pyright: ignore[reportIncompatibleMethodOverride] - bytes of the response
        self, request: pb.CompleteRequest, context: Context
    ) -> bytes:
        call = current()
        answer = await self._pipeline.complete(question(request, call))
        _remember(call, answer.target, answer.note, answer.trace)
        total_s = time.monotonic() - call.started
        if answer.trace is None:
            return answer.body + hit_rest(
                call.request_id, answer.note, answer.saved_nano_usd, total_s
            )
        timing = encode.timing(total_s, answer.trace)
        return answer.body + encode.whole_rest(answer, call.request_id, timing, time.time())

    async def StreamComplete(  # pyright: ignore[reportIncompatibleMethodOverride] - grpc.aio takes a coroutine
        self, request: pb.StreamCompleteRequest, context: Context
    ) -> None:
        call = current()
        options = stream_options(request.stream_options)
        asked = question(request, call, restart=request.stream_options.restart_on_interruption)
        pieces = self._pipeline.stream(asked)
        async with StreamWriter(_bytes_of(context), options.window_s) as writer, aclosing(pieces):
            try:
                await _tell(pieces, writer, options, call)
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
        told = self._pipeline.explain(question(request, current()))
        return encode.explained(told, time.time())


async def _tell(
    pieces: AsyncIterator[StreamPiece], writer: StreamWriter, options: StreamWishes, call: Call
) -> None:
    note = BYPASSED
    first_token_s: float | None = None
    pause_s = 0.0
    async for piece in pieces:
        match piece:
            case Spoken(frame):
                if pause_s:
                    await _pause(pause_s, call)
                await writer.write_delta(frame)
            case CacheNote():
                note = piece
                pause_s = options.replay_interval_s if piece.status in REPLAYED else 0.0
            case Begun() if piece.broken is not None:
                await writer.write(encode.stream_restarted(piece))
            case Begun():
                first_token_s = time.monotonic() - call.started
                started = encode.stream_started(call.request_id, piece, note, time.time())
                await writer.write(started)
            case Missed():
                if options.route_events:
                    await writer.write(encode.route_event(piece.attempt))
            case Finished():
                _remember(call, piece.target, note, piece.trace)
                timing = encode.timing(time.monotonic() - call.started, piece.trace, first_token_s)
                rest = encode.finished_rest(piece, note, timing, time.time())
                await writer.write_frame(piece.body + rest)


async def _pause(pause_s: float, call: Call) -> None:
    if asyncio.get_running_loop().time() + pause_s >= call.deadline:
        raise ServiceFailure(
            ErrorReason.DEADLINE_EXCEEDED, "the caller's deadline leaves no time for such pauses"
        )
    await asyncio.sleep(pause_s)


def _bytes_of(context: Context) -> Callable[[bytes], Awaitable[None]]:
    # The guard hands bytes on as they are; the stub of grpcio does not know.
    write: Any = context.write
    return write


def _remember(call: Call, target: ModelRef, note: CacheNote, trace: Trace | None) -> None:
    call.facts["provider"] = target.provider
    call.facts["model"] = target.model
    call.facts["cache"] = note.status.value
    call.facts["attempts"] = len(trace.attempts) if trace else 0
