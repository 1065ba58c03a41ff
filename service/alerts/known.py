"""What is known of alerts at a moment, for those who ask."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from service.alerts.notice import Origin
from service.domain.alerts import Alert


class Known(NamedTuple):
    """In no order. `evaluated_at` is in seconds since the epoch; None before the first look."""

    alerts: Sequence[Alert]
    origin: Origin
    rules_count: int
    evaluated_at: float | None
