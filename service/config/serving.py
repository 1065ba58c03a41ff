"""Settings of the server: where it listens, how it drains, what it logs, how much it takes on."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, FilePath, model_validator

from service.config.values import AnyCase, EnvironmentName, Section, Text

_MIB = 1024 * 1024


class LogLevel(Enum):
    """From which severity on records are written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"


class LogFormat(Enum):
    """How a record looks."""

    JSON = "json"
    TEXT = "text"


class ServiceSettings(Section):
    """What this replica is and where it listens."""

    name: Text = Field(default="ai-provider", description="Name in logs, metrics and traces.")
    version: str = Field(
        default="", description="Version in logs, metrics and traces; empty means that of the code."
    )
    description: str = Field(default="", description="A note for people. Nothing reads it.")
    environment: EnvironmentName = Field(
        default="development",
        description="Where this replica runs. Chooses the file `<environment>.yml`.",
    )
    host: Text = Field(default="0.0.0.0", description="Address to listen on.")
    port: int = Field(
        default=8005, ge=0, le=65535, description="Port to listen on; 0 takes a free one."
    )


class DrainSettings(Section):
    """How the server ends after SIGTERM."""

    settle_s: float = Field(
        default=2.0,
        ge=0,
        le=300,
        description="How long new calls are still taken after readiness says NOT_SERVING,"
        " so that load balancers can notice. Seconds.",
    )
    grace_s: float = Field(
        default=30.0,
        ge=0,
        le=3600,
        description="How long calls in flight may go on after that. Seconds.",
    )


class TlsSettings(Section):
    """The server's certificate, and whether clients must show one."""

    cert_file: FilePath | None = Field(
        default=None, description="Certificate chain, PEM. Without it the server speaks plaintext."
    )
    key_file: FilePath | None = Field(
        default=None, description="The certificate's private key, PEM."
    )
    client_ca_file: FilePath | None = Field(
        default=None,
        description="Certificates of the authorities that sign clients' certificates, PEM.",
    )
    require_client_cert: bool = Field(
        default=False, description="Whether a client without a certificate is refused."
    )

    @property
    def enabled(self) -> bool:
        return self.cert_file is not None

    @property
    def files(self) -> tuple[Path, ...]:
        """Every file that is configured."""
        named = (self.cert_file, self.key_file, self.client_ca_file)
        return tuple(path for path in named if path is not None)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("cert_file and key_file need each other")
        if self.client_ca_file is not None and self.cert_file is None:
            raise ValueError("client_ca_file needs cert_file and key_file")
        if self.require_client_cert and self.client_ca_file is None:
            raise ValueError("require_client_cert needs client_ca_file")
        return self


class ServerSettings(Section):
    """The gRPC server."""

    message_bytes_max: int = Field(
        default=32 * _MIB,
        ge=1024,
        le=1024 * _MIB,
        description="Largest message that is received or sent. Bytes.",
    )
    keepalive_time_s: float = Field(
        default=30.0,
        ge=1,
        le=86_400,
        description="Pause after which the server pings a client. Seconds.",
    )
    keepalive_timeout_s: float = Field(
        default=10.0, ge=1, le=3600, description="How long the answer to a ping may take. Seconds."
    )
    ping_interval_min_s: float = Field(
        default=10.0,
        ge=0,
        le=3600,
        description="A client that pings more often than this is disconnected. Seconds.",
    )
    connection_age_max_s: float = Field(
        default=300.0,
        ge=1,
        le=86_400,
        description="After this a client is asked to connect anew, so that load spreads over"
        " replicas. Seconds.",
    )
    connection_age_grace_s: float = Field(
        default=660.0,
        ge=0,
        le=86_400,
        description="How long calls may go on on a connection that has reached its age."
        " At least the longest stream. Seconds.",
    )
    reflection: bool = Field(
        default=True, description="Whether tools such as grpcurl can list the services."
    )
    liveness_port: int | None = Field(
        default=None,
        ge=0,
        le=65535,
        description="A second port that answers the health check of `liveness` on threads of its"
        " own, also while the event loop is blocked. Plaintext; unset means that there is none.",
    )
    drain: DrainSettings = Field(default=DrainSettings(), description="How the server ends.")
    tls: TlsSettings = Field(default=TlsSettings(), description="Transport security.")


class LoggingSettings(Section):
    """What is logged. Prompts, answers and keys never are, at any level."""

    level: Annotated[LogLevel, AnyCase] = Field(
        default=LogLevel.INFO, description="From which severity on records are written."
    )
    format: Annotated[LogFormat, AnyCase] = Field(
        default=LogFormat.JSON, description="`json` for machines, `text` for people."
    )


class DeadlineSettings(Section):
    """How long a request may take."""

    default_s: float = Field(
        default=60.0, gt=0, le=86_400, description="For a caller who sets no deadline. Seconds."
    )
    max_s: float = Field(
        default=600.0,
        gt=0,
        le=86_400,
        description="A caller's longer deadline is cut to this. Seconds.",
    )
    attempt_min_s: float = Field(
        default=0.05,
        ge=0,
        le=60,
        description="An attempt is not started when less than this is left. Seconds.",
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.default_s > self.max_s:
            raise ValueError(f"default_s ({self.default_s:g}) is more than max_s ({self.max_s:g})")
        return self


class LimitSettings(Section):
    """How much one replica takes on."""

    in_flight_max: int = Field(
        default=1000, ge=1, le=1_000_000, description="Requests at once; more are refused at once."
    )
    waiting_max: int = Field(
        default=1000,
        ge=0,
        le=1_000_000,
        description="Requests that wait while every candidate is at the limit that it was found to"
        " bear; more are refused at once.",
    )
    attempts_max: int = Field(
        default=3,
        ge=1,
        le=20,
        description="Attempts that one request may make, failovers included.",
    )


class HealthSettings(Section):
    """How providers are checked. A check is never billed."""

    check_timeout_s: float = Field(
        default=5.0,
        gt=0,
        le=300,
        description="How long the check of one provider may take. Seconds.",
    )


class CompletionSettings(Section):
    """What a caller gets who leaves it out."""

    temperature: float = Field(default=0.7, ge=0, le=2, description="Sampling temperature.")
    max_output_tokens: int = Field(
        default=4000, ge=1, le=10_000_000, description="Largest answer. Tokens."
    )
