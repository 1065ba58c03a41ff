"""Requests of which it is known that nobody can answer them, so that nobody is asked again.

Only faults of the caller that lie in the request itself, and for seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable

from service.domain.errors import ServiceFailure
from service.domain.reasons import ErrorReason
from service.domain.wishes import TRANSIENT

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
        self._failures: dict[Hashable, tuple[float, float, ServiceFailure]] = {}

    def __repr__(self) -> str:
        return f"<KnownFailures {len(self._failures)}>"

    def remember(self, key: Hashable, failure: ServiceFailure, ttl_s: float) -> None:
        """Does nothing unless everybody who could be asked was, and would say the same again."""
        if ttl_s <= 0 or failure.reason not in DETERMINISTIC or not _is_final(failure):
            return
        now = self._clock()
        self._failures.pop(key, None)
        # Without what led to it: frames and prompts would live as long.
        bare = failure.again()
        bare.attempts, bare.plan, bare.usage = (), None, None
        self._failures[key] = (now, now + ttl_s, bare)
        self._shed(now)

    def find(self, key: Hashable) -> ServiceFailure | None:
        """A failure to raise, that tells how long it has been known."""
        if not self._failures or key not in self._failures:
            return None
        since, until, failure = self._failures[key]
        now = self._clock()
        if now >= until:
            self._shed(now)
            return None
        known = failure.again()
        known.known_for_s = now - since
        return known

    def _shed(self, now: float) -> None:
        while self._failures:
            oldest = next(iter(self._failures))
            if len(self._failures) <= _ENTRIES_MAX and self._failures[oldest][1] > now:
                return
            del self._failures[oldest]


def _is_final(failure: ServiceFailure) -> bool:
    """Whether nobody was left out who might answer another time."""
    if not failure.attempts:
        return False
    plan = failure.plan
    if plan is None or failure.reason in _STOPPING:
        return True
    asked = {attempt.target for attempt in failure.attempts}
    return all(one.candidate.target in asked for one in plan.ranked) and not any(
        out.why in TRANSIENT for out in plan.excluded
    )


_STOPPING = frozenset({ErrorReason.CONTENT_POLICY_VIOLATION, ErrorReason.INVALID_REQUEST})
"""After these nobody else is asked, whoever wishes what."""
