"""Every metric by its name, unit, kind and attributes. The only place that knows them.

Names beginning with `rpc.` and `gen_ai.` are OpenTelemetry's semantic conventions
(https://opentelemetry.io/docs/specs/semconv/, https://github.com/open-telemetry/semantic-conventions-genai).
Dashboards, alerts and docs/telemetry.md are made from this.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    COUNTER = "counter"
    """Only grows, from the start of the process on."""
    HISTOGRAM = "histogram"
    GAUGE = "gauge"


@dataclass(frozen=True, slots=True, eq=False)
class Metric:
    """`attributes` are names, in the order in which values are given. An empty value is left out.

    `observed` metrics are read when they are exported, the others counted from records.
    """

    name: str
    kind: Kind
    unit: str
    description: str
    attributes: tuple[str, ...] = ()
    bounds: tuple[float, ...] = ()
    """Upper limits of a histogram's buckets."""
    observed: bool = False

    def __str__(self) -> str:
        return self.name

    @property
    def prometheus(self) -> str:
        """Its name as the Prometheus exporter writes it; a histogram has `_bucket` and so on."""
        name = self.name.replace(".", "_")
        unit = _PROMETHEUS_UNITS.get(self.unit, "")
        if unit and not name.endswith(unit):
            name += unit
        return f"{name}_total" if self.kind is Kind.COUNTER else name


_PROMETHEUS_UNITS = {"s": "_seconds", "By": "_bytes"}

METHOD = "rpc.method"
STATUS = "rpc.response.status_code"
ERROR = "error.type"
OPERATION = "gen_ai.operation.name"
VENDOR = "gen_ai.provider.name"
REQUEST_MODEL = "gen_ai.request.model"
TOKEN_TYPE = "gen_ai.token.type"  # noqa: S105 - a name
PROVIDER = "aiprovider.provider"
DEPLOYMENT = "aiprovider.deployment"
MODEL = "aiprovider.model"
OUTCOME = "aiprovider.outcome"
PHASE = "aiprovider.phase"
CACHE_STATUS = "aiprovider.cache.status"
PROVENANCE = "aiprovider.provenance"
TENANT = "aiprovider.tenant"
STATE = "aiprovider.state"
QUEUE = "aiprovider.queue"
RULE = "aiprovider.alert.rule"
SEVERITY = "aiprovider.alert.severity"
SUBJECT = "aiprovider.alert.subject"

_SECONDS = (
    *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75),
    *(1.0, 2.5, 5.0, 7.5, 10.0, 30.0, 60.0, 120.0, 300.0),
)
_GEN_AI_SECONDS = (
    *(0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28),
    *(2.56, 5.12, 10.24, 20.48, 40.96, 81.92),
)
_FIRST_TOKEN_SECONDS = (
    *(0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25),
    *(0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 30.0, 60.0),
)
_PHASE_SECONDS = (0.0001, 0.0005, *_SECONDS)
_TOKENS = tuple(float(4**power) for power in range(14))

_COUNTER, _HISTOGRAM, _GAUGE = Kind.COUNTER, Kind.HISTOGRAM, Kind.GAUGE
_ASKED = (OPERATION, VENDOR, PROVIDER, REQUEST_MODEL)

