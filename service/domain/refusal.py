"""What a caller is told when a plan leaves nobody to try, and whether waiting would help. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from service.domain.errors import ServiceFailure
from service.domain.provider import Offer
from service.domain.reasons import ErrorReason
from service.domain.routing import Excluded, Plan
from service.domain.wishes import TRANSIENT, Exclusion

# How soon another request's trial is over: nobody knows, but not long.
_TRIAL_S = 1.0
_WORDS = {
    Exclusion.NOT_WANTED: "routing.providers and routing.excluded_providers leave it out",
    Exclusion.NOT_ALLOWED: "the tenant may not use it",
    Exclusion.REGION: "it is in another region",
    Exclusion.CAPABILITY: "it cannot do what the request needs",
    Exclusion.CONTEXT_WINDOW: "the prompt is longer than its context window",
    Exclusion.COST: "it is dearer than routing.max_cost_nano_usd, or its price is unknown",
    Exclusion.CIRCUIT_OPEN: "its circuit is open",
    Exclusion.ON_TRIAL: "it is on trial after an outage",
    Exclusion.QUOTA: "it asked to be spared",
    Exclusion.DEADLINE: "it never was fast enough for the time that is left",
}
# When nobody is left for lasting reasons, the first of these that anyone was left out for is told.
_LASTING = (
    (Exclusion.DEADLINE, ErrorReason.DEADLINE_TOO_SHORT),
    (Exclusion.CONTEXT_WINDOW, ErrorReason.CONTEXT_WINDOW_EXCEEDED),
    (Exclusion.CAPABILITY, ErrorReason.NO_CAPABLE_PROVIDER),
    (Exclusion.COST, ErrorReason.NO_CAPABLE_PROVIDER),
    (Exclusion.NOT_ALLOWED, ErrorReason.MODEL_NOT_ALLOWED),
    (Exclusion.REGION, ErrorReason.NO_CAPABLE_PROVIDER),
    (Exclusion.NOT_WANTED, ErrorReason.NO_CAPABLE_PROVIDER),
)


def soonest(plan: Plan, now: float) -> float | None:
    """When the first of those who were left out for a while may be tried; None if there is none."""
    times = [
        out.until if out.until > now else now + _TRIAL_S
        for out in plan.excluded
        if out.why in TRANSIENT
    ]
    return min(times, default=None)


def refusal(plan: Plan, model: str, now: float) -> ServiceFailure:
    """For a plan without anybody ranked. Nobody was asked."""
    until = soonest(plan, now)
    told = _told(plan.excluded)
    if until is None:
        whys = {out.why for out in plan.excluded}
        reason = next(reason for why, reason in _LASTING if why in whys)
        return ServiceFailure(reason, f"nobody can be asked for {model!r}: {told}")
    waiting = [out for out in plan.excluded if out.why in TRANSIENT]
    first = min(waiting, key=lambda out: out.until if out.until > now else now + _TRIAL_S)
    reason = ErrorReason.NO_HEALTHY_PROVIDER
    if first.why is Exclusion.QUOTA:
        reason = first.view.quota_reason or ErrorReason.PROVIDER_RATE_LIMITED
    wait_s = until - now
    message = f"nobody can be asked for {model!r} within {wait_s:.1f} s: {told}"
    return ServiceFailure(reason, message, retry_after_s=wait_s)


def unknown(model: str, offers: Sequence[Offer]) -> ServiceFailure:
    """For a name that nobody serves."""
    names = ", ".join(dict.fromkeys(offer.provider for offer in offers))
    message = f"no provider is configured, so nobody serves {model!r}"
    if names:
        message = (
            f"no enabled provider serves {model!r} (enabled: {names}); ListModels tells the names"
        )
    return ServiceFailure(ErrorReason.MODEL_NOT_FOUND, message)


def _told(excluded: Sequence[Excluded]) -> str:
    return "; ".join(f"{out.candidate.target}: {_WORDS[out.why]}" for out in excluded[:8])
