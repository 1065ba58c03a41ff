"""Providers that are not there, or say nothing, or very little."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.chaos.scene import BY_PRIORITY, LEADER, SECOND, THIRD, Scene, scene
from tests.kit.serving import streaming, unary
from tests.kit.stack import running

Score = Callable[[str, Scene], None]
RECOVERY_S = 5.0


async def test_refused(tmp_path: Path, score: Score) -> None:
    """A provider that is not there costs nobody more than a moment."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    async with scene(tmp_path, **BY_PRIORITY, OPENAI_BASE_URL=url) as made:
        made.stack.app.board.forget()
        await made.ask_many(30)
        score("connection refused", made)

    # After five of them the circuit is open.
    assert [2, 1] == [len(made.seen[place].attempts) for place in (0, 29)]
    assert max(one.took_s for one in made.seen) < 1.0
    made.require()


@pytest.mark.parametrize("where", ["headers", "first-token"])
async def test_hang(tmp_path: Path, score: Score, where: str) -> None:
    """A silent provider is given up within 5 s with default settings, whole answers included."""
    async with scene(tmp_path, **BY_PRIORITY) as made:
        made.fault(f"hang={where}", LEADER)
        await made.ask_many(24, every_s=0.05, deadline_s=30.0)
        score(f"hang before the {where.replace('-', ' ')}", made)

    assert max(one.took_s for one in made.seen) <= RECOVERY_S
    made.require(deadline_s=RECOVERY_S)


async def test_hang_from_the_first_request(tmp_path: Path, score: Score) -> None:
    """Nothing is known of anybody yet, and still a silent provider is given up within 5 s."""
    async with scene(tmp_path, **BY_PRIORITY) as made:
        made.stack.app.board.forget()
        made.fault("hang=headers", LEADER)
        await made.ask_many(2, every_s=0.01, deadline_s=30.0)
        score("hang before the headers, cold start", made)

    made.require(deadline_s=RECOVERY_S)


async def test_hang_with_a_short_deadline(tmp_path: Path, score: Score) -> None:
    """Time is kept back for the next one: a deadline of one second is enough for both."""
    async with scene(tmp_path, **BY_PRIORITY) as made:
        made.fault("hang=headers", LEADER)
        await made.ask_many(8, deadline_s=1.0)
        score("hang, deadline of 1 s", made)

    assert made.upstream(LEADER) <= 5
    made.require(deadline_s=1.0)


async def test_stall(tmp_path: Path, score: Score) -> None:
    """Silence in the middle of a stream is an interruption; a whole answer comes from elsewhere."""
    settings = {"AI_PROVIDER__PROVIDERS__OPENAI__TIMEOUTS__IDLE_S": "0.5"}
    async with scene(tmp_path, **BY_PRIORITY, **settings) as made:
        made.fault("stall-after=3", LEADER)
        streamed = await made.ask(stream=True)
        whole = await made.ask()
        restarted = await made.ask(stream=True, restart=True)
        score("stall in the middle", made)

    assert "STREAM_INTERRUPTED" == streamed.reason
    assert ("", SECOND) == (whole.reason, whole.provider)
    assert ("", SECOND, 1) == (restarted.reason, restarted.provider, restarted.restarts)
    made.require("STREAM_INTERRUPTED", deadline_s=3.0)


async def test_slow_drip(tmp_path: Path, score: Score) -> None:
    """A provider that sends a few bytes a second is given up like one that sends none."""
    async with scene(tmp_path, **BY_PRIORITY) as made:
        made.fault("drip=4", LEADER)
        await made.ask_many(4, every_s=0.01, deadline_s=30.0)
        score("slow drip", made)

    assert {"", "STREAM_INTERRUPTED"} >= {one.reason for one in made.seen}
    made.require(deadline_s=RECOVERY_S)


async def test_hedge(tmp_path: Path, score: Score) -> None:
    """A hedged request does not wait for a slow provider, and the loser's connection is closed."""
    async with scene(tmp_path, **BY_PRIORITY) as made:
        made.fault("latency=1500ms", LEADER)
        delay = {"nanos": 100_000_000}
        seen = [await made.ask(stream=stream, hedge_delay=delay) for stream in (False, True)]
        await made.adversary.wait_hangups(1)
        score("hedge around a slow provider", made)

    assert SECOND == seen[0].provider
    assert seen[0].took_s < 1.0
    assert [True] == [a.hedge for a in seen[0].attempts if a.target.provider == SECOND]
    made.require(deadline_s=2.0)


async def test_alone(tmp_path: Path) -> None:
    """With nobody else to ask a slow first token is waited for: late is better than never."""
    async with running(tmp_path) as stack:
        stack.adversary.script("latency=3s", "openai")
        started = time.monotonic()
        whole = asyncio.ensure_future(stack.completion.Complete(unary(model="gpt-4o"), timeout=10))
        events = [e async for e in stack.completion.StreamComplete(streaming(model="gpt-4o"))]
        answer = await whole

    assert "openai" == answer.served_by.provider
    assert events[-1].HasField("finished")
    assert time.monotonic() - started > 2.9


async def test_everybody_hangs(tmp_path: Path, score: Score) -> None:
    """When nobody speaks the caller's deadline is kept."""
    async with scene(tmp_path) as made:
        made.fault("hang=headers", LEADER, SECOND, THIRD)
        await made.ask_many(4, every_s=0.01, deadline_s=2.0)
        score("everybody hangs", made)

    reasons = {one.reason for one in made.seen}
    assert reasons <= {"DEADLINE_EXCEEDED", "PROVIDER_TIMEOUT"}, reasons
    made.require("DEADLINE_EXCEEDED", "PROVIDER_TIMEOUT", deadline_s=2.0)
