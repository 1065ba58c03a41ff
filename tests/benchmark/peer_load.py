"""Asks: `python -m tests.benchmark.peer_load`: a Job a line in, a Measured a line out.

A closed loop: so many calls are in flight at any time, spread over the replicas in turn. It reads
the CPU of the servers itself, so that the window is the same for calls and for CPU.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from typing import Any

import aiohttp
import grpc.aio
import psutil
import uvloop
from aiprovider.v1 import completion_service_pb2_grpc, routing_pb2

from tests.benchmark.peer_requests import PROMPT_COUNT, grpc_requests, http_bodies

LEAD_S = 1.0
"""Before the window: connections are made, queues fill."""
CALL_TIMEOUT_S = 30.0
CHANNEL_COUNT = 4
"""Of gRPC, in all: to one replica, or one to each of four."""

Ask = Callable[[int, int], Awaitable[str]]
"""From the numbers of a replica and a prompt to where the answer came from."""


@dataclass(frozen=True, slots=True)
class Job:
    """`window_s` of 0 means: every prompt once to every replica."""

    protocol: str
    """`http` or `grpc`."""
    ports: Sequence[int]
    pids: Sequence[int]
    """Of the servers; their children count."""
    key: str
    in_flight: int
    window_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Measured:
    sources: dict[str, int]
    """How many answers said that they came from where."""
    elapsed_s: float
    server_cpu_s: float
    generator_cpu_s: float
    machine_cpu_s: float
    """Of every process there is, neighbours among them."""

    @property
    def count(self) -> int:
        return sum(self.sources.values())


async def carried_out(job: Job) -> Measured:
    async with AsyncExitStack() as stack:
        connect = {"http": _http, "grpc": _grpc}[job.protocol]
        ask = await connect(job, stack)
        return await (_repeat(job, ask) if job.window_s else _once(job, ask))


async def _repeat(job: Job, ask: Ask) -> Measured:
    sources: Counter[str] = Counter()
    numbers = itertools.count()
    over = False

    async def keep_asking() -> None:
        while not over:
            prompt, replica = divmod(next(numbers), len(job.ports))
            # In two steps: the counter has to be read after the wait.
            source = await ask(replica, prompt % PROMPT_COUNT)
            sources[source] += 1

    async with asyncio.TaskGroup() as group:
        for _ in range(job.in_flight):
            group.create_task(keep_asking())
        await asyncio.sleep(LEAD_S)
        begin, before = _clocks(job.pids), sources.copy()
        await asyncio.sleep(job.window_s)
        end, after = _clocks(job.pids), sources.copy()
        over = True
    return Measured(
        dict(after - before), *(late - early for early, late in zip(begin, end, strict=True))
    )


async def _once(job: Job, ask: Ask) -> Measured:
    gate = asyncio.Semaphore(job.in_flight)
    begin = _clocks(job.pids)

    async def one(replica: int, prompt: int) -> str:
        async with gate:
            return await ask(replica, prompt)

    every = itertools.product(range(len(job.ports)), range(PROMPT_COUNT))
    sources = Counter(await asyncio.gather(*(one(*which) for which in every)))
    end = _clocks(job.pids)
    return Measured(dict(sources), *(late - early for early, late in zip(begin, end, strict=True)))


def _clocks(pids: Sequence[int]) -> tuple[float, float, float, float]:
    """Seconds: of the wall, of CPU of the servers, of our own, of the whole machine's."""
    servers = [psutil.Process(pid) for pid in pids]
    servers += [child for server in servers for child in server.children(recursive=True)]
    times = [server.cpu_times() for server in servers]
    servers_s = sum(t.user + t.system for t in times)
    machine = psutil.cpu_times()
    machine_s = machine.user + machine.system + machine.nice
    return time.perf_counter(), servers_s, time.process_time(), machine_s


async def _http(job: Job, stack: AsyncExitStack) -> Ask:
    """One connection for each call in flight, kept alive. Bodies are read, not parsed."""
    session = await stack.enter_async_context(
        aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            timeout=aiohttp.ClientTimeout(total=CALL_TIMEOUT_S),
            headers={"authorization": f"Bearer {job.key}", "content-type": "application/json"},
            raise_for_status=True,
        )
    )
    urls = [f"http://127.0.0.1:{port}/v1/chat/completions" for port in job.ports]
    bodies = http_bodies()

    async def ask(replica: int, prompt: int) -> str:
        async with session.post(urls[replica], data=bodies[prompt]) as response:
            await response.read()
            # The header is there for an answer from the cache, and for no other.
            return "HIT" if "x-litellm-cache-key" in response.headers else "MISS"

    return ask


async def _grpc(job: Job, stack: AsyncExitStack) -> Ask:
    own_connection = [("grpc.use_local_subchannel_pool", 1)]
    each = CHANNEL_COUNT // len(job.ports)
    stubs: list[Any] = []
    for port in (port for port in job.ports for _ in range(each)):
        channel: Any = grpc.aio.insecure_channel(f"127.0.0.1:{port}", own_connection)
        await stack.enter_async_context(channel)
        stubs.append(completion_service_pb2_grpc.CompletionServiceStub(channel))
    requests = grpc_requests()
    metadata = (("authorization", f"Bearer {job.key}"),)
    turns = [itertools.cycle(stubs[n * each : (n + 1) * each]) for n in range(len(job.ports))]

    async def ask(replica: int, prompt: int) -> str:
        stub = next(turns[replica])
        response = await stub.Complete(requests[prompt], metadata=metadata, timeout=CALL_TIMEOUT_S)
        status = routing_pb2.CacheInfo.Status.Name(response.cache.status)
        return status.removeprefix("STATUS_")

    return ask


async def main() -> None:
    while line := await asyncio.to_thread(sys.stdin.readline):
        measured = await carried_out(Job(**json.loads(line)))
        sys.stdout.write(json.dumps(asdict(measured)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    uvloop.run(main())
