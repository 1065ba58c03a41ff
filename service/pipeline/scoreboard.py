"""How every candidate does: the only mutable state of routing. Decides nothing.

Each attempt is reported here once, when it begins and when it ends; a snapshot of frozen views is
what plans are made from. How the numbers move stands in `domain`: stats, breaker, quota, limit.
"""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from random import Random

from service.domain import breaker as circuit
from service.domain import limit as limits
from service.domain import quota as quotas
from service.domain import stats as statistics
from service.domain.breaker import Breaker, Circuit, Trip
from service.domain.candidate import Candidate
from service.domain.errors import ProviderFailure
from service.domain.failover import Blame, blame, is_pushback
from service.domain.health import CandidateHealth
from service.domain.limit import Limit
from service.domain.provider import ModelRef
from service.domain.quota import Quota
from service.domain.reasons import ErrorReason
from service.domain.scoring import View
from service.domain.stats import Stats

ENTRIES_MAX = 4096
"""Callers may name any model of a provider that lists none: what is not used is forgotten."""
SAMPLES_MAX = 64
SAMPLES_TTL_S = 600.0
_FLOOR_SAMPLES_MIN = 16
_KNOWN_FOR_S = 300.0


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
    known_at: float = -_KNOWN_FOR_S
    error_reason: ErrorReason | None = None
    error_at: float = 0.0
    floor_s: float = 0.0
    first_token_p95_s: float | None = None

    def __repr__(self) -> str:
        return f"<Entry {self.breaker!r} {self.stats!r} {self.limit!r} {self.in_flight} in flight>"


class Evidence(Enum):
    """What an answer tells of its provider."""

    FULL = "full"
    LIFE = "life"
    """That it answers, but not how fast it completes: tokens were counted, or texts embedded."""
    NONE = "none"
    """It was not asked."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How an attempt ended. `failure` is None for an answer; `left` means the caller left first.

    `first_token_s` is None when nobody saw one; `spoken_s` is the time spent waiting for the rest.
    """

    duration_s: float
    failure: ProviderFailure | None = None
    left: bool = False
    first_token_s: float | None = None
    spoken_s: float = 0.0
    output_tokens: int = 0
    evidence: Evidence = Evidence.FULL


Changed = Callable[[ModelRef], None]


