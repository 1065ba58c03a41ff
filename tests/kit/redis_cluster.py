"""A real cluster of three nodes with a third of the slots each, and of their replicas if wanted."""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from service.redis_door import SLOTS_COUNT, Mode, RedisTerms, slot_of
from tests.kit.redis import Front, RedisServer

_BUS = 10_000
"""So far above the port of a node the nodes talk to each other."""
_NODE_TIMEOUT_MS = 500
_READY_WITHIN_S = 20.0


class ClusterNode(RedisServer):
    """One node. It knows the others again after it was killed and started."""

    def __init__(self, folder: Path, *options: str) -> None:
        super().__init__(folder, *options)
        self.slots = range(0)
        """Those it began with; a replica has none."""
        self._front_port = 0

    @property
    def id(self) -> str:
        return _body(self.ask("CLUSTER", "MYID")).strip()

    def command(self, port: int) -> list[str]:
        cluster = ("--cluster-enabled", "yes", "--cluster-require-full-coverage", "no")
        known = ("--cluster-config-file", f"nodes-{port}.conf")
        patience = ("--cluster-node-timeout", str(_NODE_TIMEOUT_MS))
        eager = ("--cluster-replica-validity-factor", "0")
        prompt = ("--repl-diskless-sync", "yes", "--repl-diskless-sync-delay", "0")
        found = ("--cluster-announce-port", str(self._front_port or port))
        return [*super().command(port), *cluster, *known, *patience, *eager, *prompt, *found]

    def free_port(self) -> int:
        while True:
            port = random.randrange(20_000, 30_000)
            if _is_free(port) and _is_free(port + _BUS):
                return port

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._front_port or self.port}"

    def announce(self, front: Front) -> None:
        """Clients are told to find it there. It must not have been started yet."""
        self.port = self.free_port()
        self._front_port = front(self.port)


class RedisCluster:
    """`nodes` have the slots to begin with; `replicas` one each, in the same order, or none."""

    def __init__(self, nodes: Sequence[ClusterNode], replicas: Sequence[ClusterNode]) -> None:
        self.nodes = nodes
        self.replicas = replicas

    @property
    def all(self) -> list[ClusterNode]:
        return [*self.nodes, *self.replicas]

    def terms(self, **more: Any) -> RedisTerms:
        """All nodes are named: any of them may be lost."""
        others = tuple(node.address for node in self.nodes[1:])
        return RedisTerms(f"redis://{self.nodes[0].address}/0", Mode.CLUSTER, others, **more)

    def owner(self, key: bytes) -> ClusterNode:
        """Who had it to begin with."""
        slot = slot_of(key)
        return next(node for node in self.nodes if slot in node.slots)

    def master_of(self, key: bytes) -> ClusterNode:
        """Who has it now, as those say who are alive."""
        for node in self.all:
            answer = _asked(node, "GET", key)
            if answer is None or answer.startswith(b"-CLUSTERDOWN"):
                continue
            if not answer.startswith(b"-MOVED"):
                return node
            port = int(answer.rpartition(b":")[2])
            return next(other for other in self.all if other.port == port)
        raise RuntimeError("nobody has it")

    def wait(self) -> None:
        """Returns when all who are alive agree that all slots are served."""
        give_up_at = time.monotonic() + _READY_WITHIN_S
        while time.monotonic() < give_up_at:
            if all(self._is_content(node) for node in self.all):
                return
            time.sleep(0.02)
        raise RuntimeError("the cluster does not come together")

    def _is_content(self, node: ClusterNode) -> bool:
        told = _asked(node, "CLUSTER", "INFO")
        if told is None:
            return True
        slots = node.ask("CLUSTER", "SLOTS")
        fronts = (other.address.rpartition(":")[2].encode() for other in self.nodes)
        if not all(b":%b\r\n" % port in slots for port in fronts):
            # Where to find the others is hearsay.
            return False
        lines = told.decode().splitlines()
        return {
            "cluster_state:ok",
            f"cluster_slots_ok:{SLOTS_COUNT}",
            f"cluster_known_nodes:{len(self.all)}",
        } <= set(lines)


@contextmanager
def redis_cluster(
    folder: Path, *options: str, replicas: bool = False, front: Front | None = None
) -> Generator[RedisCluster, None, None]:
    """`options` are those of each node."""
    with ExitStack() as stack:
        nodes = [ClusterNode(folder, *options) for _ in range(6 if replicas else 3)]
        for number, node in enumerate(nodes):
            if front is not None:
                node.announce(front)
            node.start()
            stack.callback(node.kill)
            node.order("CLUSTER", "SET-CONFIG-EPOCH", str(number + 1))
        cluster = RedisCluster(nodes[:3], nodes[3:])
        _deal(cluster.nodes)
        for node in nodes[1:]:
            node.order("CLUSTER", "MEET", "127.0.0.1", str(nodes[0].port))
        cluster.wait()
        for node, replica in zip(cluster.nodes, cluster.replicas, strict=False):
            replica.order("CLUSTER", "REPLICATE", node.id)
        for node in cluster.nodes if replicas else ():
            node.replicate()
        cluster.wait()
        yield cluster


def _deal(nodes: Sequence[ClusterNode]) -> None:
    ends = [SLOTS_COUNT * number // len(nodes) for number in range(len(nodes) + 1)]
    for node, start, end in zip(nodes, ends, ends[1:], strict=False):
        node.slots = range(start, end)
        node.order("CLUSTER", "ADDSLOTS", *map(str, node.slots))


def _asked(node: ClusterNode, *words: bytes | str) -> bytes | None:
    try:
        return node.ask(*words)
    except OSError:
        return None


def _body(answer: bytes) -> str:
    return answer.partition(b"\r\n")[2].decode()


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
