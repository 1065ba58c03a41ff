"""How every candidate does: the only mutable state of routing. Decides nothing.

Each attempt is reported here once, when it begins and when it ends; a snapshot of frozen views is
what plans are made from. How the numbers move stands in `domain`: stats, breaker, quota, limit, and
for what other replicas tell, peers and hearsay.
"""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import islice
from math import inf
from random import Random
from typing import NamedTuple

from service.domain import breaker as circuit
from service.domain import hearsay, peers
from service.domain import limit as limits
from service.domain import quota as quotas
from service.domain import stats as statistics
from service.domain.breaker import Breaker, Circuit, Trip
from service.domain.candidate import Candidate
from service.domain.errors import ProviderFailure
from service.domain.failover import Blame, blame, is_pushback
from service.domain.hearsay import Heard
from service.domain.limit import Limit
from service.domain.peers import Belief, Word
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
_FORGOTTEN_OF = 64
_TOLD_OF_MAX = 1024
"""Of so many that were asked last, those are told of who are worth a word."""
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


class Evidence(Enum):
    """What an answer tells of its provider."""

    FULL = "full"
    LIFE = "life"
    """That it answers, but not how fast it completes: tokens were counted, or texts embedded."""
    NONE = "none"
    """It was not asked."""


class Start(NamedTuple):
    """How an attempt began: as which of the candidate, and whether to find out if it is back."""

    number: int = 0
    trial: bool = False


