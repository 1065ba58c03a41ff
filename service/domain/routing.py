"""Who is asked, in which order. Pure: a request and the offers in, a Plan out.

This first policy is `priority`: every enabled provider that serves the model, by its configured
priority, then the same
for each fallback model.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from service.domain.errors import ServiceFailure
from service.domain.provider import ModelRef, Offer
from service.domain.reasons import ErrorReason

POLICY_VERSION = "priority-1"


@dataclass(frozen=True, slots=True)
class RouteWish:
    """What the caller may say about routing. 0 and None mean that the configuration decides."""

    providers: tuple[str, ...] = ()
    excluded_providers: tuple[str, ...] = ()
    fallback_models: tuple[str, ...] = ()
    disable_failover: bool = False
    attempts_max: int = 0
    attempt_timeout_s: float | None = None
    first_token_timeout_s: float | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A concrete model that may be asked, and the name by which the caller asked for it."""

    target: ModelRef
    asked_as: str


@dataclass(frozen=True, slots=True)
class Plan:
    candidates: tuple[Candidate, ...]
    attempts_max: int

    def __repr__(self) -> str:
        return f"<Plan {' > '.join(str(c.target) for c in self.candidates)}>"


def plan_route(model: str, wish: RouteWish, offers: Sequence[Offer], attempts_max: int) -> Plan:
    """The candidates for `model`, best first.

    Raises ServiceFailure: MODEL_NOT_FOUND when no offer serves it, NO_CAPABLE_PROVIDER when the
    caller's own wishes rule out all that do.
    """
    ordered = sorted(offers, key=lambda offer: offer.priority)
    served = [
        candidate
        for name in (model, *wish.fallback_models)
        for candidate in _candidates(name, ordered)
    ]
    if not served:
        raise ServiceFailure(ErrorReason.MODEL_NOT_FOUND, _unknown(model, ordered))
    allowed = tuple(candidate for candidate in served if _wanted(candidate, wish))
    if not allowed:
        raise ServiceFailure(
            ErrorReason.NO_CAPABLE_PROVIDER,
            f"routing.providers and routing.excluded_providers leave nobody to serve {model!r};"
            f" it is served by {', '.join(sorted({c.target.provider for c in served}))}",
        )
    limit = min(wish.attempts_max or attempts_max, attempts_max)
    return Plan(allowed, 1 if wish.disable_failover else limit)


def _candidates(name: str, offers: Sequence[Offer]) -> Iterator[Candidate]:
    prefix, _, rest = name.partition("/")
    for offer in offers:
        # `PROVIDER/MODEL` asks one provider by name; a model's own name may hold a slash too.
        asked = rest if rest and prefix == offer.provider else name
        if not offer.models:
            if asked != name:
                yield Candidate(ModelRef(offer.provider, asked), name)
            continue
        upstreams = (entry.upstream_of(asked) for entry in offer.models)
        upstream = next((found for found in upstreams if found), None)
        if upstream is not None:
            yield Candidate(ModelRef(offer.provider, upstream), name)


def _wanted(candidate: Candidate, wish: RouteWish) -> bool:
    provider = candidate.target.provider
    return provider not in wish.excluded_providers and (
        not wish.providers or provider in wish.providers
    )


def _unknown(model: str, offers: Sequence[Offer]) -> str:
    if not offers:
        return f"no provider is configured, so nobody serves {model!r}"
    names = ", ".join(offer.provider for offer in offers)
    return f"no enabled provider serves {model!r} (enabled: {names}); ListModels tells the names"
