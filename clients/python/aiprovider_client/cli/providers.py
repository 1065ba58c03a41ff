"""How the providers do, as a table, as a line for each change, and as one yes or no."""

from __future__ import annotations

from collections.abc import Sequence

from aiprovider.v1 import analytics_service_pb2, routing_pb2
from aiprovider.v1 import health_service_pb2 as pb

from aiprovider_client.cli.tables import (
    NOTHING,
    duration,
    epoch_s,
    load,
    part,
    place,
    span,
    table,
    words,
)

_UNABLE = (pb.PROVIDER_STATUS_UNHEALTHY, pb.PROVIDER_STATUS_DISABLED)


def can_serve(checked: pb.CheckProvidersResponse) -> bool:
    """What is not known to fail may serve."""
    return bool(checked.providers) and checked.overall not in _UNABLE


def checked(response: pb.CheckProvidersResponse, now: float) -> str:
    """`now` is in seconds since the epoch; the service's own clock wins where it is told."""
    if response.HasField("check_time"):
        age = response.age
        now = epoch_s(response.check_time) + age.seconds + age.nanos / 1e9
    overall = pb.ProviderStatus.Name(response.overall).removeprefix("PROVIDER_STATUS_")
    if not response.providers:
        return "providers: none"
    return f"providers: {overall}\n{_providers(response.providers, now)}"


def changed(one: pb.ProviderHealth, now: float) -> str:
    """One line; what is not known is left out."""
    told = [
        f"{_place(one)}: {status(one)}",
        f"circuit {_circuit(one)}",
        f"success {_success(one)}" if one.window_requests else "",
        f"p50 {duration(one.latency_p50)}" if one.HasField("latency_p50") else "",
        f"p95 {duration(one.latency_p95)}" if one.HasField("latency_p95") else "",
        f"in flight {load(one.in_flight, one.concurrency_limit)}",
        f"last error {_last_error(one, now)}" if one.last_error_reason else "",
        f"cooldown {_cooldown(one, now)}" if one.HasField("cooldown_until_time") else "",
    ]
    return ", ".join(text for text in told if text)


def _providers(found: Sequence[pb.ProviderHealth], now: float) -> str:
    return table(
        ("provider", [_place(one) for one in found]),
        ("status", [status(one) for one in found]),
        ("circuit", [_circuit(one) for one in found]),
        (">success", [_success(one) for one in found]),
        (">p50", [duration(one.latency_p50) for one in found]),
        (">p95", [duration(one.latency_p95) for one in found]),
        (">first token", [duration(one.time_to_first_token_p50) for one in found]),
        (">in flight", [load(one.in_flight, one.concurrency_limit) for one in found]),
        ("last error", [_last_error(one, now) for one in found]),
        (">cooldown", [_cooldown(one, now) for one in found]),
    )


def _place(one: pb.ProviderHealth) -> str:
    return place(
        routing_pb2.ModelRef(provider=one.provider, model=one.model, deployment=one.deployment)
    )


def status(one: pb.ProviderHealth | analytics_service_pb2.LiveProvider) -> str:
    return words(pb.ProviderStatus.Name(one.status).removeprefix("PROVIDER_STATUS_"))


def _circuit(one: pb.ProviderHealth) -> str:
    return words(pb.CircuitState.Name(one.circuit).removeprefix("CIRCUIT_STATE_"))


def _success(one: pb.ProviderHealth) -> str:
    if not one.window_requests:
        return NOTHING
    return f"{part(one.success_ratio)} of {one.window_requests}"


def _last_error(one: pb.ProviderHealth, now: float) -> str:
    if not one.last_error_reason or not one.HasField("last_error_time"):
        return one.last_error_reason or NOTHING
    ago_s = max(now - epoch_s(one.last_error_time), 0.0)
    return f"{one.last_error_reason} {span(ago_s)} ago"


def _cooldown(one: pb.ProviderHealth, now: float) -> str:
    if not one.HasField("cooldown_until_time"):
        return NOTHING
    return span(max(epoch_s(one.cooldown_until_time) - now, 0.0))
