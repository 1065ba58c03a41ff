"""CompletionService."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

from aiprovider.v1 import completion_service_pb2 as pb
from aiprovider.v1 import completion_service_pb2_grpc as pb_grpc

from service.domain.cache_note import BYPASSED, REPLAYED, CacheNote
from service.domain.errors import ServiceFailure
from service.domain.reasons import ErrorReason
from service.domain.request import CompletionRequest
from service.domain.wishes import RouteWish
from service.pipeline.completion import CompletionPipeline
from service.pipeline.routed import Begun, Missed
from service.pipeline.told import Finished, Spoken, StreamPiece
from service.rpc import encode
from service.rpc.call import Call, Context, current
from service.rpc.decode.request import StreamWishes, question, stream_options
from service.rpc.decode.spec import completion_spec
from service.rpc.rest import hit_rest
from service.rpc.stream_writer import StreamWriter
from service.rpc.values import cost_pb


class CompletionServicer(pb_grpc.CompletionServiceServicer):
    def __init__(self, pipeline: CompletionPipeline) -> None:
        self._pipeline = pipeline

    async def Complete(  # pyright: ignore[reportIncompatibleMethodOverride] - bytes of the response
        self, request: pb.CompleteRequest, context: Context
    ) -> bytes:
        call = current()
        record = call.record
        answer = await self._pipeline.complete(question(request, call))
        note, trace = answer.note, answer.trace
        record.target, record.cache = answer.target, note
        record.saved_nano_usd, record.saved_s = answer.saved_nano_usd, answer.saved_s
        if trace is not None:
            record.attempts = trace.attempts
        total_s = time.monotonic() - record.started
        if note.status in REPLAYED:
            cache_s = record.phases.cache_s
            rest = hit_rest(record.request_id, note, answer.saved_nano_usd, total_s, cache_s)
        else:
            timing = encode.timing(total_s, record.phases)
            rest = encode.whole_rest(answer, record.request_id, timing, time.time())
        return answer.body + rest

    async def StreamComplete(  # pyright: ignore[reportIncompatibleMethodOverride] - grpc.aio takes a coroutine
        self, request: pb.StreamCompleteRequest, context: Context
    ) -> None:
        call = current()
        options = stream_options(request.stream_options)
        asked = question(request, call, restart=request.stream_options.restart_on_interruption)
        pieces = self._pipeline.stream(asked)
        async with StreamWriter(_bytes_of(context), options.window_s) as writer, aclosing(pieces):
            telling = _Telling(writer, options, call)
            try:
                await telling.all(pieces)
            except ServiceFailure as failure:
                await writer.flush()
                failure.last_sequence = writer.sequence
                raise
            finally:
                telling.mark()

    async def CountTokens(
        self, request: pb.CountTokensRequest, context: Context
    ) -> pb.CountTokensResponse:
        spec = completion_spec(request.spec)
        call = current()
        record = call.record
        record.model = spec.model
        asked = CompletionRequest(
            spec,
            RouteWish(),
            call.deadline,
            record.tenant,
            record.request_id,
            record.method,
            phases=record.phases,
            span=record.span,
        )
        counted = await self._pipeline.count_tokens(asked)
        count = counted.count
        return pb.CountTokensResponse(
            input_tokens=count.input_tokens,
            exact=count.exact,
            tokenizer=count.tokenizer,
            estimated_input_cost=cost_pb(counted.cost),
        )

    async def ExplainRoute(
        self, request: pb.ExplainRouteRequest, context: Context
    ) -> pb.ExplainRouteResponse:
        told = self._pipeline.explain(question(request, current()))
        return encode.explained(told, time.time())


class _Telling:
    """Tells a caller the pieces of a stream, and the call's record what they say of it."""

    def __init__(self, writer: StreamWriter, options: StreamWishes, call: Call) -> None:
        self._writer = writer
        self._options = options
        self._call = call
        self._note = BYPASSED
        self._pause_s = 0.0
        # Until now the request was read; from now on it is waited for pieces, or told them.
        self._edge_s = time.monotonic() - call.record.started

    async def all(self, pieces: AsyncIterator[StreamPiece]) -> None:
        async for piece in pieces:
            began = time.monotonic()
            await self._tell(piece)
            self._edge_s += time.monotonic() - began

    def mark(self) -> float:
        """Says where the time went until now. The seconds since the call came."""
        record = self._call.record
        total_s = time.monotonic() - record.started
        phases = record.phases
        if self._note.status not in REPLAYED:
            others_s = self._edge_s + phases.cache_s + phases.queue_s + phases.route_s
            phases.provider_s = max(0.0, total_s - others_s)
        return total_s

    async def _tell(self, piece: StreamPiece) -> None:
        record, writer = self._call.record, self._writer
        match piece:
            case Spoken(frame):
                if self._pause_s:
                    await _pause(self._pause_s, self._call)
                await writer.write_delta(frame)
            case CacheNote():
                self._note = record.cache = piece
                replayed = piece.status in REPLAYED
                self._pause_s = self._options.replay_interval_s if replayed else 0.0
            case Begun() if piece.broken is not None:
                await writer.write(encode.stream_restarted(piece))
            case Begun():
                record.first_token_s = time.monotonic() - record.started
                started = encode.stream_started(record.request_id, piece, self._note, time.time())
                await writer.write(started)
            case Missed():
                if self._options.route_events:
                    await writer.write(encode.route_event(piece.attempt))
            case Finished():
                await self._finish(piece)

    async def _finish(self, piece: Finished) -> None:
        record = self._call.record
        record.target = piece.target
        record.saved_nano_usd, record.saved_s = piece.saved_nano_usd, piece.saved_s
        if piece.trace is not None:
            record.attempts = piece.trace.attempts
        timing = encode.timing(self.mark(), record.phases, record.first_token_s)
        rest = encode.finished_rest(piece, timing, time.time())
        await self._writer.write_frame(piece.body + rest)


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
