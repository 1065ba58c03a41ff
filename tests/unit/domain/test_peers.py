"""What replicas tell each other, who of them is believed, and for how long."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain import breaker as circuit
from service.domain.breaker import Breaker, Circuit, Trip
from service.domain.peers import (
    BELIEFS_MAX,
    BOUND_S,
    GONE_S,
    INTERVAL_S,
    SEEN_WITHIN_S,
    STALE_S,
    Peer,
    Word,
    believed,
    seen,
    word,
)
from service.domain.provider import ModelRef
from service.domain.quota import Quota
from service.domain.reasons import ErrorReason
from service.domain.stats import Stats, observe, observe_latency
from tests.unit.domain.own import Seen

A, B = ModelRef("a", "m"), ModelRef("b", "m")
OPEN = Word(A, circuit=Circuit.OPEN, trip=Trip.IN_A_ROW, open_s=4.0, turned_s=1.0)
RATE = ErrorReason.PROVIDER_RATE_LIMITED

seconds = st.floats(0.0, 100.0)
words = st.builds(
    Word,
    st.sampled_from([A, B]),
    st.floats(0, 1e6),
    st.floats(0, 1e6),
    st.none() | st.floats(0.001, 60),
    st.none() | st.floats(0.001, 1),
    st.sampled_from(Circuit),
    st.none() | st.sampled_from(Trip),
    seconds,
    st.none() | seconds,
    seconds,
    st.sampled_from([None, RATE, ErrorReason.PROVIDER_QUOTA_EXHAUSTED]),
)
peers = st.builds(
    Peer,
    st.integers(1, 1000),
    st.floats(90, 100),
    st.just(100.0),
    st.lists(words, max_size=2, unique_by=lambda one: one.target).map(tuple),
    st.booleans(),
)


def alive(*told: Word, seen_at: float = 100.0) -> Peer:
    return Peer(7, seen_at, seen_at, told, moved=True)


def test_a_word_holds_what_was_seen() -> None:
    """Counts are told as they have faded, times as spans from now."""
    stats = observe_latency(observe(Stats(), 40.0, success=False), 90.0, 0.4, 0.01)
    opened = circuit.opened(Breaker(), 98.0, 0.5, Trip.SHARE)
    own = Seen(stats, opened, Quota(130.0, 1, RATE), turned_at=98.0)

    told = word(A, own, 100.0)

    assert told is not None
    assert (0.0, pytest.approx(0.5), 0.4, 0.01) == (
        told.successes,
        told.faults,
        told.first_token_s,
        told.token_s,
    )
    assert (Circuit.OPEN, Trip.SHARE, 3.0, 2.0) == (
        told.circuit,
        told.trip,
        told.open_s,
        told.turned_s,
    )
    assert (30.0, RATE) == (told.quota_s, told.quota_reason)


@pytest.mark.parametrize("state", [Circuit.OPEN, Circuit.HALF_OPEN])
def test_hearsay_is_not_told(state: Circuit) -> None:
    """What was opened on the word of peers is no word of one's own, nor is its trial."""
    opened = Breaker(state, trip=Trip.PEER, open_until=105.0)

    assert word(A, Seen(breaker=opened, turned_at=99.0), 100.0) is None


@pytest.mark.parametrize(
    ("closed_s_ago", "turned_s"), [(1.0, 1.0), (GONE_S - 1, GONE_S - 1), (GONE_S + 1, None)]
)
def test_a_closing_is_told_for_a_while(closed_s_ago: float, turned_s: float | None) -> None:
    """A circuit that one's own trial closed is told as such for a minute."""
    closed = Breaker(openings=1, closed_at=100.0 - closed_s_ago)
    told = word(A, Seen(breaker=closed, turned_at=100.0 - closed_s_ago), 100.0)

    assert turned_s == (told and told.turned_s)


def test_nothing_to_tell() -> None:
    """A candidate of which nothing is known, or all has faded, is worth no word."""
    old = observe(Stats(), 0.0, success=True)

    assert [None, None] == [word(A, Seen(), 100.0), word(A, Seen(old), 600.0)]


@given(peer=peers, numbers=st.lists(st.integers(-1, 5), min_size=1), told=words)
def test_an_old_number_changes_nothing(peer: Peer, numbers: list[int], told: Word) -> None:
    """Seeing a number again, or a smaller one, however often, leaves what is believed as it is."""
    known = replace(peer, number=5)
    after = known
    for number in numbers:
        after = seen(after, number, (told,), 101.0)

    assert known == replace(after, looked_at=known.looked_at)
    assert believed([known], 101.0) == believed([after], 101.0)


