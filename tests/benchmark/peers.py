"""`make bench-peers`: cache hits of the service against LiteLLM proxy's, in one run, as ratios.

Everything is started once and warmed. Then all take turns in every round, in another order each
time, so that a noisy neighbour hits all of them; the median of the rounds counts. Never a test.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

from tests.benchmark.__main__ import line_of, process
from tests.benchmark.peer_contestants import (
    Contestant,
    Owner,
    Replica,
    Store,
    Surroundings,
    litellm_version,
    on_cores,
)
from tests.benchmark.peer_load import Job, Measured
from tests.benchmark.peer_report import Turn, conditions, neighbours, table
from tests.kit.redis import redis_server

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
WINDOW_S = 2.5
IN_FLIGHT = (16, 64)
WARMING_IN_FLIGHT = 8
KEPT_WITHIN_S = 0.5
"""Answers may be kept only after they were given."""
WORKERS = (1, 4)
STORES: Sequence[Store] = ("memory", "Redis")
OWNERS: Sequence[Owner] = ("LiteLLM", "service")
CORES = sorted(os.sched_getaffinity(0))


class Arena:
    """The running replicas of every contestant, their adversary and their load generators."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self.key = f"sk-{secrets.token_hex(24)}"
        self.replicas: dict[Contestant, list[Replica]] = {}
        self._stack = stack
        self._folder = folder
        self._generators: dict[int, subprocess.Popen[str]] = {}
        with on_cores(_cores_of_load(1)):
            command = ("service", "demo-providers", "--port", "0", "--print-env")
            fake = stack.enter_context(process(*command, stdout=subprocess.PIPE))
        self._base_url = line_of(fake).partition("=")[2]
        self._upstream_port = urlsplit(self._base_url).port
        for workers in WORKERS:
            with on_cores(_cores_of_load(workers)):
                self._generators[workers] = stack.enter_context(
                    process(
                        "tests.benchmark.peer_load", stdin=subprocess.PIPE, stdout=subprocess.PIPE
                    )
                )

    def start(self, contestants: Sequence[Contestant]) -> None:
        """Returns when every replica is ready. They start together."""
        redis_ports = {contestant: self._redis_port(contestant) for contestant in contestants}
        self._stack.callback(self._stop)
        for contestant, redis_port in redis_ports.items():
            mine = self.replicas[contestant] = []
            with on_cores(_cores_of_servers(contestant.workers)):
                for _ in range(contestant.workers):
                    folder = Path(tempfile.mkdtemp(dir=self._folder))
                    given = Surroundings(folder, self._base_url, self.key, redis_port)
                    mine.append(Replica(contestant.owner, given))
        for replica in self._all():
            replica.await_ready()

    def ask(self, contestant: Contestant, in_flight: int, window_s: float = 0.0) -> Measured:
        job = Job(
            protocol=contestant.protocol,
            ports=[replica.port for replica in self.replicas[contestant]],
            pids=[replica.pid for replica in self.replicas[contestant]],
            key=self.key,
            in_flight=in_flight,
            window_s=window_s,
        )
        generator = self._generators[contestant.workers]
        assert generator.stdin is not None
        generator.stdin.write(json.dumps(asdict(job)) + "\n")
        generator.stdin.flush()
        line = line_of(generator)
        if not line:
            raise RuntimeError(f"a call to {contestant} failed; the generator's error is above")
        return Measured(**json.loads(line))

    def upstream_count(self) -> int:
        """How many completions the adversary was asked for since the last time."""
        with closing(HTTPConnection("127.0.0.1", self._upstream_port, timeout=10)) as adversary:
            adversary.request("GET", "/_adversary/requests")
            requests = json.load(adversary.getresponse())
            adversary.request("POST", "/_adversary/clear")
            adversary.getresponse().read()
        return sum(request["method"] == "POST" for request in requests)

    def _all(self) -> Sequence[Replica]:
        return [replica for replicas in self.replicas.values() for replica in replicas]

    def _stop(self) -> None:
        for replica in self._all():
            replica.stop()
        for replica in self._all():
            replica.await_end()

    def _redis_port(self, contestant: Contestant) -> int | None:
        if contestant.store == "memory":
            return None
        with on_cores(_cores_of_load(contestant.workers)):
            return self._stack.enter_context(redis_server(self._folder)).port


def _cores_of_servers(workers: int) -> Sequence[int]:
    return CORES[-1:] if workers == 1 else CORES


def _cores_of_load(workers: int) -> Sequence[int]:
    return (CORES[:-1] or CORES) if workers == 1 else CORES


def warm(arena: Arena, contestant: Contestant, *, demand_hits: bool) -> None:
    """Every replica is asked every prompt, and again: the second time all must be hits."""
    arena.ask(contestant, in_flight=WARMING_IN_FLIGHT)
    time.sleep(KEPT_WITHIN_S)
    asked = hits if demand_hits else Arena.ask
    asked(arena, contestant, WARMING_IN_FLIGHT)


def measure(
    arena: Arena, turns: Sequence[Turn], *, demand_hits: bool
) -> Mapping[Turn, list[Measured]]:
    results: dict[Turn, list[Measured]] = {turn: [] for turn in turns}
    asked = hits if demand_hits else Arena.ask
    for number in range(ROUNDS):
        first = number * len(turns) // ROUNDS
        for turn in (*turns[first:], *turns[:first]):
            results[turn].append(asked(arena, *turn, WINDOW_S))
    return results


def hits(arena: Arena, contestant: Contestant, in_flight: int, window_s: float = 0.0) -> Measured:
    """As `Arena.ask`. Raises RuntimeError unless answers and provider agree that all were hits."""
    arena.upstream_count()
    measured = arena.ask(contestant, in_flight, window_s)
    upstream_count = arena.upstream_count()
    if upstream_count or set(measured.sources) != {contestant.source}:
        raise RuntimeError(
            f"not all were hits: {contestant} said {measured.sources}, and asked the provider"
            f" {upstream_count} times"
        )
    return measured


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmark.peers")
    parser.add_argument(
        "--allow-misses", action="store_true", help="measure even where the cache is idle"
    )
    demand_hits = not parser.parse_args(arguments).allow_misses
    version = litellm_version()
    contestants = [
        Contestant(owner, store, workers)
        for store, workers, owner in itertools.product(STORES, WORKERS, OWNERS)
    ]
    print(conditions(version, ROUNDS, WINDOW_S), flush=True)
    began = time.monotonic()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        arena = Arena(stack, folder)
        arena.start(contestants)
        print(f"ready after {time.monotonic() - began:.0f} s", flush=True)
        for contestant in contestants:
            warm(arena, contestant, demand_hits=demand_hits)
        turns = [(c, in_flight) for c in contestants for in_flight in IN_FLIGHT]
        results = measure(arena, turns, demand_hits=demand_hits)
    print(table(results))
    print(neighbours(results))
    print(f"took {time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
