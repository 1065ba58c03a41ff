"""What reached the adversary: bodies, and when the client hung up."""

from __future__ import annotations

import asyncio
import collections
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_RECORDS_MAX = 10_000


@dataclass(slots=True, eq=False)
class Recorded:
    """One request. Times are the event loop's; None means that it has not happened."""

    family: str
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    connection: int
    received_at: float
    finished_at: float | None = None
    hung_up_at: float | None = None
    """When the client closed the connection before the answer was over."""
    sent_bytes: int = 0

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Recorder:
    """The newest requests, at most ten thousand of them."""

    def __init__(self, *, bodies: bool) -> None:
        self.requests: collections.deque[Recorded] = collections.deque(maxlen=_RECORDS_MAX)
        self.hangup_count = 0
        self._bodies = bodies
        self._changed = asyncio.Event()

    def add(self, request: Recorded) -> None:
        if self._bodies and not request.path.startswith("/_adversary/"):
            self.requests.append(request)

    def hung_up(self, request: Recorded, now: float) -> None:
        request.hung_up_at = now
        self.hangup_count += 1
        self._changed.set()

    def clear(self) -> None:
        self.requests.clear()
        self.hangup_count = 0

    async def wait_hangups(self, count: int, timeout_s: float) -> None:
        """Returns when `count` clients have hung up since `clear`. Raises TimeoutError."""
        async with asyncio.timeout(timeout_s):
            while self.hangup_count < count:
                self._changed.clear()
                await self._changed.wait()
