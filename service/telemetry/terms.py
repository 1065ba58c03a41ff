"""What an operator wants told, to whom, as plain values; and what the standard variables say of it.

The variables are OpenTelemetry's own and win over the configuration:
https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from service.domain.span_context import Sampling

PROMETHEUS_PORT = 9464
_PORT_MAX = 65_535
_BY_HTTP = ("http://", "https://")


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

    def check(self, terms: TelemetryTerms) -> None:
        """Raises ValueError for exporters that are not known, and for what is no URL by HTTP."""
        if self.is_disabled:
            return
        for signal in Signal:
            known = {"none", "otlp", *(["prometheus"] if signal is Signal.METRICS else [])}
            unknown = self._exporters(signal) - known
            if unknown:
                names, told = ", ".join(sorted(unknown)), ", ".join(sorted(known))
                raise ValueError(f"OTEL_{signal.name}_EXPORTER: {names} is none of {told}")
            by_http = self.sends(signal, terms) and self.protocol(signal, terms) != "grpc"
            if by_http and not (self._said_endpoint(signal) or "http://").startswith(_BY_HTTP):
                raise ValueError(
                    f"the OTLP endpoint of {signal.value} must begin with http:// or https://"
                )

    def sends(self, signal: Signal, terms: TelemetryTerms) -> bool:
        """Whether a signal goes to a collector."""
        exporters = self._exporters(signal)
        if self.is_disabled or (exporters and "otlp" not in exporters):
            return False
        if signal is Signal.LOGS and not (terms.logs or exporters):
            return False
        return bool(terms.endpoint or self._said_endpoint(signal))

    def serves_prometheus(self, terms: TelemetryTerms) -> bool:
        exporters = self._exporters(Signal.METRICS)
        by_terms = terms.prometheus_port is not None and "none" not in exporters
        return not self.is_disabled and (by_terms or "prometheus" in exporters)

    def prometheus_address(self, terms: TelemetryTerms) -> tuple[str, int]:
        """Host and port of the page. Raises ValueError for what is no port."""
        host = self._get("OTEL_EXPORTER_PROMETHEUS_HOST") or terms.prometheus_host
        said = self._get("OTEL_EXPORTER_PROMETHEUS_PORT")
        if not said:
            port = terms.prometheus_port
            return host, PROMETHEUS_PORT if port is None else port
        if not said.isdecimal() or int(said) > _PORT_MAX:
            raise ValueError(f"OTEL_EXPORTER_PROMETHEUS_PORT={said!r} is no port")
        return host, int(said)

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
        """Raises ValueError for a sampler that is not known, and for a share that is none."""
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
                return Sampling(self._ratio(), by_parent)
            case _:
                raise ValueError(f"OTEL_TRACES_SAMPLER={sampler!r} is not known")

    def _ratio(self) -> float:
        said = self._get("OTEL_TRACES_SAMPLER_ARG") or "1"
        try:
            ratio = float(said)
        except ValueError:
            ratio = -1.0
        if not 0.0 <= ratio <= 1.0:
            raise ValueError(f"OTEL_TRACES_SAMPLER_ARG={said!r} is no share between 0 and 1")
        return ratio

    def _exporters(self, signal: Signal) -> set[str]:
        said = self._get(f"OTEL_{signal.name}_EXPORTER").split(",")
        return {name.strip() for name in said if name.strip()}

    def _said_endpoint(self, signal: Signal) -> str:
        return self._get(f"OTEL_EXPORTER_OTLP_{signal.name}_ENDPOINT") or self._get(
            "OTEL_EXPORTER_OTLP_ENDPOINT"
        )

    def _get(self, name: str) -> str:
        return self._environ.get(name, "").strip()
