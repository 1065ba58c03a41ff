"""Every request that the cache did not serve counts as a miss, whenever its caller left."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from service.domain.cache_use import CacheConduct
from service.domain.call_record import CallRecord
from service.pipeline.told import Finished
from service.rpc.call import Call
from service.rpc.decode.request import question
from tests.kit.scripted import ENDING, HELLO, ScriptedProvider, member
from tests.kit.serving import Served, serving, streaming, unary

CACHED = CacheConduct()


async def misses_of(served: Served, count: int) -> int:
    """Returns early when there are so many."""
    for _ in range(200):
        if served.caching.counters.total().misses >= count:
            break
        await asyncio.sleep(0.01)
    return served.caching.counters.total().misses


@pytest.mark.parametrize("how", ["whole", "streamed"])
async def test_who_leaves_before_the_answer(how: str) -> None:
    """It found no answer, as did those who waited."""
    provider = ScriptedProvider(60.0, ENDING)
    async with serving(member(provider), conduct=CACHED) as served:
        call = (
            served.completion.Complete(unary())
            if how == "whole"
            else served.completion.StreamComplete(streaming())
        )
        while not provider.calls:
            await asyncio.sleep(0.01)
        call.cancel()
        misses = await misses_of(served, 1)

    assert 1 == misses


async def test_who_leaves_at_the_end() -> None:
    """Who has heard that the stream has finished may hang up at once."""
    async with serving(member(ScriptedProvider(*HELLO)), conduct=CACHED) as served:
        deadline = asyncio.get_running_loop().time() + 5.0
        asked = question(streaming(), Call(deadline, CallRecord("/m", "r", "t", 0.0)))
        async with aclosing(served.pipeline.stream(asked)) as pieces:
            async for piece in pieces:
                if isinstance(piece, Finished):
                    break

        assert 1 == served.caching.counters.total().misses
