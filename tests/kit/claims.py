"""The claims of several replicas in one process, and what they tell each other."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Heard:
    holder: bytes
    pieces: Sequence[bytes] = ()


@dataclass
class SharedClaims:
    """Claims run out in the loop's time. `is_down` makes every call fail."""

    available: bool = True
    is_down: bool = False
    claimed: dict[bytes, tuple[bytes, float]] = field(
        default_factory=dict[bytes, tuple[bytes, float]]
    )
    lists: dict[bytes, list[bytes]] = field(default_factory=dict[bytes, list[bytes]])

    def _holder(self, key: bytes) -> bytes:
        token, until = self.claimed.get(key, (b"", 0.0))
        return token if until > asyncio.get_running_loop().time() else b""

    async def claim(self, key: bytes, token: bytes, lease_s: float) -> bool | None:
        await asyncio.sleep(0.001)
        if self.is_down:
            return None
        if self._holder(key):
            return False
        self.claimed[key] = token, asyncio.get_running_loop().time() + lease_s
        return True

    async def renew(self, key: bytes, token: bytes, lease_s: float) -> bool | None:
        if self.is_down:
            return None
        if self._holder(key) != token:
            return False
        self.claimed[key] = token, asyncio.get_running_loop().time() + lease_s
        return True

    def release(self, key: bytes, token: bytes) -> None:
        if self._holder(key) == token:
            del self.claimed[key]

    def tell(self, key: bytes, token: bytes, pieces: Sequence[bytes], keep_s: float) -> None:
        _ = key, keep_s
        if not self.is_down:
            self.lists.setdefault(token, []).extend(pieces)

    async def told(self, key: bytes, holder: bytes, since: int) -> Heard | None:
        await asyncio.sleep(0.001)
        if self.is_down:
            return None
        now = self._holder(key)
        return Heard(now, self.lists.get(holder or now, [])[since:])
