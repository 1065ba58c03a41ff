"""How a provider does, on the wire. Pure."""

from __future__ import annotations

from aiprovider.v1 import health_service_pb2 as pb
from google.protobuf import duration_pb2

from service.domain.breaker import Circuit
from service.domain.health import ProviderHealth, Status
from service.domain.limit import UNLIMITED
from service.rpc.values import duration, timestamp

STATUSES = {
    Status.HEALTHY: pb.PROVIDER_STATUS_HEALTHY,
    Status.DEGRADED: pb.PROVIDER_STATUS_DEGRADED,
    Status.UNKNOWN: pb.PROVIDER_STATUS_UNKNOWN,
    Status.UNHEALTHY: pb.PROVIDER_STATUS_UNHEALTHY,
    Status.DISABLED: pb.PROVIDER_STATUS_DISABLED,
}
_CIRCUITS = {
    Circuit.CLOSED: pb.CIRCUIT_STATE_CLOSED,
    Circuit.HALF_OPEN: pb.CIRCUIT_STATE_HALF_OPEN,
    Circuit.OPEN: pb.CIRCUIT_STATE_OPEN,
}


def provider_health(health: ProviderHealth, epoch: float) -> pb.ProviderHealth:
    """`epoch` added to a moment of `health` gives seconds since 1970."""
    if health.status is Status.DISABLED:
        return pb.ProviderHealth(provider=health.provider, status=pb.PROVIDER_STATUS_DISABLED)
    message = pb.ProviderHealth(
        provider=health.provider,
        status=STATUSES[health.status],
        circuit=_CIRCUITS[health.circuit],
        success_ratio=health.success_ratio,
        latency_p50=_duration(health.latency_p50_s),
        latency_p95=_duration(health.latency_p95_s),
        time_to_first_token_p50=_duration(health.first_token_p50_s),
        window_requests=health.attempt_count,
        score=health.score,
        model=health.model,
        deployment=health.deployment,
        in_flight=health.in_flight,
        concurrency_limit=0 if health.limit == UNLIMITED else int(health.limit),
    )
    if health.error_reason is not None:
        message.last_error_reason = health.error_reason.name
        message.last_error_time.CopyFrom(timestamp(epoch + health.error_at))
    if health.cooldown_until:
        message.cooldown_until_time.CopyFrom(timestamp(epoch + health.cooldown_until))
    if health.check is not None:
        message.probed = True
        message.check_duration.CopyFrom(duration(health.check.duration_s))
    return message


def _duration(seconds: float | None) -> duration_pb2.Duration | None:
    return None if seconds is None else duration(seconds)
