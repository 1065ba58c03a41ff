"""Settings of telemetry: what is told of calls, to whom. OpenTelemetry's own variables win."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

from pydantic import Field, StringConstraints

from service.config.values import AnyCase, BaseUrl, Label, Section, Text

FunctionPath = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z_][\w]*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$")
]
"""`package.module:function`."""


class OtlpProtocol(Enum):
    """How a collector is spoken to."""

    GRPC = "grpc"
    HTTP = "http/protobuf"


class ContentExport(Enum):
    """Whether prompts and answers are told."""

    OFF = "off"
    ON = "on"


class TraceSettings(Section):
    """Which traces are told."""

    sample: float = Field(
        default=0.1,
        ge=0,
        le=1,
        description="Share of the traces that begin here. A caller's own decision comes first.",
    )
    slow_s: float = Field(
        default=30.0,
        ge=0,
        le=86_400,
        description="Calls that take longer are told though they were not sampled, as those are"
        " that fail through no fault of the caller's; 0 means that no call is slow. Seconds.",
    )
    tail_per_s_max: int = Field(
        default=100, ge=0, le=10_000, description="So many of those in a second, and no more."
    )


class PrometheusSettings(Section):
    """A page that Prometheus reads."""

    enabled: bool = Field(default=False, description="Whether it is served.")
    host: Text = Field(default="127.0.0.1", description="Address to serve it on.")
    port: int = Field(
        default=9464, ge=0, le=65535, description="Port to serve it on; 0 takes a free one."
    )


class TelemetrySettings(Section):
    """What is told of calls, to whom."""

    endpoint: BaseUrl | None = Field(
        default=None,
        description="OTLP collector, such as `http://localhost:4317`. Without it, and without"
        " `OTEL_EXPORTER_OTLP_ENDPOINT`, nothing is sent.",
    )
    protocol: Annotated[OtlpProtocol, AnyCase] = Field(
        default=OtlpProtocol.GRPC, description="How it is spoken to."
    )
    logs: bool = Field(default=False, description="Whether the lines of the log are sent, too.")
    traces: TraceSettings = Field(default=TraceSettings(), description="Which traces are told.")
    tenants: frozenset[Label] = Field(
        default=frozenset(),
        description="Tenants that metrics name; all others are counted together. Empty names none.",
    )
    content: Annotated[ContentExport, AnyCase] = Field(
        default=ContentExport.OFF,
        description="Whether spans hold prompts and answers, redacted as the log is.",
    )
    content_hook: FunctionPath | None = Field(
        default=None,
        description="A function that is given the name and the text of each such attribute, and"
        " gives what may be told of it, or None.",
    )
    flush_s: float = Field(
        default=5.0,
        ge=0,
        le=60,
        description="How long the end of the process may wait for what is left to be sent."
        " Seconds.",
    )
    prometheus: PrometheusSettings = Field(
        default=PrometheusSettings(), description="A page that Prometheus reads."
    )
