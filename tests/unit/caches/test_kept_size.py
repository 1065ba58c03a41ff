"""What an answer takes in memory, against what the interpreter says it took."""

from __future__ import annotations

import os
import tracemalloc
from dataclasses import replace
from sys import getsizeof

import pytest

from service.caches.kept_size import kept_bytes
from service.domain.kept import Kept
from service.domain.provider import ModelRef

COUNT = 100


def fresh(text: str, number: int) -> str:
    """A text that is shared with nobody."""
    return f"{text}-{number}"


def kept(number: int, whole: int | None, frames: int, frame: int) -> Kept:
    return Kept(
        fresh("tenant", number),
        fresh("namespace", number),
        fresh("gpt-5-mini", number),
        ModelRef(fresh("openai", number), fresh("gpt-5-mini-2025", number), fresh("eu", number)),
        os.urandom(32),
        1.7e9 + number,
        1.7e9 + number + 300.5,
        0.5 + number,
        2**62 + number,
        123_456 + number,
        None if whole is None else os.urandom(whole),
        tuple(os.urandom(frame) for _ in range(frames)),
        os.urandom(200) if frames else None,
    )


@pytest.mark.parametrize(
    ("whole", "frames", "frame"),
    [(100, 0, 0), (2000, 0, 0), (200_000, 0, 0), (None, 1, 20), (None, 2000, 20), (5000, 300, 60)],
)
def test_says_what_it_takes(whole: int | None, frames: int, frame: int) -> None:
    """It never says less than was asked of the system, and at most a fifth more for rounding."""
    made: list[Kept | None] = [None] * COUNT
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for number in range(COUNT):
            made[number] = kept(number + 1000, whole, frames, frame)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    told = sum(kept_bytes(one) for one in made if one is not None)
    assert after - before <= told <= 1.2 * (after - before)


@pytest.mark.parametrize(("whole", "frames"), [(100, 0), (None, 7), (100, 7)])
def test_adds_up_its_parts(whole: int | None, frames: int) -> None:
    """It is the sum of what each object takes, and of what rounding up takes: 8 bytes on average.

    Numbers take 32 bytes, rounded up, and one of 63 bits takes 48.
    """
    one = kept(1000, whole, frames, 20)
    target = one.target
    texts = [one.tenant, one.namespace, one.model, target.provider, target.model, target.deployment]
    pieces = [one.content, *one.frames]
    pieces += [piece for piece in (one.whole, one.finished) if piece is not None]
    objects = [one, target, one.frames]

    rounded = [getsizeof(part) + 8 for part in (*texts, *pieces)]
    assert sum(map(getsizeof, objects)) + sum(rounded) + 4 * 32 + 48 == kept_bytes(one)


def test_every_part_counts() -> None:
    """Whatever grows by so many bytes makes the answer grow by as many."""
    one = kept(1, 100, 3, 20)
    target = one.target
    long = "x" * 1000
    grown = [
        replace(one, tenant=one.tenant + long),
        replace(one, namespace=one.namespace + long),
        replace(one, model=one.model + long),
        replace(one, target=replace(target, provider=target.provider + long)),
        replace(one, target=replace(target, model=target.model + long)),
        replace(one, target=replace(target, deployment=target.deployment + long)),
        replace(one, content=one.content + bytes(1000)),
        replace(one, whole=bytes(1100)),
        replace(one, finished=bytes(1200)),
        replace(one, frames=(bytes(1020), *one.frames[1:])),
    ]

    assert [1000] * len(grown) == [kept_bytes(other) - kept_bytes(one) for other in grown]
