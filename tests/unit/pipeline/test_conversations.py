"""Whether a conversation goes back to who has it in its cache."""

from __future__ import annotations

import pytest

from service.domain.provider import ModelRef
from service.domain.request import CompletionRequest
from service.domain.wishes import RouteWish
from service.pipeline.roster import Roster
from tests.unit.pipeline.plans import LONG, MEMBERS, ONE, TWO, Planning, request


def test_a_conversation_goes_back() -> None:
    """A long conversation goes back to who answered it, in whose cache it is."""
    planning = Planning()
    turn = request("x" * LONG)
    before = planning.share(TWO, turn)
    planning.answer(turn, TWO)

    assert pytest.approx(0.5) == before
    assert planning.share(TWO, turn) > 0.95
    assert planning.share(TWO, request("x" * LONG, "And now?")) > 0.95


def test_back_to_one_that_does_nearly_as_well() -> None:
    """A small lead of another candidate does not lose the cache."""
    planning = Planning()
    turn = request("x" * LONG)
    planning.speed(ONE, 1.0)
    planning.speed(TWO, 1.1)
    before = planning.share(TWO, turn)
    planning.answer(turn, TWO)

    assert before < 0.3
    assert planning.share(TWO, turn) > 0.7


def test_not_back_to_one_that_does_much_worse() -> None:
    """A cache is not worth waiting four times as long."""
    planning = Planning()
    turn = request("x" * LONG)
    planning.speed(ONE, 1.0)
    planning.speed(TWO, 4.0)
    planning.answer(turn, TWO)

    assert planning.share(TWO, turn) < 0.05


@pytest.mark.parametrize(
    "other",
    [
        request("y" * LONG),
        request("x" * LONG, tenant="u"),
        request("x" * LONG, model="n"),
    ],
)
def test_another_conversation(other: CompletionRequest) -> None:
    """Another conversation, tenant or model does not go there."""
    planning = Planning()
    planning.answer(request("x" * LONG), TWO)

    assert planning.plan(other).demand.sticky is None


def test_a_short_conversation() -> None:
    """Below 1,024 tokens nothing is in a provider's cache."""
    planning = Planning()
    short = request("x" * (LONG - 4))
    planning.answer(short, TWO)
    grown = request("x" * (LONG - 4), "And now?")

    assert (1023, None) == (
        planning.plan(short).demand.prompt_tokens,
        planning.plan(short).demand.sticky,
    )
    assert planning.plan(grown).demand.prompt_tokens > 1024
    assert planning.plan(grown).demand.sticky is None


def test_how_much_is_in_the_cache() -> None:
    """Only the part of the prompt that was there then is in the cache, at most all of it."""
    planning = Planning()
    turn, next_turn = request("x" * LONG), request("x" * LONG, "y" * (3 * LONG))
    planning.answer(turn, TWO)
    same, grown = planning.plan(turn).demand, planning.plan(next_turn).demand
    planning.answer(next_turn, TWO)

    assert (1.0, 1024) == (same.sticky_share, same.prompt_tokens)
    assert pytest.approx(1024 / grown.prompt_tokens) == grown.sticky_share
    assert 1.0 == planning.plan(turn).demand.sticky_share


def test_a_cache_is_forgotten() -> None:
    """After five minutes a prompt is in nobody's cache any more."""
    planning = Planning()
    turn = request("x" * LONG)
    planning.answer(turn, TWO)
    planning.clock.now += 300.1

    assert planning.plan(turn).demand.sticky is None


def test_who_knew_it_is_gone() -> None:
    """If who answered is no candidate any more, nobody is preferred."""
    planning = Planning()
    turn = request("x" * LONG)
    planning.answer(turn, ModelRef("gone", "m"))

    assert planning.plan(turn).demand.sticky is None
    assert pytest.approx(0.5) == planning.share(ONE, turn)


def test_one_of_two_was_left() -> None:
    """Who answered is remembered also if nobody else could be asked just then."""
    planning = Planning()
    turn = request("x" * LONG)
    planning.answer(request("x" * LONG, wish=RouteWish(excluded_providers=("one",))), TWO)
    sticky = planning.plan(turn).demand.sticky

    assert sticky is not None
    assert TWO == sticky.target


def test_no_choice_no_memory() -> None:
    """Where only one provider serves a name, nobody needs to be remembered."""
    planning = Planning()
    turn = request("x" * LONG)
    both, planning.roster = planning.roster, Roster(MEMBERS[1:], attempts_max=3)
    planning.answer(turn, TWO)
    planning.roster = both

    assert planning.plan(turn).demand.sticky is None
