"""One attempt from its beginning to its end: how long it took, and whose fault its end was.

Decides nothing about who is next: it tells the walk, which does.
"""

from __future__ import annotations

import math
import random
from types import TracebackType
from typing import Protocol, Self

from service.domain.attempt import Attempt, Exchange, Outcome
from service.domain.completion import Completion, FinishReason, Usage
from service.domain.consumption import NOTHING, consumed_by_failure, estimate
from service.domain.cost import FREE, Cost
from service.domain.errors import ProviderFailure, ServiceFailure
from service.domain.events import StreamEvent
from service.domain.pricing import cost_of
from service.domain.reasons import ErrorReason
from service.domain.request import CompletionRequest
from service.domain.routing import Ranked
from service.domain.tokens import event_size_bytes
from service.pipeline.ended import NOT_TOLD, Ended, Evidence, Start

TICK_S = 0.005
"""A loop's clock may stand still for so long, and its timers may come early by less: what lasted a
limit may seem a moment shorter.
"""


class DeadlinePassed(Exception):  # noqa: N818 - a signal within the pipeline, told to nobody
    """The caller's deadline came before the attempt's own limit."""


class Walked(Protocol):
    """The walk that an attempt is one step of."""

    request: CompletionRequest
    began_at: float
    """In its own time."""

    @property
    def keeps_content(self) -> bool: ...

    @property
    def prompt_tokens(self) -> int:
        """An estimate of the prompt's."""
        ...

    def now(self) -> float: ...

    def began(self, ranked: Ranked) -> tuple[int, float, Start]:
        """Its place among the attempts, the time, and how the board took it."""
        ...

    def spoke(self, ranked: Ranked, start: Start) -> Start:
        """A trial has its first event. How the board takes it from then on."""
        ...

    def ended(
        self,
        place: int,
        attempt: Attempt,
        how: Ended,
        failed: tuple[Ranked, ProviderFailure] | None,
    ) -> None: ...

    def lost(self, ranked: Ranked) -> None: ...

    def interrupted(self, ranked: Ranked, failure: ProviderFailure) -> ServiceFailure: ...

    def out_of_time(self) -> ServiceFailure: ...


class AttemptScope:
    """A with-block around one attempt.

    It swallows a ProviderFailure, so that the walk can go on, unless `committed` was set: then part
    of the answer is with the caller, and ServiceFailure STREAM_INTERRUPTED is raised instead.
    """

    def __init__(self, walk: Walked, ranked: Ranked, *, hedge: bool) -> None:
        self.ranked = ranked
        self.target = ranked.candidate.target
        self.committed = False
        self.first_token_s: float | None = None
        self.spoken_s = 0.0
        """How long was waited for what followed the first token, the caller's own time left out."""
        self.usage: Usage | None = None
        """What it consumed, once that is known."""
        self.finish_reason: FinishReason | None = None
        self.provider_model = ""
        self.prompt_tokens = walk.prompt_tokens
        """What is counted where the provider does not say; an estimate."""
        self.heard_bytes = 0
        """How much of the answer has come, as a stream."""
        self.is_free = False
        """Whether it is something that no provider charges for."""
        self.evidence = Evidence.FULL
        self.attempt: Attempt | None = None
        """How it ended, once it has."""
        self.overdue_s = math.inf
        """Silence of so long speaks against the provider, though the caller's patience ended it."""
        self.spared = False
        """Whether it was the caller's own limit that ended it: no fault of the provider's."""
        self.listened = True
        self.span_id = ""
        """Its own, where the request is traced."""
        self.answer: Completion | None = None
        """Where contents are kept, the whole answer."""
        if walk.request.span is not None:
            # It need not be hard to guess.
            self.span_id = f"{random.getrandbits(64) or 1:016x}"
        self._hedge = hedge
        self._walk = walk
        self._place = 0
        self._started = 0.0
        self._start = NOT_TOLD

    def __enter__(self) -> Self:
        self._place, self._started, self._start = self._walk.began(self.ranked)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        match error:
            case None:
                self._end(Outcome.OK)
            case ProviderFailure():
                self._end(Outcome.FAILED, error)
                if self.committed:
                    raise self._walk.interrupted(self.ranked, error) from error
                return True
            case DeadlinePassed():
                self._end(Outcome.CANCELLED)
                raise self._walk.out_of_time() from None
            case _:
                self._end(Outcome.CANCELLED)
        return False

    def spoke(self) -> None:
        """The first event is there."""
        self.first_token_s = self.elapsed_s()
        if self._start.trial:
            self._start = self._walk.spoke(self.ranked, self._start)

    def hear(self, event: StreamEvent) -> None:
        self.heard_bytes += event_size_bytes(event)

    def elapsed_s(self) -> float:
        return self._walk.now() - self._started

    def _end(self, outcome: Outcome, failure: ProviderFailure | None = None) -> None:
        duration_s = self.elapsed_s()
        left = outcome is Outcome.CANCELLED or self.spared
        charged = None if self.spared else failure
        if left and self.first_token_s is None and duration_s > self.overdue_s - TICK_S:
            message = f"{self.target} was silent for {duration_s:.1f} s"
            charged = ProviderFailure(ErrorReason.PROVIDER_TIMEOUT, message)
        usage = self._consumed(failure)
        self.attempt = Attempt(
            self.target,
            outcome,
            duration_s,
            failure.reason if failure else None,
            failure.http_status if failure else 0,
            failure.message if failure else "",
            self.ranked.score,
            self.first_token_s,
            self._hedge,
            usage,
            self._cost(usage),
            span_id=self.span_id,
            exchange=self._exchange(),
            start_offset_s=self._started - self._walk.began_at,
            finish_reason=self.finish_reason,
            provider_model=self.provider_model,
        )
        how = Ended(
            duration_s,
            charged,
            left,
            self.first_token_s,
            self.spoken_s,
            self.usage.output_tokens if self.usage else 0,
            self.evidence,
            self._start,
            self.listened,
        )
        if outcome is Outcome.CANCELLED:
            self._walk.lost(self.ranked)
        failed = (self.ranked, failure) if failure else None
        self._walk.ended(self._place, self.attempt, how, failed)

    def _consumed(self, failure: ProviderFailure | None) -> Usage | None:
        if self.evidence is Evidence.NONE:
            return None
        if self.is_free and not (failure and failure.local):
            return NOTHING
        if self.usage is not None:
            return self.usage
        if failure is not None:
            return consumed_by_failure(failure, self.prompt_tokens, self.heard_bytes)
        return estimate(self.prompt_tokens, self.heard_bytes)

    def _cost(self, usage: Usage | None) -> Cost | None:
        if usage is None:
            return None
        return FREE if usage is NOTHING else cost_of(self.ranked.candidate.price, usage)

    def _exchange(self) -> Exchange | None:
        walk = self._walk
        return Exchange(walk.request.spec, self.answer) if walk.keeps_content else None
