"""The weathers, what is read from each, and what is asked of the service there. Tables only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from random import Random
from statistics import median

from service.domain.scoring import PolicyName
from tests.benchmark.simulation import figures
from tests.benchmark.simulation.contestants import Contestant, Counters, Formula, Service, past
from tests.benchmark.simulation.season import Build, Request, Season
from tests.benchmark.simulation.upstream import Kind, Spell, Traits, Upstream

TRAITS = (
    Traits("alpha", 0.32, 0.0080),
    Traits("beta", 0.40, 0.0100),
    Traits("gamma", 0.50, 0.0125),
)
"""Medians of 0.8, 1.0 and 1.25 s for an answer of 60 tokens."""
LEADER = frozenset({"alpha"})
EVERYBODY = frozenset(traits.name for traits in TRAITS)
REPLICA_RATE_PER_S = 50.0
REPLICA_COUNT = 8
PAST_S = 3600.0
"""How long the formula has counted before a season begins, but for the first scenario."""
QUOTA_PER_S = 180.0
"""Of each provider, for 400 requests a second in all."""
OUTAGE_S = 60.0
WARM_S = 15.0
"""The service forgets what is older anyway: its longest half-life is a minute."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: `read` gives the figure of one run.

    `met` is asked of the median of the seeds, or of what `judged` makes of them, beside the median
    of `against`. Without it the figure is told, and nothing is asked of it.
    """

    name: str
    read: Callable[[Sequence[Request]], float]
    target: str = ""
    met: Callable[[float, float], bool] | None = None
    against: str = "formula"
    unit: str = ""
    judged: Callable[[Sequence[float]], float] = median


@dataclass(frozen=True, slots=True)
class Scenario:
    title: str
    season: Season
    rows: tuple[Row, ...]
    past_s: float = PAST_S
    contestants: tuple[str, ...] = ("service", "formula")

    def build(self, contestant: str, policy: PolicyName) -> Build:
        """How a replica is made."""
        if contestant == "formula":
            known = past(self.season.traits, round(self.past_s * self.season.rate_per_s))
            return partial(_formula, known)
        return partial(_service, policy, bounded=contestant != "unbounded")


def _formula(
    known: Mapping[str, Counters], upstreams: Sequence[Upstream], rng: Random
) -> Contestant:
    del rng
    return Formula(upstreams, known)


def _service(
    policy: PolicyName, upstreams: Sequence[Upstream], rng: Random, *, bounded: bool
) -> Contestant:
    return Service(upstreams, rng, policy=policy, bounded=bounded)


def _answered(target: str = "", met: Callable[[float, float], bool] | None = None) -> Row:
    return Row("requests that are answered", figures.answered_share, target, met)


SCENARIOS = (
    Scenario(
        "1 after 10,000 requests in good weather the leader fails every call",
        Season(
            TRAITS, 230.0, 30.0, (Spell(Kind.FAILING, LEADER, 200.0),), replica_count=REPLICA_COUNT
        ),
        (
            Row(
                "requests sent there first",
                partial(figures.picks_until_abandoned, provider="alpha"),
                "at most 10, every seed",
                lambda ours, _: ours <= 10,
                judged=max,
            ),
            _answered("at least 99 %", lambda ours, _: ours >= 0.99),
        ),
        past_s=0.0,
    ),
    Scenario(
        "2 the leader is 8 times slower for 60 s",
        Season(
            TRAITS,
            WARM_S + 60.0,
            60.0,
            (Spell(Kind.SLOW, LEADER, WARM_S, amount=8.0),),
            replica_count=REPLICA_COUNT,
        ),
        (
            Row(
                "p50 latency",
                partial(figures.latency_s, share=0.5),
                "a quarter of the formula's",
                lambda ours, formula: ours * 4 <= formula,
                unit="s",
            ),
            _answered("at least 99 %", lambda ours, _: ours >= 0.99),
        ),
    ),
    Scenario(
        f"3 each provider takes {QUOTA_PER_S:g} of 400 requests a second",
        Season(
            TRAITS,
            WARM_S + 20.0,
            20.0,
            (Spell(Kind.LIMITED, EVERYBODY, WARM_S, amount=QUOTA_PER_S),),
            replica_count=REPLICA_COUNT,
        ),
        (
            Row(
                "attempts that are refused",
                figures.wasted_share,
                "at most 10 %",
                lambda ours, _: ours <= 0.10,
            ),
            _answered("at least 99 %", lambda ours, _: ours >= 0.99),
        ),
    ),
    Scenario(
        "4 calm weather",
        Season(TRAITS, WARM_S + 40.0, 40.0, replica_count=REPLICA_COUNT),
        (
            Row(
                "p50 latency",
                partial(figures.latency_s, share=0.5),
                "within 5 % of the formula's",
                lambda ours, formula: ours <= 1.05 * formula,
                unit="s",
            ),
        ),
    ),
    Scenario(
        "5 the leader accepts for 30 s and never answers",
        Season(TRAITS, WARM_S + 30.0, 30.0, (Spell(Kind.SILENT, LEADER, WARM_S),)),
        (
            Row(
                "p99 latency",
                partial(figures.latency_s, share=0.99),
                "a quarter of the formula's",
                lambda ours, formula: ours * 4 <= formula,
                unit="s",
            ),
            Row(
                "p99 latency, first-token bound",
                partial(figures.latency_s, share=0.99),
                "a quarter of that without",
                lambda ours, unbounded: ours * 4 <= unbounded,
                against="unbounded",
                unit="s",
            ),
            Row(
                "attempts per request",
                figures.attempts_per_request,
                "at most 1.2",
                lambda ours, _: ours <= 1.2,
                against="unbounded",
            ),
            _answered("at least 99 %", lambda ours, _: ours >= 0.99),
        ),
        contestants=("service", "formula", "unbounded"),
    ),
    Scenario(
        f"6 all providers fail every call for {OUTAGE_S:g} s",
        Season(
            TRAITS,
            WARM_S + OUTAGE_S + 30.0,
            OUTAGE_S + 30.0,
            (Spell(Kind.FAILING, EVERYBODY, WARM_S, WARM_S + OUTAGE_S),),
        ),
        (
            Row(
                "attempts per request",
                partial(figures.attempts_per_request, until_s=WARM_S + OUTAGE_S),
                "at most 1.2",
                lambda ours, _: ours <= 1.2,
            ),
            Row(
                "then, until all are answered",
                partial(figures.last_failure_s, since_s=WARM_S + OUTAGE_S),
                unit="s",
            ),
        ),
    ),
    Scenario(
        "7 all providers fail 30 % of all calls",
        Season(TRAITS, WARM_S + 40.0, 40.0, (Spell(Kind.FAILING, EVERYBODY, WARM_S, amount=0.3),)),
        (_answered("at least 90 %", lambda ours, _: ours >= 0.90),),
    ),
    Scenario(
        "8 two of three accept for 30 s and never answer",
        Season(
            TRAITS,
            WARM_S + 30.0,
            30.0,
            (Spell(Kind.SILENT, frozenset({"alpha", "beta"}), WARM_S),),
            replica_count=2,
        ),
        (
            Row(
                "p99 latency",
                partial(figures.latency_s, share=0.99),
                "a third of the formula's",
                lambda ours, formula: ours * 3 <= formula,
                unit="s",
            ),
            # The retry budget does not stretch to two further attempts of every request.
            _answered("at least 90 %", lambda ours, _: ours >= 0.90),
        ),
    ),
)
