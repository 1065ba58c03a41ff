"""What OpenTelemetry's own variables say, over the configuration."""

from __future__ import annotations

import pytest

from service.domain.span_context import Sampling
from service.telemetry.terms import OtelVariables, Signal, TelemetryTerms

HERE = "http://collector:4317"
TERMS = TelemetryTerms(endpoint=HERE)
NOWHERE = TelemetryTerms()


def sent(terms: TelemetryTerms, **environ: str) -> set[Signal]:
    return {signal for signal in Signal if OtelVariables(environ).sends(signal, terms)}


@pytest.mark.parametrize(
    ("terms", "environ", "expected"),
    [
        (NOWHERE, {}, set()),
        (TERMS, {}, {Signal.TRACES, Signal.METRICS}),
        (NOWHERE, {"OTEL_EXPORTER_OTLP_ENDPOINT": HERE}, {Signal.TRACES, Signal.METRICS}),
        (NOWHERE, {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": HERE}, {Signal.TRACES}),
        (TERMS, {"OTEL_SDK_DISABLED": "TRUE"}, set()),
        (TERMS, {"OTEL_TRACES_EXPORTER": "none"}, {Signal.METRICS}),
        (TERMS, {"OTEL_METRICS_EXPORTER": "prometheus"}, {Signal.TRACES}),
        (TERMS, {"OTEL_LOGS_EXPORTER": "otlp"}, set(Signal)),
        (TelemetryTerms(endpoint=HERE, logs=True), {}, set(Signal)),
        (TelemetryTerms(logs=True), {}, set()),
    ],
)
def test_what_is_sent(
    terms: TelemetryTerms, environ: dict[str, str], expected: set[Signal]
) -> None:
    """A signal is sent where an endpoint is known and nothing turns it off; logs if asked for."""
    assert expected == sent(terms, **environ)


def test_where_to() -> None:
    """By HTTP each signal has a path; what a variable says is left to the SDK."""
    http = TelemetryTerms(endpoint=f"{HERE}/", protocol="http/protobuf")

    assert HERE == OtelVariables({}).endpoint(Signal.TRACES, TERMS)
    assert f"{HERE}/v1/traces" == OtelVariables({}).endpoint(Signal.TRACES, http)
    said = OtelVariables({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://other:4317"})
    assert said.endpoint(Signal.TRACES, http) is None


def test_how() -> None:
    """The signal's own variable comes first, then the common one, then the configuration."""
    variables = OtelVariables(
        {
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL": "grpc",
        }
    )

    assert "http/protobuf" == variables.protocol(Signal.TRACES, TERMS)
    assert "grpc" == variables.protocol(Signal.LOGS, TERMS)
    with pytest.raises(ValueError, match="http/json"):
        OtelVariables({"OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"}).protocol(Signal.LOGS, TERMS)


@pytest.mark.parametrize(
    ("sampler", "argument", "expected"),
    [
        ("", "", Sampling(0.1)),
        ("always_on", "", Sampling(1.0, by_parent=False)),
        ("always_off", "", Sampling(0.0, by_parent=False)),
        ("traceidratio", "0.25", Sampling(0.25, by_parent=False)),
        ("parentbased_always_on", "", Sampling(1.0)),
        ("parentbased_traceidratio", "0.25", Sampling(0.25)),
        ("parentbased_traceidratio", "", Sampling(1.0)),
    ],
)
def test_samplers(sampler: str, argument: str, expected: Sampling) -> None:
    """The standard samplers are known by their standard names."""
    variables = OtelVariables({"OTEL_TRACES_SAMPLER": sampler, "OTEL_TRACES_SAMPLER_ARG": argument})

    assert expected == variables.sampling(TERMS)


def test_an_unknown_sampler_is_a_mistake() -> None:
    """It is told, not guessed at."""
    with pytest.raises(ValueError, match="jaeger_remote"):
        OtelVariables({"OTEL_TRACES_SAMPLER": "jaeger_remote"}).sampling(TERMS)


def test_headers_are_secrets() -> None:
    """The log's redactor learns the values of headers: they hold keys of vendors."""
    variables = OtelVariables(
        {
            "OTEL_EXPORTER_OTLP_HEADERS": "api-key=very-secret,tenant = blue",
            "OTEL_EXPORTER_OTLP_LOGS_HEADERS": "x=y=z",
        }
    )

    assert ("very-secret", "blue", "y=z") == variables.secrets
