"""What rules read of calls, of providers and of spending."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from service.domain.alert_readings import Spent, needs, of_budget, of_health, of_windows, period
from service.domain.alert_rules import (
    ALL,
    Budget,
    BudgetBurn,
    By,
    CacheCollapse,
    CostSpike,
    ErrorRate,
    Latency,
    Limits,
    Period,
    ProviderDown,
    Rule,
    Scope,
    Span,
    Subject,
)
from service.domain.alert_windows import SLOT_S, SUBJECTS_MAX, Needs, Windows
from service.domain.alerts import Reading
from service.domain.attempt import Attempt, Outcome
from service.domain.breaker import Circuit
from service.domain.cache_note import CacheNote, CacheStatus
from service.domain.call_record import AttemptRecord, CallRecord
from service.domain.cost import Cost, Provenance
from service.domain.health import ProviderHealth, Status
from service.domain.provider import ModelRef
from service.domain.reasons import ErrorReason, FaultOwner

METHOD = "/aiprovider.v1.CompletionService/Complete"
LIMITS = Limits(0.2, 0.1)
T0 = 1_000_000.0
about: Any = pytest.approx
UNAVAILABLE, INVALID = ErrorReason.PROVIDER_UNAVAILABLE, ErrorReason.INVALID_REQUEST


def call(at: float, reason: ErrorReason | None = None, **fields: Any) -> CallRecord:
    code = "UNAVAILABLE" if reason else "OK"
    given: dict[str, Any] = {
        "tenant": "acme",
        "code": code,
        "reason": reason,
        "total_s": 1.0,
        **fields,
    }
    return CallRecord(METHOD, "r", "", 0.0, ended_at=at, **given)


def attempt(
    at: float, nano_usd: int = 0, reason: ErrorReason | None = None, tenant: str = "acme"
) -> AttemptRecord:
    outcome = Outcome.FAILED if reason else Outcome.OK
    cost = Cost(Provenance.COMPUTED, output=nano_usd)
    made = Attempt(ModelRef("openai", "gpt"), outcome, 1.0, reason, cost=cost)
    return AttemptRecord(at, "r", tenant, METHOD, "gpt", {}, made)


def read(rule: Rule, *records: CallRecord | AttemptRecord, now: float = T0) -> Any:
    """What a rule reads, by subject, of records that are told in order."""
    windows = Windows(0.0, needs([rule]))
    for record in records:
        windows.count(record)
    assert isinstance(rule, ErrorRate | Latency | CacheCollapse | CostSpike)
    return dict(of_windows(rule, windows, now))


def test_an_error_rate() -> None:
    """It is the share of requests that failed by those whose faults count."""
    rule = ErrorRate("e", LIMITS, requests_min=4)
    records = [call(T0), call(T0), call(T0, UNAVAILABLE), call(T0, INVALID)]

    assert {ALL: Reading(0.25, LIMITS)} == read(rule, *records)
    callers = ErrorRate("e", LIMITS, requests_min=4, owners=frozenset({FaultOwner.CALLER}))
    assert {ALL: Reading(0.25, LIMITS)} == read(callers, *records)


def test_too_few_requests_say_nothing() -> None:
    """With fewer requests than `requests_min` nothing is known."""
    assert {ALL: None} == read(ErrorRate("e", LIMITS, requests_min=2), call(T0, UNAVAILABLE))


def test_a_window_ends() -> None:
    """What is older than the window counts no more, give or take a slot."""
    rule = ErrorRate("e", LIMITS, window_s=60.0, requests_min=1)
    old, fresh = call(T0, UNAVAILABLE), call(T0 + 30.0)

    found = [read(rule, old, fresh, now=T0 + after)[ALL] for after in (45.0, 60.0 + SLOT_S)]

    assert [Reading(0.5, LIMITS), Reading(0.0, LIMITS)] == found


def test_questions_about_the_service_do_not_count() -> None:
    """Calls that ask for no model dilute no error rate."""
    rule = ErrorRate("e", LIMITS, requests_min=1)
    about = call(T0)
    about.method = "/aiprovider.v1.HealthService/CheckProviders"

    assert {ALL: Reading(1.0, LIMITS)} == read(rule, call(T0, UNAVAILABLE), about)


def test_errors_of_providers_are_those_of_attempts() -> None:
    """Of a provider the attempts count, also where another one answered after it."""
    rule = ErrorRate("e", LIMITS, scope=Scope(By.PROVIDER), requests_min=2)
    records = [call(T0), attempt(T0), attempt(T0, reason=UNAVAILABLE)]

    assert {Subject(By.PROVIDER, "openai"): Reading(0.5, LIMITS)} == read(rule, *records)


def test_names_narrow_a_rule() -> None:
    """A rule that names tenants reads of them alone, and of one that is not there nothing."""
    rule = ErrorRate("e", LIMITS, scope=Scope(By.TENANT, frozenset({"a", "b"})), requests_min=1)

    found = read(rule, call(T0, tenant="a"), call(T0, UNAVAILABLE, tenant="c"))

    assert {Subject(By.TENANT, "a"): Reading(0.0, LIMITS), Subject(By.TENANT, "b"): None} == found


@pytest.mark.parametrize(("of", "expected"), [(Span.TOTAL, 9.0), (Span.FIRST_TOKEN, 0.5)])
def test_a_latency(of: Span, expected: float) -> None:
    """It is the quantile of what was answered, within 1 %."""
    rule = Latency("l", Limits(5.0, 4.0), requests_min=10, quantile=0.9, of=of)
    answered = [call(T0, total_s=float(n), first_token_s=0.5) for n in range(1, 11)]
    failed = [call(T0, UNAVAILABLE, total_s=100.0)] * 5

    reading = read(rule, *answered, *failed)[ALL]

    assert expected == pytest.approx(reading.value, rel=0.01)


def looked_up(at: float, hits: int, misses: int) -> list[CallRecord]:
    hit, miss = CacheNote(CacheStatus.HIT_LOCAL), CacheNote(CacheStatus.MISS)
    return [call(at, cache=hit)] * hits + [call(at, cache=miss)] * misses


def test_a_cache_collapse() -> None:
    """The share of hits is held against limits that are shares of the usual one."""
    rule = CacheCollapse("c", Limits(0.5, 0.75), requests_min=10)
    before, now = looked_up(T0 - 600.0, 8, 2), looked_up(T0, 3, 7)

    assert {ALL: Reading(0.3, Limits(0.4, about(0.6)))} == read(rule, *before, *now)


@pytest.mark.parametrize(("hits", "misses"), [(0, 100), (8, 1)])
def test_nothing_to_collapse(hits: int, misses: int) -> None:
    """Where the cache hardly ever served, or hardly anybody asked, nothing is known."""
    rule = CacheCollapse("c", Limits(0.5, 0.75), requests_min=10)

    found = read(rule, *looked_up(T0 - 600.0, hits, misses), *looked_up(T0, 0, 20))

    assert {ALL: None} == found


def spending(*per_window: int, window_s: float = 60.0) -> list[AttemptRecord]:
    """The last one is in the window that runs; USD."""
    starts = [T0 - window_s * place for place in reversed(range(len(per_window)))]
    pairs = zip(starts, per_window, strict=True)
    return [attempt(start, usd * 10**9) for start, usd in pairs]


SPIKE = CostSpike("s", Limits(3.0, 2.0), window_s=60.0, windows=4)


def test_a_cost_spike() -> None:
    """The cost a minute is held against multiples of the median of the windows before."""
    found = read(SPIKE, *spending(2, 2, 9, 2, 8))[ALL]

    assert Reading(8e9, Limits(6e9, 4e9)) == found


def test_little_is_no_spike() -> None:
    """Below the floor nothing is a spike; the gap between the limits stays."""
    found = read(SPIKE, *spending(0, 0, 0, 0, 1))[ALL]

    assert Reading(1e9, Limits(1e9, about(2e9 / 3))) == found


def test_what_is_usual_has_to_be_known() -> None:
    """Until half of the windows have gone by nothing is a spike."""
    windows = Windows(T0 - 100.0, needs([SPIKE]))
    windows.count(attempt(T0, 10**12))

    assert {ALL: None} == dict(of_windows(SPIKE, windows, T0))


def test_tenants_are_bounded() -> None:
    """So many tenants have windows of their own; those that a rule names always have."""
    windows = Windows(0.0, Needs({By.TENANT: frozenset({"named"})}, 60.0))
    for place in range(SUBJECTS_MAX + 50):
        windows.count(call(T0, tenant=f"t{place}"))
    windows.count(call(T0, tenant="named"))

    assert SUBJECTS_MAX + 1 == len(windows.subjects(By.TENANT))
    assert Subject(By.TENANT, "named") in windows.subjects(By.TENANT)


def test_windows_forget() -> None:
    """What is older than any rule needs is dropped, and its subject with it."""
    windows = Windows(0.0, Needs({By.TENANT: frozenset()}, 60.0))
    windows.count(call(T0, tenant="old"))
    windows.count(call(T0 + 120.0, tenant="new"))

    assert [Subject(By.TENANT, "new")] == windows.subjects(By.TENANT)


def test_windows_forget_what_never_came() -> None:
    """After a leap of the clock and back, what was counted in the future is dropped, and what is
    old is dropped as before.
    """
    windows = Windows(0.0, Needs({By.TENANT: frozenset()}, 60.0))
    windows.count(call(T0, tenant="before"))
    windows.count(call(T0 + 86_400.0, tenant="leapt"))
    windows.count(call(T0 + 10.0, tenant="after"))
    assert [Subject(By.TENANT, "after")] == windows.subjects(By.TENANT)

    windows.count(call(T0 + 130.0, tenant="later"))
    assert [Subject(By.TENANT, "later")] == windows.subjects(By.TENANT)


DOWN = ProviderDown("d", Limits(1.0, 0.0), scope=Scope(By.PROVIDER))


@pytest.mark.parametrize(
    ("status", "circuit", "expected"),
    [
        (Status.UNHEALTHY, Circuit.OPEN, 1.0),
        (Status.UNHEALTHY, Circuit.CLOSED, 1.0),
        (Status.DEGRADED, Circuit.HALF_OPEN, 0.5),
        (Status.DEGRADED, Circuit.CLOSED, 0.0),
        (Status.HEALTHY, Circuit.CLOSED, 0.0),
        (Status.DISABLED, Circuit.CLOSED, 0.0),
        (Status.UNKNOWN, Circuit.CLOSED, None),
    ],
)
def test_providers(status: Status, circuit: Circuit, expected: float | None) -> None:
    """A provider is down that cannot be asked; one on trial is neither; of one that nobody asks
    nothing is known.
    """
    found = of_health(DOWN, [ProviderHealth("p", status, circuit)], ())

    reading = None if expected is None else Reading(expected, DOWN.limits)
    assert {Subject(By.PROVIDER, "p"): reading} == found


def test_a_provider_that_is_gone() -> None:
    """One that the configuration names no more is not down any more."""
    gone = Subject(By.PROVIDER, "gone")

    assert {gone: Reading(0.0, DOWN.limits)} == of_health(DOWN, [], [gone])


def at(year: int, month: int, day: int, hour: int = 0) -> float:
    return datetime(year, month, day, hour, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("of", "now", "start", "end"),
    [
        (Period.DAY, (2026, 2, 28, 23), (2026, 2, 28), (2026, 3, 1)),
        (Period.MONTH, (2026, 2, 28, 23), (2026, 2, 1), (2026, 3, 1)),
        (Period.MONTH, (2026, 12, 1), (2026, 12, 1), (2027, 1, 1)),
    ],
)
def test_periods(of: Period, now: Any, start: Any, end: Any) -> None:
    """A period is the calendar's day or month in UTC."""
    assert (at(*start), at(*end)) == period(of, at(*now))


NOON = at(2026, 6, 1, 12)
A = Subject(By.TENANT, "a")


def test_a_budget() -> None:
    """It reads the share that is spent; who has spent nothing is at 0."""
    scope = Scope(By.TENANT, frozenset({"a", "b"}))
    rule = Budget("b", LIMITS, scope=scope, budget_nano_usd=100, period=Period.DAY)

    found = of_budget(rule, {A: Spent(80)}, NOON)

    assert {A: Reading(0.8, LIMITS), Subject(By.TENANT, "b"): Reading(0.0, LIMITS)} == found


def test_a_budget_that_burns() -> None:
    """It reads what will be spent by the end, at the pace of late: 40, and 12 hours of 5."""
    rule = BudgetBurn("b", LIMITS, budget_nano_usd=100, period=Period.DAY)

    found = of_budget(rule, {ALL: Spent(40, 10, 7200.0)}, NOON)

    assert {ALL: Reading(1.0, LIMITS)} == found


def test_without_a_ledger_nothing_is_known() -> None:
    """A budget of which the ledger says nothing is neither spent nor left."""
    assert {ALL: None} == of_budget(Budget("b", LIMITS, budget_nano_usd=1), None, NOON)
