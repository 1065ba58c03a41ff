"""What is remembered of a candidate's attempts, fading with time. Pure: the time is an argument.

Success is a Beta distribution whose counts halve every minute, so that a provider's past never
outweighs its present. Latency is two peak-EWMAs, after Finagle's load balancer: an estimate goes up
to worse samples within a second and comes down within ten. Finagle's jumps up at once; then whoever
is asked most seems slowest, for most of its samples are remembered at their worst.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

HALF_LIFE_S = 60.0
PRIOR_SUCCESSES = 9.0
PRIOR_FAULTS = 1.0
"""What is believed of a candidate that nobody has asked: 9 of 10 attempts succeed."""
LATENCY_FALL_S = 10.0
"""After this long without a sample, 63 % of the estimate is the next sample, if it is better."""
LATENCY_RISE_S = 1.0
"""And so if it is worse."""
PRIOR_FIRST_TOKEN_S = 0.6
PRIOR_TOKEN_S = 0.015
_LN2 = math.log(2.0)
_LEAST_FIRST_TOKEN_S = 1e-4
_LEAST_TOKEN_S = 1e-9


class Stats(NamedTuple):
    """One candidate's past, as it was at `at`. Counts are decayed and without the prior.

    `first_token_s` and `token_s` (seconds per output token) are None until there was a sample, and
    as of `first_token_at` and `token_at`.
    """

    at: float = 0.0
    successes: float = 0.0
    faults: float = 0.0
    first_token_at: float = 0.0
    first_token_s: float | None = None
    token_at: float = 0.0
    token_s: float | None = None

    def __repr__(self) -> str:
        first = "-" if self.first_token_s is None else f"{self.first_token_s * 1000:.0f} ms"
        token = "-" if self.token_s is None else f"{self.token_s * 1000:.1f} ms"
        return f"<Stats {self.successes:.1f}+ {self.faults:.1f}- first {first} token {token}>"


def faded(stats: Stats, now: float) -> tuple[float, float]:
    """The counts of successes and faults as they weigh at `now`."""
    weight = math.exp(-_LN2 * max(0.0, now - stats.at) / HALF_LIFE_S)
    return stats.successes * weight, stats.faults * weight


def quality(stats: Stats, now: float) -> float:
    """The expected share of attempts that succeed, between 0 and 1: the mean of the Beta."""
    successes, faults = faded(stats, now)
    good = PRIOR_SUCCESSES + successes
    return good / (good + PRIOR_FAULTS + faults)


def observe(stats: Stats, now: float, *, success: bool) -> Stats:
    """After an attempt that succeeded, or failed by the provider's fault."""
    successes, faults = faded(stats, now)
    return Stats(now, successes + success, faults + (not success), *stats[3:])


def observe_latency(
    stats: Stats, now: float, first_token_s: float | None, token_s: float | None = None
) -> Stats:
    """After a first token that took so long, and output tokens that took so long each.

    None leaves that estimate as it is. No estimate is ever nothing: a factor would not lead back.
    """
    first_token_at, token_at = stats.first_token_at, stats.token_at
    if first_token_s is not None:
        first_token_s = max(first_token_s, _LEAST_FIRST_TOKEN_S)
        first_token_s = _peak(stats.first_token_s, first_token_s, now - first_token_at)
        first_token_at = now
    if token_s is not None:
        token_s = max(token_s, _LEAST_TOKEN_S)
        token_s = _peak(stats.token_s, token_s, now - token_at)
        token_at = now
    return Stats(
        stats.at,
        stats.successes,
        stats.faults,
        first_token_at,
        stats.first_token_s if first_token_s is None else first_token_s,
        token_at,
        stats.token_s if token_s is None else token_s,
    )


def observe_silence(stats: Stats, now: float, silent_s: float) -> Stats:
    """After silence of so long without a first token. It is believed at once, if it is worse."""
    known = stats.first_token_s
    if known is not None and silent_s <= known:
        return stats
    return stats._replace(first_token_s=silent_s, first_token_at=now)


def observe_whole(stats: Stats, now: float, duration_s: float, token_count: int) -> Stats:
    """After an answer that came whole, where nobody saw the first token.

    Both estimates are corrected by the one factor by which they missed the duration together.
    """
    expected = expected_s(stats, token_count)
    factor = duration_s / expected
    first = PRIOR_FIRST_TOKEN_S if stats.first_token_s is None else stats.first_token_s
    token = PRIOR_TOKEN_S if stats.token_s is None else stats.token_s
    return observe_latency(stats, now, first * factor, token * factor)


def expected_s(stats: Stats, token_count: float) -> float:
    """How long an answer of this many tokens is expected to take: E = first + tokens x each."""
    first = PRIOR_FIRST_TOKEN_S if stats.first_token_s is None else stats.first_token_s
    token = PRIOR_TOKEN_S if stats.token_s is None else stats.token_s
    return first + token_count * token


def quantile(samples: Sequence[float], share: float) -> float | None:
    """The smallest sample that at least `share` of them do not exceed; None without samples."""
    if not samples:
        return None
    ordered = sorted(samples)
    return ordered[min(len(ordered), max(1, math.ceil(share * len(ordered)))) - 1]


def _peak(known: float | None, sample: float, age_s: float) -> float:
    if known is None:
        return sample
    decay_s = LATENCY_RISE_S if sample > known else LATENCY_FALL_S
    keep = math.exp(-max(0.0, age_s) / decay_s)
    return known * keep + sample * (1.0 - keep)
