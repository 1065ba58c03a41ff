"""What is void is what a newer invalidation selects, and nothing else but for want of room."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.kept import Kept, Selector
from service.domain.provider import ModelRef
from service.domain.voids import ALONE_MAX, EPOCH_MAX, NUMBER_MAX, SELECTORS_MAX, Voids, stamp

EPOCH = 7
KEY = b"k" * 32
KEPT = Kept("t", "", "m", ModelRef("p", "m-1", "eu"), b"", 0.0, 1.0, 0.1, stamp(EPOCH, 1), None)

names = st.sampled_from(["", "a", "b"])
selectors = st.one_of(
    st.builds(Selector, st.none() | names, st.none() | names, st.none() | st.sampled_from("abm")),
    st.builds(Selector, key=st.sampled_from([b"a", b"b"])),
    st.just(Selector()),
    st.builds(Selector, model=st.sampled_from(["p/m", "q/m", "p/a", "p@eu/m"])),
)
answers = st.builds(
    Kept,
    tenant=names,
    namespace=names,
    model=st.sampled_from(["a", "b", "p/m"]),
    target=st.builds(ModelRef, st.sampled_from("pq"), st.sampled_from("am"), st.just("eu")),
    content=st.just(b""),
    made_at=st.just(0.0),
    expires_at=st.just(1.0),
    took_s=st.just(0.1),
    generation=st.integers(0, 12).map(lambda number: stamp(EPOCH, number)),
    cost_nano_usd=st.none(),
)


def selects(selector: Selector, key: bytes, kept: Kept) -> bool:
    """As the contract says it, word for word."""
    given_by = f"{kept.target.provider}/{kept.target.model}"
    return (
        (selector.tenant is None or selector.tenant == kept.tenant)
        and (selector.namespace is None or selector.namespace == kept.namespace)
        and (selector.model is None or selector.model in (kept.model, given_by))
        and (selector.key is None or selector.key == key)
    )


@given(st.lists(selectors, max_size=12), st.lists(answers, min_size=1), st.sampled_from([b"a"]))
def test_against_one_who_remembers_all(told: list[Selector], kept: list[Kept], key: bytes) -> None:
    """Void is exactly what an invalidation selects that is newer than the answer."""
    voids = Voids(EPOCH)
    for number, selector in enumerate(told, 1):
        voids.add(selector, stamp(EPOCH, number))

    for one in kept:
        newer = [s for n, s in enumerate(told, 1) if stamp(EPOCH, n) > one.generation]
        assert any(selects(s, key, one) for s in newer) == voids.is_void(key, one)


@given(st.permutations(range(1, 9)), st.lists(selectors, min_size=8, max_size=8), answers)
def test_the_order_does_not_matter(order: list[int], told: list[Selector], kept: Kept) -> None:
    """Invalidations that are learnt in another order make the same void."""
    one, other = Voids(EPOCH), Voids(EPOCH)
    for number in range(1, 9):
        one.add(told[number - 1], stamp(EPOCH, number))
    for number in order:
        other.add(told[number - 1], stamp(EPOCH, number))

    assert one.is_void(KEY, kept) == other.is_void(KEY, kept)
    assert one.generation == other.generation


@given(st.integers(SELECTORS_MAX + 1, SELECTORS_MAX + 50), st.integers(0, 1100))
def test_for_want_of_room(count: int, number: int) -> None:
    """Too many selectors become one for everything before: what is newer is spared."""
    voids = Voids(EPOCH)
    for n in range(1, count + 1):
        voids.add(Selector(tenant=f"t{n}"), stamp(EPOCH, n))
    kept = replace(KEPT, generation=stamp(EPOCH, number))

    collapsed_at = SELECTORS_MAX + 1
    assert len(voids) == count - collapsed_at
    assert (number < collapsed_at) == voids.is_void(KEY, kept)


@pytest.mark.parametrize("epoch", [EPOCH - 1, EPOCH + 1, 1, EPOCH_MAX])
@pytest.mark.parametrize("number", [0, 3, NUMBER_MAX])
def test_another_epoch(epoch: int, number: int) -> None:
    """Answers of another epoch are void, whatever their number: nobody knows what was lost."""
    voids = Voids(EPOCH, 3)

    assert voids.is_void(KEY, replace(KEPT, generation=stamp(epoch, number)))
    assert not voids.is_void(KEY, replace(KEPT, generation=stamp(EPOCH, number)))


def test_what_another_replica_knew_already() -> None:
    """An answer that was asked for by one who knew more is not void by what is known here."""
    voids = Voids(EPOCH)
    voids.add(Selector(tenant="t"), stamp(EPOCH, 1))

    assert not voids.is_void(KEY, replace(KEPT, generation=stamp(EPOCH, 2)))


def test_stamps() -> None:
    """They are ordered within an epoch, fit a signed number of 64 bits, and none is two things."""
    parts = [
        (epoch, number, alone)
        for epoch in (1, 2, EPOCH_MAX)
        for number in (0, 1, NUMBER_MAX)
        for alone in (0, 1, ALONE_MAX)
    ]
    stamps = [stamp(*part) for part in parts]

    assert sorted(set(stamps)) == stamps
    assert 0 < stamps[-1] < 2**63


def test_what_is_known_alone_lies_between_two_numbers() -> None:
    """It selects what was asked before; and is selected by the next number, whoever gives it."""
    voids = Voids(EPOCH, 5)
    voids.add(Selector(tenant="t"), voids.generation + 1)
    before, after = stamp(EPOCH, 5), voids.generation
    assert voids.is_void(KEY, replace(KEPT, generation=before))
    assert not voids.is_void(KEY, replace(KEPT, generation=after))

    voids.add(Selector(tenant="t"), stamp(EPOCH, 6))

    assert voids.is_void(KEY, replace(KEPT, generation=after))
