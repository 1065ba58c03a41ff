"""What a replica may still spend: retries and hedges."""

from __future__ import annotations

from service.pipeline.retries import Retries
from tests.kit.virtual import Clock


def spent(retries: Retries, most: int = 1000) -> int:
    """How many retries may be made now, at most so many."""
    return sum(retries.retry() for _ in range(most))


def hedged(retries: Retries, most: int = 1000) -> int:
    return sum(retries.hedge() for _ in range(most))


def test_a_new_replica() -> None:
    """A replica begins with 100 retries, whatever the clock says, and one hedge."""
    retries = Retries(Clock(1e6))

    assert (100, 1) == (spent(retries), hedged(retries))


def test_requests_pay_for_retries() -> None:
    """Five requests are worth a retry, besides those that time brings."""
    retries = Retries(Clock())
    spent(retries)
    for _ in range(50):
        retries.asked()

    assert 10 == spent(retries)


def test_time_pays_for_retries() -> None:
    """An empty budget gains nearly ten a second, and none without time."""
    clock = Clock()
    retries = Retries(clock)
    spent(retries)
    nothing = spent(retries)
    clock.now += 1.0

    # 100 (1 - exp(-0.1)) are 9.5.
    assert (0, 9) == (nothing, spent(retries))


def test_a_refused_retry_costs_nothing() -> None:
    """Asking in vain takes nothing off the budget."""
    clock = Clock()
    patient, pressing = Retries(clock), Retries(clock)
    spent(patient)
    spent(pressing)
    for _ in range(10):
        clock.now += 0.009
        assert not pressing.retry()
    clock.now += 0.5

    assert 5 == spent(patient)
    assert 5 == spent(pressing)


def test_hedges() -> None:
    """A twentieth of the requests may be hedged; ten hedges can be saved, and time brings none."""
    clock = Clock()
    retries = Retries(clock)
    hedged(retries)
    for _ in range(100):
        retries.asked()
    of_a_hundred = hedged(retries)
    for _ in range(10_000):
        retries.asked()
    saved = hedged(retries)
    clock.now += 3600.0

    # A twentieth is no whole binary number: the hundredth request may miss the fifth by a hair.
    assert of_a_hundred in (4, 5)
    assert (10, 0) == (saved, hedged(retries))


def test_hedges_over_time() -> None:
    """Of 10,000 requests that would all be hedged, one in twenty is."""
    retries = Retries(Clock())
    made = 0
    for _ in range(10_000):
        retries.asked()
        made += retries.hedge()

    assert 500 <= made <= 501


def test_a_hedge_is_no_retry() -> None:
    """Hedges and retries are paid for separately."""
    retries = Retries(Clock())
    hedged(retries)

    assert 100 == spent(retries)
    assert "<Retries 0.0 retries, 0.00 hedges left>" == repr(retries)
