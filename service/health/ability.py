"""Whether any provider can serve, told at each change. Reads live traffic only; asks nobody."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Collection, Sequence

from service.domain.health import CandidateHealth, Deployment, serves_from
from service.domain.provider import ModelRef

_LOOK_AGAIN_MIN_S = 0.01


class Ability:
    """`tell` is called with each change; at first the service is taken to be able.

    Looks when a circuit changes and at a new configuration. While nobody can serve, also when the
    first circuit lets an attempt through: no request may come that would show it.
    """

    def __init__(
        self,
        passive: Callable[[], Sequence[CandidateHealth]],
        clock: Callable[[], float],
        tell: Callable[[bool], None],
    ) -> None:
        self._passive = passive
        self._clock = clock
        self._tell = tell
        self._able = True
        self._deployments: Collection[Deployment] = ()
        self._next: asyncio.Handle | None = None

    def __repr__(self) -> str:
        return f"<Ability {'able' if self._able else 'unable'}>"

    def adopt(self, deployments: Collection[Deployment]) -> None:
        """Only these can be asked from now on."""
        self._deployments = deployments
        self._look()

    def circuit_changed(self, target: ModelRef) -> None:
        """Looks soon: once for all that change together, and not under the one that tells."""
        _ = target
        self._look_in(0.0)

    def close(self) -> None:
        if self._next is not None:
            self._next.cancel()

    def _look(self) -> None:
        from_then = serves_from(self._deployments, self._passive())
        if 0.0 < from_then < math.inf:
            self._look_in(max(from_then - self._clock(), _LOOK_AGAIN_MIN_S))
        able = from_then == 0.0
        if able is not self._able:
            self._able = able
            self._tell(able)

    def _look_in(self, wait_s: float) -> None:
        self.close()
        self._next = asyncio.get_running_loop().call_later(wait_s, self._look)
