"""How one record counts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from service.domain import counting, sketch
from service.domain.attempt import Attempt, Outcome
from service.domain.cache_note import CacheNote, CacheStatus
from service.domain.call_record import CallRecord, Phases, Record
from service.domain.completion import Usage
from service.domain.cost import UNPRICED, Cost, Provenance
from service.domain.reasons import ErrorReason
from service.domain.rollup import COUNTS, Count, Key, Kind, Rollup
from tests.kit.ledger import METHOD, TARGET, attempt, attempt_of, call, failed


def counted(*records: Record) -> Rollup:
    rollup = Rollup()
    for record in records:
        counting.count(rollup, record)
    return rollup


def told(rollup: Rollup) -> dict[str, int]:
    """What is not 0, times aside."""
    return {
        count.name: rollup[count]
        for count in COUNTS
        if rollup[count] and not count.name.endswith("_US")
    }


def test_a_call_is_whose_it_was() -> None:
    """By tenant, answering model, method, status, cache, and the labels that are kept."""
    record = call(labels={"user": "u", "team": "red", "site": ""})

    key = counting.key(record, ("site", "team", "zone"))

    labels = (("site", ""), ("team", "red"))
    assert Key("acme", "openai", "gpt-4o", METHOD, "OK", "miss", labels) == key


def test_a_call_that_nobody_answered_is_of_the_model_that_was_asked_for() -> None:
    """It has no provider."""
    record = call(target=None, cache=None, model="gpt-9", code="NOT_FOUND")

    assert Key("acme", "", "gpt-9", METHOD, "NOT_FOUND") == counting.key(record)


def test_an_attempt_is_of_its_own_target_and_outcome() -> None:
    """Not of the model that was asked for, nor of what became of the call."""
    record = attempt_of(call(model="fast", code="UNAVAILABLE"), failed())

    assert Key("acme", "openai", "gpt-4o", METHOD, "failed") == counting.key(record)


@pytest.mark.parametrize("service", ["AnalyticsService", "AdminService", "HealthService"])
def test_questions_about_the_service_do_not_count(service: str) -> None:
    """Nor do attempts that were not made."""
    asked = replace(call(), method=f"/aiprovider.v1.{service}/Any")
    skipped = attempt_of(call(), Attempt(TARGET, Outcome.SKIPPED, 0.0))

    assert not counting.counts(asked)
    assert not counting.counts(skipped)
    assert counting.counts(call())


def test_what_was_consumed_counts_of_the_attempt_alone() -> None:
    """Else what one attempt cost that two calls waited for would count twice."""
    record = call()

    assert {"REQUESTS": 1, "MISSES": 1} == told(counted(record))
    assert {
        "ATTEMPTS": 1,
        "INPUT_TOKENS": 100,
        "OUTPUT_TOKENS": 50,
        "INPUT_NANO_USD": 1000,
        "OUTPUT_NANO_USD": 2000,
        "COMPUTED_COSTS": 1,
    } == told(counted(attempt_of(record, attempt())))


def test_all_tokens_and_all_parts_of_a_cost_count() -> None:
    """By their classes."""
    usage = Usage(1, 2, 3, 4, 5, 6, 7, 8, estimated=True)
    cost = Cost(Provenance.ESTIMATED, 10, 20, 30, 40, 50)

    rollup = counted(attempt_of(call(), attempt(usage=usage, cost=cost)))

    assert usage == rollup.usage
    assert cost == rollup.cost
    assert 150 == rollup[Count.ESTIMATED_NANO_USD]


@pytest.mark.parametrize(
    ("made", "unpriced"),
    [
        (attempt(cost=UNPRICED), 1),
        (attempt(cost=None), 1),
        (failed(), 0),
        (failed(first_token_s=0.1), 1),
        (failed(usage=Usage(1, 1)), 1),
        (Attempt(TARGET, Outcome.CANCELLED, 0.1), 1),
    ],
)
def test_what_was_consumed_and_has_no_price_is_counted(made: Attempt, unpriced: int) -> None:
    """It adds nothing to the cost, and is not free; what was refused consumed nothing."""
    rollup = counted(attempt_of(call(), made))

    assert unpriced == rollup[Count.UNPRICED_ATTEMPTS]
    assert 0 == rollup.cost.total


def test_what_gave_no_answer_is_told_apart() -> None:
    """Its cost counts, and counts as spent for nothing."""
    lost = attempt(outcome=Outcome.CANCELLED, hedge=True)

    rollup = counted(attempt_of(call(), lost), attempt_of(call(), attempt()))

    assert 6000 == rollup.cost.total
    assert 3000 == rollup[Count.UNANSWERED_NANO_USD]
    assert (2, 1, 1) == (
        rollup[Count.ATTEMPTS],
        rollup[Count.HEDGES],
        rollup[Count.CANCELLED_ATTEMPTS],
    )


@pytest.mark.parametrize(
    ("code", "reason", "fault", "counts_as"),
    [
        ("UNAVAILABLE", ErrorReason.PROVIDER_TIMEOUT, "PROVIDER_FAULTS", None),
        ("INVALID_ARGUMENT", ErrorReason.INVALID_REQUEST, "CALLER_FAULTS", None),
        ("RESOURCE_EXHAUSTED", ErrorReason.SERVER_OVERLOADED, "SERVICE_FAULTS", None),
        ("CANCELLED", None, "CALLER_FAULTS", ErrorReason.CANCELLED),
        ("UNKNOWN", None, "SERVICE_FAULTS", ErrorReason.INTERNAL),
    ],
)
def test_a_failed_call_is_somebodys_fault(
    code: str, reason: ErrorReason | None, fault: str, counts_as: ErrorReason | None
) -> None:
    """Each error counts for one who can help it, and for one reason."""
    rollup = counted(call(code=code, reason=reason, cache=None, target=None, attempts=()))

    cancelled = {"CANCELLED": 1} if code == "CANCELLED" else {}
    assert {"REQUESTS": 1, "ERRORS": 1, fault: 1, **cancelled} == told(rollup)
    assert {counts_as or reason: 1} == rollup.reasons(Kind.REASONS)


@pytest.mark.parametrize(
    ("attempts", "code", "failovers", "recovered"),
    [
        ((attempt(),), "OK", 0, 0),
        ((failed(),), "UNAVAILABLE", 0, 0),
        ((failed(), attempt()), "OK", 1, 1),
        ((failed(), failed()), "UNAVAILABLE", 1, 0),
        ((attempt(outcome=Outcome.CANCELLED), attempt(hedge=True)), "OK", 0, 0),
        ((failed(), Attempt(TARGET, Outcome.SKIPPED, 0.0)), "UNAVAILABLE", 0, 0),
    ],
)
def test_failing_over_is_going_on_after_a_failure(
    attempts: tuple[Attempt, ...], code: str, failovers: int, recovered: int
) -> None:
    """A hedge beside one that works is none, nor is what was not tried."""
    reason = None if code == "OK" else ErrorReason.PROVIDER_UNAVAILABLE
    rollup = counted(call(attempts=attempts, code=code, reason=reason))

    assert (failovers, recovered) == (rollup[Count.FAILOVERS], rollup[Count.RECOVERED])
    assert recovered == sketch.count(rollup.tally(Kind.RECOVERY))


@pytest.mark.parametrize(
    ("attempts", "recovery_s"),
    [
        ((failed(start_offset_s=0.1), attempt(start_offset_s=1.6)), 1.5),
        (
            (
                failed(start_offset_s=0.0),
                failed(start_offset_s=2.0, hedge=True),
                attempt(start_offset_s=4.0),
                attempt(outcome=Outcome.CANCELLED, start_offset_s=5.0, hedge=True),
            ),
            4.0,
        ),
        ((attempt(start_offset_s=0.3), failed(start_offset_s=0.8, hedge=True)), sketch.LEAST_S),
    ],
)
def test_recovery_is_from_the_first_start_to_that_of_the_answer(
    attempts: tuple[Attempt, ...], recovery_s: float
) -> None:
    """Waits between are in it, hedges count once, and one that failed beside the answer nothing."""
    tally = counted(call(attempts=attempts)).tally(Kind.RECOVERY)

    assert pytest.approx(recovery_s, rel=sketch.ACCURACY) == sketch.quantile(tally, 1.0)


@pytest.mark.parametrize(
    ("status", "count", "saved"),
    [
        (CacheStatus.HIT_LOCAL, "LOCAL_HITS", "SAVED_CACHE_NANO_USD"),
        (CacheStatus.HIT_SHARED, "SHARED_HITS", "SAVED_CACHE_NANO_USD"),
        (CacheStatus.COALESCED, "COALESCED", "SAVED_COALESCING_NANO_USD"),
        (CacheStatus.REPEATED, "REPEATED", "SAVED_REPEATS_NANO_USD"),
    ],
)
def test_savings_count_for_what_saved_them(status: CacheStatus, count: str, saved: str) -> None:
    """And where nobody knows the price, that is counted."""
    known = call(cache=CacheNote(status), attempts=(), saved_nano_usd=70, saved_s=2.0)
    unknown = replace(known, saved_nano_usd=None)

    assert {"REQUESTS": 1, count: 1, saved: 70} == told(counted(known))
    assert {"REQUESTS": 1, count: 1, "UNPRICED_SAVINGS": 1} == told(counted(unknown))
    assert 2_000_000 == counted(known)[Count.SAVED_US]


def test_where_the_time_went() -> None:
    """The whole is the provider's and the service's own."""
    record = call(total_s=2.0, phases=Phases(0.1, 0.2, 0.3, 1.5), first_token_s=0.7)
    rollup = counted(record, attempt_of(record, attempt(duration_s=1.1, first_token_s=0.12)))

    sums = {count.name: rollup[count] for count in COUNTS if count.name.endswith("_US")}
    assert {
        "SAVED_US": 0,
        "TOTAL_US": 2_000_000,
        "CACHE_US": 100_000,
        "QUEUE_US": 200_000,
        "ROUTE_US": 300_000,
        "PROVIDER_US": 1_500_000,
        "ATTEMPT_US": 1_100_000,
    } == sums
    medians = {kind: sketch.quantile(tally, 0.5) for kind, tally in rollup.tallies.items()}
    assert {
        Kind.TOTAL: pytest.approx(2.0, rel=0.01),
        Kind.PROVIDER: pytest.approx(1.5, rel=0.01),
        Kind.OVERHEAD: pytest.approx(0.5, rel=0.01),
        Kind.FIRST_TOKEN: pytest.approx(0.7, rel=0.01),
        Kind.ATTEMPT: pytest.approx(1.1, rel=0.01),
        Kind.PER_TOKEN: pytest.approx(0.98 / 49, rel=0.01),
    } == medians


def test_how_many_were_in_flight() -> None:
    """Each call tells what it met as it began; one that nobody counted tells nothing."""
    tally = counted(call(in_flight=1), call(in_flight=12), call()).tally(Kind.CONCURRENCY)

    assert {sketch.bucket(1): 1, sketch.bucket(12): 1} == tally


def test_a_call_that_waited_for_no_provider_is_all_our_own() -> None:
    """Its time is overhead, and nothing is told of a provider."""
    record: CallRecord = call(cache=CacheNote(CacheStatus.HIT_LOCAL), phases=Phases(), attempts=())

    tallies = counted(record).tallies

    assert {Kind.TOTAL, Kind.OVERHEAD} == tallies.keys()
