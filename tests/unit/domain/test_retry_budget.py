"""How much may be asked again: the budget in a long outage, and the wait between rounds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.failover import RetryBudget, backoff_s

RETRIES_WANTED = 2


def outage(rate: int, seconds: int) -> list[int]:
    """Retries in each second of a total outage, in which every request wants two of them."""
    budget = RetryBudget()
    made = [0] * seconds
    for number in range(rate * seconds):
        now = number / rate
        budget = budget.asked(now)
        for _ in range(RETRIES_WANTED):
            spent = budget.spent(now)
            if spent is not None:
                budget = spent
                made[int(now)] += 1
    return made


@pytest.mark.parametrize(("rate", "share"), [(50, 0.4), (200, 0.25), (1000, 0.21)])
def test_an_outage(rate: int, share: float) -> None:
    """In an outage of a minute, retries settle at a fifth of the requests and 10 a second."""
    made = outage(rate, 60)

    sustained = sum(made[20:]) / (40 * rate)
    assert pytest.approx(share, rel=0.02) == sustained
    # What had been saved is spent at the beginning, once.
    assert sum(made) <= 100 + 60 * rate * share


@pytest.mark.parametrize("rate", [1, 5])
def test_few_requests(rate: int) -> None:
    """With few requests every retry that is wanted may be made."""
    assert [rate * RETRIES_WANTED] * 60 == outage(rate, 60)


def test_an_unused_budget() -> None:
    """What was saved in quiet times is bounded: ten seconds' worth, and it fades."""
    budget = RetryBudget()
    for number in range(60_000):
        budget = budget.asked(number / 1000)

    assert pytest.approx(100 + 0.2 * 10_000, rel=0.01) == budget.balance
    assert pytest.approx(100, abs=0.1) == budget.asked(200.0).balance - 0.2


def test_a_spent_budget() -> None:
    """Whole retries only: with less than one left there is none."""
    empty = RetryBudget(0.0, 10.0)

    assert RetryBudget(0.0, 10.0) == RetryBudget(1.0, 10.0).spent(10.0)
    assert RetryBudget(0.999, 10.0).spent(10.0) is None
    assert RetryBudget(0.2, 10.0) == empty.asked(10.0)
    assert empty.spent(10.09) is None
    assert empty.spent(10.11) is not None


@given(st.floats(0, 1000), st.floats(0, 100), st.floats(0, 100))
def test_a_budget_nears_its_rest(balance: float, one_s: float, other_s: float) -> None:
    """Left alone, a budget nears 100 from either side, and never passes it."""
    soon, late = sorted((one_s, other_s))
    gaps = [RetryBudget(balance, 0.0).asked(at).balance - 0.2 - 100.0 for at in (0.0, soon, late)]

    assert abs(gaps[2]) <= abs(gaps[1]) + 1e-9 <= abs(gaps[0]) + 2e-9
    assert min(gaps) >= -1e-9 or max(gaps) <= 1e-9


def test_a_clock_that_steps_back() -> None:
    """A moment before the last one neither adds nor takes."""
    assert RetryBudget(5.2, 9.0) == RetryBudget(5.0, 10.0).asked(9.0)


@pytest.mark.parametrize(
    ("round_number", "most_s"), [(0, 0.1), (1, 0.2), (2, 0.4), (4, 1.6), (5, 2.0), (50, 2.0)]
)
def test_backoff(round_number: int, most_s: float) -> None:
    """The wait is anything up to a bound that doubles with each round, to 2 s at most."""
    assert 0.0 == backoff_s(round_number, 0.0)
    assert pytest.approx(most_s / 2) == backoff_s(round_number, 0.5)
    assert pytest.approx(most_s) == backoff_s(round_number, 1.0 - 1e-12)
