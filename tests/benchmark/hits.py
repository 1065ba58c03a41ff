"""What a hit costs: our own part of one from memory, and one from Redis beside a bare GET."""

from __future__ import annotations

import asyncio
import io
import os
import statistics
import tempfile
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import redis.asyncio
from aiprovider.v1 import completion_service_pb2 as pb
from aiprovider.v1 import content_pb2

from service.app import App
from service.caches.redis import RedisAnswers, SharedLimits
from service.config import load
from service.domain.kept import Kept
from service.domain.provider import ModelRef
from service.redis_door import RedisTerms
from service.rpc.call import Context
from service.rpc.servicers.completion import CompletionServicer
from service.serve import settle
from service.telemetry.logs import LogWriter
from service.telemetry.redaction import Redactor
from tests.kit.redis import redis_server

_COUNT = 5000
_ROUNDS = 5
Hit = Callable[[], Awaitable[None]]
_METHOD = "/aiprovider.v1.CompletionService/Complete"


class _Call:
    """As much of a context as the guard asks for."""

    def set_trailing_metadata(self, _: Any) -> None: ...

    def invocation_metadata(self) -> Any:
        return (("user-agent", "bench"),)

    def time_remaining(self) -> float:
        return 10.0

    def auth_context(self) -> Any:
        return {}


@asynccontextmanager
async def standing(base_url: str, **more: str) -> AsyncGenerator[tuple[App, Hit]]:
    """The whole service in this process, and a call that its memory answers."""
    with tempfile.TemporaryDirectory() as folder:
        variables = {
            "OPENAI_API_KEY": "k",
            "OPENAI_BASE_URL": base_url,
            "AI_PROVIDER_PORT": "0",
            "AI_PROVIDER__SERVICE__HOST": "127.0.0.1",
            "AI_PROVIDER__ANALYTICS__FILE": f"{folder}/ledger.sqlite3",
            **more,
        }
        where = Path(folder)
        loaded = load(variables, directory=where, secrets_dir=where / "none")
        log = LogWriter(Redactor(), json=True, out=io.StringIO())
        app = App(loaded, Redactor(), log)
        await app.start()
        servicer: Any = CompletionServicer(app.pipeline)
        message = content_pb2.Message(
            role=content_pb2.ROLE_USER, parts=[content_pb2.Part(text="Hi.")]
        )
        request = pb.CompleteRequest(spec=pb.CompletionSpec(model="gpt-4o", messages=[message]))
        context = cast("Context", _Call())

        async def hit() -> None:
            await app.guard.serve(_METHOD, servicer.Complete, request, context)

        await hit()
        # As the process does once it is ready.
        settle()
        yield app, hit
        await app.close()
        log.close()


async def own_us(base_url: str) -> float:
    """CPU microseconds of everything of ours for a hit from memory: guard, servicer, pipeline."""
    async with standing(base_url) as (_, hit):
        return statistics.median([await _cpu_us(hit) for _ in range(_ROUNDS)])


async def shared_us() -> tuple[float, float]:
    """CPU microseconds of a hit from Redis, and of a bare GET of the same bytes by redis-py."""
    key, target = b"k" * 32, ModelRef("openai", "gpt-4o")
    kept = Kept("t", "", "gpt-4o", target, key, 0.0, 4e9, 1.0, 0, None, os.urandom(1000))
    with tempfile.TemporaryDirectory() as folder, redis_server(Path(folder)) as server:
        answers = RedisAnswers(RedisTerms(server.url), SharedLimits())
        await answers.start()
        answers.put(key, kept, 600.0)
        await answers.settled()
        client = redis.asyncio.Redis.from_url(server.url)
        name = b"aip:a1:" + key.hex().encode()
        assert await client.get(name)
        ours: list[float] = []
        bare: list[float] = []
        for _ in range(_ROUNDS):
            ours.append(await _cpu_us(lambda: answers.get(key)))
            bare.append(await _cpu_us(lambda: client.get(name)))
        await client.aclose()
        await answers.aclose()
    return statistics.median(ours), statistics.median(bare)


async def _cpu_us(ask: Callable[[], Awaitable[Any]]) -> float:
    before = time.process_time()
    for _ in range(_COUNT):
        await ask()
    return (time.process_time() - before) * 1e6 / _COUNT


async def report(base_url: str, empty_ms: float) -> None:
    own = await own_us(base_url)
    print(
        f"our own part of a hit from memory: {own:.0f} us,"
        f" {own / 1000 / empty_ms:.2f} of an empty RPC   (aim: under 0.25)"
    )
    ours, bare = await shared_us()
    print(
        f"a hit from Redis: {ours:.0f} us, {ours / bare:.2f}x a bare GET by redis-py"
        f" ({bare:.0f} us)   (aim: under 2)"
    )


if __name__ == "__main__":
    asyncio.run(report("http://127.0.0.1:1/v1", 0.4))
