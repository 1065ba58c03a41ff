"""What OpenTelemetry's libraries log, a line a minute at most: a dead collector fills no log."""

from __future__ import annotations

import logging
import time

import structlog

INTERVAL_S = 60.0
_log = structlog.get_logger()


class Quiet(logging.Handler):
    """Tells the first record of each logger, then one a minute with the count of the others."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._told_at: dict[str, float] = {}
        self._count: dict[str, int] = {}

    def emit(self, record: logging.LogRecord) -> None:
        now, name = time.monotonic(), record.name
        if now - self._told_at.get(name, -INTERVAL_S) < INTERVAL_S:
            self._count[name] = self._count.get(name, 0) + 1
            return
        self._told_at[name] = now
        _log.warning(
            "telemetry has trouble",
            problem=record.getMessage(),
            logger=name,
            left_out=self._count.pop(name, 0),
        )


def hush() -> None:
    """From now on, for the whole process."""
    logger = logging.getLogger("opentelemetry")
    if not any(isinstance(handler, Quiet) for handler in logger.handlers):
        logger.addHandler(Quiet())
        logger.propagate = False
