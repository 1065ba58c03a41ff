"""The cache in memory under load for ten minutes: the process does not grow.

`SOAK_S` is how long, in seconds.
"""

from __future__ import annotations

import gc
import os
import time
import tracemalloc

import psutil

from service.caches.memory import Memory
from tests.unit.caches.churn import MIB, Churn

DURATION_S = float(os.environ.get("SOAK_S", "600"))
OVER_MAX = 1.05


def resident_bytes() -> int:
    gc.collect()
    return psutil.Process().memory_info().rss


def test_the_process_does_not_grow() -> None:
    """Of a full cache that goes on changing, resident memory stays within 5 % of what it was."""
    memory_bytes_max = 256 * MIB
    churn = Churn(Memory(memory_bytes_max, 100_000), key_count=1_000_000, seed=3)
    before = resident_bytes()
    end = time.monotonic() + DURATION_S
    warm = time.monotonic() + DURATION_S / 5
    while time.monotonic() < warm or churn.memory.eviction_count < 100_000:
        churn.run(10_000)
    at_first = most = resident_bytes()

    while time.monotonic() < end:
        churn.run(100_000)
        most = max(most, resident_bytes())

    print(  # noqa: T201 - figures for whoever runs it
        f"{churn.asked_count} requests, {churn.hit_count} hits, {churn.memory}; resident:"
        f" {before / MIB:.0f} MiB before, {at_first / MIB:.1f} warm, at most {most / MIB:.1f}"
    )
    assert most <= OVER_MAX * at_first
    assert at_first - before <= 1.2 * memory_bytes_max


def test_a_million_operations_take_no_more_than_the_bound() -> None:
    """After a million requests, and all the time, real memory is not 5 % over the bound."""
    churn = Churn(Memory(32 * MIB, 1_000_000), key_count=200_000, seed=1)
    gc.collect()
    tracemalloc.start()
    try:
        before, most = tracemalloc.get_traced_memory()[0], 0
        for _ in range(100):
            churn.run(10_000)
            most = max(most, tracemalloc.get_traced_memory()[0] - before)
    finally:
        tracemalloc.stop()

    print(f"{churn.memory}: at most {most / churn.memory.bytes_max:.3f} of the bound")  # noqa: T201
    assert 1_000_000 == churn.asked_count
    assert most <= OVER_MAX * churn.memory.bytes_max
