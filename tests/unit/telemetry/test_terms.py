"""What OpenTelemetry's own variables say, over the configuration."""

from __future__ import annotations

from dataclasses import replace

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
        (TERMS, {"OTEL_METRICS_EXPORTER": "otlp, prometheus"}, {Signal.TRACES, Signal.METRICS}),
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


@pytest.mark.parametrize("said", ["lots", "7", "-0.1", "nan"])
def test_a_share_is_between_0_and_1(said: str) -> None:
    """What is none is a mistake that names its variable."""
    variables = OtelVariables(
        {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": said}
    )

    with pytest.raises(ValueError, match=f"OTEL_TRACES_SAMPLER_ARG='{said}'"):
        variables.sampling(TERMS)


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, False),
        ({"OTEL_METRICS_EXPORTER": "prometheus"}, True),
        ({"OTEL_METRICS_EXPORTER": "otlp,prometheus"}, True),
        ({"OTEL_METRICS_EXPORTER": "prometheus", "OTEL_SDK_DISABLED": "true"}, False),
    ],
)
def test_when_there_is_a_page(environ: dict[str, str], expected: bool) -> None:
    """A variable asks for it as well as the configuration does, and `none` forbids it."""
    served = replace(TERMS, prometheus_port=0)

    assert expected == OtelVariables(environ).serves_prometheus(TERMS)
    assert OtelVariables({}).serves_prometheus(served)
    assert not OtelVariables({"OTEL_METRICS_EXPORTER": "none"}).serves_prometheus(served)


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, ("127.0.0.1", 9464)),
        ({"OTEL_EXPORTER_PROMETHEUS_HOST": "::", "OTEL_EXPORTER_PROMETHEUS_PORT": "0"}, ("::", 0)),
    ],
)
def test_where_the_page_is(environ: dict[str, str], expected: tuple[str, int]) -> None:
    """The standard port, unless something else is said."""
    assert expected == OtelVariables(environ).prometheus_address(NOWHERE)


@pytest.mark.parametrize("said", ["abc", "65536", "-1"])
def test_what_is_no_port(said: str) -> None:
    """It is a mistake that names its variable."""
    variables = OtelVariables({"OTEL_EXPORTER_PROMETHEUS_PORT": said})

    with pytest.raises(ValueError, match=f"OTEL_EXPORTER_PROMETHEUS_PORT='{said}'"):
        variables.prometheus_address(TERMS)


@pytest.mark.parametrize(
    ("environ", "problem"),
    [
        ({"OTEL_TRACES_EXPORTER": "zipkin"}, "OTEL_TRACES_EXPORTER: zipkin"),
        ({"OTEL_TRACES_EXPORTER": "prometheus"}, "OTEL_TRACES_EXPORTER: prometheus"),
        ({"OTEL_METRICS_EXPORTER": "otlp,console"}, "OTEL_METRICS_EXPORTER: console"),
        (
            {
                "OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318",
                "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            },
            "endpoint of traces must begin with http",
        ),
    ],
)
def test_what_nobody_understands(environ: dict[str, str], problem: str) -> None:
    """An exporter that is not known is a mistake, and no way to send nothing silently."""
    with pytest.raises(ValueError, match=problem):
        OtelVariables(environ).check(TERMS)


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "otlp,prometheus"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4317"},
        {"OTEL_TRACES_EXPORTER": "zipkin", "OTEL_SDK_DISABLED": "true"},
    ],
)
def test_what_is_understood(environ: dict[str, str]) -> None:
    """Nothing is a mistake where it counts for nothing, or has its meaning."""
    OtelVariables(environ).check(TERMS)


def test_headers_are_secrets() -> None:
    """The log's redactor learns the values of headers: they hold keys of vendors."""
    variables = OtelVariables(
        {
            "OTEL_EXPORTER_OTLP_HEADERS": "api-key=very-secret,tenant = blue",
            "OTEL_EXPORTER_OTLP_LOGS_HEADERS": "x=y=z",
        }
    )

    assert ("very-secret", "blue", "y=z") == variables.secrets
