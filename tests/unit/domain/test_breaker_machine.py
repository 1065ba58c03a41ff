"""Whatever happens to a breaker, in whatever order: what always holds."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from service.domain.breaker import (
    Breaker,
    Circuit,
    Trip,
    abandoned,
    asked,
    at,
    faulted,
    opened,
    ramp,
    succeeded,
)

# Per circuit, what may follow it. Nothing leads from open to closed but through half-open.
FOLLOWS = {
    Circuit.CLOSED: {Circuit.CLOSED, Circuit.OPEN},
    Circuit.OPEN: {Circuit.OPEN, Circuit.HALF_OPEN},
    Circuit.HALF_OPEN: {Circuit.HALF_OPEN, Circuit.OPEN, Circuit.CLOSED},
}
draws = st.floats(0, 1, exclude_max=True)


class BreakerLife(RuleBasedStateMachine):
    """One breaker, and attempts that end in any order at any time."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.breaker = Breaker()
        self.opened_at = 0.0
        self.waits: list[float] = []

    def step(self, breaker: Breaker) -> None:
        before, self.breaker = self.breaker, breaker

        assert breaker.circuit in FOLLOWS[before.circuit]
        if breaker.circuit is Circuit.OPEN and before.circuit is not Circuit.OPEN:
            self.opened_at = self.now
        if breaker.circuit is before.circuit is Circuit.OPEN:
            assert before.open_until == breaker.open_until

    @rule(seconds=st.sampled_from([0.001, 0.5, 3.0, 8.0, 31.0, 61.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.step(at(self.breaker, self.now))

    @rule()
    def answer(self) -> None:
        self.step(succeeded(self.breaker, self.now))

    @rule(count=st.integers(1, 6), draw=draws)
    def fault(self, count: int, draw: float) -> None:
        for _ in range(count):
            self.step(faulted(self.breaker, self.now, draw))

    @precondition(lambda self: not self.breaker.trial)
    @rule()
    def ask(self) -> None:
        self.step(asked(self.breaker))

        assert self.breaker.trial == (self.breaker.circuit is Circuit.HALF_OPEN)

    @rule()
    def leave(self) -> None:
        self.step(abandoned(self.breaker))

        assert not self.breaker.trial

    @precondition(lambda self: self.breaker.circuit is Circuit.CLOSED)
    @rule(draw=draws)
    def hear_of_an_outage(self, draw: float) -> None:
        self.step(opened(self.breaker, self.now, draw, Trip.PEER))

        assert Circuit.OPEN is self.breaker.circuit

    @invariant()
    def a_trial_is_half_open(self) -> None:
        assert not self.breaker.trial or self.breaker.circuit is Circuit.HALF_OPEN

    @invariant()
    def an_opening_is_bounded(self) -> None:
        if self.breaker.circuit is Circuit.OPEN:
            assert 4.0 <= self.breaker.open_until - self.opened_at + 1e-9
            assert self.breaker.open_until - self.opened_at <= 72.0 + 1e-9
            assert self.now < self.breaker.open_until
            assert self.breaker.trip is not None

    @invariant()
    def closed_is_not_failing(self) -> None:
        if self.breaker.circuit is Circuit.CLOSED:
            assert 0 <= self.breaker.in_a_row < 20
            assert self.breaker.trip is None

    @invariant()
    def memory_is_bounded(self) -> None:
        numbers = [bucket.number for bucket in self.breaker.window]

        assert len(numbers) <= 3
        assert sorted(set(numbers)) == numbers
        assert self.breaker.openings <= 16

    @invariant()
    def a_share_is_a_share(self) -> None:
        assert 0.1 <= ramp(self.breaker, self.now) <= 1.0


BreakerLife.TestCase.settings = settings(max_examples=40, stateful_step_count=30)
TestBreakerLife = BreakerLife.TestCase
