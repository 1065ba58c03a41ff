"""What an answer is expected to cost, and what one did, in whole nano-USD."""

from __future__ import annotations

from dataclasses import fields, replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.completion import Usage
from service.domain.cost import Provenance
from service.domain.pricing import MILLION, Price, PriceRule, cost_of, expected_nano_usd, ruled

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


classes = st.none() | prices
whole_prices = st.builds(Price, prices, prices, *[classes] * 8)
usages = st.builds(Usage, *[tokens] * 8, st.booleans(), *[tokens] * 2)
_CLASSES = [one.name for one in fields(Price) if one.name not in ("above", "tiers", "version")]


@given(whole_prices, usages)
def test_the_total_is_the_sum_of_the_parts(price: Price, usage: Usage) -> None:
    """Each part is a whole number, and nothing else is charged."""
    cost = cost_of(price, usage)

    parts = (cost.input, cost.output, cost.cache_read, cost.cache_write, cost.other)
    assert sum(parts) == cost.total
    assert all(type(part) is int and part >= 0 for part in parts)


@given(prices, usages)
def test_each_token_is_charged_once(price: int, usage: Usage) -> None:
    """Where all classes cost the same, it is that times all tokens, whatever overlaps."""
    same = replace(Price(price, price), **dict.fromkeys(_CLASSES, price))

    cost = cost_of(same, usage)

    exact = Fraction((usage.input_tokens + usage.output_tokens) * price, MILLION)
    # Four parts are rounded by themselves.
    assert abs(cost.total - exact) <= 2


@given(whole_prices, usages)
def test_between_the_cheapest_and_the_dearest_class(price: Price, usage: Usage) -> None:
    """No token costs less than the cheapest class does, nor more than the dearest."""
    rates = [rate for name in _CLASSES if (rate := getattr(price, name)) is not None]
    count = usage.input_tokens + usage.output_tokens

    cost = cost_of(price, usage)

    assert count * min(rates) - 2 * MILLION <= cost.total * MILLION
    assert cost.total * MILLION <= count * max(rates) + 2 * MILLION


@given(
    whole_prices, usages, st.sampled_from(["input_tokens", "output_tokens"]), st.integers(0, 1000)
)
def test_more_tokens_cost_no_less(price: Price, usage: Usage, name: str, more: int) -> None:
    """A longer prompt, or answer, is never cheaper where no class is dearer than the rest."""
    most = min(price.input, price.output)
    rates = {name: getattr(price, name) for name in _CLASSES}
    cheaper = {name: min(rate, most) for name, rate in rates.items() if rate is not None}
    discounts = replace(price, **{**cheaper, "input": price.input, "output": price.output})
    longer = replace(usage, **{name: getattr(usage, name) + more})

    assert cost_of(discounts, usage).total <= cost_of(discounts, longer).total


@given(whole_prices, usages)
def test_without_classes_of_its_own_all_is_input_or_output(price: Price, usage: Usage) -> None:
    """A price list of two numbers prices every usage."""
    plain = Price(price.input, price.output)

    cost = cost_of(plain, usage)

    exact = Fraction(usage.input_tokens * price.input + usage.output_tokens * price.output, MILLION)
    assert abs(cost.total - exact) <= 2


@given(st.none() | whole_prices, usages, st.integers(0, 10**12))
def test_a_report_holds(price: Price | None, usage: Usage, reported: int) -> None:
    """What the provider says that it charges is what it cost, whatever the table says."""
    cost = cost_of(price, replace(usage, reported_nano_usd=reported))

    assert (reported, Provenance.PROVIDER_REPORTED) == (cost.total, cost.provenance)


def test_the_unknown_is_never_free() -> None:
    """Without a price the cost is unknown, and so is a sum with it."""
    known, unknown = cost_of(Price(MILLION, MILLION), Usage(1, 1)), cost_of(None, Usage(1, 1))

    assert Provenance.UNKNOWN is unknown.provenance
    assert Provenance.UNKNOWN is (known + unknown).provenance
    assert Provenance.COMPUTED is known.provenance


def test_the_least_sure_part_speaks_for_a_sum() -> None:
    """One estimate makes the sum an estimate."""
    price = Price(MILLION, MILLION)
    sure, guess = cost_of(price, Usage(3)), cost_of(price, Usage(4, estimated=True))

    both = sure + guess

    assert (7, Provenance.ESTIMATED) == (both.total, both.provenance)


def test_sizes_within_a_tier() -> None:
    """A tier has sizes of its own; the largest size that the prompt is above counts."""
    tier = Price(30, 30, above=((10, Price(50, 50)), (20, Price(70, 70))))
    price = Price(1, 1, above=((10, Price(2, 2)),), tiers=(("fast", tier),))
    small = replace(price, above=((10 * MILLION, Price(2, 2)),))

    assert 2 == cost_of(price, Usage(MILLION)).input
    assert 10 == cost_of(small, Usage(10 * MILLION)).input
    assert 22 == cost_of(small, Usage(11 * MILLION)).input
    assert 70 * 3 == cost_of(price, Usage(3 * MILLION, service_tier="fast")).input


def test_the_first_rule_that_holds() -> None:
    """Rules are asked in order; one without models holds for all."""
    rules = (PriceRule(Price(1, 1), ("a-*", "b")), PriceRule(Price(2, 2)))

    assert [1, 1, 2] == [price.input for m in ("a-1", "b", "c") if (price := ruled(rules, m))]
    assert ruled(rules[:1], "c") is None


def test_expected_with_sizes() -> None:
    """An expectation heeds the size of the prompt, too."""
    price = Price(MILLION, MILLION, above=((100, Price(3 * MILLION, MILLION)),))

    assert [100, 303] == [expected_nano_usd(price, size, 0) for size in (100, 101)]


@given(usages, usages)
def test_a_sum_of_usages(one: Usage, other: Usage) -> None:
    """Every count is the sum of both; a report needs both."""
    both = one + other

    for field in fields(Usage):
        if field.type == "int":
            first, second = getattr(one, field.name), getattr(other, field.name)
            assert first + second == getattr(both, field.name)
    assert (replace(one, reported_nano_usd=1) + other).reported_nano_usd is None
