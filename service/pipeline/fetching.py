"""Asks the router for an answer and makes of it what the caches keep. Decides nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from service.domain.attempt import Outcome
from service.domain.cache_use import Gist, gist_of, is_keepable, is_repeatable
from service.domain.completion import CompletionSpec, Ending
from service.domain.kept import Kept
from service.domain.provider import ModelRef
from service.domain.request import CompletionRequest, Question
from service.domain.trace import Trace
from service.pipeline.routed import Begun, Done, Missed
from service.pipeline.router import Router
from service.pipeline.told import Finished, Landed, Spoken, StreamPiece
from service.ports import AnswerCache, Scribe


class Fetcher:
    """Every method raises ServiceFailure."""

    def __init__(self, router: Router, cache: AnswerCache, scribe: Scribe) -> None:
        self._router = router
        self._cache = cache
        self._scribe = scribe

    async def whole(
        self, question: Question, request: CompletionRequest, *, keep_refusals: bool
    ) -> Landed:
        asked = _Asked(question, self._cache)
        answered = await self._router.complete(request)
        completion, target = answered.completion, answered.target
        kept = asked.kept(target, answered.trace)
        spec, gist, ending = request.spec, gist_of(completion), completion.ending
        return Landed(
            replace(kept, whole=self._scribe.whole(completion, target)),
            answered.trace,
            _keepable(spec, gist, ending, keep_refusals=keep_refusals),
        )

    async def stream(
        self, question: Question, request: CompletionRequest, *, keep_refusals: bool
    ) -> AsyncGenerator[StreamPiece | Landed, None]:
        """Every piece as it comes; after Finished one Landed. Close it when leaving early."""
        asked = _Asked(question, self._cache)
        gist = Gist()
        frames: list[bytes] = []
        async with aclosing(self._router.stream(request)) as events:
            async for event in events:
                match event:
                    case Begun():
                        # What was told before it, if anything was, is void.
                        gist, frames = Gist(), []
                        yield event
                    case Missed():
                        yield event
                    case Done(ending, target, trace):
                        finished = self._scribe.finished(ending, target)
                        yield Finished(finished, target, trace)
                        kept = asked.kept(target, trace)
                        yield Landed(
                            replace(kept, frames=tuple(frames), finished=finished),
                            trace,
                            _keepable(request.spec, gist, ending, keep_refusals=keep_refusals),
                        )
                    case _:
                        frame = self._scribe.frame(event)
                        frames.append(frame)
                        gist.hear(event)
                        yield Spoken(frame)


def _keepable(spec: CompletionSpec, gist: Gist, ending: Ending, *, keep_refusals: bool) -> bool:
    reason = ending.finish_reason
    return is_repeatable(spec) and is_keepable(spec, gist, reason, keep_refusals=keep_refusals)


class _Asked:
    """A question from the moment on at which it is asked."""

    def __init__(self, question: Question, cache: AnswerCache) -> None:
        self._question = question
        self._cache = cache
        # What is made void from now on is meant to be void: the answer may rest on what was before.
        self._generation = cache.generation
        self._loop = asyncio.get_running_loop()
        self._started = self._loop.time()

    def kept(self, target: ModelRef, trace: Trace) -> Kept:
        """Without any form yet. It has expired: who keeps it says for how long."""
        question, now = self._question, self._cache.now()
        return Kept(
            question.tenant,
            question.cache.namespace,
            question.model,
            target,
            question.digest,
            made_at=now,
            expires_at=now,
            took_s=self._loop.time() - self._started,
            generation=self._generation,
            cost_nano_usd=_cost_nano_usd(trace, target),
        )


def _cost_nano_usd(trace: Trace, target: ModelRef) -> int | None:
    """Of the attempt that gave the answer; None where a price is not known."""
    attempt = next(
        one
        for one in reversed(trace.attempts)
        if one.target == target and one.outcome is Outcome.OK
    )
    return attempt.cost.total if attempt.cost and attempt.cost.is_known else None
