"""What a caller is told when nobody is left to try."""

from __future__ import annotations

import pytest

from service.domain.breaker import Circuit, Trip
from service.domain.provider import Offer
from service.domain.reasons import ErrorReason
from service.domain.refusal import refusal, soonest, unknown
from service.domain.routing import Excluded, Plan, RouteRequest, plan_route
from service.domain.scoring import Demand, Policy
from service.domain.wishes import TRANSIENT, Exclusion
from tests.unit.domain.views import candidate, view

NOW = 100.0
LASTING = {
    Exclusion.DEADLINE: ErrorReason.DEADLINE_TOO_SHORT,
    Exclusion.CONTEXT_WINDOW: ErrorReason.CONTEXT_WINDOW_EXCEEDED,
    Exclusion.CAPABILITY: ErrorReason.NO_CAPABLE_PROVIDER,
    Exclusion.COST: ErrorReason.NO_CAPABLE_PROVIDER,
    Exclusion.NOT_ALLOWED: ErrorReason.MODEL_NOT_ALLOWED,
    Exclusion.REGION: ErrorReason.NO_CAPABLE_PROVIDER,
    Exclusion.NOT_WANTED: ErrorReason.NO_CAPABLE_PROVIDER,
}


def nobody(*excluded: Excluded) -> Plan:
    return Plan((), excluded, Policy(), Demand(), 0.0, NOW)


def out(why: Exclusion, until: float = 0.0, name: str = "a") -> Excluded:
    return Excluded(view(name), why, until)


def test_every_exclusion_is_told() -> None:
    """Each reason to leave somebody out either passes by itself or has a reason for the caller."""
    assert set(Exclusion) == LASTING.keys() | TRANSIENT


@pytest.mark.parametrize(("why", "expected"), LASTING.items())
def test_what_lasts(why: Exclusion, expected: ErrorReason) -> None:
    """What no waiting mends is told as such, without a time."""
    told = refusal(nobody(out(why)), "m", NOW)

    assert (expected, None) == (told.reason, told.retry_after_s)
    assert told.message.startswith("nobody can be asked for 'm': a/m: ")
    assert () == told.attempts


def test_the_nearest_to_an_answer_is_told() -> None:
    """Of several lasting reasons, the one is told that came nearest to being asked."""
    reasons = [
        refusal(nobody(*(out(why) for why in list(LASTING)[place:][::-1])), "m", NOW).reason
        for place in range(len(LASTING))
    ]

    assert list(LASTING.values()) == reasons


@pytest.mark.parametrize("why", sorted(TRANSIENT, key=str))
def test_what_passes(why: Exclusion) -> None:
    """Where waiting helps with one of them, it is told for how long, whatever lasts of others."""
    told = refusal(nobody(out(Exclusion.REGION), out(why, NOW + 7.0, "b")), "m", NOW)

    assert 7.0 == told.retry_after_s
    assert "within 7.0 s: a/m: it is in another region; b/m: " in told.message


def test_the_first_to_be_back() -> None:
    """Of several that will be back, the first one counts."""
    quota, open_ = out(Exclusion.QUOTA, NOW + 5.0), out(Exclusion.CIRCUIT_OPEN, NOW + 9.0, "b")

    assert NOW + 5.0 == soonest(nobody(open_, quota), NOW)
    assert 5.0 == refusal(nobody(open_, quota), "m", NOW).retry_after_s
    assert ErrorReason.PROVIDER_RATE_LIMITED is refusal(nobody(open_, quota), "m", NOW).reason


def test_back_before_a_trial_is_over() -> None:
    """Whoever is back within the second that a trial may take is the first to be back."""
    plan = nobody(out(Exclusion.ON_TRIAL), out(Exclusion.QUOTA, NOW + 0.5, "b"))
    told = refusal(plan, "m", NOW)

    assert (ErrorReason.PROVIDER_RATE_LIMITED, 0.5) == (told.reason, told.retry_after_s)


@pytest.mark.parametrize("until", [0.0, NOW - 1.0, NOW])
def test_nobody_knows_when(until: float) -> None:
    """Another request's trial is over soon; nobody knows when."""
    plan = nobody(out(Exclusion.ON_TRIAL, until))

    assert NOW + 1.0 == soonest(plan, NOW)
    assert 1.0 == refusal(plan, "m", NOW).retry_after_s


def test_nothing_to_wait_for() -> None:
    """Without anybody who will be back there is no such time."""
    assert soonest(nobody(out(Exclusion.COST)), NOW) is None


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        (out(Exclusion.CIRCUIT_OPEN, NOW + 5.0), ErrorReason.NO_HEALTHY_PROVIDER),
        (out(Exclusion.ON_TRIAL), ErrorReason.NO_HEALTHY_PROVIDER),
        (out(Exclusion.QUOTA, NOW + 5.0), ErrorReason.PROVIDER_RATE_LIMITED),
        (
            Excluded(
                view(quota_reason=ErrorReason.PROVIDER_QUOTA_EXHAUSTED), Exclusion.QUOTA, NOW + 5.0
            ),
            ErrorReason.PROVIDER_QUOTA_EXHAUSTED,
        ),
    ],
)
def test_why_to_wait(first: Excluded, expected: ErrorReason) -> None:
    """An open circuit is ill health; a quota is told as the provider told it."""
    assert expected is refusal(nobody(first), "m", NOW).reason


def test_a_long_list_is_cut() -> None:
    """A refusal names eight of those who were left out, and no more."""
    told = refusal(nobody(*(out(Exclusion.COST, 0.0, str(n)) for n in range(20))), "m", NOW)

    assert 8 == told.message.count("routing.max_cost_nano_usd")


def test_an_outage_is_not_told_as_a_lack() -> None:
    """What is only published about a model does not turn its outage into a lasting refusal."""
    only = view(
        candidate(capabilities=frozenset({"images"})),
        circuit=Circuit.OPEN,
        trip=Trip.IN_A_ROW,
        circuit_until=NOW + 5,
    )
    plan = plan_route(RouteRequest(needs=frozenset({"tools"})), [only], NOW, 0.0)

    assert ErrorReason.NO_HEALTHY_PROVIDER is refusal(plan, "m", NOW).reason


def test_an_unknown_name() -> None:
    """Whoever asks for a model that nobody serves is told who is there; or that nobody is."""
    offers = [Offer("p", 1), Offer("p", 1, deployment="eu"), Offer("q", 2)]

    assert ErrorReason.MODEL_NOT_FOUND is unknown("m", offers).reason
    assert "'m' (enabled: p, q)" in unknown("m", offers).message
    assert "no provider is configured" in unknown("m", []).message
