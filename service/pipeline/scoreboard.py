"""How every candidate does: the only mutable state of routing. Decides nothing.

Each attempt is reported here once, when it begins and when it ends; a snapshot of frozen views is
what plans are made from. How the numbers move stands in `domain`: stats, breaker, quota, limit, and
for what other replicas tell, peers and hearsay.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from math import inf
from random import Random

from service.domain import breaker as circuit
from service.domain import hearsay, peers
from service.domain import limit as limits
from service.domain import quota as quotas
from service.domain import stats as statistics
from service.domain.breaker import Breaker, Circuit, Trip
from service.domain.candidate import Candidate
from service.domain.errors import ProviderFailure
from service.domain.failover import Blame, blame, is_pushback
from service.domain.peers import Belief, Word
from service.domain.provider import ModelRef
from service.domain.reasons import ErrorReason
from service.domain.scoring import View
from service.pipeline.ended import Ended, Evidence, Start
from service.pipeline.entry import Entry

ENTRIES_MAX = 4096
"""Callers may name any model of a provider that lists none: what is not used is forgotten."""
_FORGOTTEN_OF = 64
_TOLD_OF_MAX = 1024
"""Of so many that were asked last, those are told of who are worth a word."""


Changed = Callable[[ModelRef], None]


class Scoreboard:
    """`clock` gives seconds, monotonic.

    `changed` is told of every circuit that changes, `freed` of every candidate that may have room.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, rng: Random | None = None
    ) -> None:
        self.clock = clock
        self.latency_s = peers.LATENCY_S
        """For so long after its last sample an estimate of a latency counts among replicas."""
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
            self._step(candidate.target, entry, circuit.at(breaker, now))
        return entry.view(candidate, now)

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

    def spoke(self, target: ModelRef, start: Start) -> Start:
        """The attempt has begun to answer. A trial has told what it was for, and is none now."""
        entry = self.entry(target)
        if start.trial and entry.breaker.circuit is Circuit.HALF_OPEN:
            self._step(target, entry, circuit.succeeded(entry.breaker, self.clock(), start.number))
        return start._replace(trial=False)

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
            word = peers.word(target, entry, now, self.latency_s)
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
            entry.heard = hearsay.heard(belief, entry, now, self.latency_s)
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
        entry.sample_first_token(now, how.first_token_s)

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
                        entry.breaker, now, self.draw(), how.start.number, entry.attempt_count
                    )
                    self._step(target, entry, faulted)
                if failure.reason is ErrorReason.PROVIDER_TIMEOUT and how.silent:
                    entry.stats = statistics.observe_silence(entry.stats, now, how.duration_s)
            case Blame.CALLER | Blame.QUOTA | Blame.NOBODY:
                # A refused request says nothing of how one that is not would have fared.
                self._abandon(target, entry, how)

    def _succeed(self, target: ModelRef, entry: Entry, how: Ended, now: float) -> None:
        # One that began before the opening tells how things were: the trial tells how they are.
        if how.start.trial or entry.breaker.circuit is not Circuit.HALF_OPEN:
            succeeded = circuit.succeeded(entry.breaker, now, how.start.number, entry.attempt_count)
            self._step(target, entry, succeeded)

    def _abandon(self, target: ModelRef, entry: Entry, how: Ended) -> None:
        if how.start.trial:
            self._step(target, entry, circuit.abandoned(entry.breaker))

    def _left(self, target: ModelRef, entry: Entry, how: Ended, now: float) -> None:
        self._abandon(target, entry, how)
        if how.silent and entry.stats.first_token_s is not None:
            entry.stats = statistics.observe_silence(entry.stats, now, how.duration_s)

    def _step(self, target: ModelRef, entry: Entry, breaker: Breaker) -> None:
        if entry.breaker.circuit is breaker.circuit:
            entry.breaker = breaker
            return
        entry.breaker = breaker
        if breaker.circuit is not Circuit.HALF_OPEN:
            entry.turned_at = self.clock()
        for changed in self.changed:
            changed(target)

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
        plain = (target for target, entry in oldest if entry.is_plain(now))
        del self._entries[next(plain, oldest[0][0])]
