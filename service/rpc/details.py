"""A failure on its way to the caller: status, message, `google.rpc` details, pushback."""

from __future__ import annotations

import time
from dataclasses import dataclass

import grpc
from aiprovider.v1 import error_details_pb2, routing_pb2
from google.protobuf import any_pb2
from google.protobuf.message import Message
from google.rpc import error_details_pb2 as rpc_details
from google.rpc import status_pb2

from service.domain.consumption import cost_of_all, usage_of_all
from service.domain.errors import ServiceFailure
from service.domain.reasons import ErrorReason
from service.domain.trace import Trace
from service.rpc.routes import attempt_pb, route_trace
from service.rpc.status import DOMAIN, TABLE, Retry
from service.rpc.values import cost_pb, duration, usage_pb

DETAILS_KEY = "grpc-status-details-bin"
PUSHBACK_KEY = "grpc-retry-pushback-ms"
REQUEST_ID_KEY = "x-request-id"
# Trailers over 8 KiB get lost on the way; the message travels twice.
_DETAILS_MAX_BYTES = 4096
_MESSAGE_MAX_CHARS = 1024


@dataclass(frozen=True, slots=True)
class WireStatus:
    code: grpc.StatusCode
    message: str
    trailers: tuple[tuple[str, str | bytes], ...]


def wire_status(failure: ServiceFailure, request_id: str, left_s: float) -> WireStatus:
    """What goes over the wire for `failure`, to a caller who has `left_s` before its deadline.

    Where a wait would take more than half of that, gRPC is not to retry by itself: it would sleep,
    and the caller would learn of its deadline only.
    """
    row = TABLE[failure.reason]
    message = failure.message[:_MESSAGE_MAX_CHARS]
    trailers: list[tuple[str, str | bytes]] = [(REQUEST_ID_KEY, request_id)]
    wait_s = failure.retry_after_s
    in_vain = row.retry is not Retry.NO and wait_s is not None and wait_s > left_s / 2.0
    if row.retry is Retry.FORBID or in_vain:
        trailers.append((PUSHBACK_KEY, "-1"))
    elif row.retry is not Retry.NO and wait_s is not None:
        trailers.append((PUSHBACK_KEY, str(round(wait_s * 1000))))
    status = status_pb2.Status(code=row.code.value[0], message=message)
    detail = _failure_detail(failure)
    packed = [_packed(one) for one in _details(failure, request_id)]
    while True:
        del status.details[:]
        status.details.extend(packed)
        if detail.ByteSize():
            status.details.append(_packed(detail))
        if status.ByteSize() <= _DETAILS_MAX_BYTES or not _shortened(detail):
            break
    trailers.append((DETAILS_KEY, status.SerializeToString()))
    return WireStatus(row.code, message, tuple(trailers))


def _shortened(detail: error_details_pb2.FailureDetail) -> bool:
    """Leaves out the candidates, then the last attempts, one by one; False when nothing is left."""
    if detail.route.candidates:
        del detail.route.candidates[-1]
    elif detail.attempts:
        del detail.attempts[-1]
    else:
        return False
    return True


def _details(failure: ServiceFailure, request_id: str) -> list[Message]:
    info = rpc_details.ErrorInfo(reason=failure.reason.name, domain=DOMAIN)
    if failure.attempts:
        info.metadata["attempts"] = str(len(failure.attempts))
        info.metadata["provider"] = failure.attempts[-1].target.provider
    details: list[Message] = [info, rpc_details.RequestInfo(request_id=request_id)]
    if failure.violations:
        bad = rpc_details.BadRequest()
        for violation in failure.violations[:20]:
            bad.field_violations.add(
                field=violation.field[:200], description=violation.description[:200]
            )
        details.append(bad)
    row = TABLE[failure.reason]
    if failure.retry_after_s is not None and row.retry in (Retry.LATER, Retry.ELSEWHERE):
        details.append(rpc_details.RetryInfo(retry_delay=duration(failure.retry_after_s)))
    if row.code is grpc.StatusCode.RESOURCE_EXHAUSTED:
        quota = rpc_details.QuotaFailure()
        quota.violations.add(subject=_whose_quota(failure), description=failure.message[:200])
        details.append(quota)
    return details


def _whose_quota(failure: ServiceFailure) -> str:
    if failure.reason in (ErrorReason.TENANT_RATE_LIMITED, ErrorReason.TENANT_BUDGET_EXHAUSTED):
        return "tenant"
    return f"provider:{failure.attempts[-1].target.provider}" if failure.attempts else "provider"


def _failure_detail(failure: ServiceFailure) -> error_details_pb2.FailureDetail:
    detail = error_details_pb2.FailureDetail(
        attempts=[attempt_pb(attempt) for attempt in failure.attempts],
        last_sequence=failure.last_sequence,
    )
    if failure.joined:
        detail.cache.status = routing_pb2.CacheInfo.STATUS_COALESCED
    else:
        _add_consumption(detail, failure)
    if failure.known_for_s is not None:
        detail.cache.status = routing_pb2.CacheInfo.STATUS_HIT_LOCAL
        detail.cache.age.CopyFrom(duration(failure.known_for_s))
    if failure.plan is not None:
        detail.route.CopyFrom(route_trace(Trace(failure.plan), time.time()))
    return detail


def _add_consumption(detail: error_details_pb2.FailureDetail, failure: ServiceFailure) -> None:
    usage, cost = usage_of_all(failure.attempts), cost_of_all(failure.attempts)
    if usage is not None:
        detail.partial_usage.CopyFrom(usage_pb(usage))
    if cost is not None:
        detail.partial_cost.CopyFrom(cost_pb(cost))


def _packed(message: Message) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(message)
    return packed
