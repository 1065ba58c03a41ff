"""Whatever happens to the cache in memory, in whatever order: what always holds."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from service.caches.memory import OVERHEAD_BYTES, Memory

keys = st.integers(0, 30).map(lambda number: number.to_bytes(32, "big"))
bytes_bounds = st.sampled_from([0, 2_000, 10_000, 40_000])
entries_bounds = st.sampled_from([0, 1, 4, 12, 100])


class MemoryLife(RuleBasedStateMachine):
    """One cache, next to a dict of all that may be in it: value, size, moment of expiry."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.value = 0
        self.left_count = 0
        """Those whom the caller removed or replaced."""
        self.model: dict[bytes, tuple[int, int, float]] = {}
        self.memory: Memory[int] = Memory(10_000, 12)

    @initialize(bytes_max=bytes_bounds, entries_max=entries_bounds)
    def begin(self, bytes_max: int, entries_max: int) -> None:
        self.memory = Memory(bytes_max, entries_max)

    @rule(seconds=st.sampled_from([0.25, 1.0, 7.0, 100.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule(
        key=keys,
        size_bytes=st.sampled_from([0, 1, 100, 600, 2_000, 12_000]),
        lifetime_s=st.sampled_from([-1.0, 0.0, 0.3, 1.0, 5.0, 64.0, 1000.0]),
    )
    def put(self, key: bytes, size_bytes: int, lifetime_s: float) -> None:
        self.value += 1
        replaced = key in self.memory and self.now < self.model[key][2]

        kept = self.memory.put(key, self.value, size_bytes, self.now + lifetime_s, self.now)

        assert kept == (key in self.memory)
        self.left_count += replaced
        self.model.pop(key, None)
        if kept:
            assert lifetime_s > 0
            self.model[key] = (self.value, size_bytes, self.now + lifetime_s)

    @rule(key=keys)
    def get(self, key: bytes) -> None:
        was_there = key in self.memory

        found = self.memory.get(key, self.now)

        if found is None:
            assert not was_there or self.model[key][2] <= self.now
            assert key not in self.memory
        else:
            value, _size_bytes, expires_at = self.model[key]
            assert value == found
            assert self.now < expires_at

    @rule(key=keys)
    def remove(self, key: bytes) -> None:
        was_there = key in self.memory

        assert was_there == self.memory.remove(key)
        self.left_count += was_there
        self.model.pop(key, None)

    @rule(rest=st.integers(0, 3))
    def remove_where(self, rest: int) -> None:
        held = {key for key, (value, _, _) in self.model.items() if value % 4 == rest}
        count = sum(key in self.memory for key in held)

        assert count == self.memory.remove_where(lambda _key, value: value % 4 == rest)
        self.left_count += count
        for key in held:
            del self.model[key]

    @rule()
    def clear(self) -> None:
        count = len(self.memory)

        assert count == self.memory.clear()
        self.left_count += count
        self.model.clear()

    @rule(most=bytes_bounds)
    def bound_bytes(self, most: int) -> None:
        self.memory.bytes_max = most

    @rule(most=entries_bounds)
    def bound_entries(self, most: int) -> None:
        self.memory.entries_max = most

    @invariant()
    def bounds_hold(self) -> None:
        assert self.memory.bytes <= self.memory.bytes_max
        assert len(self.memory) <= self.memory.entries_max

    @invariant()
    def accounts_add_up(self) -> None:
        """Bytes are those of the entries, and every value put is there or left in one way."""
        there = [key for key in self.model if key in self.memory]
        sizes = [self.model[key][1] + len(key) + OVERHEAD_BYTES for key in there]
        gone = self.left_count + self.memory.eviction_count + self.memory.expired_count

        assert len(there) == len(self.memory)
        assert sum(sizes) == self.memory.bytes
        assert self.memory.store_count == len(self.memory) + gone


TestMemoryLife = MemoryLife.TestCase
TestMemoryLife.settings = settings(max_examples=150, stateful_step_count=60, deadline=None)
