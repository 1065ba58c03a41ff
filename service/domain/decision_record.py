"""One decision as a record of the decision log. Pure: writes no file; `logged.py` reads it back.

A record holds numbers and names of the configuration, so that the choice can be computed again and
another policy asked what it would have chosen. It has no word of a prompt, an answer or a failure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import lru_cache
from typing import Any

from service.domain.decision import Decision
from service.domain.limit import UNLIMITED
from service.domain.routing import Ranked
from service.domain.scoring import POLICY_VERSION, Demand, Policy, View, expected_cost, term_names

VERSION = 1
"""Raised whenever an older reader would misread a record."""


def record(decision: Decision, time_s: float) -> dict[str, Any]:
    """JSON of what the log keeps. `time_s`, of the epoch, is when the first attempt had ended.

    It has those who could be tried in the order in which their shares were laid end to end, tier by
    tier, and then the others.
    """
    plan, attempt, demand = decision.plan, decision.attempt, decision.plan.demand
    laid = sorted(plan.ranked, key=lambda ranked: (ranked.candidate.tier, ranked.place))
    targets = [ranked.candidate.target for ranked in laid]
    asked = targets.index(attempt.target)
    everyone = [one.candidate for one in (*laid, *plan.excluded)]
    names = term_names(plan.policy)
    return {
        "version": VERSION,
        "time": time_s,
        "request_id": decision.request_id,
        "tenant": decision.tenant,
        "model": decision.model,
        "policy": _policy_fields(plan.policy),
        "policy_version": POLICY_VERSION,
        "demand": {
            "prompt_tokens": demand.prompt_tokens,
            "output_tokens": demand.output_tokens,
            "sticky": next((i for i, c in enumerate(everyone) if c is demand.sticky), None),
            "sticky_share": demand.sticky_share,
        },
        "draw": plan.draw,
        "trial": plan.trial,
        "propensity": plan.propensity,
        "candidates": [
            *(_ranked_fields(ranked, names, demand) for ranked in laid),
            *({**_fields(out.view, demand), "why": out.why.value} for out in plan.excluded),
        ],
        "chosen": targets.index(plan.ranked[0].candidate.target),
        "result": {
            "asked": asked,
            "outcome": attempt.outcome.value,
            "reason": attempt.reason.value if attempt.reason else "",
            "duration_s": attempt.duration_s,
            "first_token_s": attempt.first_token_s,
            "output_tokens": decision.output_tokens,
            "cost_nano_usd": expected_cost(laid[asked].view, demand),
        },
    }


@lru_cache(maxsize=64)
def _policy_fields(policy: Policy) -> Mapping[str, Any]:
    return {**asdict(policy), "name": policy.name.value}


def _ranked_fields(ranked: Ranked, names: Sequence[str], demand: Demand) -> dict[str, Any]:
    return {
        **_fields(ranked.view, demand),
        "why": "",
        "score": ranked.score,
        "terms": dict(zip(names, ranked.terms, strict=True)),
        "share": ranked.share,
    }


def _fields(view: View, demand: Demand) -> dict[str, Any]:
    candidate = view.candidate
    # Such as it counted for a prompt of this size.
    price = candidate.price.for_input(demand.prompt_tokens) if candidate.price else None
    return {
        "provider": candidate.target.provider,
        "model": candidate.target.model,
        "deployment": candidate.target.deployment,
        "tier": candidate.tier,
        "priority": candidate.priority,
        "weight": candidate.weight,
        "price": [price.input, price.output, price.cache_read] if price else None,
        "quality": view.quality,
        "first_token_s": view.first_token_s,
        "token_s": view.token_s,
        "in_flight": view.in_flight,
        "limit": None if view.limit == UNLIMITED else view.limit,
        "circuit": view.circuit.value,
        "ramp": view.ramp,
        "known": view.known,
    }
