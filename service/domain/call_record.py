"""What is remembered of one call, and of one attempt upstream, once it has ended. Plain values.

The two are apart, since an attempt may outlive the call that caused it: others wait for its answer.
What was consumed stands in the attempts, and there alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from service.domain.attempt import Attempt
from service.domain.cache_note import CacheNote
from service.domain.errors import ServiceFailure
from service.domain.provider import ModelRef
from service.domain.reasons import ErrorReason
from service.domain.routing import Ranked
from service.domain.span_context import SpanContext


@dataclass(slots=True)
class Phases:
    """Where the time of a call went, in seconds. What is left of the whole was spent on reading the
    request and writing the answer.
    """

    cache_s: float = 0.0
    queue_s: float = 0.0
    route_s: float = 0.0
    provider_s: float = 0.0


@dataclass(slots=True)
class CallRecord:
    """Filled in while a call is served; not changed any more once it was told.

    `started` is monotonic time; `ended_at` is in seconds since the epoch.
    """

    method: str
    request_id: str
    trace_id: str
    started: float
    tenant: str = ""
    caller: str = ""
    model: str = ""
    """As it was asked for."""
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    target: ModelRef | None = None
    """Who gave the answer."""
    cache: CacheNote | None = None
    attempts: tuple[Attempt, ...] = ()
    """Those that were made for this call; none where another call's attempt was shared."""
    saved_nano_usd: int | None = None
    saved_s: float = 0.0
    """Of the provider's time."""
    first_token_s: float | None = None
    phases: Phases = field(default_factory=Phases)
    ended_at: float = 0.0
    total_s: float = 0.0
    code: str = ""
    """The name of the gRPC status."""
    reason: ErrorReason | None = None
    failure: ServiceFailure | None = None
    span: SpanContext | None = None
    """Its own; None where nobody traces."""
    in_flight: int = 0
    """Calls on this replica that ask something of a model, as it began; itself included if it does.
    0 where nobody looked.
    """


class AttemptRecord(NamedTuple):
    """`model` is as it was asked for. Who caused it is charged for it.

    `span` is that of the call; the attempt's own id stands in the attempt.
    """

    ended_at: float
    request_id: str
    tenant: str
    method: str
    model: str
    labels: Mapping[str, str]
    attempt: Attempt
    span: SpanContext | None = None
    ranked: Sequence[Ranked] = ()
    """Who could have been asked, for whoever sums up what the choice saved."""


Record = CallRecord | AttemptRecord
