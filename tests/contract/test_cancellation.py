"""A thousand callers who leave at random moments: every provider is told, nothing is leaked."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest

from service.serve import settle
from tests.kit.serving import streaming, unary
from tests.kit.stack import MODELS, Stack, running

HANGUP_MAX_S = 0.1
STALLED_MAX_S = 0.5
# Waves, callers in each, and the longest that one stays. litellm takes 7 ms of CPU to ask at all:
# its thousand is in tests/soak.
PACES = {"native": (25, 40, 0.06), "litellm": (16, 3, 0.2)}
SETTINGS = {"AI_PROVIDER__LIMITS__IN_FLIGHT_MAX": "5000"}
WAYS = ("+hang=headers", "+hang=first-token", "+rate=30", "+hang=body", "+stall-after=3", "")


async def leave(stack: Stack, number: int, stay_max_s: float, rng: random.Random) -> float | None:
    """Asks, leaves after a moment; the time of leaving, None if the answer was faster."""
    model = rng.choice(list(MODELS.values())) + rng.choice(WAYS)
    text = f"call-{number:06d}"
    if rng.random() < 0.5:
        call = stack.completion.Complete(unary(text, model))
        work: Any = call
    else:
        call = stack.completion.StreamComplete(streaming(text, model))
        work = read(call)
    task = asyncio.ensure_future(work)
    done, _ = await asyncio.wait({task}, timeout=rng.uniform(0, stay_max_s))
    left_at = asyncio.get_running_loop().time()
    call.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return None if done else left_at


class Stalls:
    """How long this process's one loop, which asks, answers and measures, was busy with one thing.

    On a slow machine litellm alone keeps it so for tens of milliseconds: that is not a connection
    that was left open.
    """

    def __init__(self) -> None:
        self._found: list[tuple[float, float]] = []
        self._watching = asyncio.ensure_future(self._watch())

    def close(self) -> None:
        self._watching.cancel()

    def between(self, start: float, end: float) -> float:
        return sum(
            min(until, end) - max(since, start)
            for since, until in self._found
            if since < end and until > start
        )

    async def _watch(self) -> None:
        now = asyncio.get_running_loop().time
        while True:
            before = now() + 0.002
            await asyncio.sleep(0.002)
            if now() - before > 0.005:
                self._found.append((before, now()))


async def read(call: Any) -> None:
    async for _ in call:
        pass


@pytest.mark.parametrize("engine", PACES)
async def test_cancels(tmp_path: Path, engine: str) -> None:
    """Each connection of a caller who left is closed within 100 ms; no task, no slot stays."""
    await cancels(tmp_path, engine, *PACES[engine])


async def cancels(folder: Path, engine: str, waves: int, size: int, stay_max_s: float) -> None:
    rng = random.Random(7)
    late: list[str] = []
    hangups = 0
    async with running(folder, engine, **SETTINGS) as stack:
        await stack.completion.Complete(unary(model="gpt-4o"))
        settle()  # As `serve` does: a collection of litellm's 200 MB takes longer than is allowed.
        stalls = Stalls()
        tasks_before = len(asyncio.all_tasks())
        for wave in range(waves):
            stack.adversary.clear()
            numbers = range(wave * size, (wave + 1) * size)
            leaving = (leave(stack, number, stay_max_s, rng) for number in numbers)
            left = await asyncio.gather(*leaving)
            await asyncio.sleep(HANGUP_MAX_S)
            left_at = {f"call-{n:06d}".encode(): t for n, t in zip(numbers, left, strict=True)}
            for request in stack.adversary.requests:
                text = request.body[request.body.index(b"call-") :][:11]
                if request.finished_at is not None:
                    continue
                at = left_at[text]
                if request.hung_up_at is None:
                    late.append(f"{request.path} {text!r}: still open")
                    continue
                if at is None:
                    # Answered before the caller left; its connection lagged, and was given up.
                    continue
                hangups += 1
                took_s = request.hung_up_at - at
                stalled_s = stalls.between(at, request.hung_up_at)
                if took_s - stalled_s > HANGUP_MAX_S or took_s > STALLED_MAX_S:
                    asked_s = request.received_at - at
                    late.append(
                        f"{request.path}: {took_s:.3f} s, {stalled_s:.3f} s of it stalled,"
                        f" asked at {asked_s:.3f} s"
                    )
        in_flight = stack.app.admission.in_flight_count
        leases = stack.app.router.roster
        tasks_after = len(asyncio.all_tasks())
        stalls.close()

    assert [] == late
    # On a busy machine many leave before the provider is even asked.
    assert hangups > waves * size // 20
    assert 0 == in_flight
    assert "0 leases" in repr(leases)
    assert tasks_after <= tasks_before + 2
