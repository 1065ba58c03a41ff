"""What calls and attempts add to the metrics of the catalogue. On the journal's thread.

What was consumed is counted from attempts alone, what a caller saw from calls alone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from service.domain.attempt import Attempt, Outcome
from service.domain.call_record import AttemptRecord, CallRecord
from service.domain.completion import Usage
from service.domain.provider import ModelRef
from service.domain.reasons import ErrorReason
from service.telemetry import catalogue as of
from service.telemetry.tallies import Sample, Tallies

OPERATIONS = {"Embed": "embeddings", "CountTokens": "count_tokens"}
"""By the name of the method; all others are `chat`."""
VENDORS = {"gemini": "gcp.gemini"}
"""OpenTelemetry's names of providers, by wire format, where it has another one."""
OTHER_TENANTS = "*other*"
# What gRPC calls the fault of a server: https://opentelemetry.io/docs/specs/semconv/rpc/grpc/
SERVER_FAULTS = frozenset(
    {"UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"}
)


class Measuring:
    """`kinds` has the wire format of each provider; `tenants` those that metrics may name.

    `kinds` may be replaced at any time. Call it within the lock of `tallies`.
    """

    def __init__(
        self, tallies: Tallies, kinds: Mapping[str, str], tenants: Collection[str]
    ) -> None:
        self.kinds = kinds
        self._tenants = tenants
        self._tallies = tallies

    def __repr__(self) -> str:
        return f"<Measuring into {self._tallies!r}>"

    def call(self, record: CallRecord, sample: Sample | None) -> None:
        measure, tallies = self._tallies.measure, self._tallies
        reason = record.reason
        method = record.method.lstrip("/")
        error = reason.name if reason and record.code in SERVER_FAULTS else ""
        tenant = self._tenant(record.tenant)
        measure(
            of.CALL_DURATION, ("grpc", method, record.code, error, tenant), record.total_s, sample
        )
        cache = record.cache.status.value if record.cache else ""
        if record.first_token_s is not None and record.target is not None:
            asked = self._asked(record.method, record.target)
            measure(of.FIRST_TOKEN, (*asked, cache), record.first_token_s, sample)
        if record.saved_nano_usd:
            tallies.add(of.SAVED, (cache, tenant), record.saved_nano_usd)
        if record.model:
            self._phases(method, record)
        if record.attempts or record.failure is not None:
            self._failovers(record)

    def attempt(self, record: AttemptRecord, sample: Sample | None) -> None:
        measure, add = self._tallies.measure, self._tallies.add
        attempt = record.attempt
        target, outcome = attempt.target, attempt.outcome
        error = error_of(attempt)
        add(of.ATTEMPTS, (target.provider, target.model, outcome.value, error))
        if attempt.hedge:
            add(of.HEDGES, (target.provider, outcome.value))
        if outcome is Outcome.SKIPPED:
            return
        asked = self._asked(record.method, target)
        measure(of.OPERATION_DURATION, (*asked, error), attempt.duration_s, sample)
        if attempt.first_token_s is not None:
            measure(of.FIRST_CHUNK, asked, attempt.first_token_s, sample)
        usage = attempt.usage
        if usage is not None:
            self._usage(asked, usage)
        self._cost(record, usage)

    def _usage(self, asked: tuple[str, ...], usage: Usage) -> None:
        self._tallies.measure(of.TOKEN_USAGE, (*asked, "input"), usage.input_tokens)
        if usage.output_tokens:
            self._tallies.measure(of.TOKEN_USAGE, (*asked, "output"), usage.output_tokens)

    def _cost(self, record: AttemptRecord, usage: Usage | None) -> None:
        target, cost = record.attempt.target, record.attempt.cost
        if cost is not None and cost.total:
            tenant = self._tenant(record.tenant)
            values = (target.provider, target.model, cost.provenance.value, tenant)
            self._tallies.add(of.COST, values, cost.total)
        if (cost is None and usage is not None) or (cost is not None and not cost.is_known):
            self._tallies.add(of.UNPRICED, (target.provider, target.model))

    def _phases(self, method: str, record: CallRecord) -> None:
        measure, phases = self._tallies.measure, record.phases
        own_s = record.total_s - (
            phases.cache_s + phases.queue_s + phases.route_s + phases.provider_s
        )
        measure(of.PHASE_DURATION, (method, "own"), max(0.0, own_s))
        measure(of.PHASE_DURATION, (method, "cache"), phases.cache_s)
        if phases.provider_s:
            measure(of.PHASE_DURATION, (method, "provider"), phases.provider_s)
            measure(of.PHASE_DURATION, (method, "route"), phases.route_s)
            measure(of.PHASE_DURATION, (method, "queue"), phases.queue_s)

    def _failovers(self, record: CallRecord) -> None:
        outcome = "ok" if record.reason is None else "failed"
        for attempt in attempts_of(record)[:-1]:
            if attempt.outcome is Outcome.FAILED:
                values = (attempt.target.provider, error_of(attempt), outcome)
                self._tallies.add(of.FAILOVERS, values)

    def _asked(self, method: str, target: ModelRef) -> tuple[str, str, str, str]:
        return operation(method), self.vendor(target.provider), target.provider, target.model

    def vendor(self, provider: str) -> str:
        """OpenTelemetry's name of whoever made the model."""
        kind = self.kinds.get(provider, "")
        return VENDORS.get(kind, provider if kind in ("", "litellm") else kind)

    def _tenant(self, tenant: str) -> str:
        if not self._tenants or not tenant:
            return ""
        return tenant if tenant in self._tenants else OTHER_TENANTS


def attempts_of(record: CallRecord) -> tuple[Attempt, ...]:
    """Those of a call that failed are told by its failure."""
    if record.attempts or record.failure is None:
        return record.attempts
    return tuple(record.failure.attempts)


def error_of(attempt: Attempt) -> str:
    """Why an attempt gave no answer; "" if it did."""
    if attempt.reason is not None:
        return attempt.reason.name
    return ErrorReason.CANCELLED.name if attempt.outcome is Outcome.CANCELLED else ""


def operation(method: str) -> str:
    """The name that OpenTelemetry has for what a method does."""
    return OPERATIONS.get(method.rpartition("/")[2], "chat")
