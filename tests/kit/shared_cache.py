"""The shared cache over any Redis of the kit, and a load of lookups that says how they fared."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from service.caches.redis import RedisAnswers, SharedLimits
from service.domain.kept import Kept
from service.domain.provider import ModelRef
from service.redis_door import RedisTerms

PREFIX = "aip"
WAIT_S = 0.01
"""Twice what is usual: tests run on busy machines."""
PACE_S = 0.25
"""A quarter of what is usual: tests wait for it."""
TTL_S = 100.0
TRIED_AGAIN_WITHIN_S = 4.0
"""After a short outage: a trial after 1 s, then after 2 more."""
KEPT = Kept(
    tenant="acme",
    namespace="",
    model="fast",
    target=ModelRef("openai", "gpt-5"),
    content=b"c" * 32,
    made_at=1e9,
    expires_at=1e9 + TTL_S,
    took_s=2.0,
    generation=1,
    cost_nano_usd=1234,
    whole=b"an answer",
)


def key(number: int) -> bytes:
    return number.to_bytes(32, "little")


def kept(number: int, size_bytes: int = 0) -> Kept:
    return replace(KEPT, whole=(b"answer %d " % number).ljust(size_bytes, b"."))


def name(number: int) -> bytes:
    """Of a value in Redis."""
    return b"%b:a1:%b" % (PREFIX.encode(), key(number).hex().encode())


@asynccontextmanager
async def shared_cache(
    terms: RedisTerms,
    wait_s: float = WAIT_S,
    clock: Callable[[], float] = time.time,
    **limits: Any,
) -> AsyncGenerator[RedisAnswers, None]:
    """`limits` are those of SharedLimits."""
    limits = {"prefix": PREFIX, "pace_s": PACE_S, **limits}
    answers = RedisAnswers(terms, SharedLimits(wait_s=wait_s, **limits), clock)
    await answers.start()
    try:
        yield answers
    finally:
        await answers.aclose()


async def fill(answers: RedisAnswers, count: int) -> None:
    """Answers 0 to COUNT - 1 are there then."""
    for number in range(count):
        answers.put(key(number), kept(number), TTL_S)
    await answers.settled()


async def found(answers: RedisAnswers, count: int) -> int:
    """How many of answers 0 to COUNT - 1 are found, asked for one after the other."""
    return sum([await answers.get(key(number)) is not None for number in range(count)])


async def found_at_last(
    answers: RedisAnswers, numbers: Iterable[int], within_s: float = 3.0
) -> int:
    """How many are found; what comes too late on a busy machine is asked for again."""
    give_up_at = time.monotonic() + within_s
    missing = set(numbers)
    count = len(missing)
    while missing and time.monotonic() < give_up_at:
        missing -= {number for number in missing if await answers.get(key(number)) is not None}
        await asyncio.sleep(0.01)
    return count - len(missing)


async def until(holds: Callable[[], bool], within_s: float = 10.0) -> float:
    """How long it took, in seconds."""
    began_at = time.monotonic()
    async with asyncio.timeout(within_s):
        while not holds():
            await asyncio.sleep(0.005)
    return time.monotonic() - began_at


async def until_found(answers: RedisAnswers, number: int, within_s: float = 10.0) -> float:
    """How long it took until the answer is found again, stored anew all the time."""
    began_at = time.monotonic()
    async with asyncio.timeout(within_s):
        while await answers.get(key(number)) is None:
            answers.put(key(number), kept(number), TTL_S)
            await asyncio.sleep(0.02)
    return time.monotonic() - began_at


@dataclass(slots=True)
class Fared:
    """How lookups fared: how long each took, and how many were hits and misses."""

    took_s: list[float] = field(default_factory=list[float])
    hit_count: int = 0
    miss_count: int = 0

    def p(self, share: float) -> float:
        """The quantile of how long they took, in seconds."""
        return sorted(self.took_s)[int(share * (len(self.took_s) - 1))]


@asynccontextmanager
async def load(answers: RedisAnswers, keys: int, callers: int = 4) -> AsyncGenerator[Fared, None]:
    """Callers look answers up all the time. A lookup that raises fails the block."""
    fared = Fared()

    async def call(first: int) -> None:
        number = first
        while True:
            began_at = time.perf_counter()
            hit = await answers.get(key(number % keys)) is not None
            fared.took_s.append(time.perf_counter() - began_at)
            fared.hit_count += hit
            fared.miss_count += not hit
            number += 1
            await asyncio.sleep(0.001)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(call(number)) for number in range(callers)]
        yield fared
        for task in tasks:
            task.cancel()
