"""What is known of one candidate. How the numbers move stands in `domain`."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from math import inf

from service.domain import breaker as circuit
from service.domain import hearsay
from service.domain import stats as statistics
from service.domain.breaker import Breaker, Circuit
from service.domain.candidate import Candidate
from service.domain.hearsay import Heard
from service.domain.limit import Limit
from service.domain.quota import Quota
from service.domain.reasons import ErrorReason
from service.domain.scoring import View
from service.domain.stats import Stats

SAMPLES_MAX = 64
SAMPLES_TTL_S = 600.0
_FLOOR_SAMPLES_MIN = 16
KNOWN_FOR_S = 300.0
"""Who was not heard of for so long is a stranger."""


@dataclass(slots=True)
class Entry:
    """One candidate's state. Samples are (when, seconds)."""

    stats: Stats = Stats()
    breaker: Breaker = Breaker()
    quota: Quota = Quota()
    limit: Limit = Limit()
    in_flight: int = 0
    reserved: int = 0
    """Places that are promised to requests about to begin."""
    first_tokens: deque[tuple[float, float]] = field(
        default_factory=lambda: deque(maxlen=SAMPLES_MAX)
    )
    durations: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=SAMPLES_MAX))
    attempt_count: int = 0
    known_at: float = -KNOWN_FOR_S
    error_reason: ErrorReason | None = None
    error_at: float = 0.0
    answered_at: float = -inf
    turned_at: float = -inf
    """When the circuit last opened or closed, unless peers closed it."""
    heard: Heard | None = None
    floor_s: float = 0.0
    floor_until: float = -inf
    """Until then there are samples enough to say so."""
    first_token_p95_s: float | None = None

    def __repr__(self) -> str:
        return f"<Entry {self.breaker!r} {self.stats!r} {self.limit!r} {self.in_flight} in flight>"

    def view(self, candidate: Candidate, now: float) -> View:
        """What plans are made from."""
        breaker, stats, quota, heard = self.breaker, self.stats, self.quota, self.heard
        known = now - self.known_at < KNOWN_FOR_S
        first, token = stats.first_token_s, stats.token_s
        if heard is None:
            quality = statistics.quality(stats, now)
        else:
            quality, first, token, quota = hearsay.together(stats, quota, heard, now)
            known = known or now < heard.until
        return View(
            candidate,
            quality,
            statistics.PRIOR_FIRST_TOKEN_S if first is None else first,
            statistics.PRIOR_TOKEN_S if token is None else token,
            self.in_flight,
            self.limit.value,
            breaker.circuit,
            breaker.trip,
            breaker.open_until,
            breaker.trial,
            1.0 if breaker.closed_at is None else circuit.ramp(breaker, now),
            quota.until,
            quota.reason,
            self.floor_s if now < self.floor_until else 0.0,
            known,
        )

    def sample_first_token(self, now: float, first_token_s: float) -> None:
        """Takes in how long a first token took."""
        samples = self.first_tokens
        samples.append((now, first_token_s))
        while samples and samples[0][0] < now - SAMPLES_TTL_S:
            samples.popleft()
        values = [value for _, value in samples]
        self.first_token_p95_s = statistics.quantile(values, 0.95)
        if len(values) >= _FLOOR_SAMPLES_MIN:
            self.floor_s = min(values)
            self.floor_until = samples[-_FLOOR_SAMPLES_MIN][0] + SAMPLES_TTL_S

    def is_plain(self, now: float) -> bool:
        """Whether nothing bad is known."""
        return self.breaker.circuit is Circuit.CLOSED and self.quota.until <= now
