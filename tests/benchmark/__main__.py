"""Measures and prints. Server processes are measured alone: the load generator's CPU is not theirs.

Contestants take turns in every round, so that a noisy neighbour hits all of them; the median of the
rounds counts.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import grpc.aio
import psutil
from aiprovider.v1 import completion_service_pb2 as pb
from aiprovider.v1 import completion_service_pb2_grpc, content_pb2

from service.domain.candidate import Candidate
from service.domain.provider import ModelRef
from service.domain.routing import RouteRequest, plan_route
from service.domain.scoring import Demand, View
from tests.benchmark import hits

ROOT = Path(__file__).parents[2]
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
AT_ONCE = 16
UNARY_COUNT = 400
STREAM_COUNT = 40
DELTA_COUNT = 100
PLAN_CANDIDATES = 8
PLAN_COUNT = 5000


@contextlib.contextmanager
def process(*arguments: str, **options: Any) -> Generator[subprocess.Popen[str]]:
    paths = os.pathsep.join(str(ROOT / part) for part in ("", "generated", "clients/python"))
    environment = {**os.environ, "PYTHONPATH": paths, **options.pop("environment", {})}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    running = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", *arguments], text=True, env=environment, **options
    )
    try:
        yield running
    finally:
        running.terminate()
        running.wait(timeout=60)


def line_of(running: subprocess.Popen[str]) -> str:
    assert running.stdout is not None
    return running.stdout.readline().strip()


def cpu_s(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system


class Server:
    """A gRPC server process under measurement."""

    def __init__(self, running: subprocess.Popen[str], port: str) -> None:
        self.pid = running.pid
        channel: Any = grpc.aio.insecure_channel(f"127.0.0.1:{port}")
        self.channel = channel
        self.stub: Any = completion_service_pb2_grpc.CompletionServiceStub(channel)

    async def cost_ms(self, ask: Any, count: int) -> float:
        """CPU milliseconds of the server for each of `count` calls."""
        gate = asyncio.Semaphore(AT_ONCE)

        async def one() -> None:
            async with gate:
                await ask(self.stub)

        await asyncio.gather(*(one() for _ in range(AT_ONCE)))
        before = cpu_s(self.pid)
        await asyncio.gather(*(one() for _ in range(count)))
        return (cpu_s(self.pid) - before) * 1000 / count


class Bare:
    """The process that calls litellm directly."""

    def __init__(self, running: subprocess.Popen[str]) -> None:
        self.running = running

    async def cost_ms(self, kind: str, count: int) -> float:
        assert self.running.stdin is not None
        self.running.stdin.write(f"{kind} {count} {AT_ONCE}\n")
        self.running.stdin.flush()
        return float(await asyncio.to_thread(line_of, self.running)) * 1000 / count


def request(kind: Any, model: str) -> Any:
    message = content_pb2.Message(role=content_pb2.ROLE_USER, parts=[content_pb2.Part(text="Hi.")])
    return kind(spec=pb.CompletionSpec(model=model, messages=[message]))


async def ask_empty(stub: Any) -> None:
    await stub.CountTokens(pb.CountTokensRequest())


async def ask_unary(stub: Any) -> None:
    await stub.Complete(request(pb.CompleteRequest, "gpt-4o"))


async def ask_heard(stub: Any) -> None:
    """A whole answer that is listened to, since somebody else could take over."""
    await stub.Complete(request(pb.CompleteRequest, "either"))


async def ask_stream(stub: Any) -> None:
    model = f"gpt-4o+tokens={DELTA_COUNT}"
    async for _ in stub.StreamComplete(request(pb.StreamCompleteRequest, model)):
        pass


@contextlib.contextmanager
def service(
    engine: str, base_url: str, cache: str = "false", **more: str
) -> Generator[tuple[subprocess.Popen[str], str, float]]:
    """The process, its port, and the seconds it took to be ready."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "log")
        environment = {
            "OPENAI_API_KEY": "k",
            "OPENAI_BASE_URL": base_url,
            "AI_PROVIDER_PORT": "0",
            "AI_PROVIDER__SERVICE__HOST": "127.0.0.1",
            "AI_PROVIDER__SERVER__DRAIN__SETTLE_S": "0",
            "AI_PROVIDER__ANALYTICS__FILE": f"{folder}/ledger.sqlite3",
            "AI_PROVIDER__PROVIDERS__OPENAI__ENGINE": engine,
            "AI_PROVIDER__CACHE__ENABLED": cache,
            "AI_PROVIDER__ROUTING__ALIASES": '{"either": ["gpt-4o", "gpt-4o-mini"]}',
            **more,
        }
        started = time.monotonic()
        with (
            log.open("wb") as out,
            process("service", "serve", cwd=folder, stderr=out, environment=environment) as run,
        ):
            while '"event":"ready"' not in log.read_text():
                assert run.poll() is None, log.read_text()
                time.sleep(0.005)
            # The log is written every tenth of a second; the line itself knows when it was ready.
            address = log.read_text().partition('"address":"')[2].partition('"')[0]
            yield run, address.rpartition(":")[2], time.monotonic() - started


