"""Words that more than one dashboard uses."""

from __future__ import annotations

from service.telemetry import catalogue as of
from tools.dashboards.query import CALLS, Where, quantile, rate, share

FAILED: Where = {**CALLS, of.STATUS: '!="OK"'}
"""Requests that did not end with OK."""
LOST: Where = {of.OUTCOME: '="failed"'}
"""Attempts that failed."""
BAD_SHARE = (("orange", 0.02), ("red", 0.1))
_QUANTILES = ((0.5, "half within"), (0.95, "95 of 100"), (0.99, "99 of 100"))


def quantiles(metric: of.Metric, where: Where | None = None) -> list[tuple[str, str]]:
    return [(quantile(q, metric, where=where), name) for q, name in _QUANTILES]


def failing() -> str:
    """Failed requests per request."""
    return share(rate(of.CALL_DURATION, where=FAILED), rate(of.CALL_DURATION, where=CALLS))
