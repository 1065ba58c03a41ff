"""What is remembered of attempts: counts that fade, latencies that rise fast."""

from __future__ import annotations

import math
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.scoring import DEGRADED_BELOW
from service.domain.stats import (
    Stats,
    expected_s,
    faded,
    observe,
    observe_latency,
    observe_silence,
    observe_whole,
    quality,
    quantile,
)

AT = 1000.0
counts = st.floats(0, 1e4)
ages = st.floats(0, 3600)
seconds = st.floats(1e-3, 600)
tokens = st.integers(0, 10_000)
pasts = st.builds(Stats, st.just(AT), counts, counts)
latencies = st.none() | st.floats(1e-6, 600)
speeds = st.builds(
    Stats,
    first_token_at=st.just(AT),
    first_token_s=latencies,
    token_at=st.just(AT),
    token_s=st.none() | st.floats(0, 1),
)


@given(pasts, ages)
def test_counts_halve(stats: Stats, age_s: float) -> None:
    """Every minute takes half of what is left of both counts."""
    successes, faults = faded(stats, AT + age_s)

    later = faded(stats, AT + age_s + 60.0)

    assert pytest.approx((successes / 2, faults / 2)) == later


def test_one_minute() -> None:
    """Counts weigh in full at once, and half after 60 s."""
    stats = Stats(AT, 8.0, 4.0)

    assert (8.0, 4.0) == faded(stats, AT)
    assert pytest.approx((4.0, 2.0)) == faded(stats, AT + 60.0)


def test_a_clock_that_steps_back() -> None:
    """A moment before the last observation changes nothing: nothing grows."""
    assert (8.0, 4.0) == faded(Stats(AT, 8.0, 4.0), AT - 60.0)


@given(pasts, ages)
def test_quality_is_a_share(stats: Stats, age_s: float) -> None:
    """Quality lies between 0 and 1, whatever was seen."""
    assert 0.0 < quality(stats, AT + age_s) < 1.0


@given(pasts, ages)
def test_quality_follows(stats: Stats, age_s: float) -> None:
    """A success raises quality, a fault lowers it."""
    now = AT + age_s
    before = quality(stats, now)

    better = quality(observe(stats, now, success=True), now)
    worse = quality(observe(stats, now, success=False), now)

    assert worse < before < better


def test_nobody_asked() -> None:
    """Of a candidate that nobody asked, 9 of 10 attempts are expected to succeed."""
    assert 0.9 == quality(Stats(), AT)


@given(pasts)
def test_all_is_forgotten(stats: Stats) -> None:
    """After an hour of silence only the prior is left."""
    assert pytest.approx(0.9, abs=1e-6) == quality(stats, AT + 3600.0)


@pytest.mark.parametrize(("age_s", "is_degraded"), [(600.0, True), (0.0, False)])
def test_a_long_past_does_not_cover_an_outage(age_s: float, is_degraded: bool) -> None:
    """10,000 successes of ten minutes ago do not outweigh ten faults; those of just now do."""
    stats = Stats(AT, successes=10_000.0)
    for _ in range(10):
        stats = observe(stats, AT + age_s, success=False)

    assert is_degraded == (quality(stats, AT + age_s) < DEGRADED_BELOW)


def test_counting_leaves_latency_alone() -> None:
    """An attempt that is counted moves no latency, and a latency no count."""
    stats = Stats(AT, 3.0, 1.0, AT, 0.5, AT, 0.02)
    later = AT + 1

    assert Stats(AT, 4.0, 1.0, AT, 0.5, AT, 0.02) == observe(stats, AT, success=True)
    timed = observe_latency(stats, later, 2.0, 0.1)
    assert (AT, 3.0, 1.0) == timed[:3]
    assert (later, later) == (timed.first_token_at, timed.token_at)


@given(seconds, seconds, ages)
def test_an_estimate_moves_towards_a_sample(known: float, sample: float, age_s: float) -> None:
    """A latency stays between what was known and the sample."""
    stats = Stats(first_token_at=AT, first_token_s=known, token_at=AT, token_s=known)

    after = observe_latency(stats, AT + age_s, sample, sample)

    assert after.first_token_s is not None
    assert after.first_token_s == after.token_s
    low, high = sorted((known, sample))
    assert low * (1 - 1e-12) <= after.first_token_s <= high * (1 + 1e-12)


def test_one_second() -> None:
    """After 1 s without a sample, 63 % of the estimate is the next one, if it is worse."""
    stats = Stats(first_token_at=AT, first_token_s=1.0, token_at=AT, token_s=0.1)

    after = observe_latency(stats, AT + 1.0, 2.0, 0.2)

    assert pytest.approx(2.0 - math.exp(-1)) == after.first_token_s
    assert pytest.approx(0.2 - 0.1 * math.exp(-1)) == after.token_s


@pytest.mark.parametrize("rate", [5, 50, 500])
def test_who_is_asked_more_does_not_seem_slower(rate: int) -> None:
    """Samples of one distribution give about one estimate, however many there are a second."""
    rng = Random(rate)
    stats = Stats()
    estimates: list[float] = []
    for number in range(60 * rate):
        stats = observe_latency(stats, number / rate, rng.lognormvariate(0.0, 0.4))
        estimates.append(expected_s(stats, 0))

    assert 1.2 < sum(estimates[rate:]) / len(estimates[rate:]) < 1.7


@given(st.none() | seconds, seconds)
def test_silence_is_believed_at_once(known: float | None, silent_s: float) -> None:
    """It would have taken at least so long: silence raises an estimate, and never lowers it."""
    stats = Stats(first_token_s=known)

    assert max(known or 0.0, silent_s) == observe_silence(stats, AT, silent_s).first_token_s


