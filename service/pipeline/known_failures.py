"""Requests of which it is known that nobody can answer them, so that nobody is asked again.

Only faults of the caller that lie in the request itself, and for seconds.
"""

from __future__ import annotations

from collections.abc import Callable

from service.domain.errors import ServiceFailure
from service.domain.reasons import ErrorReason

_ENTRIES_MAX = 4096
DETERMINISTIC = frozenset(
    {
        ErrorReason.INVALID_REQUEST,
        ErrorReason.UNSUPPORTED_PARAMETER,
        ErrorReason.CONTEXT_WINDOW_EXCEEDED,
        ErrorReason.CONTENT_POLICY_VIOLATION,
    }
)


class KnownFailures:
    """`clock` is in seconds, from any moment on."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        # Oldest first, all kept for about as long: what has expired lies in front.
        self._failures: dict[bytes, tuple[float, float, ServiceFailure]] = {}

    def __repr__(self) -> str:
        return f"<KnownFailures {len(self._failures)}>"

    def remember(self, key: bytes, failure: ServiceFailure, ttl_s: float) -> None:
        """Does nothing unless a provider was asked, and would say the same again."""
        if ttl_s <= 0 or failure.reason not in DETERMINISTIC or not failure.attempts:
            return
        now = self._clock()
        self._failures.pop(key, None)
        self._failures[key] = (now, now + ttl_s, failure)
        self._shed(now)

    def find(self, key: bytes) -> ServiceFailure | None:
        """A failure to raise, that tells how long it has been known."""
        if not self._failures or key not in self._failures:
            return None
        since, until, failure = self._failures[key]
        now = self._clock()
        if now >= until:
            del self._failures[key]
            return None
        known = failure.again()
        known.known_for_s = now - since
        known.attempts, known.plan, known.usage = (), None, None
        return known

    def forget(self, key: bytes) -> None:
        self._failures.pop(key, None)

    def clear(self) -> None:
        self._failures.clear()

    def _shed(self, now: float) -> None:
        while self._failures:
            oldest = next(iter(self._failures))
            if len(self._failures) <= _ENTRIES_MAX and self._failures[oldest][1] > now:
                return
            del self._failures[oldest]
