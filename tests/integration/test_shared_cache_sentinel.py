"""Answers at a master that sentinels replace: whoever is the master is found by itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import structlog

from tests.kit.redis_sentinel import RedisSentinel, redis_sentinel
from tests.kit.shared_cache import (
    TTL_S,
    WAIT_S,
    fill,
    found_at_last,
    kept,
    key,
    load,
    name,
    shared_cache,
    until,
)

KEYS = 20
SLACK_S = 0.1
"""What a busy machine may add to a wait; less than the quarter of a second of a timeout."""
MOST = 0.95
"""Of the lookups: a few may be held up where others keep the machine busy."""
USUAL_PACE_S = 1.0
"""More visits would be noticed: what the library does when a server is lost takes its time."""


@pytest.fixture(name="sentinel")
def _sentinel(tmp_path: Path) -> Generator[RedisSentinel, None, None]:
    with redis_sentinel(tmp_path) as sentinel:
        yield sentinel


@pytest.mark.parametrize("fault", ["killed", "stopped", "replaced"])
async def test_a_failover(sentinel: RedisSentinel, fault: str) -> None:
    """When the replica takes over it is asked, and told, within a few seconds."""
    faults: dict[str, Callable[[], None]] = {
        "killed": sentinel.master.kill,
        "stopped": sentinel.master.stop,
        # The old master lives on, and takes nothing.
        "replaced": sentinel.fail_over,
    }
    asked: list[float] = []

    async def asks(client: Any) -> None:
        if await client.set("said", "here"):
            asked.append(time.monotonic())

    with structlog.testing.capture_logs() as lines:
        async with shared_cache(sentinel.terms(), pace_s=USUAL_PACE_S) as answers:
            answers.each_round.append(asks)
            await fill(answers, KEYS)
            sentinel.master.replicate()
            async with load(answers, KEYS) as fared:
                faults[fault]()
                began_at = time.monotonic()
                while b"role:master" not in sentinel.replica.ask("INFO", "replication"):
                    await asyncio.sleep(0.02)
                taken_over_at = time.monotonic()
                stored = name(KEYS)
                while b":1\r\n" != sentinel.replica.ask("EXISTS", stored):
                    answers.put(key(KEYS), kept(KEYS), TTL_S)
                    await asyncio.sleep(0.02)
                    assert time.monotonic() - taken_over_at < 6.0
            await until(lambda: answers.state == "ok")
            await until(lambda: bool(asked) and asked[-1] > taken_over_at)
            found_count = await found_at_last(answers, range(KEYS + 1))

    assert taken_over_at - began_at < 6.0
    assert fared.p(MOST) < WAIT_S + SLACK_S
    assert found_count >= KEYS - 1
    assert len(lines) <= 4


async def test_the_sentinels_are_gone(sentinel: RedisSentinel) -> None:
    """As long as the master answers nobody needs them."""
    async with shared_cache(sentinel.terms(), pace_s=USUAL_PACE_S) as answers:
        await fill(answers, KEYS)
        sentinel.sentinels[0].kill()
        await asyncio.sleep(USUAL_PACE_S + 0.2)
        found_count = await found_at_last(answers, range(KEYS))
        state = answers.state

    assert found_count >= KEYS - 1
    assert "ok" == state


async def test_no_such_master(sentinel: RedisSentinel) -> None:
    """A name that no sentinel knows is an outage like any other, told once."""
    terms = replace(sentinel.terms(), master="other")
    with structlog.testing.capture_logs() as lines:
        async with shared_cache(terms) as answers:
            got = await answers.get(key(0))
            await until(lambda: answers.state == "failing")

    assert got is None
    assert ["MasterNotFoundError"] == [line["error"] for line in lines]


async def test_one_sentinel_of_three_is_silent(tmp_path: Path) -> None:
    """A sentinel that does not answer holds up nobody: another one is asked."""
    with redis_sentinel(tmp_path, sentinels=3) as sentinel:
        sentinel.sentinels[0].stop()
        began_at = time.monotonic()
        async with shared_cache(sentinel.terms()) as answers:
            await fill(answers, KEYS)
            filled_s = time.monotonic() - began_at
            found_count = await found_at_last(answers, range(KEYS))
        sentinel.sentinels[0].resume()

    assert found_count >= KEYS - 1
    assert filled_s < 2.0
