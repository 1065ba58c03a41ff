"""What is believed of peers' words, beside what one knows oneself."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.breaker import Breaker, Circuit
from service.domain.hearsay import (
    OWN_ANSWER_S,
    PEER_WEIGHT,
    PEERS_COUNT_MAX,
    Heard,
    heard,
    opened_until,
    together,
)
from service.domain.peers import LATENCY_S, Belief
from service.domain.quota import Quota
from service.domain.reasons import ErrorReason
from service.domain.stats import Stats, quality
from tests.unit.domain.own import Seen

NOW = 100.0
RATE = ErrorReason.PROVIDER_RATE_LIMITED
SPENT = ErrorReason.PROVIDER_QUOTA_EXHAUSTED
counts = st.floats(0, 1e5)


def quality_of(own: Stats, belief: Belief) -> float:
    return together(own, Quota(), heard(belief, Seen(own), NOW), NOW)[0]


def told(successes: float = 0.0, faults: float = 0.0) -> Belief:
    return Belief(NOW + 4.0, successes, faults)


@given(own=st.tuples(counts, counts), theirs=st.tuples(counts, counts))
def test_peers_are_bounded(own: tuple[float, float], theirs: tuple[float, float]) -> None:
    """All peers together weigh half of what they saw, and fill up what one has not seen oneself."""
    found = heard(told(*theirs), Seen(Stats(NOW, *own)), NOW)
    weight = found.successes + found.faults

    assert weight <= PEER_WEIGHT * sum(theirs) + 1e-6
    assert weight <= max(0.0, PEERS_COUNT_MAX - sum(own)) + 1e-6


@given(successes=counts)
def test_fifty_replicas_cannot_drown_ten_faults(successes: float) -> None:
    """One's own recent faults stand, whatever others say."""
    own = Stats(NOW, 0.0, PEERS_COUNT_MAX)

    assert quality(own, NOW) == quality_of(own, told(50 * successes))


@given(own=st.tuples(counts, counts), faults=counts, more=counts)
def test_more_faults_never_look_better(
    own: tuple[float, float], faults: float, more: float
) -> None:
    """The quality falls with what peers have to complain of, and never leaves 0 to 1."""
    stats = Stats(NOW, *own)
    few, many = (quality_of(stats, told(0.0, count)) for count in (faults, faults + more))

    assert 0.0 < many <= few + 1e-12 < 1.0


def test_a_stranger_is_judged_by_peers() -> None:
    """Who was never asked here is known by the word of others: four faults count as two."""
    alone, warned = quality(Stats(), NOW), quality_of(Stats(), told(faults=4.0))

    assert (0.9, pytest.approx(9 / 12)) == (alone, warned)


@pytest.mark.parametrize(
    ("own", "theirs", "expected"),
    [
        (Quota(), (130.0, RATE), (130.0, RATE)),
        (Quota(120.0, 1, SPENT), (130.0, RATE), (130.0, RATE)),
        (Quota(140.0, 1, SPENT), (130.0, RATE), (140.0, SPENT)),
    ],
)
def test_the_longest_quota_holds(
    own: Quota, theirs: tuple[float, ErrorReason], expected: tuple[float, ErrorReason]
) -> None:
    """A cooldown is taken over as it is, and one's own longer one stays."""
    peers = Heard(NOW + 4.0, quota_until=theirs[0], quota_reason=theirs[1])
    quota = together(Stats(), own, peers, NOW)[3]

    assert expected == (quota.until, quota.reason)


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        (Stats(), (0.7, 0.02)),
        (Stats(first_token_at=NOW - 1, first_token_s=0.1), (0.1, 0.02)),
        (Stats(0.0, 0.0, 0.0, NOW - 1, 0.1, NOW - 1, 0.01), (0.1, 0.01)),
        (Stats(0.0, 0.0, 0.0, NOW - LATENCY_S, 0.1, NOW - 1, 0.01), (0.7, 0.01)),
        (Stats(0.0, 0.0, 0.0, NOW - LATENCY_S, 0.1, NOW - LATENCY_S, 0.01), (0.7, 0.02)),
    ],
    ids=["stranger", "half known", "known", "half long ago", "long ago"],
)
def test_ones_own_latency_is_preferred(own: Stats, expected: tuple[float, float]) -> None:
    """Peers' estimates serve where one has none of one's own of late."""
    belief = Belief(NOW + 4.0, first_token_s=0.7, token_s=0.02)
    _, first, token, _ = together(own, Quota(), heard(belief, Seen(own), NOW), NOW)

    assert expected == (first, token)


