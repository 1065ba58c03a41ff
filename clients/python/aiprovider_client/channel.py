"""The channel: retries, health checks, keepalive, TLS."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc.aio

_MESSAGE_BYTES_MAX = 32 * 1024 * 1024
# The server ends connections that ping more often than every ten seconds.
_KEEPALIVE_MS = 30_000
_KEEPALIVE_TIMEOUT_MS = 10_000

SERVICE_CONFIG = {
    "loadBalancingConfig": [{"round_robin": {}}],
    "healthCheckConfig": {"serviceName": ""},
    "methodConfig": [
        {
            "name": [
                {"service": "aiprovider.v1.CompletionService"},
                {"service": "aiprovider.v1.ModelService"},
                {"service": "aiprovider.v1.HealthService"},
                {"service": "aiprovider.v1.AnalyticsService"},
                {"service": "aiprovider.v1.AdminService"},
            ],
            "retryPolicy": {
                "maxAttempts": 4,
                "initialBackoff": "0.1s",
                "maxBackoff": "2s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE", "RESOURCE_EXHAUSTED"],
            },
        }
    ],
    "retryThrottling": {"maxTokens": 100, "tokenRatio": 0.1},
}
"""What gRPC does by itself. The service's pushback decides whether and when a retry is made."""


@dataclass(frozen=True, slots=True)
class Tls:
    """PEM files. Without `ca` the system's authorities are trusted; `cert` and `key` go together.

    `server_name` is the name that the server's certificate is for, if it is not the target's.
    """

    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None
    server_name: str = ""


def open_channel(target: str, tls: Tls | None, *, heeds_health: bool = True) -> grpc.aio.Channel:
    """Raises OSError if a PEM file cannot be read.

    A channel that heeds health calls no replica that says it is not serving: to be told so, ask
    through one that does not.
    """
    options = _options(tls, heeds_health=heeds_health)
    if tls is None:
        return grpc.aio.insecure_channel(target, options)
    credentials = grpc.ssl_channel_credentials(
        tls.ca.read_bytes() if tls.ca else None,
        tls.key.read_bytes() if tls.key else None,
        tls.cert.read_bytes() if tls.cert else None,
    )
    return grpc.aio.secure_channel(target, credentials, options)


def _options(tls: Tls | None, *, heeds_health: bool) -> Sequence[tuple[str, Any]]:
    left_out = () if heeds_health else ("healthCheckConfig",)
    config = {key: value for key, value in SERVICE_CONFIG.items() if key not in left_out}
    options: list[tuple[str, Any]] = [
        ("grpc.service_config", json.dumps(config)),
        ("grpc.enable_retries", 1),
        ("grpc.keepalive_time_ms", _KEEPALIVE_MS),
        ("grpc.keepalive_timeout_ms", _KEEPALIVE_TIMEOUT_MS),
        ("grpc.max_receive_message_length", _MESSAGE_BYTES_MAX),
        ("grpc.max_send_message_length", _MESSAGE_BYTES_MAX),
    ]
    if tls is not None and tls.server_name:
        options.append(("grpc.ssl_target_name_override", tls.server_name))
    return options
