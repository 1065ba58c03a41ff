"""Who is compared, and how each is started: replicas on ports of loopback, and nothing else.

Both sides are equally placed: one process to a replica, the same key demanded, the same lifetime of
answers, an environment with nothing of ours in it.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.benchmark.peer_requests import MODEL

ROOT = Path(__file__).parents[2]
PEERS = ROOT / ".venv-peers"
TTL_S = 3600
REDIS_WAIT_S = 1
"""Instead of 5 ms: on cores that are this busy some lookups take longer, and would be misses."""
READY_WITHIN_S = 240.0
_STOPS_WITHIN_S = 30.0

Owner = Literal["service", "LiteLLM"]
Store = Literal["memory", "Redis"]

# What the library fetches from the network at start, unless it is told not to.
_NOTHING_FETCHED = {
    f"LITELLM_LOCAL_{what}": "True"
    for what in (
        "MODEL_COST_MAP",
        "ANTHROPIC_BETA_HEADERS",
        "AUTOROUTER_PRESETS",
        "BLOG_POSTS",
        "POLICY_TEMPLATES",
    )
}
# As its documentation has it for production.
_PRODUCTION = {"LITELLM_MODE": "PRODUCTION", "LITELLM_LOG": "ERROR"}
_NOTHING_TOLD = {"LITELLM_TELEMETRY_DISABLED": "true", "LITELLM_DISABLE_NO_REDIS_WARNING": "true"}


@dataclass(frozen=True, slots=True)
class Contestant:
    owner: Owner
    store: Store
    workers: int

    @property
    def protocol(self) -> str:
        return "grpc" if self.owner == "service" else "http"

    @property
    def source(self) -> str:
        """What every answer says of where it came from."""
        if self.owner == "LiteLLM":
            return "HIT"
        return "HIT_LOCAL" if self.store == "memory" else "HIT_SHARED"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a replica is started with. `redis_port` is None where answers are kept in memory."""

    folder: Path
    base_url: str
    key: str
    redis_port: int | None


class Replica:
    """A server process; it is listening once `await_ready` has returned."""

    def __init__(self, owner: Owner, given: Surroundings) -> None:
        self.port = 0 if owner == "service" else _free_port()
        self._log = given.folder / "log"
        self._awaits_line = owner == "service"
        command, environment = (_service if owner == "service" else _litellm)(given, self.port)
        with self._log.open("wb") as out:
            self._running = subprocess.Popen(
                command,
                cwd=given.folder,
                env={"PATH": os.environ["PATH"], "HOME": str(given.folder), **environment},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )

    def __repr__(self) -> str:
        return f"<Replica {self.pid} on port {self.port}>"

    @property
    def pid(self) -> int:
        return self._running.pid

    def await_ready(self) -> None:
        """Raises RuntimeError with the end of its log, should it not become ready."""
        give_up_at = time.monotonic() + READY_WITHIN_S
        while not (self._is_ready() if self._awaits_line else _is_alive(self.port)):
            if self._running.poll() is not None or time.monotonic() > give_up_at:
                log = self._log.read_text(errors="replace")
                raise RuntimeError(f"{self!r} does not start:\n{log[-4000:]}")
            time.sleep(0.1)

    def stop(self) -> None:
        self._running.terminate()

    def await_end(self) -> None:
        try:
            self._running.wait(_STOPS_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._running.kill()
            self._running.wait()

    def _is_ready(self) -> bool:
        log = self._log.read_text(errors="replace")
        if '"event":"ready"' not in log:
            return False
        address = log.partition('"address":"')[2].partition('"')[0]
        self.port = int(address.rpartition(":")[2])
        return True


@contextmanager
def on_cores(cores: Sequence[int]) -> Generator[None]:
    """Processes that are started meanwhile run on these cores only."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def litellm_version() -> str:
    """Raises RuntimeError if it is not installed."""
    for folder in PEERS.glob("lib/python*/site-packages/litellm-*.dist-info"):
        return folder.name.removeprefix("litellm-").removesuffix(".dist-info")
    raise RuntimeError("LiteLLM proxy is not installed: `make bench-peers` does it")


def _service(given: Surroundings, port: int) -> tuple[Sequence[str], Mapping[str, str]]:
    environment = {
        "PYTHONPATH": os.pathsep.join(str(ROOT / part) for part in ("", "generated")),
        "OPENAI_API_KEY": "k",
        "OPENAI_BASE_URL": given.base_url,
        "AI_PROVIDER_PORT": str(port),
        "AI_PROVIDER__SERVICE__HOST": "127.0.0.1",
        "AI_PROVIDER__SERVER__DRAIN__SETTLE_S": "0",
        "AI_PROVIDER__ANALYTICS__FILE": str(given.folder / "ledger.sqlite3"),
        "AI_PROVIDER_API_KEYS": f"bench:bench:{given.key}",
        "AI_PROVIDER_CACHE_TTL": str(TTL_S),
    }
    if given.redis_port:
        environment["REDIS_URL"] = f"redis://127.0.0.1:{given.redis_port}/0"
        environment["AI_PROVIDER__CACHE__MEMORY_ENTRIES_MAX"] = "0"
        environment["AI_PROVIDER__CACHE__REDIS_WAIT_S"] = str(REDIS_WAIT_S)
    return (sys.executable, "-m", "service", "serve"), environment


def _litellm(given: Surroundings, port: int) -> tuple[Sequence[str], Mapping[str, str]]:
    upstream = {"model": f"openai/{MODEL}", "api_key": "k", "api_base": given.base_url}
    cache: dict[str, object] = {"type": "local", "ttl": TTL_S}
    if given.redis_port:
        cache |= {"type": "redis", "host": "127.0.0.1", "port": given.redis_port}
    config = given.folder / "config.yaml"
    # JSON is YAML.
    config.write_text(
        json.dumps(
            {
                "model_list": [{"model_name": MODEL, "litellm_params": upstream}],
                "litellm_settings": {
                    "set_verbose": False,
                    "json_logs": False,
                    "cache": True,
                    "cache_params": cache,
                },
            }
        )
    )
    address = ("--host", "127.0.0.1", "--port", str(port), "--num_workers", "1")
    environment = {
        "LITELLM_MASTER_KEY": given.key,
        **_NOTHING_FETCHED,
        **_NOTHING_TOLD,
        **_PRODUCTION,
    }
    return (str(PEERS / "bin" / "litellm"), "--config", str(config), *address), environment


def _is_alive(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/liveliness", timeout=5):
            return True
    except (urllib.error.URLError, OSError):
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
