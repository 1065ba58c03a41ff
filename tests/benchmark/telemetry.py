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
from contextlib import AsyncExitStack, ExitStack
from typing import Any

from aiprovider.v1 import completion_service_pb2 as pb

from tests.benchmark import hits
from tests.benchmark.__main__ import AT_ONCE, Server, cpu_s, line_of, process, request, service

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "9"))
HIT_COUNT = 5000
OWN_ROUNDS = 9
OWN_COUNT = 4000
ASK_COUNT = 1500
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
    print(f"{'':<18}{'CPU ms a call':>22}{'calls/s':>20}{'in pairs':>18}{'least disturbed':>18}")
    for kind in ("hit", "asked"):
        off = results[f"{kind}, off"]
        for name, values in results.items():
            if not name.startswith(f"{kind},"):
                continue
            cpu, rate = _column(values, 0), _column(values, 1)
            # In pairs, so that what hits a whole round falls out; and the best quarter of each.
            pairs = [
                statistics.median(a[n] / b[n] for a, b in zip(values, off, strict=True)) - 1
                for n in (0, 1)
            ]
            best = [
                _quartile(cpu, 0) / _quartile(_column(off, 0), 0) - 1,
                _quartile(rate, 2) / _quartile(_column(off, 1), 2) - 1,
            ]
            print(
                f"{name:<18}{statistics.median(cpu):>8.3f} [{min(cpu):.3f}-{max(cpu):.3f}]"
                f"{statistics.median(rate):>7.0f} [{min(rate):.0f}-{max(rate):.0f}]"
                f"{pairs[0]:>+9.1%}{pairs[1]:>+9.1%}{best[0]:>+9.1%}{best[1]:>+9.1%}"
            )
    print("Ratios are of CPU and of calls/s   (aim: less than 15 % of calls/s lost)")


def _column(turns: list[Turn], place: int) -> list[float]:
    return [turn[place] for turn in turns]


def _quartile(values: list[float], place: int) -> float:
    return statistics.quantiles(values, n=4)[place]


async def own(base_url: str, endpoint: str) -> None:
    """The same for a hit without the wire, in this process: less hides the difference."""
    on = {"AI_PROVIDER__TELEMETRY__ENDPOINT": endpoint}
    settings = {"off": {}, "on": on, "and logs": {**on, "AI_PROVIDER__TELEMETRY__LOGS": "true"}}
    taken: dict[str, list[float]] = {name: [] for name in settings}
    async with AsyncExitStack() as stack:
        parts = {
            name: await stack.enter_async_context(hits.standing(base_url, **more))
            for name, more in settings.items()
        }
        for _ in range(OWN_ROUNDS):
            for name, (app, hit) in parts.items():
                before = time.process_time()
                for number in range(OWN_COUNT):
                    await hit()
                    if not number % AT_ONCE:
                        # As between calls that come by wire.
                        await asyncio.sleep(0)
                await asyncio.to_thread(app.journal.flush)
                # The log is written every tenth of a second.
                await asyncio.sleep(0.25)
                signals = app.telemetering.signals
                if signals is not None:
                    await asyncio.to_thread(signals.flush)
                taken[name].append((time.process_time() - before) * 1e6 / OWN_COUNT)
    print(
        f"our own part of a hit, CPU us of all threads; metrics exported every {OWN_COUNT} calls:"
    )
    for name, values in taken.items():
        extra = statistics.median(a - b for a, b in zip(values, taken["off"], strict=True))
        print(
            f"{name:<18}{statistics.median(values):>6.0f} [{min(values):.0f}-{max(values):.0f}]",
            end="",
        )
        print(f"{extra:>+8.0f}")


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
        await own(base_url, endpoint)
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
