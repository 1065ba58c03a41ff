"""Who can be asked right now: one immutable snapshot, replaced whole by a reload.

A request leases the snapshot it was planned on, so that a reload never closes a provider under a
call in flight.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from service.domain.provider import Defaults, Offer, OnUnsupported
from service.ports import Provider


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """How long one attempt may take, in seconds. The caller's deadline always wins."""

    attempt_s: float
    """From its start to its end."""
    first_token_s: float
    """From its start to the first event of a stream."""
    idle_s: float
    """Between two events of a stream."""


@dataclass(frozen=True, slots=True)
class Member:
    """A provider with the terms on which it is asked."""

    provider: Provider
    offer: Offer
    limits: TimeLimits
    defaults: Defaults
    on_unsupported: OnUnsupported = OnUnsupported.REFUSE


class Roster:
    """The members by name, and how many requests still use them."""

    def __init__(self, members: Sequence[Member], *, attempts_max: int) -> None:
        self.members: Mapping[str, Member] = {m.offer.provider: m for m in members}
        self.offers: tuple[Offer, ...] = tuple(member.offer for member in members)
        self.attempts_max = attempts_max
        self._lease_count = 0
        self._idle = asyncio.Event()
        self._idle.set()

    def __repr__(self) -> str:
        return f"<Roster {', '.join(self.members) or 'empty'}; {self._lease_count} leases>"

    @contextmanager
    def lease(self) -> Generator[Roster, None, None]:
        self._lease_count += 1
        self._idle.clear()
        try:
            yield self
        finally:
            self._lease_count -= 1
            if not self._lease_count:
                self._idle.set()

    async def idle(self) -> None:
        """Waits until no request uses this snapshot."""
        await self._idle.wait()
