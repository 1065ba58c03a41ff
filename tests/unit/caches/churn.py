"""What a cache in memory goes through: answers of all sizes, some asked for often, most rarely."""

from __future__ import annotations

from itertools import accumulate
from random import Random

from service.caches.kept_size import kept_bytes
from service.caches.memory import Memory
from service.domain.kept import Kept
from service.domain.provider import ModelRef

MIB = 1024 * 1024
_SIZE_MIN, _SIZE_MAX = 100, 200_000
_LIFETIMES_S = (1.0, 20.0, 60.0, 300.0, 3600.0)
_BATCH = 10_000


def kept(number: int, size_bytes: int, now: float, lifetime_s: float) -> Kept:
    """An answer as it comes from a provider or from Redis: it shares nothing with any other."""
    tag = f"-{number}"
    return Kept(
        tenant="tenant" + tag,
        namespace="namespace" + tag,
        model="gpt-5-mini" + tag,
        target=ModelRef("openai" + tag, "gpt-5-mini-2025" + tag, "eu" + tag),
        content=number.to_bytes(32, "little"),
        made_at=now + 0.0,
        expires_at=now + lifetime_s,
        took_s=size_bytes / 7,
        generation=2**62 + number,
        cost_nano_usd=number + 1_000_000,
        whole=b"x" * size_bytes,
    )


class Churn:
    """Requests by Zipf's law for keys of which most are seen once; sizes are log-normal."""

    def __init__(self, memory: Memory[Kept], key_count: int, seed: int) -> None:
        self.memory = memory
        self.now = 1.7e9
        self.hit_count = 0
        self.asked_count = 0
        self._rng = Random(seed)
        self._key_count = key_count
        self._weights = list(accumulate(1 / (rank + 1) for rank in range(key_count)))

    def run(self, count: int) -> None:
        """So many requests, a thousand a second, in batches."""
        for _ in range(count // _BATCH):
            self._batch()

    def _batch(self) -> None:
        rng, memory = self._rng, self.memory
        for number in rng.choices(range(self._key_count), cum_weights=self._weights, k=_BATCH):
            self.now += 0.001
            self.asked_count += 1
            key = number.to_bytes(32, "big")
            if memory.get(key, self.now) is not None:
                self.hit_count += 1
                continue
            size_bytes = min(max(int(rng.lognormvariate(8.0, 1.5)), _SIZE_MIN), _SIZE_MAX)
            one = kept(number, size_bytes, self.now, rng.choice(_LIFETIMES_S))
            memory.put(key, one, kept_bytes(one), one.expires_at, self.now)
            if memory.bytes > memory.bytes_max or len(memory) > memory.entries_max:
                raise AssertionError(memory)
