"""What replicas tell each other of candidates, and who of them is alive. Pure.

A replica tells only what it saw itself. What it heard decides what it does, never what it says: so
nothing comes back to where it began, however often it goes round.

No clock is shared: all times in a word are spans, and each reader counts them from when it first
saw the word. A word is believed for `STALE_S` from then, if it was seen within `SEEN_WITHIN_S`:
none is believed for longer than `BOUND_S` after it was told, and usually for an interval, a read
and `STALE_S` at most. The order of what two replicas saw within a second of each other is not
known. What is believed of all this: `hearsay.py`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from service.domain import breaker as circuit
from service.domain.breaker import Breaker, Circuit, Trip
from service.domain.provider import ModelRef
from service.domain.quota import Quota
from service.domain.reasons import ErrorReason
from service.domain.stats import Stats, faded, quantile

INTERVAL_S = 1.0
"""How often each replica tells, and looks."""
SEEN_WITHIN_S = 2.0 * INTERVAL_S
"""A number that moved since a look longer ago may have moved at any time since: it tells nothing.
"""
STALE_S = 5.0
"""A peer whose number has not moved for so long is dead, or cut off."""
GONE_S = 60.0
"""After so long it does not come back."""
BOUND_S = SEEN_WITHIN_S + STALE_S
QUORUM = 2
"""So many peers who opened a circuit are believed; half of those alive, if they are fewer."""
LATENCY_S = 60.0
"""An estimate is worth telling for so long after its last sample."""
TOLD_COUNT_MIN = 0.05
"""What has faded below this is not told."""
BELIEFS_MAX = 512
_TRIPS = frozenset({Trip.IN_A_ROW, Trip.SHARE})


@dataclass(frozen=True, slots=True)
class Word:
    """What one replica saw of one candidate, at the moment of telling. Spans are seconds.

    `open_s` is what is left of an opening, `turned_s` how long ago the replica's own evidence
    opened the circuit, or closed it after a trial; None if neither, or long ago.
    """

    target: ModelRef
    successes: float = 0.0
    faults: float = 0.0
    first_token_s: float | None = None
    token_s: float | None = None
    circuit: Circuit = Circuit.CLOSED
    trip: Trip | None = None
    open_s: float = 0.0
    turned_s: float | None = None
    quota_s: float = 0.0
    quota_reason: ErrorReason | None = None


class Own(Protocol):
    """What one saw oneself of a candidate.

    `turned_at` is when one's own evidence last opened or closed the circuit, `answered_at` when it
    last answered; both minus infinity if never.
    """

    stats: Stats
    breaker: Breaker
    quota: Quota
    turned_at: float
    answered_at: float


@dataclass(frozen=True, slots=True)
class Peer:
    """Another replica: its last number, when that was first seen, what was told with it.

    `looked_at` is when it was last looked for and found. Not `alive` until its number has moved.
    """

    number: int
    seen_at: float
    looked_at: float
    words: tuple[Word, ...] = ()
    moved: bool = False

    def alive(self, now: float) -> bool:
        return self.moved and now - self.seen_at < STALE_S

    def gone(self, now: float) -> bool:
        return now - self.seen_at >= GONE_S


@dataclass(frozen=True, slots=True)
class Belief:
    """What live peers say of one candidate together.

    All of it holds until `until`, when the first of those who told falls silent. Within so short a
    time counts need no fading. `openings` are (when, until), in order; `quorum` of them are enough.
    `recovered_at` is when the last trial of a peer was answered.
    """

    until: float
    successes: float = 0.0
    faults: float = 0.0
    first_token_s: float | None = None
    token_s: float | None = None
    quota_until: float = 0.0
    quota_reason: ErrorReason | None = None
    openings: tuple[tuple[float, float], ...] = ()
    quorum: int = QUORUM
    recovered_at: float = -math.inf


def word(target: ModelRef, own: Own, now: float, latency_s: float = LATENCY_S) -> Word | None:
    """What to tell of a candidate, None if there is nothing. What peers opened is not told.

    An estimate of a latency is told for `latency_s` after its last sample.
    """
    stats, quota = own.stats, own.quota
    successes, faults = faded(stats, now)
    breaker = circuit.at(own.breaker, now)
    turned_s: float | None = now - own.turned_at
    if breaker.trip is Trip.PEER:
        breaker, turned_s = Breaker(), None
    is_open = breaker.circuit is Circuit.OPEN
    if breaker.circuit is Circuit.HALF_OPEN or (not is_open and own.turned_at < now - GONE_S):
        turned_s = None
    told = Word(
        target,
        successes,
        faults,
        stats.first_token_s if now - stats.first_token_at < latency_s else None,
        stats.token_s if now - stats.token_at < latency_s else None,
        breaker.circuit,
        breaker.trip if is_open else None,
        breaker.open_until - now if is_open else 0.0,
        turned_s,
        max(0.0, quota.until - now),
        quota.reason if quota.until > now else None,
    )
    quiet = successes + faults < TOLD_COUNT_MIN and turned_s is None and not told.quota_s
    return None if quiet else told


def seen(known: Peer | None, number: int, words: tuple[Word, ...], now: float) -> Peer:
    """A peer after a look at it. An old number changes nothing, whatever is told with it.

    Whoever is met, or was not looked for in a while, may have been dead for long: it is believed
    when its number moves again.
    """
    if known is None:
        return Peer(number, now, now)
    if number > known.number and now - known.looked_at <= SEEN_WITHIN_S:
        return Peer(number, now, now, words, moved=True)
    return replace(known, number=max(number, known.number), looked_at=now)


def believed(peers: Iterable[Peer], now: float) -> Mapping[ModelRef, Belief]:
    """What those who are alive say, by candidate: those that most of them know, if too many.

    Whoever would fall silent before the next look is left out already.
    """
    alive = [peer for peer in peers if peer.alive(now + INTERVAL_S)]
    told: dict[ModelRef, list[tuple[float, Word]]] = {}
    for peer in alive:
        for one in peer.words:
            told.setdefault(one.target, []).append((peer.seen_at, one))
    if len(told) > BELIEFS_MAX:
        known_best = sorted(told.items(), key=lambda item: (-len(item[1]), str(item[0])))
        told = dict(known_best[:BELIEFS_MAX])
    quorum = min(QUORUM, math.ceil(len(alive) / 2))
    return {target: _belief(words, quorum) for target, words in told.items()}


def _belief(words: list[tuple[float, Word]], quorum: int) -> Belief:
    successes: list[float] = []
    faults: list[float] = []
    firsts: list[float] = []
    tokens: list[float] = []
    quotas: list[tuple[float, ErrorReason]] = []
    openings: list[tuple[float, float]] = []
    recovered_at = -math.inf
    for seen_at, one in words:
        successes.append(one.successes)
        faults.append(one.faults)
        if one.first_token_s is not None:
            firsts.append(one.first_token_s)
        if one.token_s is not None:
            tokens.append(one.token_s)
        if one.quota_reason is not None:
            quotas.append((seen_at + one.quota_s, one.quota_reason))
        if one.turned_s is None:
            continue
        if one.circuit is Circuit.CLOSED:
            recovered_at = max(recovered_at, seen_at - one.turned_s)
        elif one.circuit is Circuit.OPEN and one.trip in _TRIPS:
            openings.append((seen_at - one.turned_s, seen_at + one.open_s))
    until, reason = max(quotas, key=_by_time_and_name, default=(0.0, None))
    return Belief(
        min(seen_at for seen_at, _ in words) + STALE_S,
        # In exact sums no order of peers makes a difference.
        math.fsum(successes),
        math.fsum(faults),
        # The middle one is no outlier.
        quantile(firsts, 0.5),
        quantile(tokens, 0.5),
        until,
        reason,
        tuple(sorted(openings)),
        quorum,
        recovered_at,
    )


def _by_time_and_name(quota: tuple[float, ErrorReason]) -> tuple[float, str]:
    until, reason = quota
    return until, reason.value
