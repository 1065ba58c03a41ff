"""How the providers do, for whoever asks: the state of live traffic as it is now, and checks that
are shared and remembered. Polls nobody by itself, moves no circuit, never asks what is billed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from service.domain.breaker import Circuit
from service.domain.health import CandidateHealth, Checked, Deployment, ProviderHealth, Status
from service.domain.health_summary import Snapshot, model_healths, overall, provider_healths
from service.domain.provider import ModelRef
from service.domain.scoring import Policy
from service.health.checks import Check, Checks

WATCH_PERIOD_S = 1.0
"""How often watchers look for what time alone changes: a cooldown ends, faults fade."""

WATCH_PAUSE_S = 5.0
"""Watching has nobody checked more often, however short answers count and circuits last."""

Configured = Mapping[str, Mapping[str, Check]]
"""The checks of each provider by deployment, in configured order; none if it is switched off."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What the configuration says of health. `policy` scores."""

    check_timeout_s: float = 5.0
    ttl_s: float = 30.0
    policy: Policy = Policy()


@dataclass(frozen=True, slots=True)
class Report:
    """Moments are in the monitor's clock. `models` is empty unless it was asked for.

    `from_cache` says that nobody was asked for it; `checked_at` is when the oldest check ended.
    """

    providers: Sequence[ProviderHealth]
    models: Sequence[ProviderHealth]
    overall: Status
    at: float
    checked_at: float
    from_cache: bool


class Monitor:
    """`passive` tells how live traffic fares now, by the very same object if nothing happened;
    `clock` gives its seconds, monotonic.
    """

    def __init__(
        self,
        passive: Callable[[], Sequence[CandidateHealth]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.clock = clock
        self.closed = False
        """Whether all watching has ended."""
        self._passive = passive
        self._checks = Checks(clock, self._wake)
        self._policy = Policy()
        self._configured: Mapping[str, tuple[str, ...]] = {}
        # Replaced at every change, so that each watcher wakes exactly once for it.
        self._changed = asyncio.Event()
        self._seen: tuple[asyncio.Event | None, float, dict[str, ProviderHealth]] = (None, 0.0, {})
        self._made: tuple[Snapshot, Sequence[ProviderHealth]] | None = None

    def __repr__(self) -> str:
        return f"<Monitor of {', '.join(self._configured) or 'nobody'}; {self._checks!r}>"

    @property
    def providers(self) -> Collection[str]:
        """The configured names."""
        return self._configured.keys()

    def adopt(self, configured: Configured, terms: Terms) -> None:
        """Takes over a configuration: all that was found before is forgotten."""
        self._configured = {name: tuple(checks) for name, checks in configured.items()}
        self._policy = terms.policy
        self._made = None
        self._checks.timeout_s = terms.check_timeout_s
        self._checks.ttl_s = terms.ttl_s
        self._checks.adopt(
            {
                (name, deployment): check
                for name, checks in configured.items()
                for deployment, check in checks.items()
            }
        )
        self._wake()

    def circuit_changed(self, target: ModelRef) -> None:
        """What the last check of `target`'s deployment found is out of date."""
        self._checks.forget((target.provider, target.deployment))
        self._wake()

    def healths(self) -> Sequence[ProviderHealth]:
        """How all do by live traffic, and by checks that still count. Nobody is asked."""
        return self._healths(self._snapshot(self.clock(), self._checks.fresh()))

    async def report(
        self, *, force: bool = False, providers: Collection[str] = (), models: bool = False
    ) -> Report:
        """Asks what is not known of late (everything, by `force`), and tells how all do.

        `providers` are those that may be asked; empty means all. Takes as long as the slowest.
        """
        asked = self._deployments(providers)
        flights = self._checks.begin(asked, force=force)
        found = await self._checks.join(flights)
        checks = {**self._checks.fresh(), **found}
        told = [checks[deployment] for deployment in asked if deployment in checks]
        now = self.clock()
        snapshot = self._snapshot(now, checks)
        healths = self._healths(snapshot)
        return Report(
            healths,
            model_healths(snapshot) if models else (),
            overall(healths),
            now,
            min((check.at for check in told), default=now),
            bool(told) and not flights,
        )

    async def changes(
        self, providers: Collection[str] = ()
    ) -> AsyncGenerator[ProviderHealth, None]:
        """The state of every provider, then each change of status or circuit, until `drain`.

        Who reads slowly misses what lies between, and always gets the latest. While somebody
        watches, checks are made again when they have become too old.
        """
        told: dict[str, tuple[Status, Circuit]] = {}
        while not self.closed:
            changed = self._changed
            self._checks.begin(self._deployments(providers), pause_s=WATCH_PAUSE_S)
            for name in dict.fromkeys((*self._configured, *told)):
                if providers and name not in providers:
                    continue
                health = self._latest().get(name) or ProviderHealth(name, Status.DISABLED)
                state = (health.status, health.circuit)
                if told.get(name) != state:
                    told[name] = state
                    yield health
            with suppress(TimeoutError):
                async with asyncio.timeout(WATCH_PERIOD_S):
                    await changed.wait()

    def drain(self) -> None:
        """Ends all watching."""
        self.closed = True
        self._wake()

    def close(self) -> None:
        """Ends all watching, and whatever is being asked."""
        self.drain()
        self._checks.close()

    def _deployments(self, providers: Collection[str]) -> list[Deployment]:
        return [
            (name, deployment)
            for name, deployments in self._configured.items()
            if not providers or name in providers
            for deployment in deployments
        ]

    def _snapshot(self, now: float, checks: Mapping[Deployment, Checked]) -> Snapshot:
        return Snapshot(now, self._configured, self._passive(), checks, self._policy)

    def _healths(self, snapshot: Snapshot) -> Sequence[ProviderHealth]:
        """Made anew only if live traffic or a check told something new."""
        if self._made is not None:
            before, healths = self._made
            if snapshot.candidates is before.candidates and snapshot.checks == before.checks:
                return healths
        healths = provider_healths(snapshot)
        self._made = (snapshot, healths)
        return healths

    def _latest(self) -> Mapping[str, ProviderHealth]:
        """What watchers look at, made once for all of them."""
        changed, at, healths = self._seen
        now = self.clock()
        if changed is not self._changed or now - at >= WATCH_PERIOD_S / 2:
            checks = self._checks.fresh(WATCH_PAUSE_S)
            found = self._healths(self._snapshot(now, checks))
            healths = {health.provider: health for health in found}
            self._seen = (self._changed, now, healths)
        return healths

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
