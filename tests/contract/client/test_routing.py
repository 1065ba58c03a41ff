"""Wishes about routing, and what is told of how a request was routed; the service is real."""

from __future__ import annotations

import pytest
from aiprovider.v1 import routing_pb2
from aiprovider_client import Client, InvalidRequestError, NotFoundError, ProviderError, Routing
from aiprovider_client.routing import OBJECTIVES, Objective

from tests.kit.stack import Stack

FALLBACK = Routing(objective="priority", fallback="claude-sonnet-4-5")
POLICIES: dict[Objective, str] = {"balanced": "composite"}
"""The service's own names of objectives, where they differ."""


def places(targets: list[routing_pb2.ModelRef]) -> list[str]:
    return [f"{target.provider}/{target.model}" for target in targets]


@pytest.mark.parametrize("objective", OBJECTIVES)
async def test_objectives(client: Client, objective: Objective) -> None:
    """Every objective leads to its policy, and the answer names it."""
    answer = await client.complete("gpt-4o", "Hi.", routing=Routing(objective=objective))

    assert POLICIES.get(objective, objective) == answer.route.policy


async def test_the_route_of_an_answer(patient_client: Client) -> None:
    """An answer tells every attempt, and every candidate in the order in which they were tried."""
    answer = await patient_client.complete("gpt-4o+status=503", "Hi.", routing=FALLBACK)

    expected = ["openai/gpt-4o+status=503", "anthropic/claude-sonnet-4-5"]
    assert expected == places([attempt.target for attempt in answer.route.attempts])
    assert expected == places([candidate.target for candidate in answer.route.candidates])
    assert "priority" == answer.route.policy
    assert 1.0 == answer.route.propensity


async def test_the_route_of_a_failure(patient_client: Client) -> None:
    """A failure tells the same, its attempts included."""
    routing = Routing(objective="priority", fallback="claude-sonnet-4-5+status=401", attempts_max=2)
    with pytest.raises(ProviderError) as caught:
        await patient_client.complete("gpt-4o+status=401", "Hi.", routing=routing)

    route = caught.value.route
    assert route is not None
    assert list(caught.value.attempts) == list(route.attempts)
    assert ["openai", "anthropic"] == [attempt.target.provider for attempt in route.attempts]
    assert ["openai", "anthropic"] == [one.target.provider for one in route.candidates]


async def test_a_failure_before_routing(client: Client) -> None:
    """What never came to routing has no route."""
    with pytest.raises(NotFoundError) as caught:
        await client.complete("nope", "Hi.")

    assert caught.value.route is None


async def test_the_cost_ceiling(client: Client) -> None:
    """A ceiling in dollars leaves out who is dearer; the failure tells who that was."""
    with pytest.raises(InvalidRequestError) as caught:
        await client.complete("gpt-4o", "Hi.", routing=Routing(cost_max_usd=1e-9))

    route = caught.value.route
    assert route is not None
    assert [(False, "cost")] == [(c.eligible, c.ineligible_reason) for c in route.candidates]
    dear = await client.complete("gpt-4o", "Hi.", routing=Routing(cost_max_usd=1))
    assert "openai" == dear.served_by.provider


async def test_regions_and_exclusions(client: Client) -> None:
    """Regions and excluded providers reach the service."""
    routing = Routing(exclude=["anthropic"], regions="eu", fallback="claude-sonnet-4-5")
    explained = await client.explain("gpt-4o", routing=routing)

    assert ["region", "not_wanted"] == [c.ineligible_reason for c in explained.candidates]


async def test_without_failover(patient_client: Client) -> None:
    """`failover=False` makes the first failure final."""
    routing = Routing(objective="priority", fallback="claude-sonnet-4-5", failover=False)
    with pytest.raises(ProviderError) as caught:
        await patient_client.complete("gpt-4o+status=401", "Hi.", routing=routing)

    assert 1 == len(caught.value.attempts)


async def test_the_time_of_an_attempt(patient_client: Client) -> None:
    """An attempt ends after its own timeout, and the next one answers."""
    routing = Routing(objective="priority", fallback="claude-sonnet-4-5", first_token_timeout_s=0.1)
    answer = await patient_client.complete("gpt-4o+hang=headers", "Hi.", routing=routing)

    assert ["PROVIDER_TIMEOUT", ""] == [attempt.reason for attempt in answer.route.attempts]


async def test_hedging(patient_client: Client) -> None:
    """A second attempt beside a silent first one is told as a hedge."""
    routing = Routing(objective="priority", fallback="claude-sonnet-4-5", hedge_delay_s=0.02)
    answer = await patient_client.complete("gpt-4o+hang=first-token", "Hi.", routing=routing)

    assert "anthropic" == answer.served_by.provider
    assert [False, True] == [attempt.hedge for attempt in answer.route.attempts]


async def test_explain(client: Client, stack: Stack) -> None:
    """Explaining tells the candidates with the terms of their scores, and asks nobody."""
    explained = await client.explain(
        "gpt-4o", "Hi.", system="Be kind.", routing=Routing(fallback="gemini-2.5-flash")
    )

    first, second = explained.candidates
    assert ["openai/gpt-4o", "google/gemini-2.5-flash"] == places([first.target, second.target])
    assert first.score == pytest.approx(sum(first.score_terms.values()))
    assert (0, 1) == (first.tier, second.tier)
    assert "composite" == explained.route.policy
    assert [] == [request for request in stack.adversary.requests if request.method == "POST"]


async def test_explaining_a_mistake(client: Client) -> None:
    """A mistake in the wishes comes with the path of its field."""
    with pytest.raises(InvalidRequestError) as caught:
        await client.explain("gpt-4o", routing=Routing(attempts_max=-1))

    assert ["routing.max_attempts"] == [v.field for v in caught.value.violations]