def test_who_is_met_is_not_believed() -> None:
    """A field that was there before may be a dead replica's: only a number that moves is alive."""
    met = seen(None, 41, (OPEN,), 100.0)
    moved = seen(met, 42, (OPEN,), 101.0)

    assert {} == believed([met], 100.0)
    assert [A] == list(believed([moved], 101.0))


def test_a_number_that_moved_unseen() -> None:
    """After a while without looking it is not known when a number moved: it must move again."""
    late = 100.0 + SEEN_WITHIN_S + 0.1
    known = seen(seen(None, 1, (), 99.0), 2, (replace(OPEN, open_s=1.0),), 100.0)
    found = seen(known, 9, (OPEN,), late)
    again = seen(found, 10, (OPEN,), late + 1.0)

    assert known.words == found.words
    assert (10, (OPEN,), late + 1.0) == (again.number, again.words, again.seen_at)


@given(
    born=st.floats(0, 5),
    lived_s=st.floats(0, 20),
    gaps=st.lists(st.floats(0.05, 8.0), min_size=1, max_size=30),
    after_s=st.floats(0, 12),
)
def test_no_word_outlives_the_bound(
    born: float, lived_s: float, gaps: list[float], after_s: float
) -> None:
    """Whenever a reader looks, and whenever the teller died, no word older than the bound counts.

    The teller tells the moment itself, so that its age can be known.
    """
    known: Peer | None = None
    now = 0.0
    for gap in gaps:
        now += gap
        last = math.floor(min(now, born + lived_s) - born)
        if last < 0:
            continue
        told = Word(A, successes=born + last)
        known = seen(known, last, (told,), now)
        for later in (now, now + after_s):
            if known.alive(later):
                assert later - known.words[0].successes <= BOUND_S


def test_a_peer_falls_silent() -> None:
    """A number that does not move is believed for 5 s at most, and gone after a minute."""
    peer = alive(OPEN)

    assert peer.alive(100.0 + STALE_S - 0.1)
    assert not peer.alive(100.0 + STALE_S)
    assert {} == believed([peer], 100.0 + STALE_S - INTERVAL_S)
    assert [False, True] == [peer.gone(100.0 + GONE_S - 0.1), peer.gone(100.0 + GONE_S)]


@given(told=st.lists(peers, max_size=8), seed=st.randoms(use_true_random=False))
def test_the_order_of_peers_does_not_matter(told: list[Peer], seed: random.Random) -> None:
    """Equal words give equal beliefs, whoever is heard first."""
    shuffled = seed.sample(told, len(told))

    assert believed(told, 100.0) == believed(shuffled, 100.0)


@given(told=st.lists(peers, max_size=8))
def test_beliefs_are_bounded_by_what_was_told(told: list[Peer]) -> None:
    """Counts are sums, latencies lie among those told, quotas and openings end when told."""
    for target, belief in believed(told, 100.0).items():
        those = [one for peer in told for one in peer.words if one.target == target]
        firsts = [one.first_token_s for one in those if one.first_token_s is not None]
        tellers = [(p.seen_at, one) for p in told for one in p.words if one.target == target]

        assert belief.successes <= math.fsum(one.successes for one in those) * (1 + 1e-9)
        assert belief.first_token_s is None or belief.first_token_s in firsts
        assert 100.0 < belief.until <= 100.0 + STALE_S
        assert belief.quota_until <= max(at + one.quota_s for at, one in tellers)
        assert len(belief.openings) <= len(those)


@pytest.mark.parametrize(
    ("peer_count", "quorum"), [(1, 1), (2, 1), (3, 2), (4, 2), (5, 2), (50, 2)]
)
def test_the_quorum(peer_count: int, quorum: int) -> None:
    """Two peers are enough, and half of those alive where they are fewer."""
    told = [alive(OPEN)] + [alive(Word(A, 1.0)) for _ in range(peer_count - 1)]

    assert quorum == believed(told, 100.0)[A].quorum


def test_only_openings_of_their_own_count() -> None:
    """An opening on hearsay, or for a reason that is not known here, is no evidence."""
    strange = [replace(OPEN, trip=Trip.PEER), replace(OPEN, trip=None)]

    belief = believed([alive(OPEN), *map(alive, strange)], 100.0)[A]

    assert ((99.0, 104.0),) == belief.openings


def test_too_many_candidates() -> None:
    """Of more candidates than are heeded those stay that most peers know."""
    crowd = alive(*(Word(ModelRef("p", str(number)), 1.0) for number in range(BELIEFS_MAX + 50)))
    known = alive(Word(ModelRef("p", str(BELIEFS_MAX + 49)), 1.0))

    beliefs = believed([crowd, known], 100.0)

    assert BELIEFS_MAX == len(beliefs)
    assert ModelRef("p", str(BELIEFS_MAX + 49)) in beliefs
