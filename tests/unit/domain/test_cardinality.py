"""Callers cannot fill the ledger with names."""

from __future__ import annotations

from service.domain.cardinality import NameLimits, Names
from service.domain.rollup import OTHER, Key
from tests.kit.ledger import NOW

HOUR_S = 3600.0


def test_further_values_of_a_dimension_are_one() -> None:
    """So many are told apart within an hour, each dimension and each label by itself."""
    names = Names(NameLimits(values_max=2))
    keys = [
        Key(f"t{n}", "p", f"m{n % 2}", "/x", "OK", labels=(("team", f"x{n}"),)) for n in range(4)
    ]

    told = [names.bounded(key, NOW) for key in keys]

    assert ["t0", "t1", OTHER, OTHER] == [key.tenant for key in told]
    assert ["m0", "m1", "m0", "m1"] == [key.model for key in told]
    assert ["x0", "x1", OTHER, OTHER] == [key.labels[0][1] for key in told]


def test_names_that_were_only_asked_for_leave_room() -> None:
    """Anybody can make up a model: those that answer still find room."""
    names = Names(NameLimits(values_max=4))

    made_up = [names.bounded(Key("t", "", f"no-{n}"), NOW).model for n in range(4)]
    real = [names.bounded(Key("t", "p", f"m{n}", "/x", "OK"), NOW).model for n in range(3)]

    assert ["no-0", "no-1", OTHER, OTHER] == made_up
    assert ["m0", "m1", OTHER] == real


def test_names_that_nobody_answered_for_leave_room() -> None:
    """A pattern lets made-up models reach a provider, too: that one refuses them."""
    names = Names(NameLimits(values_max=4))
    statuses = ("failed", "cancelled", "NOT_FOUND", "CANCELLED")

    made_up = [
        names.bounded(Key("t", "p", f"no-{n}", status=status), NOW).model
        for n, status in enumerate(statuses)
    ]
    real = [names.bounded(Key("t", "p", f"m{n}", status="ok"), NOW).model for n in range(3)]

    assert ["no-0", "no-1", OTHER, OTHER] == made_up
    assert ["m0", "m1", OTHER] == real


def test_what_was_told_apart_stays_so_within_the_hour() -> None:
    """And in the next hour others have a turn; a late record does not begin an hour."""
    names = Names(NameLimits(values_max=1))
    first, second = Key("a"), Key("b")

    told = [
        names.bounded(key, at).tenant
        for key, at in (
            (first, NOW),
            (second, NOW),
            (first, NOW),
            (second, NOW + HOUR_S),
            (first, NOW),
        )
    ]

    assert ["a", OTHER, "a", "b", OTHER] == told


def test_further_combinations_lose_what_callers_choose() -> None:
    """Who pays for what is still told."""
    names = Names(NameLimits(keys_max=1))
    keys = [Key("t", "p", "m", "/x", "OK", "miss", (("team", team),)) for team in "ab"]

    told = [names.bounded(key, NOW) for key in keys]

    assert [keys[0], Key("t", "p", "m", OTHER, "OK")] == told


def test_long_values_are_cut() -> None:
    """A key has a size."""
    long = "x" * 5000

    told = Names(NameLimits()).bounded(Key(long, labels=(("team", long),)), NOW)

    assert Key("x" * 128, labels=(("team", "x" * 128),)) == told
