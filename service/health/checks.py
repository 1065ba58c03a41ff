"""Unbilled checks of deployments: all at once, each at most once at a time, remembered for a while.

Begins none by itself, and judges none: what a check tells stands in `domain/health.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from math import inf

import structlog

from service.domain.errors import ProviderFailure
from service.domain.health import Checked, Deployment, Finding, finding
from service.domain.reasons import ErrorReason

Check = Callable[[], Awaitable[bool]]
"""True: the provider is there. False: it has no call that tells. Raises ProviderFailure."""

_log = structlog.get_logger()


class Checks:
    """`clock` gives seconds, monotonic. A check may take `timeout_s`, and counts for `ttl_s`.

    `landed` is called after each that ended.
    """

    def __init__(self, clock: Callable[[], float], landed: Callable[[], None]) -> None:
        self.timeout_s = 5.0
        self.ttl_s = 30.0
        self._clock = clock
        self._landed = landed
        self._checks: Mapping[Deployment, Check] = {}
        self._kept: dict[Deployment, Checked] = {}
        self._flights: dict[Deployment, asyncio.Task[Checked]] = {}
        self._asked_at: dict[Deployment, float] = {}
        self._tasks: set[asyncio.Task[Checked]] = set()

    def __repr__(self) -> str:
        return f"<Checks {len(self.fresh())}/{len(self._checks)} fresh, {len(self._tasks)} asked>"

    def adopt(self, checks: Mapping[Deployment, Check]) -> None:
        """Makes these from now on, and forgets what others found."""
        self._checks = checks
        self._kept.clear()
        self._flights.clear()
        self._asked_at.clear()

    def forget(self, deployment: Deployment) -> None:
        """What was found, or is about to be, is not believed any more."""
        self._kept.pop(deployment, None)
        self._flights.pop(deployment, None)

    def fresh(self, pause_s: float = 0.0) -> dict[Deployment, Checked]:
        """What was found and still counts: for `ttl_s`, and for `pause_s` at least."""
        since = self._clock() - max(self.ttl_s, pause_s)
        return {d: found for d, found in self._kept.items() if found.at > since}

    def begin(
        self, deployments: Iterable[Deployment], *, force: bool = False, pause_s: float = 0.0
    ) -> dict[Deployment, asyncio.Task[Checked]]:
        """Asks those of whom nothing fresh is known, by `force` all; joins who is being asked.

        Leaves alone who was asked within `pause_s`, whatever was forgotten since.
        """
        known = {} if force else self.fresh(pause_s)
        since = self._clock() - pause_s
        return {
            d: self._flight(d)
            for d in deployments
            if d in self._checks and d not in known and self._asked_at.get(d, -inf) <= since
        }

    async def join(
        self, flights: Mapping[Deployment, asyncio.Task[Checked]]
    ) -> dict[Deployment, Checked]:
        """What they find. To leave early cancels none of them."""
        if flights:
            await asyncio.wait(flights.values())
        return {deployment: task.result() for deployment, task in flights.items()}

    def close(self) -> None:
        """Cancels whatever is being asked."""
        for task in self._tasks:
            task.cancel()

    def _flight(self, deployment: Deployment) -> asyncio.Task[Checked]:
        flight = self._flights.get(deployment)
        if flight is None:
            flight = asyncio.create_task(self._ask(self._checks[deployment]))
            self._flights[deployment] = flight
            self._asked_at[deployment] = self._clock()
            self._tasks.add(flight)
            flight.add_done_callback(lambda task: self._land(deployment, task))
        return flight

    def _land(self, deployment: Deployment, task: asyncio.Task[Checked]) -> None:
        self._tasks.discard(task)
        # Forgotten while it was under way: it counts for those who waited, and no longer.
        if self._flights.get(deployment) is task:
            del self._flights[deployment]
            if not task.cancelled():
                self._kept[deployment] = task.result()
                self._landed()

    async def _ask(self, check: Check) -> Checked:
        began = self._clock()
        found, reason = Finding.NOTHING, None
        try:
            async with asyncio.timeout(self.timeout_s):
                if await check():
                    found = Finding.PRESENT
        except ProviderFailure as failure:
            found, reason = finding(failure), failure.reason
        except TimeoutError:
            found, reason = Finding.ABSENT, ErrorReason.PROVIDER_TIMEOUT
        except Exception:  # noqa: BLE001 - a fault of ours must not hide how all others do
            _log.exception("internal error in the check of a provider")
        ended = self._clock()
        return Checked(ended, ended - began, found, reason)
