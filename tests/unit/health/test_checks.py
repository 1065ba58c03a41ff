"""Checks: all at once, shared, bounded, remembered. In virtual time."""

from __future__ import annotations

import asyncio

import pytest

from service.domain.health import Checked, Deployment, Finding
from service.domain.reasons import ErrorReason
from service.health.checks import Checks
from tests.kit.virtual import now, on_virtual_time
from tests.unit.health.scenes import BUSY, DOWN, ODD, Checkable

ONE, TWO = ("one", ""), ("two", "")


class Asked(Checks):
    """Checks that are asked as the monitor does it."""

    def __init__(self, checks: dict[Deployment, Checkable]) -> None:
        self.landings: list[float] = []
        super().__init__(now, lambda: self.landings.append(now()))
        self.adopt(checks)

    async def ask(self, *, force: bool = False) -> dict[Deployment, Checked]:
        return await self.join(self.begin(self._checks, force=force))


@on_virtual_time
async def test_all_at_once() -> None:
    """Four checks of 200 ms take 200 ms together."""
    checks = Asked({(name, ""): Checkable(0.2) for name in ("a", "b", "c", "d")})
    found = await checks.ask()

    assert pytest.approx(0.2) == now()
    assert [Checked(0.2, 0.2, Finding.PRESENT)] * 4 == list(found.values())


@on_virtual_time
async def test_a_hanging_one_delays_no_longer_than_its_time() -> None:
    """A check that hangs is ABSENT when its time is over; the others are not."""
    hangs, fine = Checkable(1e9), Checkable(0.2)
    checks = Asked({ONE: hangs, TWO: fine})
    checks.timeout_s = 3.0
    found = await checks.ask()

    assert pytest.approx(3.0) == now()
    assert Checked(3.0, 3.0, Finding.ABSENT, ErrorReason.PROVIDER_TIMEOUT) == found[ONE]
    assert Checked(0.2, 0.2, Finding.PRESENT) == found[TWO]
    assert 1 == hangs.cancelled_count


@pytest.mark.parametrize(
    ("step", "expected", "reason"),
    [
        (True, Finding.PRESENT, None),
        (False, Finding.NOTHING, None),
        (DOWN, Finding.ABSENT, ErrorReason.PROVIDER_UNAVAILABLE),
        (BUSY, Finding.SPARED, ErrorReason.PROVIDER_RATE_LIMITED),
        (ODD, Finding.NOTHING, ErrorReason.INVALID_REQUEST),
        (RuntimeError("a bug"), Finding.NOTHING, None),
    ],
)
@on_virtual_time
async def test_findings(
    step: bool | BaseException, expected: Finding, reason: ErrorReason | None
) -> None:
    """A check tells what it met; a bug in one tells nothing, and hides nobody else's answer."""
    checks = Asked({ONE: Checkable(step), TWO: Checkable()})
    found = await checks.ask()

    assert Checked(0.0, 0.0, expected, reason) == found[ONE]
    assert Finding.PRESENT is found[TWO].finding


@on_virtual_time
async def test_single_flight() -> None:
    """Whoever asks while a check is under way waits for that one, by force too."""
    check = Checkable(0.2)
    checks = Asked({ONE: check})
    first = asyncio.create_task(checks.ask())
    await asyncio.sleep(0.1)
    found = await asyncio.gather(*(checks.ask(force=force) for force in (False, True) * 50))

    assert pytest.approx(0.2) == now()
    assert 1 == check.count
    assert [await first] * 100 == found


@on_virtual_time
async def test_a_leaver_cancels_nobody() -> None:
    """Those who stay get their answer, though the one who began it has left."""
    check = Checkable(0.2)
    checks = Asked({ONE: check})
    first = asyncio.create_task(checks.ask())
    second = asyncio.create_task(checks.ask())
    await asyncio.sleep(0.1)
    first.cancel()
    await asyncio.wait([first, second])

    assert first.cancelled()
    assert Finding.PRESENT is second.result()[ONE].finding
    assert (1, 0) == (check.count, check.cancelled_count)


@on_virtual_time
async def test_everybody_leaves() -> None:
    """A check that nobody waits for any more ends by itself, and is remembered."""
    check = Checkable(0.2)
    checks = Asked({ONE: check})
    callers = [asyncio.create_task(checks.ask()) for _ in range(3)]
    await asyncio.sleep(0.1)
    for caller in callers:
        caller.cancel()
    await asyncio.sleep(0.2)
    found = await checks.ask()

    assert {} == found, "nobody had to be asked"
    assert Finding.PRESENT is checks.fresh()[ONE].finding
    assert (1, 0) == (check.count, check.cancelled_count)


@on_virtual_time
async def test_ttl() -> None:
    """What was found counts for 30 s from its end, not a moment longer."""
    check = Checkable(0.5)
    checks = Asked({ONE: check})
    await checks.ask()
    await asyncio.sleep(29.9)
    await checks.ask()
    before = check.count
    await asyncio.sleep(0.1)
    await checks.ask()

    assert (1, 2) == (before, check.count)
    assert [0.5, 31.0] == checks.landings


@on_virtual_time
async def test_force() -> None:
    """By force everybody is asked, however fresh the last answer is."""
    check = Checkable()
    checks = Asked({ONE: check})
    await checks.ask()
    await checks.ask(force=True)

    assert 2 == check.count


@on_virtual_time
async def test_forget_concerns_one() -> None:
    """What is forgotten is asked for again; what is not, is not."""
    one, two = Checkable(), Checkable()
    checks = Asked({ONE: one, TWO: two})
    await checks.ask()
    checks.forget(ONE)
    await checks.ask()

    assert (2, 1) == (one.count, two.count)


@on_virtual_time
async def test_forgotten_under_way() -> None:
    """A check that began before the change is believed by those who waited, and by no one after."""
    check = Checkable(0.2)
    checks = Asked({ONE: check})
    waiting = asyncio.create_task(checks.ask())
    await asyncio.sleep(0.1)
    checks.forget(ONE)
    await waiting
    kept = checks.fresh()
    await checks.ask()

    assert Finding.PRESENT is waiting.result()[ONE].finding
    assert {} == kept
    assert 2 == check.count


@on_virtual_time
async def test_forgotten_under_way_and_asked_again() -> None:
    """The old answer does not take the place of the new one, whichever lands first."""
    check = Checkable(0.2, DOWN)
    checks = Asked({ONE: check})
    old = asyncio.create_task(checks.ask())
    await asyncio.sleep(0.1)
    checks.forget(ONE)
    check.steps = (0.05,)
    await checks.ask()
    await old

    assert Finding.ABSENT is old.result()[ONE].finding
    assert Finding.PRESENT is checks.fresh()[ONE].finding


@on_virtual_time
async def test_adopt() -> None:
    """A new configuration forgets everything, and asks by its own checks."""
    old, new = Checkable(), Checkable()
    checks = Asked({ONE: old, TWO: Checkable()})
    await checks.ask()
    checks.adopt({ONE: new})
    found = await checks.ask()

    assert [ONE] == list(found)
    assert (1, 1) == (old.count, new.count)


@on_virtual_time
async def test_close() -> None:
    """Closing cancels what is being asked."""
    check = Checkable(1e9)
    checks = Asked({ONE: check})
    checks.begin([ONE])
    await asyncio.sleep(0.1)
    checks.close()
    await asyncio.sleep(0.1)

    assert 1 == check.cancelled_count
    assert "<Checks 0/1 fresh, 0 asked>" == repr(checks)
