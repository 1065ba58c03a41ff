"""How long a candidate is spared after "not now"."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.quota import Quota, answered, refused
from service.domain.reasons import ErrorReason

AT = 100.0
RATE = ErrorReason.PROVIDER_RATE_LIMITED
SPENT = ErrorReason.PROVIDER_QUOTA_EXHAUSTED
draws = st.floats(0, 1, exclude_max=True)


def in_a_row(count: int, reason: ErrorReason) -> list[float]:
    """The waits of refusals that name no time, each as soon as the one before is over."""
    quota, now, waits = Quota(), AT, list[float]()
    for _ in range(count):
        quota = refused(quota, now, reason, None, 0.0)
        waits.append(quota.until - now)
        now = quota.until
    return waits


@given(st.floats(1e-3, 3600), draws)
def test_a_time_is_honoured(told_s: float, draw: float) -> None:
    """Nobody comes back before the provider's own time, nor more than a fifth after it."""
    quota = refused(Quota(), AT, RATE, told_s, draw)

    assert AT + told_s <= quota.until <= AT + told_s * 1.2
    assert (1, RATE) == (quota.refusals, quota.reason)


@given(st.floats(3600, 1e9), draws)
def test_no_time_is_honoured_for_ever(told_s: float, draw: float) -> None:
    """A provider may be wrong about its clock: after an hour, and a fifth, it is asked again."""
    assert AT + 3600.0 <= refused(Quota(), AT, SPENT, told_s, draw).until <= AT + 4320.0


def test_waits_double() -> None:
    """Without a time the wait doubles with each refusal in a row, to half a minute at most."""
    assert pytest.approx([0.5, 1, 2, 4, 8, 16, 30, 30]) == in_a_row(8, RATE)


def test_a_spent_quota_waits_longer() -> None:
    """What only money or a new month brings back is asked after a minute, then ever later."""
    assert pytest.approx([60, 120, 240, 480, 900, 900]) == in_a_row(6, SPENT)


def test_many_refusals() -> None:
    """A provider that always refuses never overflows the wait."""
    assert AT + 30.0 == refused(Quota(0.0, 5000, RATE), AT, RATE, None, 0.0).until


@given(draws)
def test_jitter_only_lengthens(draw: float) -> None:
    """A wait that is our own guess is lengthened by a fifth at most, and never shortened."""
    assert pytest.approx(AT + 0.5 + 0.1 * draw) == refused(Quota(), AT, RATE, None, draw).until


@given(st.floats(0, 59), st.floats(1e-3, 1))
def test_a_shorter_wait_changes_nothing(late_s: float, told_s: float) -> None:
    """A refusal that ends no later than what is known already is not counted."""
    quota = refused(Quota(), AT, SPENT, 60.0, 0.0)

    assert quota is refused(quota, AT + late_s * 0.9, RATE, told_s, 0.0)


def test_refusals_at_once() -> None:
    """Attempts that were under way together, and told the same time, are one refusal."""
    quota = refused(Quota(), AT, RATE, 2.0, 0.3)

    assert quota is refused(quota, AT, RATE, 2.0, 0.3)


def test_refusals_at_once_without_a_time() -> None:
    """Attempts that were under way together, and told no time, are one refusal."""
    quota = Quota()
    for number in range(10):
        quota = refused(quota, AT + number / 1000, RATE, None, 0.0)

    assert 1 == quota.refusals
    assert quota.until < AT + 1.0


def test_refusals_at_once_with_a_time() -> None:
    """However their times differ, attempts that were under way together are one refusal."""
    quota = Quota()
    for number in range(10):
        quota = refused(quota, AT + number / 1000, RATE, 2.0, number / 10)

    assert 1 == quota.refusals
    assert AT + 2.0 <= quota.until <= AT + 2.5


def test_a_longer_wait_wins() -> None:
    """A spent quota outweighs a rate limit that is known already."""
    quota = refused(Quota(), AT, RATE, 1.0, 0.0)

    assert SPENT is refused(quota, AT, SPENT, None, 0.0).reason
    assert AT + 60.0 == refused(quota, AT, SPENT, None, 0.0).until


def test_an_answer() -> None:
    """After an answer the next refusal is a first one, unless it was under way with the last."""
    quota = Quota(AT + 5.0, 4, RATE)

    assert quota is answered(quota, AT + 4.0)
    assert Quota(AT + 5.0, 0, RATE) == answered(quota, AT + 5.0)
    assert AT + 10.5 == refused(answered(quota, AT + 5.0), AT + 10.0, RATE, None, 0.0).until


def test_an_answer_after_none() -> None:
    """Where nothing was refused, an answer changes nothing."""
    assert Quota() == answered(Quota(), AT)
