"""How one record counts: whose it is, and what it adds to a rollup. Pure.

What was consumed is counted of attempts alone, and what callers saw of calls alone.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence

from service.domain import sketch
from service.domain.alternatives import dearest_nano_usd
from service.domain.attempt import Attempt, Outcome
from service.domain.cache_note import CacheStatus
from service.domain.call_record import AttemptRecord, CallRecord, Record
from service.domain.completion import Usage
from service.domain.cost import Cost, Provenance
from service.domain.reasons import ErrorReason, FaultOwner, fault_owner
from service.domain.rollup import REASON_PLACES, Count, Key, Kind, Rollup

_NOT_COUNTED = tuple(
    f"/{service}"
    for service in (
        "aiprovider.v1.AdminService/",
        "aiprovider.v1.AnalyticsService/",
        "aiprovider.v1.HealthService/",
        "grpc.",
    )
)
"""They ask about the service, and not of a model."""
_US = 1_000_000
_BOUNDS = sketch.BOUNDS
# Members are not found, and are no index, as quickly.
_ATTEMPTS = int(Count.ATTEMPTS)
_ATTEMPT_US = int(Count.ATTEMPT_US)
_AUDIO_INPUT_TOKENS = int(Count.AUDIO_INPUT_TOKENS)
_AUDIO_OUTPUT_TOKENS = int(Count.AUDIO_OUTPUT_TOKENS)
_CACHE_READ_NANO_USD = int(Count.CACHE_READ_NANO_USD)
_CACHE_READ_TOKENS = int(Count.CACHE_READ_TOKENS)
_CACHE_US = int(Count.CACHE_US)
_CACHE_WRITE_NANO_USD = int(Count.CACHE_WRITE_NANO_USD)
_CACHE_WRITE_TOKENS = int(Count.CACHE_WRITE_TOKENS)
_IMAGE_INPUT_TOKENS = int(Count.IMAGE_INPUT_TOKENS)
_INPUT_NANO_USD = int(Count.INPUT_NANO_USD)
_INPUT_TOKENS = int(Count.INPUT_TOKENS)
_OTHER_NANO_USD = int(Count.OTHER_NANO_USD)
_OUTPUT_NANO_USD = int(Count.OUTPUT_NANO_USD)
_OUTPUT_TOKENS = int(Count.OUTPUT_TOKENS)
_PROVIDER_US = int(Count.PROVIDER_US)
_QUEUE_US = int(Count.QUEUE_US)
_REASONING_TOKENS = int(Count.REASONING_TOKENS)
_REQUESTS = int(Count.REQUESTS)
_ROUTE_US = int(Count.ROUTE_US)
_SAVED_US = int(Count.SAVED_US)
_TOTAL_US = int(Count.TOTAL_US)
_TOTAL, _PROVIDER, _OVERHEAD = Kind.TOTAL, Kind.PROVIDER, Kind.OVERHEAD
_FIRST_TOKEN, _ATTEMPT, _CONCURRENCY = Kind.FIRST_TOKEN, Kind.ATTEMPT, Kind.CONCURRENCY
_OK, _FAILED, _SKIPPED = Outcome.OK, Outcome.FAILED, Outcome.SKIPPED


def counts_calls_of(method: str) -> bool:
    """Whether they ask something of a model."""
    return not method.startswith(_NOT_COUNTED)


def counts(record: Record) -> bool:
    """Whether the ledger knows of it at all."""
    if isinstance(record, CallRecord):
        return counts_calls_of(record.method)
    return record.attempt.outcome is not _SKIPPED


def key(record: Record, labels: Sequence[str] = ()) -> Key:
    """`labels` are the keys of those that are kept, in order."""
    kept = _labels(record.labels, labels) if labels and record.labels else ()
    if isinstance(record, CallRecord):
        target = record.target
        provider, model = (target.provider, target.model) if target else ("", record.model)
        cache = record.cache.status.value if record.cache else ""
        return Key(record.tenant, provider, model, record.method, record.code, cache, kept)
    target = record.attempt.target
    status = record.attempt.outcome.value
    return Key(record.tenant, target.provider, target.model, record.method, status, "", kept)


def _labels(given: Mapping[str, str], kept: Sequence[str]) -> tuple[tuple[str, str], ...]:
    return tuple((name, given[name]) for name in kept if name in given)


def count(rollup: Rollup, record: Record) -> None:
    """Adds it, in place."""
    if isinstance(record, CallRecord):
        _count_call(rollup, record)
    else:
        _count_attempt(rollup, record)


def _count_call(rollup: Rollup, call: CallRecord) -> None:
    sums, phases, total_s = rollup.counts, call.phases, call.total_s
    sums[_REQUESTS] += 1
    sums[_TOTAL_US] += int(total_s * _US)
    if phases.cache_s:
        sums[_CACHE_US] += int(phases.cache_s * _US)
    if phases.queue_s:
        sums[_QUEUE_US] += int(phases.queue_s * _US)
    if phases.route_s:
        sums[_ROUTE_US] += int(phases.route_s * _US)
    tallies = rollup.tallies
    _tally(tallies, _TOTAL, total_s)
    provider_s = min(phases.provider_s, total_s)
    if provider_s:
        sums[_PROVIDER_US] += int(provider_s * _US)
        _tally(tallies, _PROVIDER, provider_s)
    _tally(tallies, _OVERHEAD, total_s - provider_s)
    if call.first_token_s is not None:
        _tally(tallies, _FIRST_TOKEN, call.first_token_s)
    if call.in_flight:
        _tally(tallies, _CONCURRENCY, call.in_flight)
    if call.cache is not None:
        _count_cache(sums, call, call.cache.status)
    if call.code != "OK":
        _count_failure(rollup, call)
    if len(call.attempts) > 1:
        _count_failover(rollup, call)


def _count_cache(sums: list[int], call: CallRecord, status: CacheStatus) -> None:
    sums[_CACHE[status]] += 1
    saving = _SAVINGS.get(status)
    if saving is None or call.code != "OK":
        return
    sums[_SAVED_US] += int(call.saved_s * _US)
    if call.saved_nano_usd is None:
        sums[Count.UNPRICED_SAVINGS] += 1
    else:
        sums[saving] += call.saved_nano_usd


def _count_failure(rollup: Rollup, call: CallRecord) -> None:
    sums = rollup.counts
    sums[Count.ERRORS] += 1
    if call.code == "CANCELLED":
        sums[Count.CANCELLED] += 1
    reason = call.reason or _REASON_OF_CODE.get(call.code, ErrorReason.INTERNAL)
    sums[_FAULTS[fault_owner(reason)]] += 1
    _count_reason(rollup, Kind.REASONS, reason)


def _count_failover(rollup: Rollup, call: CallRecord) -> None:
    made = [attempt for attempt in call.attempts if attempt.outcome is not _SKIPPED]
    if len(made) < 2 or not any(attempt.outcome is _FAILED for attempt in made):
        return
    rollup.counts[Count.FAILOVERS] += 1
    if call.code == "OK":
        rollup.counts[Count.RECOVERED] += 1
        _tally(rollup.tallies, Kind.RECOVERY, _recovery_s(made))


def _recovery_s(made: Sequence[Attempt]) -> float:
    """From the start of the first to that of the one that answered, all waits between included."""
    answered = next((one for one in reversed(made) if one.outcome is _OK), made[-1])
    return answered.start_offset_s - made[0].start_offset_s


def _count_attempt(rollup: Rollup, record: AttemptRecord) -> None:
    attempt, sums = record.attempt, rollup.counts
    sums[_ATTEMPTS] += 1
    sums[_ATTEMPT_US] += int(attempt.duration_s * _US)
    if attempt.hedge:
        sums[Count.HEDGES] += 1
    if attempt.outcome is _OK:
        _tally(rollup.tallies, _ATTEMPT, attempt.duration_s)
        _count_pace(rollup, attempt)
    elif attempt.outcome is _FAILED:
        sums[Count.FAILED_ATTEMPTS] += 1
        _count_reason(rollup, Kind.ATTEMPT_REASONS, attempt.reason or ErrorReason.INTERNAL)
    else:
        sums[Count.CANCELLED_ATTEMPTS] += 1
    if attempt.usage is not None:
        _count_usage(sums, attempt.usage)
    if attempt.cost is not None and attempt.cost.is_known:
        _count_cost(sums, attempt, attempt.cost)
        # Here and not on the way of the request: every candidate is priced.
        dearest = dearest_nano_usd(record.ranked, attempt) if len(record.ranked) > 1 else None
        if dearest is not None:
            sums[Count.ROUTING_ATTEMPTS] += 1
            sums[Count.ROUTING_SAVED_NANO_USD] += dearest - attempt.cost.total
    elif attempt.cost is not None or _consumed(attempt):
        sums[Count.UNPRICED_ATTEMPTS] += 1


def _consumed(attempt: Attempt) -> bool:
    """Whether something must have been, though nobody says what."""
    return (
        attempt.outcome is not _FAILED
        or attempt.usage is not None
        or attempt.first_token_s is not None
    )


def _count_pace(rollup: Rollup, attempt: Attempt) -> None:
    usage, first_s = attempt.usage, attempt.first_token_s
    if usage is not None and first_s is not None and usage.output_tokens > 1:
        rest_s = max(attempt.duration_s - first_s, 0.0)
        _tally(rollup.tallies, Kind.PER_TOKEN, rest_s / (usage.output_tokens - 1))


def _count_usage(sums: list[int], usage: Usage) -> None:
    sums[_INPUT_TOKENS] += usage.input_tokens
    sums[_OUTPUT_TOKENS] += usage.output_tokens
    # Few have any of these.
    if usage.cache_read_input_tokens:
        sums[_CACHE_READ_TOKENS] += usage.cache_read_input_tokens
    if usage.cache_write_input_tokens:
        sums[_CACHE_WRITE_TOKENS] += usage.cache_write_input_tokens
    if usage.reasoning_output_tokens:
        sums[_REASONING_TOKENS] += usage.reasoning_output_tokens
    if usage.audio_input_tokens:
        sums[_AUDIO_INPUT_TOKENS] += usage.audio_input_tokens
    if usage.audio_output_tokens:
        sums[_AUDIO_OUTPUT_TOKENS] += usage.audio_output_tokens
    if usage.image_input_tokens:
        sums[_IMAGE_INPUT_TOKENS] += usage.image_input_tokens
    if usage.estimated:
        sums[Count.ESTIMATED_ATTEMPTS] += 1


def _count_cost(sums: list[int], attempt: Attempt, cost: Cost) -> None:
    sums[_INPUT_NANO_USD] += cost.input
    sums[_OUTPUT_NANO_USD] += cost.output
    if cost.cache_read:
        sums[_CACHE_READ_NANO_USD] += cost.cache_read
    if cost.cache_write:
        sums[_CACHE_WRITE_NANO_USD] += cost.cache_write
    if cost.other:
        sums[_OTHER_NANO_USD] += cost.other
    sums[_COSTS[cost.provenance]] += 1
    if cost.provenance is Provenance.ESTIMATED:
        sums[Count.ESTIMATED_NANO_USD] += cost.total
    if attempt.outcome is not _OK:
        sums[Count.UNANSWERED_NANO_USD] += cost.total


def _count_reason(rollup: Rollup, kind: Kind, reason: ErrorReason) -> None:
    tally = rollup.tallies.setdefault(kind, {})
    place = REASON_PLACES[reason]
    tally[place] = tally.get(place, 0) + 1


def _tally(tallies: dict[Kind, sketch.Tally], kind: Kind, value: float) -> None:
    tally = tallies.get(kind)
    if tally is None:
        tally = tallies[kind] = {}
    place = bisect_left(_BOUNDS, value)
    tally[place] = tally.get(place, 0) + 1


_REASON_OF_CODE = {
    "CANCELLED": ErrorReason.CANCELLED,
    "DEADLINE_EXCEEDED": ErrorReason.DEADLINE_EXCEEDED,
    "INVALID_ARGUMENT": ErrorReason.INVALID_REQUEST,
    "UNIMPLEMENTED": ErrorReason.NOT_IMPLEMENTED,
}
"""Of a call that ended without a reason: the library refused it, or the caller left."""
_FAULTS = {
    FaultOwner.CALLER: Count.CALLER_FAULTS,
    FaultOwner.PROVIDER: Count.PROVIDER_FAULTS,
    FaultOwner.SERVICE: Count.SERVICE_FAULTS,
}
_CACHE = {
    CacheStatus.MISS: Count.MISSES,
    CacheStatus.HIT_LOCAL: Count.LOCAL_HITS,
    CacheStatus.HIT_SHARED: Count.SHARED_HITS,
    CacheStatus.COALESCED: Count.COALESCED,
    CacheStatus.BYPASSED: Count.BYPASSED,
    CacheStatus.REFRESHED: Count.REFRESHED,
    CacheStatus.REPEATED: Count.REPEATED,
}
_SAVINGS = {
    CacheStatus.HIT_LOCAL: Count.SAVED_CACHE_NANO_USD,
    CacheStatus.HIT_SHARED: Count.SAVED_CACHE_NANO_USD,
    CacheStatus.COALESCED: Count.SAVED_COALESCING_NANO_USD,
    CacheStatus.REPEATED: Count.SAVED_REPEATS_NANO_USD,
}
_COSTS = {
    Provenance.PROVIDER_REPORTED: Count.REPORTED_COSTS,
    Provenance.COMPUTED: Count.COMPUTED_COSTS,
    Provenance.ESTIMATED: Count.ESTIMATED_COSTS,
}