async def measure(
    empty: Server, native: Server, cached: Server, litellm: Server, bare: Bare
) -> dict[str, list[float]]:
    results: dict[str, list[float]] = {}
    turns = [
        ("empty RPC", lambda: empty.cost_ms(ask_empty, 2 * UNARY_COUNT)),
        ("hit from memory", lambda: cached.cost_ms(ask_unary, 2 * UNARY_COUNT)),
        ("hit as a stream", lambda: cached.cost_ms(ask_stream, STREAM_COUNT)),
        ("native unary", lambda: native.cost_ms(ask_unary, UNARY_COUNT)),
        ("native unary, heard", lambda: native.cost_ms(ask_heard, UNARY_COUNT)),
        ("litellm unary", lambda: litellm.cost_ms(ask_unary, UNARY_COUNT // 4)),
        ("bare litellm unary", lambda: bare.cost_ms("unary", UNARY_COUNT // 4)),
        ("native stream", lambda: native.cost_ms(ask_stream, STREAM_COUNT)),
        ("litellm stream", lambda: litellm.cost_ms(ask_stream, STREAM_COUNT // 2)),
        ("bare litellm stream", lambda: bare.cost_ms("stream", STREAM_COUNT // 2)),
    ]
    for number in range(ROUNDS):
        for name, turn in turns[number % len(turns) :] + turns[: number % len(turns)]:
            results.setdefault(name, []).append(await turn())
    return results


def plan_us() -> float:
    """Median microseconds of `plan_route` over 8 candidates, by the default policy."""
    views = [
        View(
            Candidate(ModelRef(f"provider-{n}", "m"), "m", context_window_tokens=100_000),
            quality=0.9 + n / 100,
            first_token_s=0.3 + n / 10,
            known=True,
        )
        for n in range(PLAN_CANDIDATES)
    ]
    asked = RouteRequest(Demand(1000, 200), time_left_s=30.0)
    taken: list[float] = []
    for number in range(PLAN_COUNT):
        started = time.perf_counter()
        plan_route(asked, views, 0.0, number / PLAN_COUNT, number)
        taken.append(time.perf_counter() - started)
    return statistics.median(taken) * 1e6


def report(results: dict[str, list[float]]) -> None:
    median = {name: statistics.median(values) for name, values in results.items()}
    print(f"{'CPU per call':<22}{'median ms':>10}{'min':>8}{'max':>8}{'x empty RPC':>13}")
    for name, values in results.items():
        ratio = median[name] / median["empty RPC"]
        low, high = min(values), max(values)
        print(f"{name:<22}{median[name]:>10.3f}{low:>8.3f}{high:>8.3f}{ratio:>13.2f}")
    unary = median["native unary"] / median["bare litellm unary"]
    stream = median["native stream"] / median["litellm stream"]
    bare = median["native stream"] / median["bare litellm stream"]
    print(f"native unary / bare litellm.acompletion: {unary:.3f}   (aim: under 0.25)")
    print(f"native stream / litellm engine, per delta: {stream:.3f}   (aim: under 0.167)")
    print(f"native stream / bare litellm, per delta: {bare:.3f}")
    plan = plan_us()
    share = plan / 1000 / median["empty RPC"]
    print(
        f"plan_route over {PLAN_CANDIDATES} candidates: {plan:.1f} us, {share:.2f} of an empty RPC"
    )


async def main() -> None:
    pipe = subprocess.PIPE
    with (
        process("service", "demo-providers", "--port", "0", "--print-env", stdout=pipe) as fake,
        process("tests.benchmark.contestants", "empty", stdout=pipe) as empty,
    ):
        base_url = line_of(fake).partition("=")[2]
        with (
            service("native", base_url) as (native, native_port, native_s),
            service("native", base_url, "true") as (cached, cached_port, _),
            service("litellm", base_url) as (litellm, litellm_port, litellm_s),
            process(
                "tests.benchmark.contestants", "bare", base_url, stdout=pipe, stdin=pipe
            ) as bare,
        ):
            assert line_of(bare) == "ready"
            servers = (
                Server(empty, line_of(empty)),
                Server(native, native_port),
                Server(cached, cached_port),
                Server(litellm, litellm_port),
            )
            results = await measure(*servers, Bare(bare))
            report(results)
            await hits.report(base_url, statistics.median(results["empty RPC"]))
            for name, run, seconds in (
                ("native", native, native_s),
                ("litellm", litellm, litellm_s),
            ):
                resident = psutil.Process(run.pid).memory_info().rss / 2**20
                print(f"{name} engine: ready after {seconds:.2f} s, {resident:.0f} MiB resident")
            for server in servers:
                await server.channel.close()


if __name__ == "__main__":
    asyncio.run(main())
