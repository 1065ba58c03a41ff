"""The claims of several replicas in one process, and what they tell each other."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from service.domain.waited import Waited

WAITS_FOR_S = 1.0


@dataclass(frozen=True)
class Heard:
    holder: bytes
    pieces: Sequence[bytes] = ()


@dataclass
class SharedClaims:
    """Claims run out in the loop's time, and so does what those say who wait.

    `is_down` makes every call fail.
    """

    available: bool = True
    is_down: bool = False
    claimed: dict[bytes, tuple[bytes, float]] = field(
        default_factory=dict[bytes, tuple[bytes, float]]
    )
    waits: dict[bytes, tuple[float, float]] = field(
        default_factory=dict[bytes, tuple[float, float]]
    )
    """Until when somebody waits, and until when that counts."""
    waited: list[Waited | None] = field(default_factory=list[Waited | None])
    """What those who claimed said that they had waited before."""
    lists: dict[bytes, list[bytes]] = field(default_factory=dict[bytes, list[bytes]])

    def _holder(self, key: bytes) -> bytes:
        token, until = self.claimed.get(key, (b"", 0.0))
        return token if until > asyncio.get_running_loop().time() else b""

    async def claim(
        self, key: bytes, token: bytes, lease_s: float, waited: Waited | None = None
    ) -> bool | None:
        self.waited.append(waited)
        await asyncio.sleep(0.001)
        if self.is_down:
            return None
        if self._holder(key):
            return False
        self.claimed[key] = token, asyncio.get_running_loop().time() + lease_s
        return True

    async def renew(self, key: bytes, token: bytes, lease_s: float) -> float | None:
        await asyncio.sleep(0.001)
        if self.is_down or self._holder(key) != token:
            return None
        now = asyncio.get_running_loop().time()
        self.claimed[key] = token, now + lease_s
        until, counts_until = self.waits.get(key, (0.0, 0.0))
        return max(0.0, until - now) if now < counts_until else 0.0

    def release(self, key: bytes, token: bytes) -> None:
        if self._holder(key) == token:
            del self.claimed[key]

    def tell(self, key: bytes, token: bytes, pieces: Sequence[bytes], keep_s: float) -> None:
        _ = key, keep_s
        if not self.is_down:
            self.lists.setdefault(token, []).extend(pieces)

    async def told(
        self, key: bytes, holder: bytes, since: int, wait_s: float = 0.0
    ) -> Heard | None:
        await asyncio.sleep(0.001)
        if self.is_down:
            return None
        now = self._holder(key)
        if now and wait_s > 0.0:
            at = asyncio.get_running_loop().time()
            until = max(at + wait_s, self.waits.get(key, (0.0, 0.0))[0])
            self.waits[key] = until, at + WAITS_FOR_S
        return Heard(now, self.lists.get(holder or now, [])[since:])
