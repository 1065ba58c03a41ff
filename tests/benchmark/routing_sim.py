"""Runs every scenario with every seed, prints the table, and exits with 1 where a target is missed.

`python -m tests.benchmark.routing_sim [--seeds 1,2,3] [--scenarios 1,4] [--policy latency]`
"""

from __future__ import annotations

import argparse
import gc
import statistics
import sys
import time
from collections.abc import Sequence

from service.domain.scoring import PolicyName
from tests.benchmark.simulation import contestants, scenarios, upstream
from tests.benchmark.simulation.scenarios import SCENARIOS, Row, Scenario
from tests.benchmark.simulation.season import Request, simulate

Runs = dict[str, list[list[Request]]]
"""For each contestant the requests of each seed."""


def runs(scenario: Scenario, seeds: Sequence[int], policy: PolicyName) -> Runs:
    found: Runs = {}
    for contestant in scenario.contestants:
        build = scenario.build(contestant, policy)
        found[contestant] = []
        for seed in seeds:
            found[contestant].append(simulate(scenario.season, build, seed))
            gc.collect()
    return found


def judge(row: Row, found: Runs) -> tuple[str, bool]:
    """A line of the table, and whether the target is met."""
    ours = [row.read(requests) for requests in found["service"]]
    others = [row.read(requests) for requests in found[row.against]]
    mine, theirs = statistics.median(ours), statistics.median(others)
    ratio = f"{mine / theirs:.3f}" if theirs else "-"
    met = row.met is None or row.met(row.judged(ours), theirs)
    verdict = "" if row.met is None else f"{row.target}: {'met' if met else 'MISSED'}"
    name = f"{row.name}, {row.unit}" if row.unit else row.name
    rival = f"{_spread(others)} {'' if row.against == 'formula' else row.against}"
    return f"  {name:<36}{_spread(ours):<30}{rival:<36}{ratio:>6}  {verdict}", met


def _spread(values: Sequence[float]) -> str:
    low, high = min(values), max(values)
    return f"{statistics.median(values):.4g} ({low:.4g}..{high:.4g})"


def _parameters(seeds: Sequence[int], policy: PolicyName) -> str:
    providers = ", ".join(
        f"{t.name} {t.first_token_s:g} s + {t.token_s * 1000:g} ms/token" for t in scenarios.TRAITS
    )
    return f"""\
command: python -m tests.benchmark.routing_sim {" ".join(sys.argv[1:])}
seeds: {", ".join(map(str, seeds))}; figures are the median (least..most) of the seeds
policy: {policy.value}; formula: lifetime counters, the highest score, {scenarios.PAST_S:g} s of \
past
providers: {providers} (medians; lognormal sigma {upstream.FIRST_TOKEN_SIGMA:g} and \
{upstream.TOKEN_SIGMA:g})
answers: median {upstream.OUTPUT_TOKENS_MEDIAN} tokens, sigma {upstream.OUTPUT_TOKENS_SIGMA:g}; \
{upstream.FAULT_SHARE:.1%} of calls fail in good weather; refusals take {upstream.FAULT_S:g} s
replicas: {scenarios.REPLICA_RATE_PER_S:g} requests/s each; {scenarios.REPLICA_COUNT} in scenarios \
1 to 4, else 1 or 2
callers: deadline {contestants.DEADLINE_S:g} s, at most {contestants.ATTEMPTS_MAX} attempts
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmark.routing_sim")
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--scenarios", default="1,2,3,4,5,6,7,8")
    parser.add_argument("--policy", default="composite", choices=[p.value for p in PolicyName])
    asked = parser.parse_args(arguments)
    seeds = [int(seed) for seed in asked.seeds.split(",")]
    policy = PolicyName(asked.policy)
    wanted = tuple(asked.scenarios.split(","))
    print(_parameters(seeds, policy))
    print(f"{'':<38}{'service':<30}{'formula':<36}{'ratio':>6}  target")
    missed = 0
    started = time.monotonic()
    for scenario in SCENARIOS:
        if not scenario.title.startswith(wanted):
            continue
        print(scenario.title)
        found = runs(scenario, seeds, policy)
        for row in scenario.rows:
            line, met = judge(row, found)
            print(line, flush=True)
            missed += not met
    print(f"\n{missed} targets missed; took {time.monotonic() - started:.0f} s")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
