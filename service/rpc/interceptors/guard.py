"""Around every call: who calls, until when, how it ended. The one try/except of the edge.

Health checks and reflection pass untouched: a prober has no key, and no line in the log.
"""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias, cast

import grpc.aio
import structlog

from service.domain.call_record import CallRecord
from service.domain.counting import counts_calls_of
from service.domain.errors import FieldViolation, ServiceFailure
from service.domain.reasons import ErrorReason
from service.domain.span_context import Sampling, SpanContext, remote
from service.ports import Journal
from service.rpc.call import Call, Context, enter
from service.rpc.details import REQUEST_ID_KEY, wire_status
from service.rpc.interceptors.identity import Directory
from service.rpc.interceptors.overruns import Overruns
from service.telemetry.redaction import Redactor

_UNGUARDED = ("/grpc.health.", "/grpc.reflection.")
# Watches end with the caller, or with a deadline of its own.
_ENDLESS = (
    "/aiprovider.v1.HealthService/WatchProviders",
    "/aiprovider.v1.AnalyticsService/WatchMetrics",
)
_REQUEST_ID = re.compile(r"[\x21-\x7e]{1,128}\Z")
# The caller's clock stops at its deadline: to reach it, the details must leave a little earlier.
_MARGIN_S = 0.03
_MARGIN_SHARE = 0.1
# The pipeline keeps deadlines by itself; this bound is for its bugs.
_OVERRUN_S = 0.01
_FOREVER_S = 10.0 * 365 * 86_400

Behaviour = Callable[[Any, Context], Awaitable[Any]]
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
if TYPE_CHECKING:
    _Interceptor = grpc.aio.ServerInterceptor[Any, Any]
else:
    _Interceptor = grpc.aio.ServerInterceptor
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Deadlines:
    """In seconds. A caller without a deadline gets `default_s`; none gets more than `max_s`."""

    default_s: float
    max_s: float


@dataclass(frozen=True, slots=True)
class _Malformed:
    """Stands in for a request that is no message of its type."""

    what: str


