"""What an answer is expected to cost, in whole nano-USD."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.pricing import MILLION, Price, expected_nano_usd

prices = st.integers(0, 10**12)
tokens = st.integers(0, 10**7)
price_lists = st.builds(Price, prices, prices, st.none() | prices)


@pytest.mark.parametrize(
    ("price", "counts", "expected"),
    [
        # 2.50 USD and 10 USD for a million tokens: 1,000 in and 500 out are 0.0075 USD.
        (Price(2_500_000_000, 10_000_000_000), (1000, 500), 7_500_000),
        # With 600 of the 1,000 read from the cache at 1.25 USD.
        (Price(2_500_000_000, 10_000_000_000, 1_250_000_000), (1000, 500, 600), 6_750_000),
        # Where no price of cache reads is published, they cost as all others.
        (Price(2_500_000_000, 10_000_000_000), (1000, 500, 600), 7_500_000),
        # No more can come from the cache than there is.
        (Price(MILLION, 0, 0), (10, 0, 600), 0),
        (Price(1, 0), (1, 0), 1),
        (Price(1, 0), (MILLION, 0), 1),
        (Price(1, 0), (MILLION + 1, 0), 2),
        (Price(5, 5), (0, 0), 0),
        (Price(0, 0, 0), (10, 10, 5), 0),
    ],
)
def test_worked_examples(price: Price, counts: tuple[int, ...], expected: int) -> None:
    """Each class of tokens at its own price, the sum rounded up."""
    assert expected == expected_nano_usd(price, *counts)


@given(price_lists, tokens, tokens, tokens)
def test_rounded_up_once(price: Price, given_in: int, out: int, cached: int) -> None:
    """It is less than one nano-USD above the exact sum, and never below it."""
    known = price.cache_read is not None
    read = min(cached, given_in) if known else 0
    exact = Fraction(
        (given_in - read) * price.input + read * (price.cache_read or 0) + out * price.output,
        MILLION,
    )

    assert 0 <= expected_nano_usd(price, given_in, out, cached) - exact < 1


@given(price_lists, tokens, tokens, st.integers(0, 1000))
def test_more_tokens_never_cost_less(price: Price, given_in: int, out: int, more: int) -> None:
    """A longer prompt, or a longer answer, is never cheaper."""
    cost = expected_nano_usd(price, given_in, out)

    assert cost <= expected_nano_usd(price, given_in + more, out)
    assert cost <= expected_nano_usd(price, given_in, out + more)
