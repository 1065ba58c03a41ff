"""Which calls' spans are told: the sampled ones, and the tail of those that failed or were slow.

As spans are made after the end, the tail is known for certain. It is bounded, or an outage, in
which all calls fail, would cost the service what it needs to get over it.
"""

from __future__ import annotations

from enum import Enum

from service.domain.call_record import CallRecord
from service.domain.reasons import FaultOwner, fault_owner


class Kept(Enum):
    SAMPLED = "sampled"
    FAILED = "failed"
    """Through no fault of the caller's."""
    SLOW = "slow"


class Keeping:
    """`slow_s` of 0 means that no call is slow. Told every call once, in order."""

    def __init__(self, slow_s: float, tail_per_s_max: int) -> None:
        self._slow_s = slow_s
        self._tail_per_s_max = tail_per_s_max
        self._left = float(tail_per_s_max)
        self._at = 0.0
        self.dropped_count = 0
        """Of the tail, for the bound."""

    def __repr__(self) -> str:
        return f"<Keeping {self._left:.0f} of {self._tail_per_s_max}, {self.dropped_count} dropped>"

    def why(self, record: CallRecord) -> Kept | None:
        """Why the spans of a call are told; None if they are not."""
        span = record.span
        if span is None:
            return None
        if span.sampled:
            return Kept.SAMPLED
        reason = record.reason
        if reason is not None and fault_owner(reason) is not FaultOwner.CALLER:
            return self._of_tail(Kept.FAILED, record)
        if 0.0 < self._slow_s <= record.total_s and "/Watch" not in record.method:
            return self._of_tail(Kept.SLOW, record)
        return None

    def _of_tail(self, kept: Kept, record: CallRecord) -> Kept | None:
        # Not the clock on the wall, which may be set.
        now = record.started + record.total_s
        gained = max(0.0, now - self._at) * self._tail_per_s_max
        self._at = max(now, self._at)
        self._left = min(float(self._tail_per_s_max), self._left + gained)
        if self._left < 1.0:
            self.dropped_count += 1
            return None
        self._left -= 1.0
        return kept
