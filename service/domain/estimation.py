"""Weighted means with 95 % confidence intervals. Pure; knows nothing of routing.

A mean is self-normalised: sum(w v) / sum(w) over the samples that have a value (Swaminathan and
Joachims, The Self-Normalized Estimator for Counterfactual Learning, 2015). Its variance is that of
the delta method, sum((w (v - mean))^2) / sum(w)^2, or what the spread of the values makes of the
effective sample size sum(w)^2 / sum(w^2), whichever is larger (both: Owen, Monte Carlo theory,
methods and examples, chapter 9); the former alone is too small where rare values meet large
weights. A share between 0 and 1 gets Wilson's interval for the sample size that this variance
stands for (Korn and Graubard, Survey Methodology 24, 1998), which is sound near 0 and 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

_Z = 1.959963984540054
"""95 % of a normal distribution lie within so many standard deviations."""


class Interval(NamedTuple):
    """An estimate, and between what bounds the truth lies."""

    mean: float
    low: float
    high: float


class Comparison(NamedTuple):
    """The same samples as they are, weighted, and the weighted mean less the plain one.

    `sample_count` samples had a value.
    """

    sample_count: int
    plain: Interval
    weighted: Interval
    difference: Interval


class _Mean(NamedTuple):
    """`parts` is what each sample contributes, as a share of all; `spread` the values' variance."""

    value: float
    parts: list[float]
    spread: float
    interval: Interval


def compared(
    values: Sequence[float | None], weights: Sequence[float], *, share: bool
) -> Comparison | None:
    """None where no sample with any weight has a value. `share` says that values are 0 or 1."""
    pairs = [(v, w) for v, w in zip(values, weights, strict=True) if v is not None]
    known = [value for value, _ in pairs]
    plain = _mean(known, [1.0] * len(known), share=share)
    weighted = _mean(known, [weight for _, weight in pairs], share=share)
    if plain is None or weighted is None:
        return None
    return Comparison(
        len(known), plain.interval, weighted.interval, _difference(known, weighted, plain)
    )


def effective_size(weights: Sequence[float]) -> float:
    """How many equally weighted samples tell as much."""
    squares = _sum_squares(weights)
    return sum(weights) ** 2 / squares if squares > 0.0 else 0.0


def _mean(values: Sequence[float], weights: Sequence[float], *, share: bool) -> _Mean | None:
    total = sum(weights)
    if total <= 0.0:
        return None
    value = sum(weight * v for weight, v in zip(weights, values, strict=True)) / total
    parts = [weight / total for weight in weights]
    spread = sum(part * (v - value) ** 2 for part, v in zip(parts, values, strict=True))
    pulls = [part * (v - value) for part, v in zip(parts, values, strict=True)]
    variance = max(_sum_squares(pulls), spread * _sum_squares(parts))
    if share:
        size = spread / variance if variance > 0.0 else effective_size(weights)
        return _Mean(value, parts, spread, _wilson(value, size))
    return _Mean(value, parts, spread, _around(value, variance))


def _difference(values: Sequence[float], weighted: _Mean, plain: _Mean) -> Interval:
    """The samples are the same: what moves both means together does not count."""
    value = weighted.value - plain.value
    pulls = [
        a * (v - weighted.value) - b * (v - plain.value)
        for v, a, b in zip(values, weighted.parts, plain.parts, strict=True)
    ]
    apart = [a - b for a, b in zip(weighted.parts, plain.parts, strict=True)]
    spread = max(weighted.spread, plain.spread)
    if spread > 0.0 or not any(apart):
        return _around(value, max(_sum_squares(pulls), spread * _sum_squares(apart)))
    # All values are equal: only the two intervals tell what could have been (Newcombe's method).
    ours, theirs = weighted.interval, plain.interval
    return Interval(
        value,
        value - math.hypot(_below(ours), _above(theirs)),
        value + math.hypot(_above(ours), _below(theirs)),
    )


def _wilson(value: float, size: float) -> Interval:
    shrink = 1.0 + _Z**2 / size
    centre = (value + _Z**2 / (2.0 * size)) / shrink
    reach = _Z / shrink * math.sqrt(value * (1.0 - value) / size + _Z**2 / (4.0 * size**2))
    return Interval(
        value, max(0.0, min(value, centre - reach)), min(1.0, max(value, centre + reach))
    )


def _around(value: float, variance: float) -> Interval:
    reach = _Z * math.sqrt(variance)
    return Interval(value, value - reach, value + reach)


def _below(interval: Interval) -> float:
    return interval.mean - interval.low


def _above(interval: Interval) -> float:
    return interval.high - interval.mean


def _sum_squares(values: Sequence[float]) -> float:
    return sum(value * value for value in values)
