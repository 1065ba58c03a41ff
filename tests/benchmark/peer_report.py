"""From measurements to the table: medians of rounds, their spread, and ratios to LiteLLM's."""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from tests.benchmark.peer_contestants import REDIS_WAIT_S, TTL_S, Contestant
from tests.benchmark.peer_load import CHANNEL_COUNT, Measured
from tests.benchmark.peer_requests import ANSWER_CHARACTERS, PROMPT_CHARACTERS, PROMPT_COUNT

CORE_COUNT = os.cpu_count() or 1

Turn = tuple[Contestant, int]
"""A contestant, and the calls in flight."""
Results = Mapping[Turn, Sequence[Measured]]


def conditions(version: str, rounds: int, window_s: float) -> str:
    """What the figures were taken under, for whoever reads the table alone."""
    return f"""\
hits of {PROMPT_COUNT} prompts of {PROMPT_CHARACTERS} characters, answers of {ANSWER_CHARACTERS}; \
{rounds} rounds of {window_s:g} s each, median [least-most]
LiteLLM {version}: `litellm --num_workers 1`, LITELLM_LOG=ERROR, LITELLM_MODE=PRODUCTION, no \
access log; HTTP, a kept connection for each call in flight
service: as it is installed, with its line of log for each call, but waits {REDIS_WAIT_S} s for \
Redis, not 5 ms; gRPC, {CHANNEL_COUNT} connections
both: a key demanded, answers kept for {TTL_S} s, their own redis-server; 4 workers are 4 replicas \
(a process and a port each), called in turn
1 worker: the server on a core of its own, the generator and Redis on the other; 4 workers: all \
share all cores, so the generator's CPU takes from both sides
"""


def table(results: Results) -> str:
    head = (
        f"{'contestant':<16}{'workers':>8}{'in flight':>10}{'requests/s':>22}{'x LiteLLM':>11}"
        f"{'CPU ms/call':>22}{'of LiteLLM':>12}{'generator ms':>14}"
    )
    return "\n".join([head, *(_row(turn, results) for turn in results)])


def neighbours(results: Results) -> str:
    """How quiet the machine was: throughput means little on a loud one, CPU per call still much."""
    shares = [
        (m.machine_cpu_s - m.server_cpu_s - m.generator_cpu_s) / (m.elapsed_s * CORE_COUNT)
        for rounds in results.values()
        for m in rounds
    ]
    return (
        "of the machine's CPU others, Redis among them, took"
        f" {statistics.median(shares):.0%} [{min(shares):.0%} to {max(shares):.0%}]"
    )


def _row(turn: Turn, results: Results) -> str:
    contestant, in_flight = turn
    peer = results[replace(contestant, owner="LiteLLM"), in_flight]
    mine = results[turn]
    faster = _median(_rate, mine) / _median(_rate, peer)
    cheaper = _median(_server_ms, mine) / _median(_server_ms, peer)
    return (
        f"{contestant.owner + ', ' + contestant.store:<16}{contestant.workers:>8}{in_flight:>10}"
        f"{_spread(_rate, mine, 0):>22}{faster:>11.1f}"
        f"{_spread(_server_ms, mine, 2):>22}{cheaper:>12.3f}{_median(_generator_ms, mine):>14.2f}"
    )


def _rate(measured: Measured) -> float:
    return measured.count / measured.elapsed_s


def _server_ms(measured: Measured) -> float:
    return measured.server_cpu_s * 1000 / measured.count


def _generator_ms(measured: Measured) -> float:
    return measured.generator_cpu_s * 1000 / measured.count


def _median(figure: Callable[[Measured], float], rounds: Sequence[Measured]) -> float:
    return statistics.median(map(figure, rounds))


def _spread(figure: Callable[[Measured], float], rounds: Sequence[Measured], digits: int) -> str:
    figures = [figure(measured) for measured in rounds]
    low, high = min(figures), max(figures)
    return f"{statistics.median(figures):.{digits}f} [{low:.{digits}f}-{high:.{digits}f}]"
