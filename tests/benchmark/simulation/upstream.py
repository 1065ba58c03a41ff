"""Made-up providers: how fast they are, what befalls them, how much they take. Seeded."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import Enum
from random import Random
from types import TracebackType
from typing import NamedTuple, Self

from service.domain.completion import Completion, Ending, FinishReason, Usage
from service.domain.errors import ProviderFailure
from service.domain.events import StreamEvent, TextDelta, fold
from service.domain.provider import EmbeddingCall, Embeddings, ProviderCall, TokenCount
from service.domain.reasons import ErrorReason

FIRST_TOKEN_SIGMA = 0.4
TOKEN_SIGMA = 0.2
OUTPUT_TOKENS_MEDIAN = 60
OUTPUT_TOKENS_SIGMA = 0.7
OUTPUT_TOKENS_MAX = 1000
FAULT_SHARE = 0.005
"""Of all calls in good weather."""
FAULT_S = 0.03
"""How soon a 500 or a 429 is there."""
RETRY_AFTER_S = 2.0
BURST_S = 1.0
"""A rate limit is a bucket that holds so many seconds of it."""
_DELTA = TextDelta("x")


class Kind(Enum):
    """What may befall a provider, and what `amount` means then."""

    FAILING = "failing"
    """This share of all calls is answered with a 500 at once."""
    SLOW = "slow"
    """First token and tokens take so many times as long."""
    SILENT = "silent"
    """Calls are accepted and never answered."""
    LIMITED = "limited"
    """More than so many calls a second are refused with a 429."""


@dataclass(frozen=True, slots=True)
class Spell:
    """Bad weather from `start_s` on, before `end_s`, for the providers named in `on`."""

    kind: Kind
    on: frozenset[str]
    start_s: float
    end_s: float = math.inf
    amount: float = 1.0


@dataclass(frozen=True, slots=True)
class Traits:
    """Medians of the first token and of each further one."""

    name: str
    first_token_s: float
    token_s: float


def mean_duration_s(traits: Traits) -> float:
    """Of the calls in good weather, faults included."""
    first_s = traits.first_token_s * math.exp(FIRST_TOKEN_SIGMA**2 / 2)
    tokens = OUTPUT_TOKENS_MEDIAN * math.exp(OUTPUT_TOKENS_SIGMA**2 / 2) - 1
    token_s = traits.token_s * math.exp(TOKEN_SIGMA**2 / 2)
    return (1 - FAULT_SHARE) * (first_s + tokens * token_s) + FAULT_SHARE * FAULT_S


class Answer(NamedTuple):
    """What a call will meet: `failure` after `first_token_s`, or tokens until `rest_s` later."""

    first_token_s: float
    rest_s: float = 0.0
    output_tokens: int = 0
    failure: ProviderFailure | None = None


class Upstream:
    """One provider, shared by all replicas. Fits the port `Provider`."""

    def __init__(
        self, traits: Traits, spells: Sequence[Spell], clock: Callable[[], float], rng: Random
    ) -> None:
        self.traits = traits
        self._spells = [spell for spell in spells if traits.name in spell.on]
        self._clock = clock
        self._rng = rng
        self._spent = 0.0
        self._spent_at = 0.0

    def answer(self) -> Answer:
        """Draws what a call that arrives now will meet. Counts against the rate limit."""
        spell = self._spell()
        factor, fault_share = 1.0, FAULT_SHARE
        if spell is not None:
            match spell.kind:
                case Kind.SILENT:
                    return Answer(math.inf)
                case Kind.LIMITED:
                    if not self._takes(spell.amount):
                        return Answer(FAULT_S, failure=_too_many())
                case Kind.FAILING:
                    fault_share = spell.amount
                case Kind.SLOW:
                    factor = spell.amount
        rng = self._rng
        if rng.random() < fault_share:
            return Answer(FAULT_S, failure=_broken())
        drawn = OUTPUT_TOKENS_MEDIAN * rng.lognormvariate(0.0, OUTPUT_TOKENS_SIGMA)
        tokens = min(max(1, round(drawn)), OUTPUT_TOKENS_MAX)
        first_s = self.traits.first_token_s * rng.lognormvariate(0.0, FIRST_TOKEN_SIGMA)
        token_s = self.traits.token_s * rng.lognormvariate(0.0, TOKEN_SIGMA)
        return Answer(first_s * factor, (tokens - 1) * token_s * factor, tokens)

    def stream(self, call: ProviderCall) -> AbstractAsyncContextManager[AsyncIterator[StreamEvent]]:
        del call
        return _Speech(self.answer())

    async def complete(self, call: ProviderCall) -> Completion:
        async with self.stream(call) as events:
            return fold([event async for event in events])

    async def embed(self, call: EmbeddingCall) -> Embeddings:
        raise NotImplementedError

    async def count_tokens(self, call: ProviderCall) -> TokenCount:
        raise NotImplementedError

    async def check(self) -> bool:
        return False

    async def aclose(self) -> None:
        pass

    def _spell(self) -> Spell | None:
        now = self._clock()
        return next((s for s in self._spells if s.start_s <= now < s.end_s), None)

    def _takes(self, rate_max: float) -> bool:
        """A bucket that holds `BURST_S` of the rate."""
        now = self._clock()
        self._spent = max(0.0, self._spent - (now - self._spent_at) * rate_max)
        self._spent_at = now
        if self._spent + 1.0 > rate_max * BURST_S:
            return False
        self._spent += 1.0
        return True


def _too_many() -> ProviderFailure:
    reason = ErrorReason.PROVIDER_RATE_LIMITED
    return ProviderFailure(
        reason, "too many requests", http_status=429, retry_after_s=RETRY_AFTER_S
    )


def _broken() -> ProviderFailure:
    return ProviderFailure(ErrorReason.PROVIDER_UNAVAILABLE, "internal error", http_status=500)


class _Speech:
    """An answer as events: a delta when the first token is there, the ending when the last is."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._told = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        pass

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> StreamEvent:
        answer = self._answer
        self._told += 1
        match self._told:
            case 1:
                await silence(answer.first_token_s)
                if answer.failure is not None:
                    raise answer.failure
                return _DELTA
            case 2:
                await asyncio.sleep(answer.rest_s)
                return Ending(FinishReason.STOP, "stop", Usage(10, answer.output_tokens))
            case _:
                raise StopAsyncIteration


async def silence(duration_s: float) -> None:
    """Without an end if it is infinite: whoever waits must have a limit of its own."""
    if duration_s == math.inf:
        await asyncio.get_running_loop().create_future()
    await asyncio.sleep(duration_s)
