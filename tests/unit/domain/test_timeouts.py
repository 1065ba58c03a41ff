"""How long silence is borne, and what is kept back for the next one."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.routing import Ranked
from service.domain.scoring import Demand
from service.domain.timeouts import first_token_limit_s, overdue_s, reserve_s
from tests.unit.domain.views import view

p95s = st.none() | st.floats(0, 100)
prompts = st.integers(0, 1_000_000)
bounds = st.floats(0.1, 120)


def limit_s(
    p95_s: float | None, prompt_tokens: int = 0, most_s: float = 60.0, **how: bool
) -> float:
    return first_token_limit_s(
        p95_s,
        prompt_tokens,
        most_s,
        reasons=how.get("reasons", False),
        trial=how.get("trial", False),
    )


def following(**seen: Any) -> list[Ranked]:
    """One that is as seen, and one more, much slower."""
    views = [view("a", **seen), view("b", first_token_s=1000.0)]
    return [Ranked(one, 0.0, (), 0.0, place) for place, one in enumerate(views)]


AT_ONCE = following(first_token_s=0.0, token_s=0.0)[0]


@pytest.mark.parametrize(
    ("p95_s", "expected"), [(0.1, 2.0), (0.5, 2.0), (0.6, 2.4), (3.0, 12.0), (5.0, 20.0), (9, 20.0)]
)
def test_silence(p95_s: float, expected: float) -> None:
    """Four times the usual first token is borne, at least 2 s and at most 20 s."""
    assert pytest.approx(expected) == limit_s(p95_s)


@pytest.mark.parametrize(("prompt_tokens", "expected"), [(0, 4.0), (10_000, 8.0), (100_000, 20.0)])
def test_nothing_known(prompt_tokens: int, expected: float) -> None:
    """Without samples a second is usual, and a long prompt takes longer to read."""
    assert pytest.approx(expected) == limit_s(None, prompt_tokens)
    assert 2.0 == limit_s(0.1, prompt_tokens)


def test_thinking_is_not_silence() -> None:
    """A model that was asked to think first may take all of the configured time."""
    assert 60.0 == limit_s(0.1, reasons=True)
    assert 60.0 == limit_s(None, reasons=True, trial=True)


def test_a_trial_is_given_more() -> None:
    """Whoever comes back slower than he was is found to be back; nobody is given less."""
    assert 4.5 == limit_s(0.1, trial=True)
    assert 12.0 == limit_s(3.0, trial=True)
    assert 3.0 == limit_s(0.1, most_s=3.0, trial=True)


@given(p95s, prompts, bounds, st.booleans(), st.booleans())
def test_laws_of_silence(
    p95_s: float | None, prompt_tokens: int, most_s: float, reasons: bool, trial: bool
) -> None:
    """Never more than is configured; never less than 2 s of it, nor more than 20 s but to think."""
    found = limit_s(p95_s, prompt_tokens, most_s, reasons=reasons, trial=trial)

    assert min(2.0, most_s) <= found <= most_s
    assert found <= 20.0 or reasons


@given(st.floats(0, 100), st.floats(0, 100), bounds, st.booleans())
def test_slower_is_borne_longer(one: float, other: float, most_s: float, trial: bool) -> None:
    """A slower past never shortens the limit."""
    low, high = sorted((one, other))

    assert limit_s(low, 0, most_s, trial=trial) <= limit_s(high, 0, most_s, trial=trial)


def test_overdue() -> None:
    """Silence of four times the usual speaks against a provider, of half a second at least."""
    assert 0.5 == overdue_s(0.1, 2.0)
    assert 1.2 == pytest.approx(overdue_s(0.3, 2.0))
    assert 2.0 == overdue_s(0.6, 2.0)
    assert 0.3 == overdue_s(0.1, 0.3)
    assert 4.0 == overdue_s(None, 4.0)


@given(p95s, bounds)
def test_overdue_is_within_the_limit(p95_s: float | None, limit: float) -> None:
    """Nobody is blamed later than he is given up."""
    assert 0 < overdue_s(p95_s, limit) <= limit


@pytest.mark.parametrize(
    ("first_token_s", "left_s", "expected"),
    [(1.0, 60.0, 4.0), (1.0, 6.0, 3.0), (0.0, 60.0, 2.0), (1.0, 4.5, 2.25), (100.0, 1.0, 0.0)],
)
def test_a_reserve(first_token_s: float, left_s: float, expected: float) -> None:
    """Twice the time of the next candidate is kept back, at most half of what is left."""
    some = following(first_token_s=first_token_s, token_s=0.01)

    assert pytest.approx(expected) == reserve_s(AT_ONCE, some, Demand(0, 100), left_s)


@pytest.mark.parametrize(("left_s", "expected"), [(3.9, 0.0), (4.1, 2.05), (3.0, 0.0), (9.0, 4.0)])
def test_time_for_one_only(left_s: float, expected: float) -> None:
    """Where there is no time for two answers the one who is asked now has all of it."""
    asked, after = (following(first_token_s=2.0, token_s=0.0) for _ in range(2))

    assert pytest.approx(expected) == reserve_s(asked[0], after, Demand(0, 100), left_s)


def test_a_small_reserve() -> None:
    """A quarter of a second is kept back for the fastest one, too."""
    at_once = following(first_token_s=0.0, token_s=0.0)

    assert 0.25 == reserve_s(AT_ONCE, at_once, Demand(), 60.0)
    assert 0.1 == reserve_s(AT_ONCE, at_once, Demand(), 0.2)
    assert 0.25 == reserve_s(AT_ONCE, at_once, Demand(), math.inf)


def test_nobody_follows() -> None:
    """For nobody nothing is kept back."""
    assert 0.0 == reserve_s(AT_ONCE, [], Demand(), 60.0)


@given(st.floats(0, 100), st.floats(0, 1), st.integers(0, 10_000), st.floats(0, 600))
def test_half_is_for_now(first: float, token: float, tokens: int, left_s: float) -> None:
    """Whoever is asked now has at least half of the time that is left."""
    after = following(first_token_s=first, token_s=token)
    kept = reserve_s(AT_ONCE, after, Demand(0, tokens), left_s)

    assert 0.0 <= kept <= left_s / 2
