"""A record of the decision log, read back: the snapshot, the choice, what came of it. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from service.domain.attempt import Outcome
from service.domain.breaker import Circuit
from service.domain.candidate import Candidate
from service.domain.decision_record import VERSION
from service.domain.limit import UNLIMITED
from service.domain.pricing import Price
from service.domain.provider import ModelRef
from service.domain.scoring import Demand, Policy, PolicyName, View, term_names

_ROUNDING = 1e-9


class Considered(NamedTuple):
    """A candidate as it was seen. `why` says why it was out, "" if it could be tried."""

    view: View
    why: str = ""
    score: float = 0.0
    terms: tuple[float, ...] = ()
    share: float = 0.0


class Result(NamedTuple):
    """What came of the first attempt. `asked` is the place of the one that was asked.

    That is the chosen one, unless it had no room and the turn went to another.
    """

    asked: int
    outcome: Outcome
    reason: str = ""
    duration_s: float = 0.0
    first_token_s: float | None = None
    output_tokens: int = 0
    cost_nano_usd: int | None = None


@dataclass(frozen=True, slots=True)
class Logged:
    """A decision as the log tells it. `time_s` is of the epoch.

    `considered` stands in the order in which shares are laid end to end, tier by tier, and then
    those who were out. `first_tier` has the places of those of whom one was to be first.
    """

    time_s: float
    request_id: str
    tenant: str
    model: str
    policy: Policy
    policy_version: str
    demand: Demand
    draw: float
    trial: bool
    propensity: float
    considered: tuple[Considered, ...]
    first_tier: tuple[int, ...]
    chosen: int
    result: Result


class OtherVersionError(ValueError):
    """A service of another version wrote the record."""


def logged(fields: Mapping[str, Any]) -> Logged:
    """Raises OtherVersionError, or ValueError for what is no whole record of a decision."""
    try:
        version = fields["version"]
        found = _logged(fields) if version == VERSION else None
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"not a whole record: {error!r}") from None
    if found is None:
        raise OtherVersionError(f"version {version}, not {VERSION}")
    _require_possible(found)
    return found


def _logged(fields: Mapping[str, Any]) -> Logged:
    policy = _policy(fields["policy"])
    names = term_names(policy)
    considered = tuple(_considered(one, names) for one in fields["candidates"])
    demand, result = fields["demand"], fields["result"]
    chosen = int(fields["chosen"])
    sticky, first, cost = demand["sticky"], result["first_token_s"], result["cost_nano_usd"]
    return Logged(
        float(fields["time"]),
        str(fields["request_id"]),
        str(fields["tenant"]),
        str(fields["model"]),
        policy,
        str(fields["policy_version"]),
        Demand(
            int(demand["prompt_tokens"]),
            int(demand["output_tokens"]),
            None if sticky is None else considered[sticky].view.candidate,
            float(demand["sticky_share"]),
        ),
        float(fields["draw"]),
        bool(fields["trial"]),
        float(fields["propensity"]),
        considered,
        _first_tier(considered, chosen),
        chosen,
        Result(
            int(result["asked"]),
            Outcome(result["outcome"]),
            str(result["reason"]),
            float(result["duration_s"]),
            None if first is None else float(first),
            int(result["output_tokens"]),
            None if cost is None else int(cost),
        ),
    )


def _first_tier(considered: Sequence[Considered], chosen: int) -> tuple[int, ...]:
    tier = considered[chosen].view.candidate.tier
    return tuple(
        place
        for place, one in enumerate(considered)
        if not one.why and one.view.candidate.tier == tier
    )


def _policy(fields: Mapping[str, Any]) -> Policy:
    numbers = {name: float(value) for name, value in fields.items() if name != "name"}
    return Policy(PolicyName(fields["name"]), **numbers)


def _considered(fields: Mapping[str, Any], names: Sequence[str]) -> Considered:
    price, limit = fields["price"], fields["limit"]
    candidate = Candidate(
        ModelRef(fields["provider"], fields["model"], fields["deployment"]),
        fields["model"],
        int(fields["tier"]),
        int(fields["priority"]),
        float(fields["weight"]),
        price=Price(*price) if price else None,
    )
    view = View(
        candidate,
        float(fields["quality"]),
        float(fields["first_token_s"]),
        float(fields["token_s"]),
        int(fields["in_flight"]),
        UNLIMITED if limit is None else float(limit),
        Circuit(fields["circuit"]),
        ramp=float(fields["ramp"]),
        known=bool(fields["known"]),
    )
    if fields["why"]:
        return Considered(view, str(fields["why"]))
    terms = tuple(float(fields["terms"][name]) for name in names)
    return Considered(view, "", float(fields["score"]), terms, float(fields["share"]))


def _require_possible(found: Logged) -> None:
    """Raises ValueError for a record on which nothing could be computed."""
    places = range(len(found.considered))
    possible = (
        found.chosen in places
        and found.result.asked in places
        and not found.considered[found.chosen].why
        and found.considered[found.chosen].share > 0.0
        and 0.0 < found.propensity <= 1.0 + _ROUNDING
        and 0.0 <= found.result.duration_s < math.inf
        and found.policy.temperature > 0.0
        and all(one.view.limit > 0.0 for one in found.considered)
    )
    if not possible:
        raise ValueError("not a decision that can have been made")