class Scoreboard:
    """`clock` gives seconds, monotonic.

    `changed` is told of every circuit that changes, `freed` of every candidate that may have room.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, rng: Random | None = None
    ) -> None:
        self.clock = clock
        self.changed: list[Changed] = []
        self.freed: list[Changed] = []
        self._rng = rng or Random()  # noqa: S311 - jitter, not secrets
        self._entries: OrderedDict[ModelRef, Entry] = OrderedDict()

    def __repr__(self) -> str:
        rows = "; ".join(f"{target} {entry!r}" for target, entry in self._entries.items())
        return f"<Scoreboard {rows or 'empty'}>"

    def draw(self) -> float:
        """A number in [0, 1)."""
        return self._rng.random()

    def entry(self, target: ModelRef) -> Entry:
        """The state of a candidate, a fresh one if it is not known."""
        entry = self._entries.get(target)
        if entry is None:
            entry = self._entries[target] = Entry()
            if len(self._entries) > ENTRIES_MAX:
                self._forget()
        return entry

    def forget(self) -> None:
        """Knows nothing of anybody from now on. Only while no attempt is in flight."""
        self._entries.clear()

    def peek(self, target: ModelRef) -> Entry | None:
        return self._entries.get(target)

    def known(self) -> Iterable[tuple[ModelRef, Entry]]:
        return self._entries.items()

    def views(self, candidates: Sequence[Candidate]) -> list[View]:
        """What is known of them now, in their order."""
        now = self.clock()
        return [self._view(candidate, now) for candidate in candidates]

    def _view(self, candidate: Candidate, now: float) -> View:
        entry = self._entries.get(candidate.target)
        if entry is None:
            return View(candidate)
        breaker = entry.breaker
        if breaker.circuit is Circuit.OPEN and now >= breaker.open_until:
            breaker = self._step(candidate.target, entry, circuit.at(breaker, now))
        stats = entry.stats
        first, token = stats.first_token_s, stats.token_s
        return View(
            candidate,
            statistics.quality(stats, now),
            statistics.PRIOR_FIRST_TOKEN_S if first is None else first,
            statistics.PRIOR_TOKEN_S if token is None else token,
            entry.in_flight,
            entry.limit.value,
            breaker.circuit,
            breaker.trip,
            breaker.open_until,
            breaker.trial,
            1.0 if breaker.closed_at is None else circuit.ramp(breaker, now),
            entry.quota.until,
            entry.quota.reason,
            entry.floor_s,
            now - entry.known_at < _KNOWN_FOR_S,
        )

    def health(self) -> list[CandidateHealth]:
        """Of those that were asked of late or may not be asked now. Changes nothing."""
        now = self.clock()
        return [
            _health(target, entry, now)
            for target, entry in self._entries.items()
            if now - entry.known_at < _KNOWN_FOR_S
            or entry.in_flight
            or entry.breaker.circuit is not Circuit.CLOSED
            or entry.quota.until > now
        ]

    def has_room(self, target: ModelRef) -> bool:
        """Whether one more attempt is within what the candidate bears."""
        entry = self._entries.get(target)
        return entry is None or entry.in_flight + entry.reserved < entry.limit.value

    def reserve(self, target: ModelRef) -> None:
        """Promises a place, until `began` with `reserved`, or `unreserve`."""
        self.entry(target).reserved += 1

    def unreserve(self, target: ModelRef) -> None:
        self.entry(target).reserved -= 1
        self._free(target)

    def began(self, target: ModelRef, *, reserved: bool = False) -> None:
        """An attempt starts. Pair it with `ended`."""
        entry = self.entry(target)
        entry.reserved -= reserved
        self._entries.move_to_end(target)
        entry.in_flight += 1
        entry.attempt_count += 1
        if entry.breaker.circuit is Circuit.HALF_OPEN:
            self._step(target, entry, circuit.asked(entry.breaker))

    def ended(self, target: ModelRef, how: Ended) -> None:
        """The attempt is over, whichever way."""
        entry = self.entry(target)
        now = self.clock()
        in_flight, entry.in_flight = entry.in_flight, entry.in_flight - 1
        if how.failure is not None:
            if is_pushback(how.failure):
                entry.limit = limits.pushed_back(entry.limit, now, in_flight)
            self._failed(target, entry, how, how.failure, now)
        elif how.left:
            self._left(target, entry, how, now)
        else:
            self._answered(target, entry, how, now, in_flight)
        if entry.limit.value != limits.UNLIMITED:
            self._free(target)

    def open_circuit(self, target: ModelRef, trip: Trip) -> None:
        """Opens a circuit on word from elsewhere."""
        entry = self.entry(target)
        if entry.breaker.circuit is Circuit.CLOSED:
            opened = circuit.opened(entry.breaker, self.clock(), self.draw(), trip)
            self._step(target, entry, opened)

    def _answered(
        self, target: ModelRef, entry: Entry, how: Ended, now: float, in_flight: int
    ) -> None:
        if how.evidence is Evidence.NONE:
            self._step(target, entry, circuit.abandoned(entry.breaker))
            return
        entry.known_at = now
        entry.stats = statistics.observe(entry.stats, now, success=True)
        self._step(target, entry, circuit.succeeded(entry.breaker, now))
        entry.quota = quotas.answered(entry.quota)
        entry.limit = limits.answered(entry.limit, now, in_flight)
        if how.evidence is Evidence.LIFE:
            return
        entry.durations.append((now, how.duration_s))
        if how.first_token_s is None:
            entry.stats = statistics.observe_whole(
                entry.stats, now, how.duration_s, how.output_tokens
            )
            return
        token_s = how.spoken_s / (how.output_tokens - 1) if how.output_tokens > 1 else None
        entry.stats = statistics.observe_latency(entry.stats, now, how.first_token_s, token_s)
        self._sample_first_token(entry, now, how.first_token_s)

    def _failed(
        self,
        target: ModelRef,
        entry: Entry,
        how: Ended,
        failure: ProviderFailure,
        now: float,
    ) -> None:
        whose = blame(failure)
        if whose is not Blame.NOBODY:
            entry.known_at = now
            entry.error_reason, entry.error_at = failure.reason, now
        if failure.retry_after_s is not None or whose is Blame.QUOTA:
            entry.quota = quotas.refused(
                entry.quota, now, failure.reason, failure.retry_after_s, self.draw()
            )
        match whose:
            case Blame.PROVIDER:
                entry.stats = statistics.observe(entry.stats, now, success=False)
                self._step(target, entry, circuit.faulted(entry.breaker, now, self.draw()))
                if failure.reason is ErrorReason.PROVIDER_TIMEOUT and how.first_token_s is None:
                    # It would have taken at least so long.
                    entry.stats = statistics.observe_latency(entry.stats, now, how.duration_s)
            case Blame.CALLER:
                # It was understood and answered: the provider is alive.
                self._step(target, entry, circuit.succeeded(entry.breaker, now))
            case Blame.QUOTA | Blame.NOBODY:
                self._step(target, entry, circuit.abandoned(entry.breaker))

    def _left(self, target: ModelRef, entry: Entry, how: Ended, now: float) -> None:
        self._step(target, entry, circuit.abandoned(entry.breaker))
        known = entry.stats.first_token_s
        if how.first_token_s is None and known is not None and how.duration_s > known:
            # Still silent when the caller left: it is slower than was thought.
            entry.stats = statistics.observe_latency(entry.stats, now, how.duration_s)

    def _sample_first_token(self, entry: Entry, now: float, first_token_s: float) -> None:
        samples = entry.first_tokens
        samples.append((now, first_token_s))
        while samples and samples[0][0] < now - SAMPLES_TTL_S:
            samples.popleft()
        values = [value for _, value in samples]
        entry.first_token_p95_s = statistics.quantile(values, 0.95)
        entry.floor_s = min(values) if len(values) >= _FLOOR_SAMPLES_MIN else 0.0

    def _step(self, target: ModelRef, entry: Entry, breaker: Breaker) -> Breaker:
        before, entry.breaker = entry.breaker, breaker
        if before.circuit is not breaker.circuit:
            for changed in self.changed:
                changed(target)
        return breaker

    def _free(self, target: ModelRef) -> None:
        for freed in self.freed:
            freed(target)

    def _forget(self) -> None:
        for target, entry in self._entries.items():
            if not entry.in_flight and not entry.reserved:
                del self._entries[target]
                return


def _health(target: ModelRef, entry: Entry, now: float) -> CandidateHealth:
    stats, breaker = entry.stats, circuit.at(entry.breaker, now)
    first, token = stats.first_token_s, stats.token_s
    successes, faults = statistics.faded(stats, now)
    since = now - SAMPLES_TTL_S
    view = View(
        Candidate(target, target.model),
        statistics.quality(stats, now),
        statistics.PRIOR_FIRST_TOKEN_S if first is None else first,
        statistics.PRIOR_TOKEN_S if token is None else token,
        entry.in_flight,
        entry.limit.value,
        breaker.circuit,
        breaker.trip,
        breaker.open_until,
        quota_until=entry.quota.until,
        quota_reason=entry.quota.reason,
        known=now - entry.known_at < _KNOWN_FOR_S,
    )
    return CandidateHealth(
        view,
        successes,
        faults,
        breaker.in_a_row,
        [value for at, value in entry.durations if at >= since],
        [value for at, value in entry.first_tokens if at >= since],
        entry.first_token_p95_s,
        entry.known_at,
        entry.error_reason,
        entry.error_at,
    )
