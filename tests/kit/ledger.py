"""Records as the journal tells them, a ledger around a store, and what it should answer."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from service.domain import counting
from service.domain.attempt import Attempt, Outcome
from service.domain.cache_note import CacheNote, CacheStatus
from service.domain.call_record import AttemptRecord, CallRecord, Phases, Record
from service.domain.completion import Usage
from service.domain.cost import Cost, Provenance
from service.domain.provider import ModelRef
from service.domain.reasons import ErrorReason
from service.domain.rollup import Axis, Key, LedgerQuery, Rollup
from service.domain.rollup_plan import Retention, value_of
from service.ledger.book import Book, BookTerms
from service.ledger.recorder import Recorder
from service.ledger.store import Store

NOW = 1_795_660_123.5
"""A Thursday, at 02:28:43 UTC: in the middle of a minute, an hour and a day."""
METHOD = "/aiprovider.v1.CompletionService/Complete"
TARGET = ModelRef("openai", "gpt-4o")
LABELS = frozenset({"team"})


def attempt(**fields: Any) -> Attempt:
    """One that gave an answer of 100 and 50 tokens for 3,000 nano-USD."""
    usual = Attempt(
        TARGET,
        Outcome.OK,
        0.5,
        first_token_s=0.1,
        usage=Usage(100, 50),
        cost=Cost(Provenance.COMPUTED, 1000, 2000),
    )
    return replace(usual, **fields)


def failed(reason: ErrorReason = ErrorReason.PROVIDER_UNAVAILABLE, **fields: Any) -> Attempt:
    """One that the provider refused, and that consumed nothing."""
    return Attempt(TARGET, Outcome.FAILED, 0.2, reason, **fields)


def call(**fields: Any) -> CallRecord:
    """One that a provider answered in 0.5 s."""
    usual: dict[str, Any] = {
        "tenant": "acme",
        "model": "gpt-4o",
        "target": TARGET,
        "cache": CacheNote(CacheStatus.MISS),
        "attempts": (attempt(),),
        "phases": Phases(provider_s=0.5),
        "ended_at": NOW,
        "total_s": 0.51,
        "code": "OK",
    }
    return CallRecord(METHOD, "r", "t", 0.0, **{**usual, **fields})


def attempt_of(record: CallRecord, made: Attempt) -> AttemptRecord:
    return AttemptRecord(
        record.ended_at,
        record.request_id,
        record.tenant,
        record.method,
        record.model,
        record.labels,
        made,
    )


def with_attempts(record: CallRecord) -> list[Record]:
    """As they are told: each attempt, and the call."""
    return [*(attempt_of(record, made) for made in record.attempts), record]


def mixed(seed: int, calls: int, over_s: float, until: float = NOW) -> list[Record]:
    """Calls of all kinds, of the last `over_s` seconds."""
    rng = Random(seed)
    records: list[Record] = []
    for _ in range(calls):
        provider = rng.choice(("openai", "anthropic"))
        target = ModelRef(provider, rng.choice(("small", "large")))
        fields: dict[str, Any] = {
            "tenant": rng.choice(("acme", "globex", "")),
            "model": target.model,
            "labels": rng.choice(({}, {"team": "red"}, {"team": "blue", "user": "x"})),
            "ended_at": until - rng.random() * over_s,
            "total_s": rng.lognormvariate(-1, 1),
        }
        records += with_attempts(rng.choice(_CALLS)(rng, target, fields))
    return records


def _answered(rng: Random, target: ModelRef, fields: dict[str, Any]) -> CallRecord:
    usage = Usage(rng.randrange(5000), rng.randrange(500))
    cost = Cost(rng.choice(tuple(Provenance)), usage.input_tokens * 25, usage.output_tokens * 100)
    made = attempt(target=target, duration_s=fields["total_s"], usage=usage, cost=cost)
    return call(target=target, attempts=(made,), first_token_s=rng.random(), **fields)


def _recovered(rng: Random, target: ModelRef, fields: dict[str, Any]) -> CallRecord:
    first = failed(rng.choice((ErrorReason.PROVIDER_TIMEOUT, ErrorReason.PROVIDER_RATE_LIMITED)))
    return call(target=target, attempts=(first, attempt(target=target)), **fields)


def _hit(rng: Random, target: ModelRef, fields: dict[str, Any]) -> CallRecord:
    status = rng.choice((CacheStatus.HIT_LOCAL, CacheStatus.COALESCED, CacheStatus.REPEATED))
    saved = rng.choice((None, rng.randrange(10**9)))
    more = {"saved_nano_usd": saved, "saved_s": rng.random(), "phases": Phases()}
    return call(target=target, cache=CacheNote(status), attempts=(), **more, **fields)


def _refused(rng: Random, target: ModelRef, fields: dict[str, Any]) -> CallRecord:
    _ = target
    code, reason = rng.choice(
        (("INVALID_ARGUMENT", ErrorReason.INVALID_REQUEST), ("CANCELLED", None))
    )
    return call(target=None, cache=None, attempts=(), code=code, reason=reason, **fields)


_CALLS = (_answered, _answered, _recovered, _hit, _refused)


@dataclass
class Clock:
    """Stands still until it is set."""

    now: float = NOW

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def kept_in(
    store: Store,
    clock: Clock | None = None,
    retention: Retention = Retention(),
    flush_interval_s: float = 3600.0,
) -> AsyncGenerator[tuple[Book, Recorder], None]:
    """A ledger there that flushes when it is asked, or told to."""
    recorder = Recorder(sorted(LABELS))
    terms = BookTerms(flush_interval_s, retention, LABELS)
    book = Book(recorder, terms=terms, clock=clock or Clock())
    await book.adopt(store)
    try:
        yield book, recorder
    finally:
        await book.aclose()


def everything(**fields: Any) -> LedgerQuery:
    """About the last four weeks."""
    return LedgerQuery(NOW - 28 * 86_400, NOW + 1, **fields)


def expected(records: Iterable[Record], axes: Sequence[Axis]) -> dict[tuple[str, ...], Rollup]:
    """By group, counted one by one."""
    found: dict[tuple[str, ...], Rollup] = {}
    for record in records:
        if counting.counts(record):
            key = counting.key(record, sorted(LABELS))
            counting.count(found.setdefault(_values(key, axes), Rollup()), record)
    return found


def _values(key: Key, axes: Sequence[Axis]) -> tuple[str, ...]:
    return tuple(value_of(key, axis) for axis in axes)
