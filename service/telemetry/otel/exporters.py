"""The official OTLP exporters, by protocol and signal. Each is imported only where it is used."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from service.telemetry.terms import OtelVariables, Signal, TelemetryTerms

_PLACES = {
    ("grpc", Signal.TRACES): ("grpc.trace_exporter", "OTLPSpanExporter"),
    ("grpc", Signal.METRICS): ("grpc.metric_exporter", "OTLPMetricExporter"),
    ("grpc", Signal.LOGS): ("grpc._log_exporter", "OTLPLogExporter"),
    ("http/protobuf", Signal.TRACES): ("http.trace_exporter", "OTLPSpanExporter"),
    ("http/protobuf", Signal.METRICS): ("http.metric_exporter", "OTLPMetricExporter"),
    ("http/protobuf", Signal.LOGS): ("http._log_exporter", "OTLPLogExporter"),
}


def exporter(signal: Signal, terms: TelemetryTerms, variables: OtelVariables) -> Any:
    """Reads headers, certificates, timeouts and compression from the standard variables.

    Raises ValueError for a protocol that is not spoken, and for what a variable says and nobody
    understands.
    """
    module, name = _PLACES[variables.protocol(signal, terms), signal]
    made = getattr(import_module(f"opentelemetry.exporter.otlp.proto.{module}"), name)
    try:
        return made(endpoint=variables.endpoint(signal, terms))
    except Exception as error:
        # Of kinds of its own, or of none: the number that is no number is not even named.
        raise ValueError(f"OTEL_EXPORTER_OTLP_…, for {signal.value}: {error}") from error
