"""Who is asked, in which order, and what a failure means for the rest."""

from __future__ import annotations

import pytest

from service.domain.errors import ProviderFailure, ServiceFailure
from service.domain.failover import Verdict, surrender, verdict
from service.domain.provider import ModelRef, Offer, ServedModel
from service.domain.reasons import ErrorReason
from service.domain.routing import RouteWish, plan_route

OFFERS = (
    Offer("late", 30, (ServedModel("gpt-*"),)),
    Offer("early", 10, (ServedModel("gpt-4o", upstream="gpt-4o-2024"), ServedModel("other"))),
    Offer("any", 20),
)


def targets(model: str, wish: RouteWish = RouteWish()) -> list[str]:
    return [str(c.target) for c in plan_route(model, wish, OFFERS, 3).candidates]


def test_priority_order() -> None:
    """Providers are tried by priority, each under its own name of the model."""
    assert ["early/gpt-4o-2024", "late/gpt-4o"] == targets("gpt-4o")


def test_a_provider_by_name() -> None:
    """`PROVIDER/MODEL` asks that provider alone, also for models that it does not list."""
    assert ["late/gpt-4o"] == targets("late/gpt-4o")
    assert ["any/what/ever"] == targets("any/what/ever")


def test_fallback_models_follow() -> None:
    """Fallback models come after every candidate of the model itself."""
    wish = RouteWish(fallback_models=("other",))

    assert ["early/gpt-4o-2024", "late/gpt-4o", "early/other"] == targets("gpt-4o", wish)


def test_wishes_narrow() -> None:
    """A caller's wishes exclude providers, never add any."""
    assert ["late/gpt-4o"] == targets("gpt-4o", RouteWish(excluded_providers=("early",)))
    assert ["early/gpt-4o-2024"] == targets("gpt-4o", RouteWish(providers=("early",)))


@pytest.mark.parametrize(
    ("model", "wish", "reason"),
    [
        ("unknown", RouteWish(), ErrorReason.MODEL_NOT_FOUND),
        ("early/unknown", RouteWish(), ErrorReason.MODEL_NOT_FOUND),
        ("other", RouteWish(providers=("late",)), ErrorReason.NO_CAPABLE_PROVIDER),
    ],
)
def test_nobody(model: str, wish: RouteWish, reason: ErrorReason) -> None:
    """Nobody serving a model and wishes that leave nobody are told apart."""
    with pytest.raises(ServiceFailure) as caught:
        targets(model, wish)

    assert reason is caught.value.reason


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        (RouteWish(), 3),
        (RouteWish(attempts_max=2), 2),
        (RouteWish(attempts_max=9), 3),
        (RouteWish(disable_failover=True), 1),
    ],
)
def test_attempts(wish: RouteWish, expected: int) -> None:
    """A caller may ask for fewer attempts than are configured, never for more."""
    assert expected == plan_route("gpt-4o", wish, OFFERS, 3).attempts_max


@pytest.mark.parametrize(
    "reason", [r for r in ErrorReason if r.name.startswith(("PROVIDER_", "CONTE", "INVALID"))]
)
def test_every_provider_failure_has_a_verdict(reason: ErrorReason) -> None:
    """Whatever a provider does, the router knows whether to go on."""
    assert verdict(ProviderFailure(reason, "x")) in Verdict


def test_surrender_tells_the_most_hopeful() -> None:
    """When candidates failed differently, the caller is told what a retry could mend first."""
    failures = [
        ProviderFailure(ErrorReason.PROVIDER_CREDENTIALS_REJECTED, "bad key"),
        ProviderFailure(ErrorReason.PROVIDER_RATE_LIMITED, "slow down", retry_after_s=4),
        ProviderFailure(ErrorReason.PROVIDER_QUOTA_EXHAUSTED, "broke"),
    ]

    told = surrender(failures, (), stopped=False)

    assert (ErrorReason.PROVIDER_RATE_LIMITED, 4) == (told.reason, told.retry_after_s)


def test_names_are_readable() -> None:
    """A plan reads as one line."""
    plan = plan_route("gpt-4o", RouteWish(), OFFERS, 3)

    assert "<Plan early/gpt-4o-2024 > late/gpt-4o>" == repr(plan)
    assert "p/m" == str(ModelRef("p", "m"))
