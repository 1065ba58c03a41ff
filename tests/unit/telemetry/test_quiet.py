"""What OpenTelemetry's libraries say of trouble."""

from __future__ import annotations

import logging

import pytest
import structlog

from service.telemetry.otel import quiet


def test_trouble_is_told_once_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first record of a logger is told, then one a minute with the count of the others."""
    now = 1000.0
    monkeypatch.setattr(quiet.time, "monotonic", lambda: now)
    handler = quiet.Quiet()
    record = logging.LogRecord("opentelemetry.x", 30, "f", 1, "no %s", ("answer",), None)
    with structlog.testing.capture_logs() as lines:
        for _ in range(50):
            handler.handle(record)
        now += 61.0
        handler.handle(record)

    told = [(line["problem"], line["left_out"]) for line in lines]
    assert [("no answer", 0), ("no answer", 49)] == told
