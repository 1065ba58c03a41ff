"""Providers that refuse: limits, overload, faults, credentials, the caller's own mistakes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.chaos.scene import BY_PRIORITY, LEADER, SECOND, THIRD, Scene, scene

Score = Callable[[str, Scene], None]
ALL = (LEADER, SECOND, THIRD)


async def test_429_with_retry_after(tmp_path: Path, score: Score) -> None:
    """Nobody asks again before the provider's own time, and everybody does after it."""
    async with scene(tmp_path, **BY_PRIORITY) as made:
        made.fault("status=429; retry-after=1", LEADER)
        await made.ask_many(20)
        refused = made.upstream(LEADER)
        score("429 with Retry-After", made)
        made.adversary.clear()
        await asyncio.sleep(1.3)
        after = await made.ask()

    assert 1 == refused
    assert LEADER == after.provider
    made.require()


async def test_429_without_retry_after(tmp_path: Path, score: Score) -> None:
    """Without a time the pauses double: few attempts are wasted."""
    async with scene(tmp_path, **BY_PRIORITY) as made:
        made.fault("status=429", LEADER)
        await made.ask_many(40, every_s=0.05)
        score("429 without Retry-After", made)

    assert made.upstream(LEADER) <= 4
    made.require()


async def test_429_everywhere(tmp_path: Path, score: Score) -> None:
    """When all are limited the caller is told when to come back, and nobody is asked meanwhile."""
    async with scene(tmp_path) as made:
        made.fault("status=429; retry-after=2", *ALL)
        seen = await made.ask_many(10)
        score("429 everywhere", made)

    assert 3 == made.upstream()
    assert {"PROVIDER_RATE_LIMITED"} == {one.reason for one in seen}
    assert all(one.retry_after_s is not None and one.retry_after_s > 1.0 for one in seen)
    made.require("PROVIDER_RATE_LIMITED")


async def test_burst_of_500(tmp_path: Path, score: Score) -> None:
    """After five faults in a row a provider is left alone, and tried by one request when it may."""
    async with scene(tmp_path, **BY_PRIORITY) as made:
        made.fault("status=500", LEADER)
        seen = await made.ask_many(30)
        score("burst of 500s", made)

    assert 5 == made.upstream(LEADER)
    assert 2 == len(seen[0].attempts)
    assert 1 == len(seen[-1].attempts)
    made.require()


async def test_529(tmp_path: Path, score: Score) -> None:
    """An overloaded provider is spared, too."""
    async with scene(tmp_path, **BY_PRIORITY) as made:
        made.fault("status=529", LEADER)
        await made.ask_many(30, every_s=0.01)
        score("529 overloaded", made)

    assert made.upstream(LEADER) <= 6
    made.require()


@pytest.mark.parametrize("fault", ["status=401", "error=quota", "error=model_missing"])
async def test_our_own_fault(tmp_path: Path, score: Score, fault: str) -> None:
    """A key, a quota or a model that one provider lacks is not the caller's problem."""
    async with scene(tmp_path, **BY_PRIORITY) as made:
        made.fault(fault, LEADER)
        await made.ask_many(20)
        score(f"one provider: {fault}", made)

    assert made.upstream(LEADER) <= 5
    made.require()


async def test_content_filter(tmp_path: Path, score: Score) -> None:
    """A refusal for its content is the answer: nobody else is asked, and nobody is to blame."""
    async with scene(tmp_path, **BY_PRIORITY) as made:
        made.fault("error=content_policy", LEADER)
        seen = await made.ask_many(20)
        score("content filter", made)
        made.adversary.clear()
        after = await made.ask()

    assert {"CONTENT_POLICY_VIOLATION"} == {one.reason for one in seen}
    assert {1} == {len(one.attempts) for one in seen}
    assert LEADER == after.provider
    made.require("CONTENT_POLICY_VIOLATION")


async def test_context_overflow(tmp_path: Path, score: Score) -> None:
    """Only another model can help: the same one is not asked again, a fallback is."""
    async with scene(tmp_path) as made:
        made.fault("error=context_overflow", LEADER)
        alone = await made.ask(model="gpt-4o")
        helped = await made.ask(model="gpt-4o", fallback_models=["gemini-2.5-flash"])
        score("context overflow", made)

    assert "CONTEXT_WINDOW_EXCEEDED" == alone.reason
    assert 1 == len(alone.attempts)
    assert ("", THIRD) == (helped.reason, helped.provider)
    made.require("CONTEXT_WINDOW_EXCEEDED")


async def test_bad_request(tmp_path: Path, score: Score) -> None:
    """What a provider calls a bad request is told, and not carried around."""
    async with scene(tmp_path, **BY_PRIORITY) as made:
        made.fault("status=400", LEADER)
        await made.ask_many(10)
        score("bad request", made)

    assert 10 == made.upstream() == made.upstream(LEADER)
    made.require("INVALID_REQUEST")
