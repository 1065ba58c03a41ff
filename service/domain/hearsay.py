"""What a replica believes of its peers' words, beside what it knows itself. Pure.

    a peer's word      | is believed
    -------------------+------------------------------------------------------------------------
    quota cooldown     | as it is, the longest: the key is the same
    decayed statistics | by half, in all no more than one's own leave of `PEERS_COUNT_MAX`
    latency            | the median, where one has no estimate of one's own of late
    opening            | of two peers, or half of those alive, unless there was an answer since
    closing            | of one peer: its trial ends what was opened on the word of peers

Whatever comes of it is never told as one's own (`peers.py`).
"""

from __future__ import annotations

from typing import NamedTuple

from service.domain.breaker import Circuit
from service.domain.peers import LATENCY_S, Belief, Own
from service.domain.quota import Quota
from service.domain.reasons import ErrorReason
from service.domain.stats import PRIOR_FAULTS, PRIOR_SUCCESSES, Stats, faded, quality

PEER_WEIGHT = 0.5
"""A peer's attempt counts half: its prompts are others, and so may be its way to the provider."""
PEERS_COUNT_MAX = PRIOR_SUCCESSES + PRIOR_FAULTS
"""All peers together weigh no more than what is believed of a stranger, and one's own attempts take
their place: after ten of them, 50 replicas have no say."""
OWN_ANSWER_S = 5.0
"""An answer to oneself speaks for so long against what peers opened before it."""


class Heard(NamedTuple):
    """A belief, as far as one's own evidence leaves room for it. Holds until `until`.

    Latencies are None where one's own are preferred.
    """

    until: float
    successes: float = 0.0
    faults: float = 0.0
    first_token_s: float | None = None
    token_s: float | None = None
    quota_until: float = 0.0
    quota_reason: ErrorReason | None = None


def heard(belief: Belief, own: Own, now: float, latency_s: float = LATENCY_S) -> Heard:
    """Weighs a belief once, so that plans need only add it.

    One's own estimate of a latency is preferred for `latency_s` after its last sample.
    """
    stats = own.stats
    room = max(0.0, PEERS_COUNT_MAX - sum(faded(stats, now)))
    first_s, token_s = now - stats.first_token_at, now - stats.token_at
    count = PEER_WEIGHT * (belief.successes + belief.faults)
    weight = PEER_WEIGHT * min(1.0, room / count) if count else 0.0
    return Heard(
        belief.until,
        weight * belief.successes,
        weight * belief.faults,
        belief.first_token_s if _aged(stats.first_token_s, first_s, latency_s) else None,
        belief.token_s if _aged(stats.token_s, token_s, latency_s) else None,
        belief.quota_until,
        belief.quota_reason,
    )


def _aged(estimate: float | None, age_s: float, latency_s: float) -> bool:
    return estimate is None or age_s >= latency_s


def together(
    stats: Stats, quota: Quota, peers: Heard, now: float
) -> tuple[float, float | None, float | None, Quota]:
    """Quality, seconds to the first token and for each token, and quota: one's own and peers'."""
    first, token = stats.first_token_s, stats.token_s
    if now >= peers.until:
        return quality(stats, now), first, token, quota
    if peers.quota_until > quota.until:
        quota = Quota(peers.quota_until, quota.refusals, peers.quota_reason)
    successes, faults = faded(stats, now)
    good = PRIOR_SUCCESSES + successes + peers.successes
    return (
        good / (good + PRIOR_FAULTS + faults + peers.faults),
        first if peers.first_token_s is None else peers.first_token_s,
        token if peers.token_s is None else peers.token_s,
        quota,
    )


def opened_until(belief: Belief, own: Own, now: float) -> float | None:
    """Until when enough peers have the circuit open, None if too few, or if it answered since.

    An answer is a trial of anybody's, or any attempt of one's own within `OWN_ANSWER_S`.
    """
    answered_at = belief.recovered_at
    if own.breaker.circuit is Circuit.CLOSED:
        # If it was ever open, a trial of one's own closed it.
        answered_at = max(answered_at, own.turned_at)
    if now - own.answered_at < OWN_ANSWER_S:
        answered_at = max(answered_at, own.answered_at)
    left = sorted(until for at, until in belief.openings if at > answered_at and until > now)
    if len(left) < belief.quorum:
        return None
    return min(left[-belief.quorum], belief.until)
