"""A real master with a replica, and sentinels that replace the one by the other."""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from service.redis_door import Mode, RedisTerms
from tests.kit.redis import Front, RedisServer, binary

MASTER = "main"
_DOWN_AFTER_MS = 300
_FAILOVER_MS = 2000
_READY_WITHIN_S = 20.0


class SentinelServer(RedisServer):
    """Watches the master at `watched`. `lines` are more of its configuration."""

    def __init__(self, folder: Path, watched: int, quorum: int, *lines: str) -> None:
        super().__init__(folder)
        self._watched = watched
        self._quorum = quorum
        self._lines = lines

    def command(self, port: int) -> list[str]:
        file = self._folder / f"sentinel-{port}.conf"
        lines = [
            f"port {port}",
            "bind 127.0.0.1",
            f"dir {self._folder}",
            f"sentinel monitor {MASTER} 127.0.0.1 {self._watched} {self._quorum}",
            f"sentinel down-after-milliseconds {MASTER} {_DOWN_AFTER_MS}",
            f"sentinel failover-timeout {MASTER} {_FAILOVER_MS}",
            *self._lines,
        ]
        file.write_text("\n".join(lines) + "\n")
        return [binary(), str(file), "--sentinel"]


class RedisSentinel:
    """`master` is who was the master to begin with."""

    def __init__(
        self, master: RedisServer, replica: RedisServer, sentinels: Sequence[SentinelServer]
    ) -> None:
        self.master = master
        self.replica = replica
        self.sentinels = sentinels

    def terms(self, user: str = "", **more: Any) -> RedisTerms:
        """`user` is `NAME:PASSWORD` at the master."""
        first, *others = self.sentinels
        name, _, password = user.partition(":")
        login = f"{quote(name)}:{quote(password)}@" if user else ""
        return RedisTerms(
            f"redis://{login}{first.address}/0",
            Mode.SENTINEL,
            tuple(other.address for other in others),
            MASTER,
            **more,
        )

    def fail_over(self) -> None:
        """The replica takes over; returns at once, and the old master lives on as its replica."""
        self.sentinels[0].order("SENTINEL", "FAILOVER", MASTER)

    def wait(self) -> None:
        """Returns when the sentinels know the replica and each other: a failover can happen."""
        others = f"num-other-sentinels\r\n${len(str(len(self.sentinels) - 1))}\r\n"
        knows = f"{others}{len(self.sentinels) - 1}\r\n".encode()
        give_up_at = time.monotonic() + _READY_WITHIN_S
        for sentinel in self.sentinels:
            while not (
                b"num-slaves\r\n$1\r\n1\r\n" in (told := sentinel.ask("SENTINEL", "MASTER", MASTER))
                and knows in told
            ):
                if time.monotonic() > give_up_at:
                    raise RuntimeError("the sentinels do not come together")
                time.sleep(0.02)


@contextmanager
def redis_sentinel(
    folder: Path,
    *options: str,
    sentinels: int = 1,
    lines: Sequence[str] = (),
    front: Front | None = None,
) -> Generator[RedisSentinel, None, None]:
    """`options` are those of master and replica, `lines` more configuration of each sentinel.

    Where there is a `front` sentinels name those of master and replica.
    """
    with ExitStack() as stack:
        prompt = ("--repl-diskless-sync", "yes", "--repl-diskless-sync-delay", "0")
        master = RedisServer(folder, *prompt, *options)
        master.start()
        stack.callback(master.kill)
        replica = RedisServer(
            folder, *prompt, *options, "--replicaof", "127.0.0.1", str(master.port)
        )
        replica.start()
        stack.callback(replica.kill)
        master.replicate()
        quorum = sentinels // 2 + 1
        watched = master.port
        if front is not None:
            watched = front(master.port)
            replica.order("CONFIG", "SET", "replica-announce-port", str(front(replica.port)))
        watching = [SentinelServer(folder, watched, quorum, *lines) for _ in range(sentinels)]
        for sentinel in watching:
            sentinel.start()
            stack.callback(sentinel.kill)
        whole = RedisSentinel(master, replica, watching)
        if not lines:
            # With a password it tells us nothing.
            whole.wait()
        yield whole
