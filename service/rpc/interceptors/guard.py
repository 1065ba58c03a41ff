"""Around every call: who calls, until when, how it ended. The one try/except of the edge.

Health checks and reflection pass untouched: a prober has no key, and no line in the log.
"""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias, cast

import grpc.aio
import structlog

from service.domain.errors import FieldViolation, ServiceFailure
from service.domain.reasons import ErrorReason
from service.rpc.call import Call, Context, enter
from service.rpc.details import REQUEST_ID_KEY, wire_status
from service.rpc.interceptors.identity import Directory
from service.rpc.status import TABLE
from service.telemetry.redaction import Redactor

_UNGUARDED = ("/grpc.health.", "/grpc.reflection.")
# Watches end with the caller, or with a deadline of its own.
_ENDLESS = ("/aiprovider.v1.HealthService/WatchProviders",)
_REQUEST_ID = re.compile(r"[\x21-\x7e]{1,128}\Z")
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
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
AccessLog = Callable[[Mapping[str, Any]], None]
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


class _Overrun:
    """Cancels the task of a call at `when`, in loop time. A timeout block costs twice as much."""

    def __init__(self, when: float) -> None:
        self._fired = False
        self._task = asyncio.current_task()
        self._timer = asyncio.get_running_loop().call_at(when, self._fire)

    def close(self) -> None:
        self._timer.cancel()

    def was_it(self) -> bool:
        """Whether a cancellation that came is this one's, and nobody else's."""
        return self._fired and self._task is not None and self._task.uncancel() == 0

    def _fire(self) -> None:
        self._fired = True
        if self._task is not None:
            self._task.cancel()


class Guard(_Interceptor):
    """`directory` and `deadlines` may be replaced at any time."""

    def __init__(
        self,
        directory: Directory,
        deadlines: Deadlines,
        redactor: Redactor,
        access_log: AccessLog | None,
    ) -> None:
        self.directory = directory
        self.deadlines = deadlines
        self._redactor = redactor
        self._access_log = access_log
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

        async def behaviour(request: Any, context: Context) -> Any:
            return await self.serve(method, inner, request, context)

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
        context.set_trailing_metadata(((REQUEST_ID_KEY, call.request_id),))
        overrun = _Overrun(call.deadline + _OVERRUN_S)
        try:
            call.identity = self.directory.identify(authorization, context.auth_context)
            _require_message(request)
            response = await inner(request, context)
        except ServiceFailure as failure:
            overrun.close()
            await self._abort(call, failure, context)
        except asyncio.CancelledError:
            if overrun.was_it():
                await self._abort(call, _too_late(), context)
            self._note(call, "CANCELLED", ErrorReason.CANCELLED)
            raise
        except Exception as error:
            if isinstance(error, grpc.aio.AbortError):
                raise
            overrun.close()
            _log.exception("internal error", method=method, request_id=call.request_id)
            await self._abort(call, _internal(call), context)
        else:
            self._note(call, "OK", None)
            return response
        finally:
            overrun.close()

    def _call(self, method: str, context: Context) -> tuple[Call, str | None]:
        authorization: str | None = None
        request_id = trace_id = ""
        for key, value in context.invocation_metadata() or ():
            if key == "authorization":
                authorization = _text(value)
            elif key == REQUEST_ID_KEY:
                request_id = _text(value)
            elif key == "traceparent":
                found = _TRACEPARENT.match(_text(value))
                trace_id = found[1] if found else ""
        if not _REQUEST_ID.match(request_id):
            request_id = os.urandom(16).hex()
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
        call = Call(method, request_id, trace_id, time.monotonic(), deadline)
        return call, authorization

    async def _abort(
        self,
        call: Call,
        failure: ServiceFailure,
        context: Context,
    ) -> NoReturn:
        failure.message = self._redactor.text(failure.message)
        left_s = call.deadline - asyncio.get_running_loop().time()
        status = wire_status(failure, call.request_id, left_s)
        self._note(call, status.code.name, failure.reason, failure)
        await context.abort(status.code, status.message, status.trailers)

    def _note(
        self,
        call: Call,
        code: str,
        reason: ErrorReason | None,
        failure: ServiceFailure | None = None,
    ) -> None:
        if self._access_log is None:
            return
        record: dict[str, Any] = {
            "event": "call",
            "level": "info" if reason is None or _callers_fault(reason) else "warning",
            "at": time.time(),
            "method": call.method,
            "code": code,
            "duration_ms": round((time.monotonic() - call.started) * 1000, 3),
            "request_id": call.request_id,
            "caller": call.identity.caller,
            "tenant": call.identity.tenant,
        }
        if call.trace_id:
            record["trace_id"] = call.trace_id
        if reason is not None:
            record["reason"] = reason.name
        if failure is not None:
            record["message"] = failure.message
            if failure.attempts:
                record["attempts"] = [str(attempt) for attempt in failure.attempts]
        record.update(call.facts)
        self._access_log(record)


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


def _internal(call: Call) -> ServiceFailure:
    return ServiceFailure(
        ErrorReason.INTERNAL,
        f"a fault of the service; its log tells more under request id {call.request_id}",
    )


def _callers_fault(reason: ErrorReason) -> bool:
    return TABLE[reason].code in (
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.UNAUTHENTICATED,
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.UNIMPLEMENTED,
    )


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode(errors="replace")
