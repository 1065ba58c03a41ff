"""Who can be asked: a snapshot, the leases on it, and the names that it remembers."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from service.domain.candidate import Names
from service.domain.provider import ModelRef
from service.domain.scoring import POLICIES, Policy, PolicyName
from service.domain.wishes import Bounds, Rule
from service.pipeline import roster as rosters
from service.pipeline.roster import Roster
from tests.kit.scripted import ScriptedProvider, member
from tests.kit.virtual import on_virtual_time, settled

LATE = member(ScriptedProvider(), "late", "m", priority=30)
EARLY = member(ScriptedProvider(), "early", "m", "n", priority=10)
OWN = Policy(PolicyName.COMPOSITE, success_weight=0.9)
TENANTS = Bounds(POLICIES[PolicyName.COST], excluded_providers=frozenset({"late"}))


def roster(*rules: Rule, names: Names = Names()) -> Roster:
    return Roster((LATE, EARLY), attempts_max=3, names=names, rules=rules, bounds=Bounds(OWN))


def test_offers_are_in_order() -> None:
    """Offers are sorted by priority, whatever order the members were given in."""
    some = roster()

    assert ["early", "late"] == [offer.provider for offer in some.offers]
    assert 3 == some.attempts_max
    assert LATE is some.member(ModelRef("late", "m"))
    assert "<Roster early, late; 0 leases>" == repr(some)
    assert "<Roster empty; 0 leases>" == repr(Roster((), attempts_max=1))


def test_equal_names_are_the_same_candidates() -> None:
    """Equal names give the very same candidates: nobody is compared field by field."""
    some = roster(names=Names(fallbacks={"n": ("m",)}))

    assert some.candidates("m", ()) is some.candidates("m", ())
    assert ["early", "early", "late"] == [c.target.provider for c in some.candidates("n", ())]
    assert ["early"] == [c.target.provider for c in some.candidates("n", ("x",))]
    assert () == some.candidates("x", ())


def test_names_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Callers may make up names: so many are remembered at most, then all is found anew."""
    monkeypatch.setattr(rosters, "_MEMO_MAX", 8)
    some = roster(Rule(Bounds(), tenants=frozenset({"t"})))
    first = some.candidates("m", ()), some.bounds("m", "u", PolicyName.COST)
    for number in range(7):
        some.candidates("m", (f"made-up-{number}",))
        some.bounds("m", f"made-up-{number}", PolicyName.COST)
    full = some.candidates("m", ()), some.bounds("m", "u", PolicyName.COST)
    some.candidates("one more", ())
    some.bounds("m", "one more", PolicyName.COST)
    anew = some.candidates("m", ()), some.bounds("m", "u", PolicyName.COST)

    assert first == full == anew
    assert [True, True] == [one is other for one, other in zip(first, full, strict=True)]
    assert [False, False] == [one is other for one, other in zip(first, anew, strict=True)]


def test_the_first_rule_counts() -> None:
    """The first rule that holds lays down the bounds; where none does, the roster's own hold."""
    other = Bounds(POLICIES[PolicyName.LATENCY])
    some = roster(Rule(TENANTS, tenants=frozenset({"t"})), Rule(other, models=("m",)))

    assert TENANTS is some.bounds("m", "t", None)
    assert other is some.bounds("m", "u", None)
    assert Bounds(OWN) == some.bounds("n", "u", None)
    assert TENANTS is some.bounds("m", "t", None)


def test_the_callers_policy() -> None:
    """A caller may name another policy; the rest of the bounds hold, and so do its numbers."""
    some = roster(Rule(TENANTS, tenants=frozenset({"t"})))
    bounds = some.bounds("m", "t", PolicyName.LATENCY)

    assert (POLICIES[PolicyName.LATENCY], TENANTS.excluded_providers) == (
        bounds.policy,
        bounds.excluded_providers,
    )
    assert OWN is some.bounds("m", "u", PolicyName.COMPOSITE).policy
    assert TENANTS is some.bounds("m", "t", PolicyName.COST)


@on_virtual_time
async def test_leases() -> None:
    """A snapshot is idle when the last lease on it has ended, however it ended."""
    some = roster()
    unused = asyncio.create_task(some.idle())
    await settled()
    at_first = unused.done()
    with some.lease() as leased:
        waiting = asyncio.create_task(some.idle())
        await settled()
        with suppress(ValueError), some.lease():
            raise ValueError
        await settled()
        one_left = waiting.done()
    await settled()

    assert some is leased
    assert (True, False, True) == (at_first, one_left, waiting.done())


@on_virtual_time
async def test_leases_are_counted() -> None:
    """Two requests on one snapshot keep it until both have ended."""
    some = roster()
    with some.lease():
        with some.lease():
            two = repr(some)
        waiting = asyncio.create_task(some.idle())
        await settled()
        one = waiting.done()
    await settled()

    assert ("<Roster early, late; 2 leases>", False) == (two, one)
    assert waiting.done()
