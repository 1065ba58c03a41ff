"""What an operator wants told, to whom, as plain values; and what the standard variables say of it.

The variables are OpenTelemetry's own and win over the configuration:
https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from service.domain.span_context import Sampling


class Signal(Enum):
    TRACES = "traces"
    METRICS = "metrics"
    LOGS = "logs"


@dataclass(frozen=True, slots=True)
class TelemetryTerms:
    """Without an `endpoint`, its own or the variables', nothing is sent.

    Prometheus is served if `prometheus_port` is not None; 0 takes a free one.
    """

    service_name: str = "ai-provider"
    service_version: str = ""
    environment: str = ""
    endpoint: str = ""
    protocol: str = "grpc"
    logs: bool = False
    sample: float = 0.1
    slow_s: float = 30.0
    tail_per_s_max: int = 100
    tenants: frozenset[str] = frozenset()
    prometheus_host: str = "127.0.0.1"
    prometheus_port: int | None = None


class OtelVariables:
    """The variables that decide something here. The SDK reads all the others by itself."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    @property
    def is_disabled(self) -> bool:
        return self._get("OTEL_SDK_DISABLED").lower() == "true"

    @property
    def secrets(self) -> tuple[str, ...]:
        """What the log must not show: the values of headers."""
        names = ["OTEL_EXPORTER_OTLP_HEADERS"]
        names += [f"OTEL_EXPORTER_OTLP_{one.name}_HEADERS" for one in Signal]
        pairs = [pair for name in names for pair in self._get(name).split(",")]
        return tuple(pair.partition("=")[2].strip() for pair in pairs if "=" in pair)

    def sends(self, signal: Signal, terms: TelemetryTerms) -> bool:
        """Whether a signal goes to a collector."""
        exporter = self._get(f"OTEL_{signal.name}_EXPORTER")
        if self.is_disabled or exporter not in ("", "otlp"):
            return False
        if signal is Signal.LOGS and not (terms.logs or exporter == "otlp"):
            return False
        return bool(terms.endpoint or self._said_endpoint(signal))

    def serves_prometheus(self, terms: TelemetryTerms) -> bool:
        by_variable = self._get("OTEL_METRICS_EXPORTER") == "prometheus"
        return not self.is_disabled and (by_variable or terms.prometheus_port is not None)

    def endpoint(self, signal: Signal, terms: TelemetryTerms) -> str | None:
        """Where a signal goes by the configuration; None where a variable says it."""
        if self._said_endpoint(signal):
            return None
        if self.protocol(signal, terms) == "grpc":
            return terms.endpoint
        return f"{terms.endpoint.rstrip('/')}/v1/{signal.value}"

    def protocol(self, signal: Signal, terms: TelemetryTerms) -> str:
        """`grpc` or `http/protobuf`. Raises ValueError for one that is not spoken."""
        said = (
            self._get(f"OTEL_EXPORTER_OTLP_{signal.name}_PROTOCOL")
            or self._get("OTEL_EXPORTER_OTLP_PROTOCOL")
            or terms.protocol
        )
        if said not in ("grpc", "http/protobuf"):
            raise ValueError(f"OTLP protocol {said!r}: `grpc` and `http/protobuf` are spoken")
        return said

    def sampling(self, terms: TelemetryTerms) -> Sampling:
        """Raises ValueError for a sampler that is not known."""
        sampler = self._get("OTEL_TRACES_SAMPLER")
        if not sampler:
            return Sampling(terms.sample)
        by_parent = sampler.startswith("parentbased_")
        match sampler.removeprefix("parentbased_"):
            case "always_on":
                return Sampling(1.0, by_parent)
            case "always_off":
                return Sampling(0.0, by_parent)
            case "traceidratio":
                return Sampling(float(self._get("OTEL_TRACES_SAMPLER_ARG") or "1"), by_parent)
            case _:
                raise ValueError(f"OTEL_TRACES_SAMPLER={sampler!r} is not known")

    def _said_endpoint(self, signal: Signal) -> str:
        return self._get(f"OTEL_EXPORTER_OTLP_{signal.name}_ENDPOINT") or self._get(
            "OTEL_EXPORTER_OTLP_ENDPOINT"
        )

    def _get(self, name: str) -> str:
        return self._environ.get(name, "").strip()