def test_what_was_heard_runs_out() -> None:
    """When the tellers have fallen silent one is alone with one's own."""
    own = Stats(NOW, 1.0, 1.0, NOW, 0.3, NOW, 0.01)
    peers = Heard(NOW + 4.0, 0.0, 5.0, 0.9, 0.9, NOW + 60.0, RATE)
    later = NOW + 4.0

    assert (quality(own, later), 0.3, 0.01, Quota()) == together(own, Quota(), peers, later)


TWO = ((95.0, 103.0), (97.0, 108.0))
"""Openings, one that ends at 103 and one that ends at 108."""


@pytest.mark.parametrize(
    ("openings", "quorum", "until"),
    [
        (TWO, 2, 103.0),
        (TWO, 1, 107.0),
        (TWO[:1], 2, None),
        (TWO[:1], 1, 103.0),
        (((90.0, 99.0), TWO[0]), 2, None),
        ((), 1, None),
    ],
)
def test_openings_are_believed_while_enough_last(
    openings: tuple[tuple[float, float], ...], quorum: int, until: float | None
) -> None:
    """Until as many as are needed are open, and no longer than the tellers are heard."""
    belief = Belief(107.0, openings=openings, quorum=quorum)

    assert until == opened_until(belief, Seen(), NOW)


@pytest.mark.parametrize(
    ("own", "recovered_at", "believed"),
    [
        (Seen(answered_at=96.0), -math.inf, False),
        (Seen(answered_at=94.0), -math.inf, True),
        (Seen(answered_at=99.9), -math.inf, False),
        (Seen(), 96.0, False),
        (Seen(), 94.0, True),
        (Seen(breaker=Breaker(closed_at=96.0), turned_at=96.0), -math.inf, False),
        (Seen(breaker=Breaker(closed_at=94.0), turned_at=94.0), -math.inf, True),
        (Seen(breaker=Breaker(Circuit.OPEN), turned_at=99.0), -math.inf, True),
    ],
)
def test_an_answer_since_speaks_against_it(own: Seen, recovered_at: float, believed: bool) -> None:
    """An opening counts unless somebody's trial, or oneself of late, was answered after it."""
    belief = Belief(107.0, openings=TWO, quorum=2, recovered_at=recovered_at)

    assert believed == (opened_until(belief, own, NOW) is not None)


def test_ones_own_answer_is_forgotten() -> None:
    """After some seconds an answer to oneself says nothing about now."""
    belief = Belief(107.0, openings=((93.0, 103.0),), quorum=1)
    lately, before = (Seen(answered_at=NOW - s) for s in (OWN_ANSWER_S - 0.1, OWN_ANSWER_S))

    assert [None, 103.0] == [opened_until(belief, own, NOW) for own in (lately, before)]


def test_how_long_an_estimate_is_preferred() -> None:
    """For how long one's own estimate counts before that of others can be said."""
    own = Seen(Stats(0.0, 0.0, 0.0, NOW - 20, 0.1, NOW - 20, 0.01))
    belief = Belief(NOW + 4.0, first_token_s=0.7, token_s=0.02)
    found = [heard(belief, own, NOW, latency_s) for latency_s in (30.0, 10.0)]

    assert [(None, None), (0.7, 0.02)] == [(one.first_token_s, one.token_s) for one in found]
