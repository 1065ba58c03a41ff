"""What calls and attempts add to metrics."""

from __future__ import annotations

from typing import Any

from service.domain.attempt import Attempt, Outcome
from service.domain.cache_note import CacheNote, CacheStatus
from service.domain.call_record import Phases
from service.domain.completion import Usage
from service.domain.cost import FREE, UNPRICED, Cost, Provenance
from service.domain.errors import ServiceFailure
from service.domain.provider import ModelRef
from service.domain.reasons import ErrorReason
from service.telemetry import catalogue as of
from service.telemetry.measuring import Measuring
from service.telemetry.tallies import Sample, Tallies
from tests.unit.telemetry.records import METHOD, TARGET, attempt, call


def measuring(*tenants: str) -> tuple[Measuring, Tallies]:
    tallies = Tallies()
    kinds = {"google": "gemini", "mine": "openai", "les-bleus": "mistral", "any": "any"}
    return Measuring(tallies, kinds, frozenset(tenants)), tallies


def test_a_cost_is_added_to_the_last_nano() -> None:
    """Money is a whole number, by provider, model, provenance, and tenant where it is named."""
    measure, tallies = measuring("t")
    for nano_usd in (1, 10**15):
        measure.attempt(attempt(cost=Cost(Provenance.COMPUTED, input=nano_usd)), None)
    measure.attempt(attempt(cost=FREE), None)

    assert {("openai", "gpt-4o", "computed", "t"): 10**15 + 1} == tallies.sums[of.COST]
    assert of.UNPRICED not in tallies.sums


def test_what_is_not_known_is_not_nothing() -> None:
    """An attempt without a price is counted as such; one that consumed nothing is not."""
    measure, tallies = measuring()
    measure.attempt(attempt(cost=UNPRICED), None)
    measure.attempt(attempt(usage=Usage(1, 1)), None)
    measure.attempt(attempt(outcome=Outcome.FAILED, reason=ErrorReason.PROVIDER_TIMEOUT), None)

    assert {("openai", "gpt-4o"): 2} == tallies.sums[of.UNPRICED]
    assert of.COST not in tallies.sums


def test_vendors() -> None:
    """A vendor is named as OpenTelemetry names it, by wire format or by litellm's name of it; where
    OpenTelemetry has no name, by that.
    """
    measure, _ = measuring()

    assert "gcp.gemini" == measure.vendor("google")
    assert "openai" == measure.vendor("mine")
    assert "mistral_ai" == measure.vendor("les-bleus")
    assert "any" == measure.vendor("any")
    assert "unheard-of" == measure.vendor("unheard-of")


def test_tenants_are_bounded() -> None:
    """Metrics name the tenants that are configured; without any they name none."""
    named, tallies = measuring("t")
    nobody, untold = measuring()
    for tenant in ("t", "u", "v"):
        named.call(call(tenant=tenant), None)
        nobody.call(call(tenant=tenant), None)

    assert ["t", "*other*"] == [values[-1] for values in tallies.spreads[of.CALL_DURATION]]
    assert [""] == [values[-1] for values in untold.spreads[of.CALL_DURATION]]


def test_phases_add_up() -> None:
    """What no phase claims is the service's own: together they are the whole."""
    measure, tallies = measuring()
    measure.call(call(total_s=1.0, phases=Phases(0.1, 0.05, 0.01, 0.7)), None)
    tallies.settle()

    spreads = tallies.spreads[of.PHASE_DURATION]
    assert abs(1.0 - sum(spread.total for spread in spreads.values())) < 1e-9
    assert abs(0.14 - spreads[METHOD[1:], "own"].total) < 1e-9


def test_failovers_are_what_followed_a_failure() -> None:
    """Each failed attempt but the last counts, by whether the call was answered after all."""
    measure, tallies = measuring()
    failed = Attempt(TARGET, Outcome.FAILED, 0.1, ErrorReason.PROVIDER_TIMEOUT)
    answered = Attempt(ModelRef("google", "m"), Outcome.OK, 0.1)
    measure.call(call(attempts=(failed, answered)), None)
    refusal = ServiceFailure(ErrorReason.PROVIDER_TIMEOUT, "late", attempts=(failed, failed))
    refused: dict[str, Any] = {"reason": refusal.reason, "failure": refusal, "code": "UNAVAILABLE"}
    measure.call(call(attempts=refusal.attempts, **refused), None)
    # Another one that had joined it.
    measure.call(call(**refused), None)

    assert {
        ("openai", "PROVIDER_TIMEOUT", "ok"): 1,
        ("openai", "PROVIDER_TIMEOUT", "failed"): 1,
    } == tallies.sums[of.FAILOVERS]


def test_a_skipped_attempt_asked_nobody() -> None:
    """It is counted as an attempt, and adds nothing to what providers took."""
    measure, tallies = measuring()
    measure.attempt(attempt(outcome=Outcome.SKIPPED), None)

    assert {("openai", "gpt-4o", "skipped", ""): 1} == tallies.sums[of.ATTEMPTS]
    assert not tallies.spreads


def test_embeddings_are_told_apart() -> None:
    """An operation is named by the method that was called."""
    measure, tallies = measuring()
    measure.attempt(attempt(method="/aiprovider.v1.ModelService/Embed"), None)
    measure.attempt(attempt(), None)

    operations = [values[0] for values in tallies.spreads[of.OPERATION_DURATION]]
    assert ["embeddings", "chat"] == operations


def test_a_hit_saves() -> None:
    """What a hit would have cost is counted, by the status of the cache."""
    measure, tallies = measuring()
    note = CacheNote(CacheStatus.HIT_LOCAL, b"k")
    measure.call(call(cache=note, target=TARGET, saved_nano_usd=5, first_token_s=0.1), None)

    assert {("hit_local", ""): 5} == tallies.sums[of.SAVED]
    assert [("chat", "openai", "openai", "gpt-4o", "hit_local")] == list(
        tallies.spreads[of.FIRST_TOKEN]
    )


def test_what_is_traced_leads_to_its_trace() -> None:
    """Durations and tokens of an attempt that is told have it as their example."""
    measure, tallies = measuring()
    sample = Sample(0.0, 1000.0, "a" * 32, "c" * 16)
    measure.attempt(attempt(usage=Usage(10, 20), first_token_s=0.1), sample)

    told = {
        metric: [one for spread in spreads.values() for one in spread.samples.values()]
        for metric, spreads in tallies.spreads.items()
    }
    assert [10, 20] == [one.value for one in told[of.TOKEN_USAGE]]
    assert [0.4] == [one.value for one in told[of.OPERATION_DURATION]]
    assert [0.1] == [one.value for one in told[of.FIRST_CHUNK]]
    assert {sample.span_id} == {one.span_id for made in told.values() for one in made}
