"""A provider that does as it is told and remembers what happened to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager

from service.domain.completion import Completion, Ending, FinishReason, Usage
from service.domain.events import StreamEvent, TextDelta, fold
from service.domain.provider import (
    Defaults,
    EmbeddingCall,
    Embeddings,
    Offer,
    ProviderCall,
    ServedModel,
    TokenCount,
)
from service.pipeline.roster import Member, TimeLimits

Step = StreamEvent | BaseException | float
ENDING = Ending(FinishReason.STOP, "stop", Usage(3, 2), "resp-1")
HELLO: tuple[Step, ...] = (TextDelta("Hello"), TextDelta(" there"), ENDING)


class ScriptedProvider:
    """Plays `steps`: events are told, floats are waited for (seconds), exceptions are raised.

    `scripts`, if given, are played one per call; the last one repeats. `check_steps` are played for
    a check: it answers True, or the last of them if that is False.
    """

    def __init__(self, *steps: Step, scripts: Sequence[Sequence[Step]] = ()) -> None:
        self._scripts = list(scripts) or [steps or HELLO]
        self.calls: list[ProviderCall | EmbeddingCall] = []
        self.check_steps: Sequence[float | BaseException | bool] = ()
        self.check_count = 0
        self.open_count = 0
        self.cancelled_count = 0
        self.closed = False
        self.entered = asyncio.Event()

    async def complete(self, call: ProviderCall) -> Completion:
        async with self.stream(call) as events:
            return fold([event async for event in events])

    @asynccontextmanager
    async def stream(self, call: ProviderCall) -> AsyncGenerator[AsyncIterator[StreamEvent], None]:
        steps = self._begin(call)
        try:
            yield self._play(steps)
        except (asyncio.CancelledError, GeneratorExit):
            self.cancelled_count += 1
            raise
        finally:
            self.open_count -= 1

    async def embed(self, call: EmbeddingCall) -> Embeddings:
        async for _ in self._play([s for s in self._begin(call) if not isinstance(s, Ending)]):
            pass
        self.open_count -= 1
        return Embeddings(tuple((float(len(text)), 0.5) for text in call.inputs), Usage(7))

    async def count_tokens(self, call: ProviderCall) -> TokenCount:
        async for _ in self._play([s for s in self._begin(call) if not isinstance(s, Ending)]):
            pass
        self.open_count -= 1
        return TokenCount(11, exact=True, tokenizer="scripted")

    async def check(self) -> bool:
        self.check_count += 1
        for step in self.check_steps:
            if isinstance(step, BaseException):
                raise step
            if isinstance(step, bool):
                return step
            await asyncio.sleep(step)
        return True

    async def aclose(self) -> None:
        self.closed = True

    def _begin(self, call: ProviderCall | EmbeddingCall) -> Sequence[Step]:
        self.calls.append(call)
        self.open_count += 1
        self.entered.set()
        return self._scripts[min(len(self.calls), len(self._scripts)) - 1]

    @staticmethod
    async def _play(steps: Sequence[Step]) -> AsyncGenerator[StreamEvent, None]:
        for step in steps:
            if isinstance(step, float | int):
                await asyncio.sleep(step)
            elif isinstance(step, BaseException):
                raise step
            else:
                yield step


def member(
    provider: ScriptedProvider,
    name: str = "one",
    *models: str,
    priority: int = 10,
    limits: TimeLimits = TimeLimits(attempt_s=30.0, first_token_s=30.0, idle_s=30.0),
) -> Member:
    served = tuple(ServedModel(model) for model in models or ("m",))
    return Member(provider, Offer(name, priority, served), limits, Defaults(0.7, 4000))
