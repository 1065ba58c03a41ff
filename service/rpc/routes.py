"""How a request was routed, on the wire. Pure."""

from __future__ import annotations

from aiprovider.v1 import routing_pb2

from service.domain.attempt import Attempt, Outcome
from service.domain.limit import UNLIMITED
from service.domain.routing import Excluded, Plan, Ranked
from service.domain.scoring import (
    POLICY_VERSION,
    View,
    expected_cost,
    expected_time_s,
    term_names,
)
from service.domain.trace import Trace
from service.rpc.status import TABLE
from service.rpc.values import cost_pb, duration, model_ref, timestamp, usage_pb

_OUTCOMES = {
    Outcome.OK: routing_pb2.Attempt.OUTCOME_OK,
    Outcome.FAILED: routing_pb2.Attempt.OUTCOME_FAILED,
    Outcome.SKIPPED: routing_pb2.Attempt.OUTCOME_SKIPPED,
    Outcome.CANCELLED: routing_pb2.Attempt.OUTCOME_CANCELLED,
}


def route_trace(trace: Trace, now: float) -> routing_pb2.RouteTrace:
    """`now` is in seconds since the epoch."""
    plan = trace.plan
    return routing_pb2.RouteTrace(
        attempts=[attempt_pb(attempt) for attempt in trace.attempts],
        policy_version=POLICY_VERSION,
        policy=plan.policy.name.value,
        candidates=candidates(plan, now),
        propensity=plan.propensity,
        draw=plan.draw,
        trial=plan.trial,
    )


def candidates(plan: Plan, now: float) -> list[routing_pb2.Candidate]:
    """Those that may be tried, in the order in which they are; then the others."""
    names = term_names(plan.policy)
    ranked = [_ranked(one, names, plan) for one in plan.ranked]
    return ranked + [_excluded(one, plan, now) for one in plan.excluded]


def attempt_pb(attempt: Attempt) -> routing_pb2.Attempt:
    message = routing_pb2.Attempt(
        target=model_ref(attempt.target),
        outcome=_OUTCOMES[attempt.outcome],
        http_status=attempt.http_status,
        duration=duration(attempt.duration_s),
        start_offset=duration(attempt.start_offset_s),
        score=attempt.score,
        hedge=attempt.hedge,
    )
    if attempt.reason is not None:
        message.reason = attempt.reason.name
        message.grpc_code = TABLE[attempt.reason].code.value[0]
    if attempt.usage is not None:
        message.usage.CopyFrom(usage_pb(attempt.usage))
    if attempt.cost is not None:
        message.cost.CopyFrom(cost_pb(attempt.cost))
    if attempt.first_token_s is not None:
        message.time_to_first_token.CopyFrom(duration(attempt.first_token_s))
    return message


def _ranked(ranked: Ranked, names: tuple[str, ...], plan: Plan) -> routing_pb2.Candidate:
    message = _candidate(ranked.view, plan)
    message.score = ranked.score
    message.share = ranked.share
    message.place = ranked.place
    message.eligible = True
    message.score_terms.update(zip(names, ranked.terms, strict=True))
    return message


def _excluded(excluded: Excluded, plan: Plan, now: float) -> routing_pb2.Candidate:
    message = _candidate(excluded.view, plan)
    message.ineligible_reason = excluded.why.value
    if excluded.until > plan.at:
        left_s = excluded.until - plan.at
        message.cooldown_until_time.CopyFrom(timestamp(now + left_s))
        message.cooldown.CopyFrom(duration(left_s))
    return message


def _candidate(view: View, plan: Plan) -> routing_pb2.Candidate:
    candidate = view.candidate
    cost = expected_cost(view, plan.demand)
    return routing_pb2.Candidate(
        target=model_ref(candidate.target),
        asked_as=candidate.asked_as,
        tier=candidate.tier,
        estimated_cost_nano_usd=cost or 0,
        unpriced=cost is None,
        expected_duration=duration(expected_time_s(view, plan.demand)),
        quality=view.quality,
        in_flight=view.in_flight,
        concurrency_limit=0 if view.limit == UNLIMITED else int(view.limit),
    )
