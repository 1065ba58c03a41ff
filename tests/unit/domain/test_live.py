"""The ring holds the last minute by second and tenant, and nothing older."""

from __future__ import annotations

from service.domain.attempt import Attempt, Outcome
from service.domain.call_record import AttemptRecord, CallRecord
from service.domain.live import Ring
from service.domain.provider import ModelRef
from service.domain.rollup import Count

NOW = 1_800_000_000


def call(at: float, tenant: str = "acme") -> CallRecord:
    return CallRecord("/m", "r", "", 0.0, tenant, ended_at=at, total_s=0.5, code="OK")


def attempt(at: float, provider: str = "openai", tenant: str = "acme") -> AttemptRecord:
    done = Attempt(ModelRef(provider, "m"), Outcome.OK, 0.5)
    return AttemptRecord(at, "r", tenant, "/m", "m", {}, done)


def requests(ring: Ring, start: int, end: int, tenant: str | None = None) -> int:
    return ring.between(start, end, tenant).calls[Count.REQUESTS]


def test_seconds() -> None:
    """A window holds the seconds from its start on, before its end."""
    ring = Ring()
    for at in (NOW - 0.1, NOW, NOW + 0.9, NOW + 1.0):
        ring.count(call(at))

    assert 2 == requests(ring, NOW, NOW + 1)
    assert 4 == requests(ring, NOW - 1, NOW + 2)


def test_tenants() -> None:
    """One tenant's window holds nothing of another's."""
    ring = Ring()
    ring.count(call(NOW))
    ring.count(call(NOW, "globex"))

    assert (1, 0, 2) == (
        requests(ring, NOW, NOW + 1, "acme"),
        requests(ring, NOW, NOW + 1, "nobody"),
        requests(ring, NOW, NOW + 1),
    )


def test_providers() -> None:
    """Attempts are told by provider, apart from calls."""
    ring = Ring()
    ring.count(call(NOW))
    ring.count(attempt(NOW))
    ring.count(attempt(NOW + 1, "google"))
    lately = ring.between(NOW, NOW + 2, None)

    counted = {name: rollup[Count.ATTEMPTS] for name, rollup in lately.providers.items()}
    assert {"openai": 1, "google": 1} == counted
    assert (1, 0) == (lately.calls[Count.REQUESTS], lately.calls[Count.ATTEMPTS])


def test_it_forgets() -> None:
    """However long it runs, it holds a minute and a little."""
    ring = Ring()
    for second in range(1000):
        ring.count(call(NOW + second))

    assert "<Ring of 62 seconds up to 1800000999>" == repr(ring)
    assert 60 == requests(ring, NOW + 940, NOW + 1000)


def test_the_clock_is_set_back() -> None:
    """What came by the other clock is forgotten; counting goes on."""
    ring = Ring()
    ring.count(call(NOW))
    ring.count(call(NOW - 3600))

    assert (0, 1) == (
        requests(ring, NOW, NOW + 1),
        requests(ring, NOW - 3600, NOW - 3599),
    )


def test_reading_changes_nothing() -> None:
    """Two looks at the same seconds see the same."""
    ring = Ring()
    ring.count(call(NOW))
    ring.count(attempt(NOW))
    first = ring.between(NOW, NOW + 1, None)
    first.calls.counts[Count.REQUESTS] = 99
    first.providers["openai"].counts[Count.ATTEMPTS] = 99

    again = ring.between(NOW, NOW + 1, None)
    assert (1, 1) == (again.calls[Count.REQUESTS], again.providers["openai"][Count.ATTEMPTS])
