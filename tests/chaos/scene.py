"""A scene: the whole service before three providers of equal standing, and what its callers see."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc.aio
from aiprovider.v1 import completion_service_pb2 as pb
from aiprovider.v1 import routing_pb2

from service.adversary import Adversary
from tests.kit.serving import details, streaming, unary
from tests.kit.stack import FAMILIES, Stack, running

SLACK_S = 0.05
DEADLINE_S = 8.0
LEADER, SECOND, THIRD = "openai", "anthropic", "google"
ALIAS = {
    "AI_PROVIDER__ROUTING__ALIASES": (
        '{"any": ["gpt-4o", "claude-sonnet-4-5", "gemini-2.5-flash"]}'
    ),
    "AI_PROVIDER__LIMITS__ATTEMPTS_MAX": "3",
}
BY_PRIORITY = {"AI_PROVIDER__ROUTING__POLICY": "priority"}
"""The leader is asked first as long as it may be: where a test must know who is."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What one caller saw. `reason` is "" for an answer; `restarts` counts StreamRestarted."""

    reason: str
    text: str
    provider: str
    took_s: float
    attempts: Sequence[Any]
    retry_after_s: float | None = None
    restarts: int = 0
    route: Any = None


@dataclass
class Scene:
    stack: Stack
    whole: dict[str, str] = field(default_factory=dict[str, str])
    """What each provider answers when all is well."""
    seen: list[Seen] = field(default_factory=list[Seen])
    faulty: set[str] = field(default_factory=set[str])

    @property
    def adversary(self) -> Adversary:
        return self.stack.adversary

    def upstream(self, provider: str | None = None) -> int:
        """How many requests reached a provider, or all, since the faults began."""
        family = FAMILIES.get(provider or "")
        return sum(1 for r in self.adversary.requests if family in (None, r.family))

    def fault(self, text: str, *providers: str, times: int | None = None) -> None:
        for provider in providers:
            self.faulty.add(provider)
            self.adversary.script(text, FAMILIES[provider], times)

    async def ask(self, *, stream: bool = False, model: str = "any", **wishes: Any) -> Seen:
        """One caller. `restart` and `deadline_s` are for it, the rest are its routing wishes."""
        deadline_s = wishes.pop("deadline_s", DEADLINE_S)
        restart = wishes.pop("restart", False)
        asked: dict[str, Any] = {"model": model}
        if wishes:
            asked["routing"] = routing_pb2.RoutingPolicy(**wishes)
        if restart:
            asked["stream_options"] = pb.StreamOptions(restart_on_interruption=True)
        started = time.monotonic()
        try:
            if stream:
                call = self.stack.completion.StreamComplete(
                    streaming("Hi.", **asked), timeout=deadline_s
                )
                seen = await _heard(call, started)
            else:
                call = self.stack.completion.Complete(unary("Hi.", **asked), timeout=deadline_s)
                seen = _answered(await call, started)
        except grpc.aio.AioRpcError as error:
            seen = _failed(error, started)
        self.seen.append(seen)
        return seen

    async def ask_many(
        self, count: int, *, every_s: float = 0.0, both: bool = True, **wishes: Any
    ) -> list[Seen]:
        """So many callers, one after the other or one every `every_s`; every second one streams."""
        if not every_s:
            return [
                await self.ask(stream=both and bool(n % 2), **dict(wishes)) for n in range(count)
            ]
        tasks: list[asyncio.Task[Seen]] = []
        for number in range(count):
            asking = self.ask(stream=both and bool(number % 2), **dict(wishes))
            tasks.append(asyncio.create_task(asking))
            await asyncio.sleep(every_s)
        return list(await asyncio.gather(*tasks))

    def require(self, *reasons: str, deadline_s: float = DEADLINE_S) -> None:
        """What holds in every scene: known reasons only, no cut answer, nobody late.

        And somebody has met each fault: else nothing was shown.
        """
        assert all(self.upstream(provider) for provider in self.faulty)
        told = {seen.reason for seen in self.seen}
        assert told <= {"", *reasons}, told
        for seen in self.seen:
            if not seen.reason:
                assert self.whole[seen.provider] == seen.text
        assert max(seen.took_s for seen in self.seen) <= deadline_s + SLACK_S


def _answered(answer: pb.CompleteResponse, started: float) -> Seen:
    text = "".join(part.text for part in answer.message.parts)
    took_s = time.monotonic() - started
    route = answer.route
    return Seen("", text, answer.served_by.provider, took_s, route.attempts, route=route)


async def _heard(call: Any, started: float) -> Seen:
    text, provider, restarts = "", "", 0
    async for event in call:
        match event.WhichOneof("event"):
            case "started":
                provider = event.started.served_by.provider
            case "restarted":
                provider, text, restarts = event.restarted.served_by.provider, "", restarts + 1
            case "text":
                text += event.text.text
            case "finished":
                took_s = time.monotonic() - started
                route = event.finished.route
                attempts = route.attempts
                return Seen("", text, provider, took_s, attempts, None, restarts, route)
            case _:
                pass
    raise AssertionError("a stream ended without an end")


def _failed(error: grpc.aio.AioRpcError, started: float) -> Seen:
    found = details(error)
    took_s = time.monotonic() - started
    delay = found.retry.retry_delay
    told = any(found.retry.ListFields())
    return Seen(
        found.error.reason or error.code().name,
        "",
        "",
        took_s,
        found.failure.attempts,
        delay.seconds + delay.nanos / 1e9 if told else None,
        route=found.failure.route,
    )


@asynccontextmanager
async def scene(folder: Path, **settings: str) -> AsyncGenerator[Scene, None]:
    """All is well and every provider has answered some requests when the block begins."""
    async with running(folder, **{**ALIAS, **settings}) as stack:
        made = Scene(stack)
        for _ in range(3):
            for model in ("gpt-4o", "claude-sonnet-4-5", "gemini-2.5-flash"):
                warm = await made.ask(model=model, stream=True)
                if not warm.reason:
                    made.whole[warm.provider] = warm.text
        made.seen.clear()
        made.adversary.clear()
        yield made