CALL_DURATION = Metric(
    "rpc.server.call.duration",
    _HISTOGRAM,
    "s",
    "How long a call took, from its arrival to its status.",
    ("rpc.system.name", METHOD, STATUS, ERROR, TENANT),
    _SECONDS,
)
OPERATION_DURATION = Metric(
    "gen_ai.client.operation.duration",
    _HISTOGRAM,
    "s",
    "How long one attempt at a provider took.",
    (*_ASKED, ERROR),
    _GEN_AI_SECONDS,
)
TOKEN_USAGE = Metric(
    "gen_ai.client.token.usage",
    _HISTOGRAM,
    "{token}",
    "Tokens that one attempt consumed.",
    (*_ASKED, TOKEN_TYPE),
    _TOKENS,
)
FIRST_CHUNK = Metric(
    "gen_ai.client.operation.time_to_first_chunk",
    _HISTOGRAM,
    "s",
    "How long a provider took to begin its answer, as a stream.",
    _ASKED,
    _GEN_AI_SECONDS,
)
FIRST_TOKEN = Metric(
    "gen_ai.server.time_to_first_token",
    _HISTOGRAM,
    "s",
    "How long a caller waited for the beginning of a stream, failed attempts included.",
    (*_ASKED, CACHE_STATUS),
    _FIRST_TOKEN_SECONDS,
)
PHASE_DURATION = Metric(
    "aiprovider.call.phase.duration",
    _HISTOGRAM,
    "s",
    "Where the time of a call went: cache, queue, route, provider, or the service's own.",
    (METHOD, PHASE),
    _PHASE_SECONDS,
)
ATTEMPTS = Metric(
    "aiprovider.attempts",
    _COUNTER,
    "{attempt}",
    "Attempts at providers, by how they ended.",
    (PROVIDER, MODEL, OUTCOME, ERROR),
)
FAILOVERS = Metric(
    "aiprovider.failovers",
    _COUNTER,
    "{attempt}",
    "Failed attempts after which another one was made, by whether the call was answered.",
    (PROVIDER, ERROR, OUTCOME),
)
HEDGES = Metric(
    "aiprovider.hedges",
    _COUNTER,
    "{attempt}",
    "Attempts made beside a slow first one, by how they ended.",
    (PROVIDER, OUTCOME),
)
COST = Metric(
    "aiprovider.cost_nano_usd",
    _COUNTER,
    "{nano_usd}",
    "What attempts cost, in whole nano-USD, by how that is known.",
    (PROVIDER, MODEL, PROVENANCE, TENANT),
)
UNPRICED = Metric(
    "aiprovider.attempts.unpriced",
    _COUNTER,
    "{attempt}",
    "Attempts that consumed something, and whose cost is not known.",
    (PROVIDER, MODEL),
)
SAVED = Metric(
    "aiprovider.saved_nano_usd",
    _COUNTER,
    "{nano_usd}",
    "What answers would have cost that no provider was asked for, in whole nano-USD.",
    (CACHE_STATUS, TENANT),
)
IN_FLIGHT = Metric(
    "aiprovider.requests.in_flight",
    _GAUGE,
    "{request}",
    "Requests that are being carried out.",
    observed=True,
)
WAITING = Metric(
    "aiprovider.requests.waiting",
    _GAUGE,
    "{request}",
    "Requests that wait for a candidate with room.",
    observed=True,
)
CIRCUIT = Metric(
    "aiprovider.circuit.state",
    _GAUGE,
    "{state}",
    "0: closed. 1: half-open, a trial is due. 2: open, it is not asked.",
    (PROVIDER, DEPLOYMENT, MODEL),
    observed=True,
)
CACHE_REQUESTS = Metric(
    "aiprovider.cache.requests",
    _COUNTER,
    "{request}",
    "Requests by what the answer cache had to do with them.",
    (CACHE_STATUS,),
    observed=True,
)
CACHE_REFRESHES = Metric(
    "aiprovider.cache.early_refreshes",
    _COUNTER,
    "{request}",
    "Answers that were asked for again before they expired.",
    observed=True,
)
CACHE_KNOWN_FAILURES = Metric(
    "aiprovider.cache.known_failures",
    _COUNTER,
    "{request}",
    "Requests that were refused, as equal ones had just been.",
    observed=True,
)
CACHE_HIT_BYTES = Metric(
    "aiprovider.cache.hit.size",
    _COUNTER,
    "By",
    "Size of answers that were taken from the cache, or shared.",
    observed=True,
)
CACHE_ENTRIES = Metric(
    "aiprovider.cache.entries",
    _GAUGE,
    "{entry}",
    "Answers in this replica's memory.",
    observed=True,
)
CACHE_SIZE = Metric(
    "aiprovider.cache.size",
    _GAUGE,
    "By",
    "Size of answers in this replica's memory.",
    observed=True,
)
CACHE_SIZE_MAX = Metric(
    "aiprovider.cache.size_max", _GAUGE, "By", "What their size may come to.", observed=True
)
CACHE_STORES = Metric(
    "aiprovider.cache.stores",
    _COUNTER,
    "{entry}",
    "Answers that were put into this replica's memory.",
    observed=True,
)
CACHE_EVICTIONS = Metric(
    "aiprovider.cache.evictions",
    _COUNTER,
    "{entry}",
    "Answers that had to make room in this replica's memory.",
    observed=True,
)
SHARED_STATE = Metric(
    "aiprovider.cache.shared.state",
    _GAUGE,
    "{state}",
    "1 for the state in which the breakers before Redis are, 0 for the others.",
    (STATE,),
    observed=True,
)
SHARED_FAILURES = Metric(
    "aiprovider.cache.shared.failures",
    _COUNTER,
    "{operation}",
    "Operations on Redis that failed or were too late.",
    observed=True,
)
SHARED_SKIPS = Metric(
    "aiprovider.cache.shared.skips",
    _COUNTER,
    "{operation}",
    "Operations on Redis that were left out, as its breaker was open.",
    observed=True,
)
SHARED_LOST_STORES = Metric(
    "aiprovider.cache.shared.lost_stores",
    _COUNTER,
    "{entry}",
    "Answers that other replicas were not told.",
    observed=True,
)
DROPPED = Metric(
    "aiprovider.records.dropped",
    _COUNTER,
    "{record}",
    "Records that found a full queue: of the journal, the log, the decision log, a webhook, or"
    " `spans` and `lines` on their way to a collector; and calls of the `tail` that were too many"
    " for their spans to be told.",
    (QUEUE,),
    observed=True,
)
ALERT_FIRING = Metric(
    "aiprovider.alert.firing",
    _GAUGE,
    "{alert}",
    "1 for each alert that fires on this replica now.",
    (RULE, SEVERITY, SUBJECT),
    observed=True,
)
LOOP_LAG = Metric(
    "aiprovider.loop.lag",
    _GAUGE,
    "s",
    "How late the event loop was at worst in the last minute, or is.",
    observed=True,
)

METRICS = (
    *(CALL_DURATION, OPERATION_DURATION, TOKEN_USAGE, FIRST_CHUNK, FIRST_TOKEN, PHASE_DURATION),
    *(ATTEMPTS, FAILOVERS, HEDGES, COST, UNPRICED, SAVED),
    *(IN_FLIGHT, WAITING, CIRCUIT),
    *(CACHE_REQUESTS, CACHE_REFRESHES, CACHE_KNOWN_FAILURES, CACHE_HIT_BYTES),
    *(CACHE_ENTRIES, CACHE_SIZE, CACHE_SIZE_MAX, CACHE_STORES, CACHE_EVICTIONS),
    *(SHARED_STATE, SHARED_FAILURES, SHARED_SKIPS, SHARED_LOST_STORES),
    *(DROPPED, ALERT_FIRING, LOOP_LAG),
)
SHARED_STATES = ("none", "ok", "trying", "slow", "failing")
