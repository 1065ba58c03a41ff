"""What a board does with the words of other replicas, in virtual time."""

from __future__ import annotations

import pytest

from service.domain.breaker import Circuit, Trip
from service.domain.errors import ProviderFailure
from service.domain.peers import BOUND_S, Belief
from service.domain.provider import ModelRef
from service.domain.reasons import ErrorReason
from service.domain.scoring import Standing, standing
from service.pipeline.ended import Ended
from service.pipeline.scoreboard import ENTRIES_MAX, Scoreboard
from tests.unit.sharing.replicas import DOWN, A, B, Replica, World

BUSY = ProviderFailure(
    ErrorReason.PROVIDER_RATE_LIMITED, "slow down", http_status=429, retry_after_s=3000.0
)


def opened_by_two(count: int = 4) -> tuple[World, Replica]:
    """A world in which two replicas opened A's circuit, and the last one heard of it."""
    world = World(count)
    world.rounds(2)
    for replica in world.replicas[:2]:
        replica.sees(A, DOWN, times=5)
    world.rounds(2)
    return world, world.replicas[-1]


def test_an_opening_on_hearsay() -> None:
    """Two peers' openings open a circuit here, for no longer than theirs; it is no first opening.

    The next opening of one's own lasts as long as a first one.
    """
    world, last = opened_by_two()
    view = last.view(A)
    theirs = [r.view(A).circuit_until - r.board.clock() for r in world.replicas[:2]]
    entry = last.board.entry(A)

    assert (Circuit.OPEN, Trip.PEER) == (view.circuit, view.trip)
    assert 0 < view.circuit_until - last.board.clock() <= max(theirs) + 1.0
    assert (0, 0) == (entry.breaker.openings, entry.attempt_count)


def test_a_trial_of_ones_own() -> None:
    """When the opening on hearsay is over, the next request here is the trial, as always."""
    world, last = opened_by_two()
    world.passes(6.0)

    assert Circuit.HALF_OPEN is last.view(A).circuit
    last.sees(A)
    assert Circuit.CLOSED is last.view(A).circuit


def test_a_trial_that_fails_is_ones_own_evidence() -> None:
    """Then the circuit is open by what was seen here, and the others are told so."""
    world, last = opened_by_two()
    world.passes(6.0)
    last.view(A)
    last.sees(A, DOWN)
    told = {word.target: word for word in last.board.words()}

    assert (Circuit.OPEN, Trip.IN_A_ROW) == (told[A].circuit, told[A].trip)
    assert 1 == last.board.entry(A).breaker.openings


def test_a_peers_closing_ends_it() -> None:
    """One peer's answered trial closes what hearsay opened: a slow start, not told as one's own."""
    world, last = opened_by_two()
    first = world.replicas[0]
    world.rounds(5)
    first.view(A)
    first.sees(A)
    world.rounds()
    view = last.view(A)

    assert Circuit.CLOSED is view.circuit
    assert view.ramp < 0.2
    assert [] == [word for word in last.board.words() if word.turned_s is not None]


def test_a_trial_under_way_is_not_cut_short() -> None:
    """What peers say does not touch a half-open circuit that is on trial here."""
    world, last = opened_by_two()
    first = world.replicas[0]
    world.rounds(5)
    last.view(A)
    last.board.began(A)
    first.view(A)
    first.sees(A)
    world.rounds()

    assert (Circuit.HALF_OPEN, True) == (last.view(A).circuit, last.view(A).trial)


def test_ones_own_answer_speaks_against_it() -> None:
    """Who was answered since the openings does not believe them."""
    world = World(4)
    world.rounds(2)
    last = world.replicas[-1]
    for replica in world.replicas[:2]:
        replica.sees(A, DOWN, times=5)
    world.passes(0.1)
    last.sees(A)
    world.rounds(2)

    assert Circuit.CLOSED is last.view(A).circuit


def test_an_answer_while_it_is_open_ends_it() -> None:
    """An attempt from before that is answered after all brings the trial forward."""
    world = World(4)
    world.rounds(2)
    last = world.replicas[-1]
    last.board.began(A)
    for replica in world.replicas[:2]:
        replica.sees(A, DOWN, times=5)
    world.rounds(2)
    before = last.view(A).circuit
    changed: list[ModelRef] = []
    last.board.changed.append(changed.append)
    last.board.ended(A, Ended(2.0, first_token_s=0.1))
    world.rounds()

    assert [A] == changed
    assert (Circuit.OPEN, Circuit.HALF_OPEN) == (before, last.view(A).circuit)


