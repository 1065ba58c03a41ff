"""How long a candidate is spared after it said "not now". Pure. Says nothing about its health.

A 429 is the provider doing its job: it never counts as a fault. What it asks for is honoured; when
it asks for nothing, the wait doubles with each refusal in a row.
"""

from __future__ import annotations

from typing import NamedTuple

from service.domain.reasons import ErrorReason

WAIT_S = 0.5
WAIT_MAX_S = 30.0
SPENT_WAIT_S = 60.0
SPENT_WAIT_MAX_S = 900.0
TOLD_MAX_S = 3600.0
"""A provider may be wrong about its own clock: after an hour it is asked again."""
JITTER = 0.2


class Quota(NamedTuple):
    """`until` is when the candidate may be asked again; `refusals` are those in a row."""

    until: float = 0.0
    refusals: int = 0
    reason: ErrorReason | None = None


def refused(
    quota: Quota, now: float, reason: ErrorReason, retry_after_s: float | None, draw: float
) -> Quota:
    """After a refusal that names a time, or is for a rate or a quota. `draw` in [0, 1) is jitter.

    Jitter only lengthens: nobody comes back before the provider's own time.
    """
    spent = reason is ErrorReason.PROVIDER_QUOTA_EXHAUSTED
    if retry_after_s is None and now < quota.until and reason is quota.reason:
        return quota
    if retry_after_s is None:
        first, most = (SPENT_WAIT_S, SPENT_WAIT_MAX_S) if spent else (WAIT_S, WAIT_MAX_S)
        before = quota.refusals if reason is quota.reason else 0
        wait_s = min(first * 2.0 ** min(before, 16), most)
    else:
        wait_s = min(retry_after_s, TOLD_MAX_S)
    until = now + wait_s * (1.0 + JITTER * draw)
    if until <= quota.until:
        return quota
    # Nobody begins while it is spared: those that end then were under way together.
    return Quota(until, quota.refusals + (now >= quota.until), reason)


def answered(quota: Quota, now: float) -> Quota:
    """After an answer: the next refusal is a first one.

    One that comes while it is spared was under way with the refusal, and tells nothing.
    """
    if not quota.refusals or now < quota.until:
        return quota
    return Quota(quota.until, 0, quota.reason)
