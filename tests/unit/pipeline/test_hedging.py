"""A second attempt beside a slow first: who wins, and what becomes of the other."""

from __future__ import annotations

import asyncio

import pytest

from tests.kit.virtual import on_virtual_time
from tests.unit.pipeline.race import Attempt, Race, declined, never


@on_virtual_time
async def test_in_time() -> None:
    """Whoever answers within the delay is not hedged."""
    race = Race()
    result = await race.run(race.attempt("a", 0.9), never)

    assert ("a", ["0 a began", "0.9 over"], []) == (result, race.log, race.discarded)


@on_virtual_time
async def test_a_slow_first_may_still_win() -> None:
    """The second begins after the delay; the loser is cancelled, and its end is waited for."""
    race = Race()
    result = await race.run(race.attempt("a", 2.0), race.attempt("b", 5.0, closing_s=0.5))

    assert "a" == result
    assert ["0 a began", "1 late", "1 b began", "2 b cancelled", "2.5 b closed", "2.5 over"] == (
        race.log
    )
    assert [] == race.discarded


@on_virtual_time
async def test_the_second_wins() -> None:
    """The second wins if it is the first to come to a result."""
    race = Race()
    result = await race.run(race.attempt("a", 9.0, closing_s=0.5), race.attempt("b", 0.5))

    assert "b" == result
    assert ["0 a began", "1 late", "1 b began", "1.5 a cancelled", "2 a closed", "2 over"] == (
        race.log
    )


@on_virtual_time
async def test_declined() -> None:
    """Where there is nobody to ask beside it, the first is waited for."""
    race = Race()
    result = await race.run(race.attempt("a", 9.0), declined)

    assert ("a", ["0 a began", "1 late", "9 over"]) == (result, race.log)


@on_virtual_time
async def test_nothing_in_time() -> None:
    """A first that fails within the delay is no reason to hedge: the walk goes on by itself."""
    race = Race()
    result = await race.run(race.attempt("a", 0.5, None), never)

    assert (None, ["0 a began", "0.5 over"]) == (result, race.log)


@pytest.mark.parametrize(
    ("first_s", "second_s", "over_s"), [(2.0, 4.0, 5.0), (7.0, 4.0, 7.0), (3.0, 2.0, 3.0)]
)
@on_virtual_time
async def test_both_fail(first_s: float, second_s: float, over_s: float) -> None:
    """Only when both have come to nothing is that the result."""
    race = Race()
    result = await race.run(race.attempt("a", first_s, None), race.attempt("b", second_s, None))

    assert (None, f"{over_s:g} over", []) == (result, race.log[-1], race.discarded)


@pytest.mark.parametrize(("first", "second", "winner"), [(None, "", "b"), ("", None, "a")])
@on_virtual_time
async def test_one_fails(first: str | None, second: str | None, winner: str) -> None:
    """One that comes to nothing does not end the other."""
    race = Race()
    first_s, second_s = (2.0, 4.0) if first is None else (5.0, 1.0)
    result = await race.run(race.attempt("a", first_s, first), race.attempt("b", second_s, second))

    assert (winner, "5 over") == (result, race.log[-1])
    assert not any("cancelled" in line for line in race.log)


@on_virtual_time
async def test_a_tie() -> None:
    """Of two results at the same moment one is given, and the other discarded."""
    race = Race()
    result = await race.run(race.attempt("a", 3.0), race.attempt("b", 2.0))

    assert {"a", "b"} == {result, *race.discarded}
    assert 1 == len(race.discarded)


@on_virtual_time
async def test_a_tie_with_nothing() -> None:
    """Nothing at the same moment is no winner, and nothing to discard."""
    race = Race()
    result = await race.run(race.attempt("a", 3.0, None), race.attempt("b", 2.0))

    assert ("b", []) == (result, race.discarded)


@on_virtual_time
async def test_a_result_in_spite_of_being_cancelled() -> None:
    """A loser that answers its cancellation with a result is discarded as well."""
    race = Race()

    async def stubborn() -> str | None:
        try:
            await asyncio.sleep(9.0)
        except asyncio.CancelledError:
            return "stubborn"
        return None

    result = await race.run(stubborn(), race.attempt("b", 1.0))

    assert ("b", ["stubborn"]) == (result, race.discarded)


@pytest.mark.parametrize("who", ["first at once", "first", "second"])
@on_virtual_time
async def test_a_mistake(who: str) -> None:
    """What either of them raises is raised, after the other has been ended."""
    race = Race()
    seconds = {"first at once": 0.5, "first": 2.0, "second": 9.0}[who]
    first = race.attempt("a", seconds, KeyError(who) if who != "second" else "")

    def second() -> Attempt:
        return race.attempt("b", 2.0, KeyError(who) if who == "second" else "")

    with pytest.raises(KeyError, match=who):
        await race.run(first, second)

    others = {"first at once": [], "first": ["2 b closed"], "second": ["3 a closed"]}
    assert others[who] == [line for line in race.log if "closed" in line]


@on_virtual_time
async def test_a_mistake_of_the_second_choice() -> None:
    """If the choice of a second fails, the first is ended."""
    race = Race()
    with pytest.raises(AssertionError):
        await race.run(race.attempt("a", 9.0), never)

    assert "1 a closed" == race.log[-1]