def test_an_opening_of_ones_own_is_ones_own_affair() -> None:
    """Peers neither lengthen nor end an opening that was one's own evidence."""
    world = World(4)
    world.rounds(2)
    for replica in world.replicas:
        replica.sees(A, DOWN, times=5)
    until = world.replicas[-1].view(A).circuit_until
    world.rounds(2)

    assert (until, Trip.IN_A_ROW) == (
        world.replicas[-1].view(A).circuit_until,
        world.replicas[-1].view(A).trip,
    )


def test_the_dead_are_forgotten() -> None:
    """When all peers fall silent, nothing of what they said is left after the bound."""
    world, last = opened_by_two()
    first = world.replicas[0]
    first.sees(B, BUSY)
    world.rounds()
    before = last.quota_left_s(B)
    world.passes(BOUND_S)

    assert before > 3000
    assert 0.0 == last.quota_left_s(B)
    assert Circuit.HALF_OPEN is last.view(A).circuit
    assert pytest.approx(0.9) == last.view(A).quality


def test_who_is_known_to_peers_is_no_stranger() -> None:
    """A candidate that fails elsewhere looks as ill as if it had been asked here."""
    world = World(3)
    world.rounds(2)
    world.replicas[0].sees(A, DOWN, times=4)
    world.rounds(2)
    view = world.replicas[2].view(A)

    assert (True, Standing.DEGRADED) == (view.known, standing(view))
    assert not world.replicas[2].view(B).known


def test_hearsay_crowds_nobody_out() -> None:
    """What peers know and nobody asked for here takes the place of nothing, and gives way first."""
    board = Scoreboard(lambda: 100.0)
    mine, mine_too = [[ModelRef("p", f"{part}-{n}") for n in range(4000)] for part in "ab"]
    theirs = {ModelRef("p", f"theirs-{n}"): Belief(105.0, 1.0) for n in range(500)}
    for target in mine:
        board.began(target)
    board.hear(theirs)
    heard_count = sum(target in theirs for target, _ in board.known())
    for target in mine_too[: ENTRIES_MAX - 4000]:
        board.began(target)

    assert ENTRIES_MAX - 4000 == heard_count
    assert all(map(board.peek, [*mine, *mine_too[: ENTRIES_MAX - 4000]]))
    assert not any(map(board.peek, theirs))


def test_who_is_not_heard_of_any_more() -> None:
    """A candidate that only peers knew goes with their word; one that was asked here stays."""
    board = Scoreboard(lambda: 100.0)
    board.began(A)
    board.hear({A: Belief(105.0, 1.0), B: Belief(105.0, 1.0)})
    before = [target for target, _ in board.known()]
    board.hear({})

    assert [B, A] == before
    assert [A] == [target for target, _ in board.known()]


def test_those_asked_last_are_told_first() -> None:
    """Where not all can be told, those stay untold that nobody asked for in a while."""
    board = Scoreboard(lambda: 100.0)
    for name in ("first", "second", "third"):
        target = ModelRef("p", name)
        board.began(target)
        board.ended(target, Ended(0.2, first_token_s=0.1))

    assert ["third", "second", "first"] == [word.target.model for word in board.words()]


def test_nothing_comes_back_as_evidence() -> None:
    """In 1,000 rounds among 8 replicas nothing grows, lasts longer, or outlives its cause.

    One saw a quota of 50 minutes and some faults, three an outage; then nothing happens any more.
    """
    world = World(8)
    world.rounds(2)
    first, *others = world.replicas
    first.sees(B, BUSY)
    true_until = world.now + first.quota_left_s(B)
    first.sees(B, DOWN, times=4)
    for replica in world.replicas[:3]:
        replica.sees(A, DOWN, times=5)
    opened_until = world.now + max(
        r.view(A).circuit_until - r.board.clock() for r in world.replicas[:3]
    )
    lowest = 1.0
    for _ in range(1000):
        world.rounds()
        for replica in others:
            left_s = replica.quota_left_s(B)
            view = replica.view(A)
            lowest = min(lowest, replica.view(B).quality)
            assert abs(true_until - world.now - left_s) < 2.0
            if view.circuit is Circuit.OPEN:
                assert world.now + view.circuit_until - replica.board.clock() < opened_until + 2.0
    left_s = {word.target: word.quota_s for word in first.board.words()}
    told = [word for replica in others for word in replica.board.words()]

    assert 9 / (10 + 2) <= lowest < 0.76
    assert {B: pytest.approx(true_until - world.now)} == left_s
    assert [] == told
    assert [Circuit.HALF_OPEN] * 8 == [replica.view(A).circuit for replica in world.replicas]
