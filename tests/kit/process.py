"""The service as a process of its own, before an adversary."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from service.adversary import Adversary
from tests.kit.stack import environment

ROOT = Path(__file__).parents[2]


class Process:
    """`python -m service serve` in a folder of its own."""

    def __init__(self, folder: Path, adversary: Adversary, **more: str) -> None:
        self.log = folder / "log"
        kept = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "TMPDIR")}
        variables = {
            **kept,
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "generated")]),
            **environment(adversary),
            **more,
        }
        self.started = time.monotonic()
        with self.log.open("wb") as out:
            self.child = subprocess.Popen(
                [sys.executable, "-m", "service", "serve"], cwd=folder, env=variables, stderr=out
            )

    def lines(self) -> list[dict[str, Any]]:
        whole, _, _ = self.log.read_text().rpartition("\n")
        return [json.loads(line) for line in whole.splitlines()]

    def wait_line(self, event: str, timeout_s: float = 10.0) -> dict[str, Any]:
        """The last line of this event, as soon as there is one."""
        until = time.monotonic() + timeout_s
        while time.monotonic() < until:
            found = [line for line in self.lines() if line["event"] == event]
            if found:
                return found[-1]
            assert self.child.poll() is None, self.log.read_text()
            time.sleep(0.02)
        raise AssertionError(f"no line {event!r} in:\n{self.log.read_text()}")

    @property
    def target(self) -> str:
        port = self.wait_line("ready")["address"].rpartition(":")[2]
        return f"127.0.0.1:{port}"

    def stop(self) -> int:
        if self.child.poll() is None:
            self.child.kill()
        return self.child.wait(10)
