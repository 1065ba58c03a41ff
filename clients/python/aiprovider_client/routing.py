"""Wishes about routing in Python's words. Decides nothing: who answers is the service's choice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, get_args

from aiprovider.v1 import routing_pb2

from aiprovider_client.durations import duration_of

Objective = Literal[
    "balanced",
    "latency",
    "cost",
    "reliability",
    "weighted",
    "priority",
    "round_robin",
    "least_in_flight",
]
OBJECTIVES: tuple[Objective, ...] = get_args(Objective)
Names = str | Sequence[str]
"""One name, or several."""

_NANO = 1_000_000_000
_COST_MAX_USD = 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class Routing:
    """Who should answer: `Routing(objective="latency", fallback="gemini-2.5-flash")`.

    What is left out is for the service to decide. A wish that cannot be meant raises ValueError.
    """

    objective: Objective | None = None
    """What matters most."""
    providers: Names = ()
    """Only these, by configured name."""
    exclude: Names = ()
    """Never these providers, by configured name."""
    regions: Names = ()
    """Only deployments in these regions."""
    fallback: Names = ()
    """Models to try, in order, when no provider of the asked one can answer."""
    failover: bool = True
    """False makes the first failure final."""
    attempts_max: int = 0
    """0 means the configured maximum."""
    attempt_timeout_s: float | None = None
    """At most this long for one attempt."""
    first_token_timeout_s: float | None = None
    """At most this long from the start of an attempt to its first token."""
    cost_max_usd: float | None = None
    """Who is expected to cost more, or whose price is unknown, is left out."""
    hedge_delay_s: float | None = None
    """Ask a second one when the first gave no token for this long; 0 lets the service choose."""

    def __post_init__(self) -> None:
        if self.objective is not None and self.objective not in OBJECTIVES:
            known = ", ".join(OBJECTIVES)
            raise ValueError(f"objective {self.objective!r} is none of {known}")
        cost = self.cost_max_usd
        if cost is not None and not 1 / _NANO <= cost <= _COST_MAX_USD:
            # The contract's 0 would mean no ceiling.
            raise ValueError(f"a cost ceiling of {cost} USD is none; left out, there is none")
        self.policy()

    def policy(self) -> routing_pb2.RoutingPolicy:
        """The same as a message of the contract."""
        policy = routing_pb2.RoutingPolicy(
            objective=f"OBJECTIVE_{(self.objective or 'unspecified').upper()}",
            providers=names_of(self.providers),
            excluded_providers=names_of(self.exclude),
            regions=names_of(self.regions),
            fallback_models=names_of(self.fallback),
            disable_failover=not self.failover,
            max_attempts=self.attempts_max,
            attempt_timeout=_duration("attempt_timeout_s", self.attempt_timeout_s),
            first_token_timeout=_duration("first_token_timeout_s", self.first_token_timeout_s),
            hedge_delay=_duration("hedge_delay_s", self.hedge_delay_s),
        )
        if self.cost_max_usd is not None:
            policy.max_cost_nano_usd = round(self.cost_max_usd * _NANO)
        return policy


def policy_of(
    routing: Routing | routing_pb2.RoutingPolicy | None,
) -> routing_pb2.RoutingPolicy | None:
    return routing.policy() if isinstance(routing, Routing) else routing


def names_of(names: Names) -> Sequence[str]:
    """Several, also where one was given."""
    return (names,) if isinstance(names, str) else names


def _duration(name: str, seconds: float | None) -> timedelta | None:
    return None if seconds is None else duration_of(name, seconds)