class Guard(_Interceptor):
    """`directory`, `deadlines` and `sampling` may be replaced at any time."""

    def __init__(
        self,
        directory: Directory,
        deadlines: Deadlines,
        redactor: Redactor,
        journal: Journal,
    ) -> None:
        self.directory = directory
        self.deadlines = deadlines
        self.sampling: Sampling | None = None
        """Which calls are traced; None for none at all."""
        self._redactor = redactor
        self._journal = journal
        self._overruns = Overruns()
        self._in_flight_count = 0
        """Calls that ask something of a model."""
        self._wrapped: dict[str, tuple[Handler, Handler]] = {}

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        handler = await continuation(handler_call_details)
        method = handler_call_details.method
        if handler is None or method.startswith(_UNGUARDED):
            return handler
        known = self._wrapped.get(method)
        if known is None or known[0] is not handler:
            # Methods are few and known: the continuation gives None for all others.
            known = self._wrapped[method] = (handler, self._guarded(method, handler))
        return known[1]

    def _guarded(self, method: str, handler: Handler) -> Handler:
        if handler.request_streaming:
            raise AssertionError(f"{method} streams requests, which the guard does not wrap")
        inner: Any = handler.unary_stream if handler.response_streaming else handler.unary_unary

        counted = int(counts_calls_of(method))

        async def behaviour(request: Any, context: Context) -> Any:
            self._in_flight_count += counted
            try:
                return await self.serve(method, inner, request, context)
            finally:
                self._in_flight_count -= counted

        wrap: Any = (
            grpc.unary_stream_rpc_method_handler
            if handler.response_streaming
            else grpc.unary_unary_rpc_method_handler
        )
        deserializer = _lenient(handler.request_deserializer)
        return wrap(behaviour, deserializer, _passing(handler.response_serializer))

    async def serve(
        self,
        method: str,
        inner: Behaviour,
        request: Any,
        context: Context,
    ) -> Any:
        call, authorization = self._call(method, context)
        enter(call)
        record = call.record
        context.set_trailing_metadata(((REQUEST_ID_KEY, record.request_id),))
        task: asyncio.Task[object] = cast("asyncio.Task[object]", asyncio.current_task())
        overruns = self._overruns
        overruns.watch(task, call.deadline + _OVERRUN_S)
        try:
            identity = self.directory.identify(authorization, context.auth_context)
            call.identity, record.caller, record.tenant = identity, identity.caller, identity.tenant
            _require_message(request)
            response = await inner(request, context)
        except ServiceFailure as failure:
            overruns.leave(task)
            await self._abort(call, failure, context)
        except asyncio.CancelledError:
            if overruns.was_it(task):
                await self._abort(call, _too_late(), context)
            self._ended(record, "CANCELLED", ErrorReason.CANCELLED)
            raise
        except Exception as error:
            if isinstance(error, grpc.aio.AbortError):
                raise
            overruns.leave(task)
            _log.exception("internal error", method=method, request_id=record.request_id)
            await self._abort(call, _internal(record.request_id), context)
        else:
            self._ended(record, "OK", None)
            return response
        finally:
            overruns.leave(task)

    def _call(self, method: str, context: Context) -> tuple[Call, str | None]:
        authorization: str | None = None
        request_id = traceparent = tracestate = ""
        for key, value in context.invocation_metadata() or ():
            if key == "authorization":
                authorization = _text(value)
            elif key == REQUEST_ID_KEY:
                request_id = _text(value)
            elif key == "traceparent":
                traceparent = _text(value)
            elif key == "tracestate":
                tracestate = f"{tracestate},{_text(value)}" if tracestate else _text(value)
        if not request_id or not _REQUEST_ID.match(request_id):
            # Ids need not be hard to guess, and this costs a tenth of what the system's cost.
            request_id = f"{random.getrandbits(128):032x}"
        # Its stub does not know that it is None without a deadline.
        left_s = cast("float | None", context.time_remaining())
        if method in _ENDLESS:
            left_s = _FOREVER_S if left_s is None else left_s
        else:
            left_s = self.deadlines.default_s if left_s is None else left_s
            left_s = min(left_s, self.deadlines.max_s)
        left_s = max(left_s, 0.0)
        left_s -= min(_MARGIN_S, left_s * _MARGIN_SHARE)
        deadline = asyncio.get_running_loop().time() + left_s
        record = CallRecord(method, request_id, "", time.monotonic())
        record.in_flight = self._in_flight_count
        self._trace(record, remote(traceparent, tracestate) if traceparent else None)
        return Call(deadline, record), authorization

    def _trace(self, record: CallRecord, parent: SpanContext | None) -> None:
        if self.sampling is not None:
            trace_id = "" if parent else f"{random.getrandbits(128) or 1:032x}"
            span_id = f"{random.getrandbits(64) or 1:016x}"
            record.span = self.sampling.begin(parent, trace_id, span_id)
            record.trace_id = record.span.trace_id
        elif parent is not None:
            record.trace_id = parent.trace_id

    async def _abort(
        self,
        call: Call,
        failure: ServiceFailure,
        context: Context,
    ) -> NoReturn:
        failure.message = self._redactor.text(failure.message)
        left_s = call.deadline - asyncio.get_running_loop().time()
        status = wire_status(failure, call.record.request_id, left_s)
        call.record.failure = failure
        if not failure.joined:
            call.record.attempts = failure.attempts
        self._ended(call.record, status.code.name, failure.reason)
        await context.abort(status.code, status.message, status.trailers)

    def _ended(self, record: CallRecord, code: str, reason: ErrorReason | None) -> None:
        record.ended_at = time.time()
        record.total_s = time.monotonic() - record.started
        record.code = code
        record.reason = reason
        self._journal.put(record)


def _passing(serializer: Any) -> Any:
    """Answers from a cache are in the words of the wire already."""

    def serialize(message: Any) -> bytes:
        return message if type(message) is bytes else serializer(message)

    return serialize


def _lenient(deserializer: Any) -> Any:
    """By itself grpcio answers UNKNOWN and a Python class name when a deserializer raises."""

    def deserialize(data: bytes) -> Any:
        try:
            return deserializer(data)
        except Exception as error:  # noqa: BLE001 - protobuf's implementations differ in what they raise
            return _Malformed(str(error))

    return deserialize


def _require_message(request: Any) -> None:
    if isinstance(request, _Malformed):
        raise ServiceFailure(
            ErrorReason.INVALID_REQUEST,
            "the request is not a message of this method's type",
            violations=(FieldViolation("", f"cannot be decoded: {request.what}"),),
        )


def _too_late() -> ServiceFailure:
    return ServiceFailure(ErrorReason.DEADLINE_EXCEEDED, "the caller's deadline passed")


def _internal(request_id: str) -> ServiceFailure:
    return ServiceFailure(
        ErrorReason.INTERNAL,
        f"a fault of the service; its log tells more under request id {request_id}",
    )


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode(errors="replace")
