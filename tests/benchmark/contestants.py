"""The processes whose CPU is compared; each one is `python -m tests.benchmark.contestants NAME`."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from typing import Any, cast

import grpc.aio
import uvloop
from aiprovider.v1 import completion_service_pb2 as pb
from aiprovider.v1 import completion_service_pb2_grpc

EMPTY = pb.CountTokensResponse()


class Empty(completion_service_pb2_grpc.CompletionServiceServicer):
    """Answers CountTokens with nothing: what grpc.aio itself costs."""

    async def CountTokens(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        return EMPTY


async def empty() -> None:
    """The baseline: a server that does nothing. Prints its port."""
    server = grpc.aio.server()
    completion_service_pb2_grpc.add_CompletionServiceServicer_to_server(
        cast("Any", Empty)(), server
    )
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    await server.wait_for_termination()


async def bare(base_url: str) -> None:
    """Bare `litellm.acompletion`: for each line `KIND COUNT` on stdin, CPU seconds of so many."""
    from service.providers.litellm.library import ENVIRONMENT, quieten

    # As the library comes, but for the network and the noise: not through our transport.
    os.environ.update(ENVIRONMENT)
    import litellm

    quieten(litellm)
    ask = {
        "model": "openai/gpt-4o",
        "messages": [{"role": "user", "content": "Hi."}],
        "api_key": "k",
        "api_base": base_url,
        "num_retries": 0,
    }

    async def unary() -> None:
        await litellm.acompletion(**ask)

    async def stream() -> None:
        model = {"model": "openai/gpt-4o+tokens=100"}
        answer: Any = await litellm.acompletion(**{**ask, **model}, stream=True)
        async for _ in answer:
            pass

    kinds = {"unary": unary, "stream": stream}
    await unary()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while line := await asyncio.to_thread(sys.stdin.readline):
        kind, count, at_once = line.split()
        gate = asyncio.Semaphore(int(at_once))

        async def one(work: Any, gate: asyncio.Semaphore = gate) -> None:
            async with gate:
                await work()

        before = time.process_time()
        await asyncio.gather(*(one(kinds[kind]) for _ in range(int(count))))
        sys.stdout.write(f"{time.process_time() - before}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    uvloop.run(empty() if sys.argv[1] == "empty" else bare(sys.argv[2]))