NOT_TOLD = Start()


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
    start: Start = NOT_TOLD
    """As `began` gave it."""


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
        self._heard_of: set[ModelRef] = set()

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
            if len(self._entries) >= ENTRIES_MAX:
                self._forget()
            entry = self._entries[target] = Entry()
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
        stats, quota, heard = entry.stats, entry.quota, entry.heard
        known = now - entry.known_at < KNOWN_FOR_S
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
            entry.in_flight,
            entry.limit.value,
            breaker.circuit,
            breaker.trip,
            breaker.open_until,
            breaker.trial,
            1.0 if breaker.closed_at is None else circuit.ramp(breaker, now),
            quota.until,
            quota.reason,
            entry.floor_s if now < entry.floor_until else 0.0,
            known,
        )

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

    def began(self, target: ModelRef, *, reserved: bool = False) -> Start:
        """An attempt starts. Pair it with `ended`, and tell that what this gives."""
        entry = self.entry(target)
        entry.reserved -= reserved
        self._entries.move_to_end(target)
        entry.in_flight += 1
        entry.attempt_count += 1
        breaker = entry.breaker
        if breaker.circuit is not Circuit.HALF_OPEN or breaker.trial:
            return Start(entry.attempt_count)
        self._step(target, entry, circuit.asked(breaker))
        return Start(entry.attempt_count, trial=True)

    def ended(self, target: ModelRef, how: Ended) -> None:
        """The attempt is over, whichever way."""
        entry = self.entry(target)
        now = self.clock()
        in_flight, entry.in_flight = entry.in_flight, entry.in_flight - 1
        limited = entry.limit.value != limits.UNLIMITED
        if how.failure is not None:
            if is_pushback(how.failure):
                entry.limit = limits.pushed_back(entry.limit, now, in_flight)
            self._failed(target, entry, how, how.failure, now)
        elif how.left:
            self._left(target, entry, how, now)
        else:
            self._answered(target, entry, how, now, in_flight)
        if limited:
            self._free(target)

    def open_circuit(self, target: ModelRef, trip: Trip, until: float | None = None) -> None:
        """Opens a closed circuit on word from elsewhere.

        With `until` it is open till then, and does not count as one of the openings in a row.
        """
        entry = self.entry(target)
        breaker = entry.breaker
        if breaker.circuit is not Circuit.CLOSED:
            return
        if until is None:
            opened = circuit.opened(breaker, self.clock(), self.draw(), trip)
        else:
            opened = breaker._replace(circuit=Circuit.OPEN, in_a_row=0, trip=trip, open_until=until)
        self._step(target, entry, opened)

    def words(self) -> Iterator[Word]:
        """What to tell other replicas, those first that were asked last."""
        now = self.clock()
        for target, entry in islice(reversed(self._entries.items()), _TOLD_OF_MAX):
            word = peers.word(target, entry, now)
            if word is not None:
                yield word

    def hear(self, beliefs: Mapping[ModelRef, Belief]) -> None:
        """Takes in what is believed of other replicas' words, in place of what was before.

        Who was never asked here is known for as long as it is heard of, if there is room.
        """
        now = self.clock()
        for target in self._heard_of - beliefs.keys():
            entry = self._entries.get(target)
            if entry is None:
                continue
            entry.heard = None
            asked = entry.attempt_count or entry.reserved
            if not asked and entry.breaker.circuit is Circuit.CLOSED:
                del self._entries[target]
        self._heard_of = set(beliefs)
        for target, belief in beliefs.items():
            entry = self._entries.get(target)
            if entry is None:
                if len(self._entries) >= ENTRIES_MAX:
                    continue
                entry = self._entries[target] = Entry()
                # The first to be forgotten.
                self._entries.move_to_end(target, last=False)
            entry.heard = hearsay.heard(belief, entry, now)
            self._heed(target, entry, belief, now)

    def _heed(self, target: ModelRef, entry: Entry, belief: Belief, now: float) -> None:
        breaker = entry.breaker
        until = hearsay.opened_until(belief, entry, now)
        if breaker.circuit is Circuit.CLOSED:
            if until is not None:
                self.open_circuit(target, Trip.PEER, until)
        elif breaker.trip is not Trip.PEER or breaker.trial:
            # One's own opening ends by one's own trial.
            return
        elif until is not None:
            entry.breaker = breaker._replace(open_until=until)
        elif belief.recovered_at > entry.turned_at:
            self._step(target, entry, Breaker(openings=breaker.openings, closed_at=now))
            entry.turned_at = -inf
        else:
            self._step(target, entry, circuit.at(breaker._replace(open_until=now), now))

    def _answered(
        self, target: ModelRef, entry: Entry, how: Ended, now: float, in_flight: int
    ) -> None:
        if how.evidence is Evidence.NONE:
            self._abandon(target, entry, how)
            return
        entry.known_at = entry.answered_at = now
        entry.stats = statistics.observe(entry.stats, now, success=True)
        self._succeed(target, entry, how, now)
        entry.quota = quotas.answered(entry.quota, now)
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
                if how.start.trial or entry.breaker.circuit is not Circuit.HALF_OPEN:
                    faulted = circuit.faulted(
                        entry.breaker, now, self.draw(), how.start.number, entry.in_flight
                    )
                    self._step(target, entry, faulted)
                if failure.reason is ErrorReason.PROVIDER_TIMEOUT and how.first_token_s is None:
                    entry.stats = statistics.observe_silence(entry.stats, now, how.duration_s)
            case Blame.CALLER | Blame.QUOTA | Blame.NOBODY:
                # A refused request says nothing of how one that is not would have fared.
                self._abandon(target, entry, how)

    def _succeed(self, target: ModelRef, entry: Entry, how: Ended, now: float) -> None:
        # One that began before the opening tells how things were: the trial tells how they are.
        if how.start.trial or entry.breaker.circuit is not Circuit.HALF_OPEN:
            self._step(target, entry, circuit.succeeded(entry.breaker, now, how.start.number))

    def _abandon(self, target: ModelRef, entry: Entry, how: Ended) -> None:
        if how.start.trial:
            self._step(target, entry, circuit.abandoned(entry.breaker))

    def _left(self, target: ModelRef, entry: Entry, how: Ended, now: float) -> None:
        self._abandon(target, entry, how)
        if how.first_token_s is None and entry.stats.first_token_s is not None:
            entry.stats = statistics.observe_silence(entry.stats, now, how.duration_s)

    def _sample_first_token(self, entry: Entry, now: float, first_token_s: float) -> None:
        samples = entry.first_tokens
        samples.append((now, first_token_s))
        while samples and samples[0][0] < now - SAMPLES_TTL_S:
            samples.popleft()
        values = [value for _, value in samples]
        entry.first_token_p95_s = statistics.quantile(values, 0.95)
        if len(values) >= _FLOOR_SAMPLES_MIN:
            entry.floor_s = min(values)
            entry.floor_until = samples[-_FLOOR_SAMPLES_MIN][0] + SAMPLES_TTL_S

    def _step(self, target: ModelRef, entry: Entry, breaker: Breaker) -> Breaker:
        if entry.breaker.circuit is breaker.circuit:
            entry.breaker = breaker
            return breaker
        entry.breaker = breaker
        if breaker.circuit is not Circuit.HALF_OPEN:
            entry.turned_at = self.clock()
        for changed in self.changed:
            changed(target)
        return breaker

    def _free(self, target: ModelRef) -> None:
        for freed in self.freed:
            freed(target)

    def _forget(self) -> None:
        idle = (
            (target, entry)
            for target, entry in self._entries.items()
            if not entry.in_flight and not entry.reserved
        )
        oldest = list(islice(idle, _FORGOTTEN_OF))
        if not oldest:
            return
        # Rather one of whom nothing bad is known: made-up names must not flush an open circuit.
        now = self.clock()
        plain = (target for target, entry in oldest if _is_plain(entry, now))
        del self._entries[next(plain, oldest[0][0])]


def _is_plain(entry: Entry, now: float) -> bool:
    return entry.breaker.circuit is Circuit.CLOSED and entry.quota.until <= now
