"""A small run of the simulation of `tests/benchmark/routing_sim.py`, so that it does not rot."""

from __future__ import annotations

from functools import partial

from service.domain.scoring import PolicyName
from tests.benchmark.routing_sim import judge
from tests.benchmark.simulation import figures
from tests.benchmark.simulation.contestants import Result
from tests.benchmark.simulation.scenarios import EVERYBODY, LEADER, TRAITS, Row, Scenario
from tests.benchmark.simulation.season import Request, Season, simulate
from tests.benchmark.simulation.upstream import Kind, Spell

LEADER_FAILS = Scenario(
    "the leader fails every call",
    Season(TRAITS, 30.0, 15.0, (Spell(Kind.FAILING, LEADER, 15.0),)),
    (),
    past_s=200.0,
)
ALL_FAIL = Scenario(
    "all fail every call", Season(TRAITS, 15.0, 10.0, (Spell(Kind.FAILING, EVERYBODY, 5.0),)), ()
)


def requests(scenario: Scenario, contestant: str, seed: int = 1) -> list[Request]:
    return simulate(scenario.season, scenario.build(contestant, PolicyName.COMPOSITE), seed)


def test_a_failing_leader_is_abandoned() -> None:
    """The service leaves a leader that fails every call; the formula goes on asking it."""
    until_abandoned = partial(figures.picks_until_abandoned, provider="alpha")
    service = requests(LEADER_FAILS, "service")

    assert until_abandoned(service) <= 10
    assert until_abandoned(requests(LEADER_FAILS, "formula")) >= 100
    assert figures.answered_share(service) > 0.99


def test_a_total_outage_is_not_made_worse() -> None:
    """In a total outage the service asks upstream at most 1.2 times a request, the formula 3."""
    assert figures.attempts_per_request(requests(ALL_FAIL, "service")) <= 1.2
    assert figures.attempts_per_request(requests(ALL_FAIL, "formula")) > 2.9


def test_a_seed_is_a_run() -> None:
    """The same seed gives the same run, another seed another one."""
    first = requests(ALL_FAIL, "service", 1)

    assert first == requests(ALL_FAIL, "service", 1)
    assert first != requests(ALL_FAIL, "service", 2)


def test_first_picks_are_counted_until_the_leader_is_abandoned() -> None:
    """Picks count up to the first 40 requests of which fewer than 5 % begin at the leader."""
    asked = ["a"] * 7 + ["b"] * 20 + ["a"] * 2 + ["b"] * 60 + ["a"] + ["b"] * 39
    run = [Request(at, 0, 1.0, Result(True, (name,))) for at, name in enumerate(asked)]

    assert 8 == figures.picks_until_abandoned(run, "a")


def test_a_missed_target_is_told() -> None:
    """A target is judged on the median of the seeds, and its verdict stands in the line."""
    row = Row("answered", figures.answered_share, "at least half", lambda ours, _: ours >= 0.5)
    good, bad = ([Request(0.0, 0, 1.0, Result(ok, ()))] for ok in (True, False))

    line, met = judge(row, {"service": [bad, bad, good], "formula": [good]})

    assert not met
    assert line.endswith("at least half: MISSED")
    assert judge(row, {"service": [bad, good, good], "formula": [good]})[1]
