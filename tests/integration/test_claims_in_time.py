"""Claims at a Redis that does not answer, or not as a Redis does: who claims goes on without."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from service.caches.claims import RedisClaims
from service.caches.redis import RedisAnswers, SharedLimits
from service.domain.waited import Waited
from service.redis_door import RedisTerms
from tests.kit.faulty_tcp import FaultyTcp, faulty_tcp
from tests.kit.redis import RedisServer, redis_server

KEY, OURS, THEIRS = b"k" * 32, b"ours", b"theirs"
LEASE_S = 5.0
WAIT_S = 0.02
MISSED_S = 0.15
"""Less than the quarter of a second that others wait for Redis."""


@pytest.fixture(name="redis")
def _redis(tmp_path: Path) -> Generator[RedisServer, None, None]:
    with redis_server(tmp_path) as server:
        yield server


@pytest.fixture(name="front")
def _front(redis: RedisServer) -> Generator[FaultyTcp, None, None]:
    with faulty_tcp(redis.port) as front:
        yield front


@asynccontextmanager
async def claiming(
    url: str, wait_s: float = WAIT_S
) -> AsyncGenerator[tuple[RedisAnswers, RedisClaims], None]:
    terms = RedisTerms(url)
    answers = RedisAnswers(terms, SharedLimits(wait_s=wait_s))
    claims = RedisClaims(answers.lanes, "aip", terms.timeout_s, wait_s)
    await answers.start()
    try:
        yield answers, claims
    finally:
        await claims.aclose()
        await answers.aclose()


async def test_a_claim_is_waited_for_like_a_lookup(redis: RedisServer) -> None:
    """Where Redis does not answer a claim in time nobody has it: granted late, it is given up."""
    async with claiming(redis.url) as (_answers, claims):
        warm = await claims.claim(KEY, OURS, LEASE_S)
        redis.stop()
        began_at = time.monotonic()
        late = await claims.claim(b"x" * 32, OURS, LEASE_S)
        took_s = time.monotonic() - began_at
        redis.resume()
        for _ in range(200):
            if await claims.claim(b"x" * 32, THEIRS, LEASE_S):
                break
            # A server that was late is not claimed from for a while: then None comes at once.
            await asyncio.sleep(0.02)

    assert warm is True
    assert late is None
    assert took_s < MISSED_S
    assert b"theirs" in redis.ask("GET", b"aip:c1:{%b}" % (b"x" * 32).hex().encode())


async def test_no_claim_after_a_lookup_in_vain(redis: RedisServer) -> None:
    """Who has waited for a lookup in vain does not wait for a claim as well."""
    async with claiming(redis.url) as (answers, claims):
        await answers.get(KEY)
        redis.stop()
        found = await answers.get(KEY)
        began_at = time.monotonic()
        claimed = await claims.claim(KEY, OURS, LEASE_S)
        took_s = time.monotonic() - began_at
        redis.resume()

    assert found is None
    assert claimed is None
    assert took_s < WAIT_S / 2


@pytest.mark.parametrize("garbage", [b"$5\r\nhello\r\n", b":1\r\n", b"*0\r\n"])
async def test_no_reply_to_a_claim(front: FaultyTcp, garbage: bytes) -> None:
    """What is no reply to a claim does not mean that somebody else has it."""
    async with claiming(front.url) as (_answers, claims):
        before = await claims.claim(KEY, OURS, LEASE_S)
        taken = await claims.claim(KEY, THEIRS, LEASE_S)
        front.garbage = garbage
        claimed = await claims.claim(KEY, THEIRS, LEASE_S)
        front.garbage = None

    assert (True, False, None) == (before, taken, claimed)


async def test_a_request_waits_once(front: FaultyTcp) -> None:
    """A lookup, a claim and a second lookup share one wait; a claim granted late is given up."""
    other = b"o" * 32
    async with claiming(front.url, wait_s=0.2) as (answers, claims):
        await answers.get(KEY)
        front.latency_s = 0.13
        waited, began_at = Waited(), time.monotonic()
        await answers.get(KEY, waited)
        after_lookup_s = waited.seconds
        claimed = await claims.claim(KEY, OURS, LEASE_S, waited)
        asked_count = answers.late_count
        again = await answers.get(other, waited)
        refused = await claims.claim(other, OURS, LEASE_S, waited)
        took_s = time.monotonic() - began_at
        front.latency_s = 0.0
        free = None
        async with asyncio.timeout(5):
            while not free:
                free = await claims.claim(KEY, THEIRS, LEASE_S)
                await asyncio.sleep(0.02)

    assert after_lookup_s >= 0.13
    assert (None, None, None) == (claimed, again, refused)
    assert 0.2 <= waited.seconds
    assert took_s < 0.2 + MISSED_S
    assert asked_count == answers.late_count == 0
    assert free is True
