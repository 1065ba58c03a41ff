"""Wishes about routing become the contract's message."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pytest
from aiprovider.v1 import routing_pb2
from aiprovider_client import Routing
from aiprovider_client.routing import OBJECTIVES
from google.protobuf import duration_pb2


def test_every_objective_has_its_name() -> None:
    """The contract's objectives and the client's are the same."""
    names = [
        name.removeprefix("OBJECTIVE_").lower()
        for name in routing_pb2.RoutingPolicy.Objective.keys()  # noqa: SIM118 - no dict
    ]

    assert ["unspecified", *OBJECTIVES] == names


def test_no_wish() -> None:
    """What is left out is left out of the message."""
    assert routing_pb2.RoutingPolicy() == Routing().policy()


def test_every_wish() -> None:
    """Every wish has its field; seconds become durations and dollars nano-dollars."""
    routing = Routing(
        objective="least_in_flight",
        providers=["a", "b"],
        exclude=["c"],
        regions=["eu"],
        fallback=["m", "n"],
        failover=False,
        attempts_max=2,
        attempt_timeout_s=1.5,
        first_token_timeout_s=0.25,
        cost_max_usd=0.0123,
        hedge_delay_s=0,
    )

    expected = routing_pb2.RoutingPolicy(
        objective=routing_pb2.RoutingPolicy.OBJECTIVE_LEAST_IN_FLIGHT,
        providers=["a", "b"],
        excluded_providers=["c"],
        fallback_models=["m", "n"],
        disable_failover=True,
        max_attempts=2,
        attempt_timeout=duration_pb2.Duration(seconds=1, nanos=500_000_000),
        first_token_timeout=duration_pb2.Duration(nanos=250_000_000),
        max_cost_nano_usd=12_300_000,
        hedge_delay=duration_pb2.Duration(),
        regions=["eu"],
    )
    assert expected == routing.policy()
    assert {field.name for field in expected.DESCRIPTOR.fields} == {
        field.name for field, _ in expected.ListFields()
    }


def test_one_name() -> None:
    """One name may stand where several may, and is not taken for its letters."""
    assert ["openai"] == list(Routing(providers="openai").policy().providers)


@pytest.mark.parametrize(
    "wishes",
    [
        {"objective": "composite"},
        {"cost_max_usd": 0},
        {"cost_max_usd": -1},
        {"cost_max_usd": 1e-12},
        {"cost_max_usd": math.nan},
        {"cost_max_usd": math.inf},
        {"hedge_delay_s": math.inf},
        {"attempt_timeout_s": math.nan},
    ],
)
def test_what_cannot_be_meant(wishes: Mapping[str, Any]) -> None:
    """A wish that the message could not hold, or would turn around, is refused where it is made."""
    with pytest.raises(ValueError, match=str(next(iter(wishes.values())))):
        Routing(**wishes)
