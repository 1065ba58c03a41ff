"""What a plan is made of: names, rules, lengths, turns."""

from __future__ import annotations

import pytest

from service.domain.completion import (
    FunctionTool,
    Sampling,
)
from service.domain.errors import ServiceFailure
from service.domain.reasons import ErrorReason
from service.domain.request import CompletionRequest
from service.domain.scoring import POLICIES, PolicyName
from service.domain.wishes import Bounds, RouteWish, Rule
from service.pipeline import planner
from service.pipeline.ended import Ended
from service.pipeline.roster import Roster
from tests.unit.pipeline.plans import MEMBERS, ONE, TWO, Planning, request


def test_lengths_are_learned() -> None:
    """How long answers are is learned for each name, and bounded by what is asked for."""
    planning = Planning()
    planning.answer(request(), ONE, 1000)

    assert 1000 == planning.plan(request()).demand.output_tokens
    assert 256 == planning.plan(request(model="n")).demand.output_tokens
    bounded = request(sampling=Sampling(max_output_tokens=50))
    assert 50 == planning.plan(bounded).demand.output_tokens


def test_an_unknown_model() -> None:
    """A name that nobody serves is told at once."""
    with pytest.raises(ServiceFailure) as caught:
        Planning().plan(request(model="x"))

    assert ErrorReason.MODEL_NOT_FOUND is caught.value.reason


def test_what_reaches_the_plan() -> None:
    """Wishes, the tenant's rule, the needs and the time of a request reach its plan."""
    rule = Rule(Bounds(POLICIES[PolicyName.PRIORITY], frozenset({"two"})), tenants=frozenset({"v"}))
    planning = Planning(rule)
    planning.attempt(Ended(9.0, first_token_s=9.0, output_tokens=2), ONE, 20)
    wish = RouteWish(policy=PolicyName.LATENCY, excluded_providers=("two",))

    def out(asked: CompletionRequest, left_s: float = 60.0) -> dict[str, str]:
        plan = planning.plan(asked, left_s)
        return {one.candidate.target.provider: one.why.value for one in plan.excluded}

    assert {"one": "not_allowed"} == out(request(tenant="v"))
    assert {"two": "not_wanted"} == out(request(wish=wish))
    assert PolicyName.LATENCY is planning.plan(request(wish=wish)).policy.name
    assert {"one": "deadline"} == out(request(), 8.0)
    assert {} == out(request(tools=(FunctionTool("f"),)))


@pytest.mark.parametrize(
    ("wish", "attempts_max", "expected"),
    [
        (RouteWish(), 3, True),
        (RouteWish(attempts_max=2), 3, True),
        (RouteWish(attempts_max=1), 3, False),
        (RouteWish(attempts_max=9), 1, False),
        (RouteWish(disable_failover=True), 3, False),
    ],
)
def test_a_trial_needs_a_second_attempt(
    wish: RouteWish, attempts_max: int, *, expected: bool
) -> None:
    """Only a request that may be asked twice finds out whether somebody is back."""
    planning = Planning(policy=PolicyName.PRIORITY)
    planning.roster = Roster(MEMBERS, attempts_max=attempts_max)
    planning.half_open(TWO)

    assert expected is planning.plan(request(wish=wish)).trial


def test_when_it_was_made() -> None:
    """A plan says when it was made, and what was drawn."""
    planning = Planning()
    plans = [planning.plan(request()) for _ in range(100)]

    assert {1000.0} == {plan.at for plan in plans}
    assert 100 == len({plan.draw for plan in plans})
    assert all(0.0 <= plan.draw < 1.0 for plan in plans)


def firsts(planning: Planning, *models: str) -> list[str]:
    plans = [planning.plan(request(model=model)) for model in models]
    return [plan.ranked[0].candidate.target.provider for plan in plans]


def test_round_robin() -> None:
    """Each request of a name has the next one of its candidates."""
    planning = Planning(policy=PolicyName.ROUND_ROBIN)
    found = firsts(planning, *"rrrrrrrrr")

    assert {"one", "two", "three"} == set(found[:3])
    assert found[:3] * 2 == found[3:]


def test_round_robin_of_two_names() -> None:
    """Requests of one name do not take the turns of another."""
    planning = Planning(policy=PolicyName.ROUND_ROBIN)

    assert {"one", "two"} == set(firsts(planning, *"mnmnmnmn")[::2])


def test_turns_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Callers who make up names do not fill the memory: then turns begin anew."""
    monkeypatch.setattr(planner, "_NAMES_MAX", 2)
    planning = Planning(policy=PolicyName.ROUND_ROBIN)
    within = firsts(planning, "m", "m", "n")
    beyond = firsts(planning, "r", "m")

    assert within[0] != within[1]
    assert within[0] == beyond[1]
