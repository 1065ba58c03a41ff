"""What one caller asks, as the pipeline carries it."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

from service.domain.cache_use import CacheWish
from service.domain.call_record import Phases
from service.domain.completion import CompletionSpec
from service.domain.span_context import SpanContext
from service.domain.wishes import RouteWish

NO_LABELS: Mapping[str, str] = MappingProxyType({})
UNREAD = Phases()
"""For whoever does not want to know where the time went."""


@dataclass(slots=True)
class CompletionRequest:
    """`deadline` is in the event loop's time. Of what follows it nothing reaches a provider.

    The deadline alone may change while it is carried out, and only to a later one: when another
    caller, who has more time, waits for the same answer.
    """

    spec: CompletionSpec
    wish: RouteWish = RouteWish()
    deadline: float = math.inf
    tenant: str = ""
    request_id: str = ""
    method: str = ""
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    phases: Phases = field(default_factory=Phases, compare=False)
    """Where the time goes, as far as it is spent on carrying the request out."""
    span: SpanContext | None = None
    """Of the call that caused it."""
    watchers: list[Callable[[], None]] = field(
        default_factory=list[Callable[[], None]], repr=False, compare=False
    )
    """Told when the deadline has moved."""

    def prolong(self, deadline: float) -> None:
        if deadline > self.deadline:
            self.deadline = deadline
            for watcher in tuple(self.watchers):
                watcher()


class Question(NamedTuple):
    """A request as the answer cache sees it: what it asks is not looked into unless it must be."""

    model: str
    content: bytes
    """The spec, in the words of the wire: equal for equal questions."""
    deterministic: bool
    """Whether it says temperature 0 or a seed."""
    read: Callable[[], CompletionSpec]
    """Raises ServiceFailure INVALID_REQUEST."""
    wish: RouteWish = RouteWish()
    cache: CacheWish = CacheWish()
    idempotency_key: str = ""
    deadline: float = math.inf
    tenant: str = ""
    request_id: str = ""
    method: str = ""
    labels: Mapping[str, str] = NO_LABELS
    phases: Phases = UNREAD
    """Told where the time of the call went, by whoever answers."""
    span: SpanContext | None = None

    @property
    def digest(self) -> bytes:
        """32 bytes for the content."""
        return hashlib.sha256(self.content).digest()

    def request(self) -> CompletionRequest:
        """Raises ServiceFailure INVALID_REQUEST."""
        return CompletionRequest(
            self.read(),
            self.wish,
            self.deadline,
            self.tenant,
            self.request_id,
            self.method,
            self.labels,
            span=self.span,
        )
