"""Who left lately is known when he comes back."""

from __future__ import annotations

import pytest

from service.caches.ghost import Ghost


def key(number: int) -> bytes:
    return number.to_bytes(32, "big")


def departed(count: int, room: int) -> Ghost:
    ghost = Ghost()
    ghost.fit(room)
    for number in range(count):
        ghost.remember(key(number))
    return ghost


def test_knows_who_left() -> None:
    """Who left is known once; who never was there is not."""
    ghost = departed(1, 100)

    assert not ghost.recall(key(1), 100)
    assert ghost.recall(key(0), 100)
    assert not ghost.recall(key(0), 100)


def test_forgets_the_oldest() -> None:
    """Of many departures the last ones are known, as many as are asked for."""
    ghost = departed(1000, 1000)

    assert not any(ghost.recall(key(number), 100) for number in range(900))
    assert 85 <= sum(ghost.recall(key(number), 100) for number in range(900, 1000))


def test_knows_most_of_all() -> None:
    """Of as many departures as it has room for, at least seven of ten are known."""
    ghost = departed(10_000, 10_000)

    assert 7_000 <= sum(ghost.recall(key(number), 10_000) for number in range(10_000))


def test_takes_nobody_for_another() -> None:
    """A hundred thousand foreign keys are all foreign."""
    ghost = departed(10_000, 10_000)

    assert not any(ghost.recall(key(number), 10_000) for number in range(10_000, 110_000))


@pytest.mark.parametrize("room", [0, 1, 100, 5000])
def test_fits(room: int) -> None:
    """Its room follows what is wanted, both ways."""
    ghost = departed(1000, 1000)

    ghost.fit(room)
    ghost.remember(key(7))

    slot_count = int(repr(ghost).split()[3])
    assert ghost.recall(key(7), 1)
    assert 2 * room <= slot_count <= max(8 * room, 64)


def test_says_how_it_is() -> None:
    """Its text is one line."""
    assert "<Ghost 3 departed, 256 slots>" == repr(departed(3, 100))