@given(seconds, st.floats(0, 100), st.floats(0, 100))
def test_the_longer_ago_the_less_it_weighs(known: float, one_s: float, other_s: float) -> None:
    """An old estimate gives way to a better sample faster than a fresh one."""
    stats = Stats(first_token_at=AT, first_token_s=known)
    soon, late = sorted((one_s, other_s))

    after_soon = observe_latency(stats, AT + soon, known / 2)
    after_late = observe_latency(stats, AT + late, known / 2)

    assert after_late.first_token_s is not None
    assert after_soon.first_token_s is not None
    assert after_late.first_token_s <= after_soon.first_token_s * (1 + 1e-12)


def test_ten_seconds() -> None:
    """After 10 s without a sample, 63 % of the estimate is the next one."""
    stats = Stats(first_token_at=AT, first_token_s=2.0, token_at=AT, token_s=0.2)

    after = observe_latency(stats, AT + 10.0, 1.0, 0.1)

    assert pytest.approx(1.0 + math.exp(-1)) == after.first_token_s
    assert pytest.approx(0.1 + 0.1 * math.exp(-1)) == after.token_s


def test_no_sample_no_change() -> None:
    """What was not seen leaves its estimate as it is."""
    stats = Stats(first_token_at=AT, first_token_s=2.0, token_at=AT, token_s=0.2)

    assert 0.2 == observe_latency(stats, AT + 5.0, 1.0).token_s
    assert 2.0 == observe_latency(stats, AT + 5.0, None, 0.1).first_token_s
    assert observe_latency(Stats(), AT, 1.0).token_s is None


def test_each_estimate_has_its_own_age() -> None:
    """A first token says nothing about how long ago the last speed was seen."""
    stats = Stats(first_token_at=AT, first_token_s=2.0, token_at=AT, token_s=0.2)
    stats = observe_latency(stats, AT + 9.99, 2.0)

    after = observe_latency(stats, AT + 10.0, 2.0, 0.1)

    assert pytest.approx(0.1 + 0.1 * math.exp(-1)) == after.token_s


@given(st.floats(0.05, 600), tokens)
def test_a_first_whole_answer(duration_s: float, token_count: int) -> None:
    """After a first whole answer one of its length is expected to take as long."""
    stats = observe_whole(Stats(), AT, duration_s, token_count)

    assert pytest.approx(duration_s) == expected_s(stats, token_count)


@given(speeds, seconds, tokens, ages)
def test_a_whole_answer(stats: Stats, duration_s: float, token_count: int, age_s: float) -> None:
    """A whole answer moves the estimate towards itself."""
    before = expected_s(stats, token_count)
    # Neither estimate becomes nothing: 0.1 ms to the first token, 1 us for each.
    least = 1e-4 + token_count * 1e-6

    after = expected_s(observe_whole(stats, AT + age_s, duration_s, token_count), token_count)

    low, high = sorted((duration_s, before))
    assert low * (1 - 1e-9) <= after <= high * (1 + 1e-9) + least


def test_an_answer_in_no_time() -> None:
    """An answer within one tick of the clock does not end the learning."""
    stats = observe_whole(Stats(), AT, 0.0, 10)

    stats = observe_whole(stats, AT + 60.0, 2.0, 10)

    assert pytest.approx(2.0) == expected_s(stats, 10)


def test_a_whole_answer_after_tokens_in_no_time() -> None:
    """Tokens within one tick of the clock do not end the learning either."""
    stats = observe_latency(Stats(), AT, 0.0, 0.0)

    stats = observe_whole(stats, AT + 60.0, 2.0, 10)

    assert pytest.approx(2.0) == expected_s(stats, 10)


def test_nothing_timed_yet() -> None:
    """Of whom nothing is known, 0.6 s to the first token and 15 ms for each are expected."""
    assert pytest.approx(0.6 + 100 * 0.015) == expected_s(Stats(), 100)


@given(speeds, tokens)
def test_longer_answers_take_longer(stats: Stats, token_count: int) -> None:
    """More tokens are never expected sooner."""
    assert expected_s(stats, token_count) <= expected_s(stats, token_count + 1)


@given(st.lists(seconds, min_size=1, max_size=64), st.floats(0, 1))
def test_quantile(samples: list[float], share: float) -> None:
    """At least `share` of the samples do not exceed it, and no smaller sample has that property."""
    found = quantile(samples, share)

    assert found is not None
    assert found in samples
    assert sum(sample <= found for sample in samples) >= share * len(samples)
    if found > min(samples):
        assert sum(sample < found for sample in samples) <= share * len(samples) + 1e-9


@given(st.lists(seconds, min_size=1, max_size=64), st.floats(0, 1), st.floats(0, 1))
def test_quantile_order(samples: list[float], one: float, other: float) -> None:
    """It rises with the share; the order of the samples does not matter."""
    low, high = quantile(samples, min(one, other)), quantile(samples, max(one, other))

    assert low is not None
    assert high is not None
    assert low <= high
    assert low == quantile(samples[::-1], min(one, other))


def test_quantile_of_few() -> None:
    """Without samples there is none; the 95th percentile of 20 is the second largest."""
    assert quantile([], 0.95) is None
    assert 19.0 == quantile([float(n) for n in range(1, 21)], 0.95)
    assert 1.0 == quantile([1.0, 2.0], 0.0)
    assert 2.0 == quantile([1.0, 2.0], 1.0)
