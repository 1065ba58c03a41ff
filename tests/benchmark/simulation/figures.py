"""What is read from a run: one number each. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tests.benchmark.simulation.season import Request

ABANDONED_BELOW = 0.05
ABANDONED_WINDOW = 40
"""A provider is abandoned where fewer than this share of so many further requests begin there."""


def picks_until_abandoned(requests: Sequence[Request], provider: str) -> float:
    """How many requests a replica still sent first to `provider`: the mean of the replicas.

    All of them, if it was never abandoned.
    """
    counts: list[int] = []
    for replica in sorted({request.replica for request in requests}):
        ordered = sorted(request for request in requests if request.replica == replica)
        first = [request.result.asked[:1] == (provider,) for request in ordered]
        counts.append(_until_abandoned(first))
    return sum(counts) / len(counts)


def _until_abandoned(first: Sequence[bool]) -> int:
    for start in range(len(first) - ABANDONED_WINDOW):
        if sum(first[start : start + ABANDONED_WINDOW]) < ABANDONED_BELOW * ABANDONED_WINDOW:
            return sum(first[:start])
    return sum(first)


def latency_s(requests: Sequence[Request], share: float) -> float:
    """The latency that `share` of the requests do not exceed, whether they were answered or not."""
    ordered = sorted(request.latency_s for request in requests)
    return ordered[max(1, math.ceil(share * len(ordered))) - 1]


def wasted_share(requests: Sequence[Request]) -> float:
    """Of all attempts, those that met a rate limit."""
    refused = sum(request.result.refused_count for request in requests)
    return refused / max(1, _attempt_count(requests))


def attempts_per_request(requests: Sequence[Request], until_s: float = math.inf) -> float:
    """Of the requests that came before `until_s`."""
    counted = [request for request in requests if request.at < until_s]
    return _attempt_count(counted) / len(counted)


def answered_share(requests: Sequence[Request]) -> float:
    return sum(request.result.ok for request in requests) / len(requests)


def last_failure_s(requests: Sequence[Request], since_s: float) -> float:
    """How long after `since_s` the last request came that was not answered: the mean of the
    replicas.
    """
    latest = {request.replica: since_s for request in requests}
    for request in requests:
        if not request.result.ok:
            latest[request.replica] = max(latest[request.replica], request.at)
    return sum(latest.values()) / len(latest) - since_s


def _attempt_count(requests: Sequence[Request]) -> int:
    return sum(len(request.result.asked) for request in requests)
