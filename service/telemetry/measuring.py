"""What calls and attempts add to the metrics of the catalogue. On the journal's thread.

What was consumed is counted from attempts alone, what a caller saw from calls alone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from service.domain.attempt import Attempt, Outcome
from service.domain.call_record import AttemptRecord, CallRecord
from service.domain.completion import Usage
from service.domain.provider import ModelRef
from service.domain.reasons import ErrorReason
from service.telemetry import catalogue as of
from service.telemetry.tallies import Sample, Spread, Tallies

OPERATIONS = {"Embed": "embeddings", "CountTokens": "count_tokens"}
"""By the name of the method; all others are `chat`."""
VENDORS = {
    "azure": "azure.ai.openai",
    "azure_ai": "azure.ai.inference",
    "bedrock": "aws.bedrock",
    "gemini": "gcp.gemini",
    "mistral": "mistral_ai",
    "moonshot": "moonshot_ai",
    "vertex_ai": "gcp.vertex_ai",
    "watsonx": "ibm.watsonx.ai",
    "xai": "x_ai",
}
"""OpenTelemetry's names of vendors, where they are not those of wire formats or of litellm."""
OTHER_TENANTS = "*other*"
# What gRPC calls the fault of a server: https://opentelemetry.io/docs/specs/semconv/rpc/grpc/
SERVER_FAULTS = frozenset(
    {"UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"}
)

PHASES = ("own", "cache", "provider", "route", "queue")
_KEPT_MAX = 1000
_CallSpreads = tuple[Spread, Sequence[Spread]]


class Measuring:
    """`kinds` has the wire format of each provider, or what litellm calls it; `tenants` those that
    metrics may name.

    `kinds` may be replaced at any time. Call it within the lock of `tallies`.
    """

    def __init__(
        self, tallies: Tallies, kinds: Mapping[str, str], tenants: Collection[str]
    ) -> None:
        self.kinds = kinds
        self._tenants = tenants
        self._tallies = tallies
        # Looked up once: most calls are like some that were before.
        self._calls: dict[tuple[str, str, ErrorReason | None, str], _CallSpreads] = {}

    def __repr__(self) -> str:
        return f"<Measuring into {self._tallies!r}>"

    def call(self, record: CallRecord, sample: Sample | None) -> None:
        reason, cache, target = record.reason, record.cache, record.target
        key = (record.method, record.code, reason, record.tenant)
        kept = self._calls.get(key)
        if kept is None:
            kept = self._call_spreads(record)
            if len(self._calls) < _KEPT_MAX:
                self._calls[key] = kept
        duration, phases = kept
        duration.take(record.total_s, sample)
        if record.first_token_s is not None and target is not None:
            asked = self._asked(record.method, target)
            values = (*asked, cache.status.value if cache else "")
            self._tallies.spread(of.FIRST_TOKEN, values).take(record.first_token_s, sample)
        if record.saved_nano_usd and cache is not None:
            values = (cache.status.value, self._tenant(record.tenant))
            self._tallies.add(of.SAVED, values, record.saved_nano_usd)
        if record.model:
            _take_phases(record, phases)
        if len(record.attempts) > 1:
            self._failovers(record)

    def attempt(self, record: AttemptRecord, sample: Sample | None) -> None:
        add, spread = self._tallies.add, self._tallies.spread
        attempt = record.attempt
        target, outcome = attempt.target, attempt.outcome
        error = error_of(attempt)
        add(of.ATTEMPTS, (target.provider, target.model, outcome.value, error))
        if attempt.hedge:
            add(of.HEDGES, (target.provider, outcome.value))
        if outcome is Outcome.SKIPPED:
            return
        asked = self._asked(record.method, target)
        spread(of.OPERATION_DURATION, (*asked, error)).take(attempt.duration_s, sample)
        if attempt.first_token_s is not None:
            spread(of.FIRST_CHUNK, asked).take(attempt.first_token_s, sample)
        usage = attempt.usage
        if usage is not None:
            self._usage(asked, usage, sample)
        self._cost(record, usage)

    def _call_spreads(self, record: CallRecord) -> _CallSpreads:
        spread, reason = self._tallies.spread, record.reason
        method = record.method.lstrip("/")
        error = reason.name if reason and record.code in SERVER_FAULTS else ""
        values = ("grpc", method, record.code, error, self._tenant(record.tenant))
        phases = [spread(of.PHASE_DURATION, (method, phase)) for phase in PHASES]
        return spread(of.CALL_DURATION, values), phases

    def _usage(self, asked: tuple[str, ...], usage: Usage, sample: Sample | None) -> None:
        spread = self._tallies.spread
        spread(of.TOKEN_USAGE, (*asked, "input")).take(usage.input_tokens, sample)
        if usage.output_tokens:
            spread(of.TOKEN_USAGE, (*asked, "output")).take(usage.output_tokens, sample)

    def _cost(self, record: AttemptRecord, usage: Usage | None) -> None:
        target, cost = record.attempt.target, record.attempt.cost
        if cost is not None and cost.total:
            tenant = self._tenant(record.tenant)
            values = (target.provider, target.model, cost.provenance.value, tenant)
            self._tallies.add(of.COST, values, cost.total)
        if (cost is None and usage is not None) or (cost is not None and not cost.is_known):
            self._tallies.add(of.UNPRICED, (target.provider, target.model))

    def _failovers(self, record: CallRecord) -> None:
        outcome = "ok" if record.reason is None else "failed"
        for attempt in record.attempts[:-1]:
            if attempt.outcome is Outcome.FAILED:
                values = (attempt.target.provider, error_of(attempt), outcome)
                self._tallies.add(of.FAILOVERS, values)

    def _asked(self, method: str, target: ModelRef) -> tuple[str, str, str, str]:
        return operation(method), self.vendor(target.provider), target.provider, target.model

    def vendor(self, provider: str) -> str:
        """OpenTelemetry's name of whoever made the model."""
        kind = self.kinds.get(provider, provider)
        return VENDORS.get(kind, kind)

    def _tenant(self, tenant: str) -> str:
        if not self._tenants or not tenant:
            return ""
        return tenant if tenant in self._tenants else OTHER_TENANTS


def _take_phases(record: CallRecord, spreads: Sequence[Spread]) -> None:
    phases = record.phases
    own, cache, provider, route, queue = spreads
    claimed_s = phases.cache_s + phases.queue_s + phases.route_s + phases.provider_s
    own.take(max(0.0, record.total_s - claimed_s))
    cache.take(phases.cache_s)
    if phases.provider_s:
        provider.take(phases.provider_s)
        route.take(phases.route_s)
        queue.take(phases.queue_s)


def error_of(attempt: Attempt) -> str:
    """Why an attempt gave no answer; "" if it did."""
    if attempt.reason is not None:
        return attempt.reason.name
    return ErrorReason.CANCELLED.name if attempt.outcome is Outcome.CANCELLED else ""


def operation(method: str) -> str:
    """The name that OpenTelemetry has for what a method does."""
    return OPERATIONS.get(method.rpartition("/")[2], "chat")
