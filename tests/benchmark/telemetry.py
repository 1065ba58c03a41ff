"""What telemetry costs the service: CPU per call and calls per second, on against off.

On means traces of 10 %, metrics, and a real OTLP receiver in a process of its own; "and logs" sends
every line, too. The three take turns in every round. What is exported after a turn counts to it.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from typing import Any

from aiprovider.v1 import completion_service_pb2 as pb

from tests.benchmark.__main__ import AT_ONCE, Server, cpu_s, line_of, process, request, service

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "9"))
HIT_COUNT = 2000
ASK_COUNT = 600
SETTLE_S = 1.2
"""By then what is queued is exported: twice the interval below, and a little."""
INTERVALS = {
    "OTEL_BSP_SCHEDULE_DELAY": "500",
    "OTEL_BLRP_SCHEDULE_DELAY": "500",
    # The default is 60 s: this is the dearer by far.
    "OTEL_METRIC_EXPORT_INTERVAL": "5000",
}
Turn = tuple[float, float]
"""CPU milliseconds per call, and calls per second."""


async def ask(stub: Any) -> None:
    await stub.Complete(request(pb.CompleteRequest, "gpt-4o"))


async def turn(server: Server, count: int) -> Turn:
    gate = asyncio.Semaphore(AT_ONCE)

    async def one() -> None:
        async with gate:
            await ask(server.stub)

    await asyncio.gather(*(one() for _ in range(AT_ONCE)))
    before, began = cpu_s(server.pid), time.monotonic()
    await asyncio.gather(*(one() for _ in range(count)))
    took_s = time.monotonic() - began
    await asyncio.sleep(SETTLE_S)
    return (cpu_s(server.pid) - before) * 1000 / count, count / took_s


async def measure(turns: dict[str, Callable[[], Awaitable[Turn]]]) -> dict[str, list[Turn]]:
    results: dict[str, list[Turn]] = {name: [] for name in turns}
    for number in range(ROUNDS):
        names = list(turns)
        for name in names[number % len(names) :] + names[: number % len(names)]:
            results[name].append(await turns[name]())
    return results


def report(results: dict[str, list[Turn]]) -> None:
    print(
        f"{'telemetry':<24}{'CPU ms':>8}{'min':>8}{'max':>8}{'calls/s':>9}{'CPU':>8}{'calls/s':>9}"
    )
    for kind in ("hit", "asked"):
        off = results[f"{kind}, off"]
        for name, values in results.items():
            if not name.startswith(f"{kind},"):
                continue
            cpu = [one[0] for one in values]
            rate = [one[1] for one in values]
            # In pairs, so that what hits a whole round falls out.
            dearer = statistics.median(a / b[0] for a, b in zip(cpu, off, strict=True)) - 1
            slower = statistics.median(a / b[1] for a, b in zip(rate, off, strict=True)) - 1
            print(
                f"{name:<24}{statistics.median(cpu):>8.3f}{min(cpu):>8.3f}{max(cpu):>8.3f}"
                f"{statistics.median(rate):>9.0f}{dearer:>+8.1%}{slower:>+9.1%}"
            )
    print("(aim: less than 15 % of calls per second)")


async def main() -> None:
    pipe = subprocess.PIPE
    with ExitStack() as stack:
        fake = stack.enter_context(
            process("service", "demo-providers", "--port", "0", "--print-env", stdout=pipe)
        )
        receiver = stack.enter_context(process("tests.benchmark.telemetry", "receive", stdout=pipe))
        base_url, endpoint = line_of(fake).partition("=")[2], line_of(receiver)
        on = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, **INTERVALS}
        settings = {"off": {}, "on": on, "and logs": {**on, "AI_PROVIDER__TELEMETRY__LOGS": "true"}}
        turns: dict[str, Callable[[], Awaitable[Turn]]] = {}
        servers: list[Server] = []
        for kind, cache, count in (("hit", "true", HIT_COUNT), ("asked", "false", ASK_COUNT)):
            for name, more in settings.items():
                run, port, seconds = stack.enter_context(service("native", base_url, cache, **more))
                print(f"{kind}, {name}: ready after {seconds:.2f} s")
                servers.append(Server(run, port))
                turns[f"{kind}, {name}"] = lambda server=servers[-1], count=count: turn(
                    server, count
                )
        report(await measure(turns))
        for server in servers:
            await server.channel.close()


def receive() -> None:
    from tests.kit.otlp import grpc_receiver

    with grpc_receiver(keep=False) as received:
        sys.stdout.write(f"{received.endpoint}\n")
        sys.stdout.flush()
        while True:
            time.sleep(60)


if __name__ == "__main__":
    if sys.argv[1:] == ["receive"]:
        receive()
    asyncio.run(main())
