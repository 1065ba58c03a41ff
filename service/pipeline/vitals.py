"""How every candidate does, read off the scoreboard for reports on health. Changes nothing there.

Costs no attempt anything: what is made here is made when it is asked for, and again only after
something has happened. What merely fades is as of up to a second ago.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import NamedTuple

from service.domain import breaker as circuit
from service.domain import hearsay
from service.domain import stats as statistics
from service.domain.breaker import Circuit
from service.domain.candidate import Candidate
from service.domain.health import CandidateHealth
from service.domain.provider import ModelRef
from service.domain.scoring import View
from service.pipeline.entry import KNOWN_FOR_S, SAMPLES_TTL_S, Entry
from service.pipeline.scoreboard import Scoreboard

FADES_FOR_S = 1.0
"""A success weighs 1 % less after so long: until then what was read is as good as new."""


class _Samples(NamedTuple):
    """Of one candidate after so many attempts, as good as new until `until`. Sorted."""

    entry: Entry
    candidate: Candidate
    ended_count: int
    until: float
    durations: Sequence[float]
    first_tokens: Sequence[float]


class Vitals:
    def __init__(self, board: Scoreboard) -> None:
        self._board = board
        self._samples: dict[ModelRef, _Samples] = {}
        self._marks: list[tuple[object, ...]] = []
        self._told: Sequence[CandidateHealth] = ()
        self._until = -inf

    def __repr__(self) -> str:
        return f"<Vitals of {len(self._samples)} candidates>"

    def read(self) -> Sequence[CandidateHealth]:
        """Of those that were heard of lately, or may not be asked now.

        The very same as the last time if nothing has happened since.
        """
        now = self._board.clock()
        marks = [_mark(entry) for _, entry in self._board.known()]
        if now >= self._until or marks != self._marks:
            self._told = told = self._read(now)
            self._marks = marks
            ends = [end for one in told for end in _ends(one.view) if end > now]
            self._until = min((now + FADES_FOR_S, *ends))
        return self._told

    def _read(self, now: float) -> list[CandidateHealth]:
        before, self._samples = self._samples, {}
        told: list[CandidateHealth] = []
        for target, entry in self._board.known():
            known = _known(entry, now)
            if known or _is_held_back(entry, now):
                samples = _sampled(before.get(target), target, entry, now)
                self._samples[target] = samples
                told.append(_health(samples, entry, now, known=known))
        return told


def _mark(entry: Entry) -> tuple[object, ...]:
    """Another as soon as an attempt has begun or ended, or peers have told something."""
    return entry, entry.attempt_count, entry.in_flight, entry.breaker, entry.quota, entry.heard


def _ends(view: View) -> tuple[float, float]:
    return view.circuit_until, view.quota_until


def _known(entry: Entry, now: float) -> bool:
    heard = entry.heard
    return now - entry.known_at < KNOWN_FOR_S or (heard is not None and now < heard.until)


def _is_held_back(entry: Entry, now: float) -> bool:
    shut = entry.breaker.circuit is not Circuit.CLOSED
    return shut or entry.in_flight > 0 or entry.quota.until > now


def _sampled(known: _Samples | None, target: ModelRef, entry: Entry, now: float) -> _Samples:
    ended_count = entry.attempt_count - entry.in_flight
    if known is not None and known.entry is not entry:
        known = None
    if known is not None and known.ended_count == ended_count and now < known.until:
        return known
    since = now - SAMPLES_TTL_S
    durations = [sample for sample in entry.durations if sample[0] >= since]
    first_tokens = [sample for sample in entry.first_tokens if sample[0] >= since]
    oldest = min((samples[0][0] for samples in (durations, first_tokens) if samples), default=now)
    return _Samples(
        entry,
        Candidate(target, target.model) if known is None else known.candidate,
        ended_count,
        oldest + SAMPLES_TTL_S,
        sorted(value for _, value in durations),
        sorted(value for _, value in first_tokens),
    )


def _health(samples: _Samples, entry: Entry, now: float, *, known: bool) -> CandidateHealth:
    stats, quota = entry.stats, entry.quota
    # As it stands now, though nobody has asked since: the board's own waits for a plan.
    breaker = circuit.at(entry.breaker, now)
    first, token = stats.first_token_s, stats.token_s
    if entry.heard is None:
        quality = statistics.quality(stats, now)
    else:
        quality, first, token, quota = hearsay.together(stats, quota, entry.heard, now)
    successes, faults = statistics.faded(stats, now)
    return CandidateHealth(
        View(
            samples.candidate,
            quality,
            statistics.PRIOR_FIRST_TOKEN_S if first is None else first,
            statistics.PRIOR_TOKEN_S if token is None else token,
            entry.in_flight,
            entry.limit.value,
            breaker.circuit,
            breaker.trip,
            breaker.open_until,
            quota_until=quota.until,
            quota_reason=quota.reason,
            known=known,
        ),
        successes,
        faults,
        samples.durations,
        samples.first_tokens,
        entry.first_token_p95_s,
        entry.answered_at,
        entry.error_reason,
        entry.error_at,
    )
