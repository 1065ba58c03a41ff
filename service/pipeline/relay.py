"""Equal calls on several replicas: one asks the provider, the others are told what it hears.

Who asks holds a claim, which runs out when it dies: then exactly one of the others is next. While
replicas cannot reach each other, each asks by itself.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Sequence

from service.domain.waited import Waited
from service.pipeline.following import Follower
from service.pipeline.leading import Leader
from service.pipeline.relay_errand import LEASE_S, Errand, Parcels
from service.pipeline.told import Landed, StreamPiece
from service.ports import Claims

ONWARD_S = 0.01
"""Before somebody asks who was told nothing."""
NOBODY_MAX = 2
"""So often a claim may have been given up just then; more often is not what a Redis says."""


class Alone:
    """The claims of a replica that knows of no other."""

    available = False

    async def claim(
        self, key: bytes, token: bytes, lease_s: float, waited: Waited | None = None
    ) -> None: ...

    async def renew(self, key: bytes, token: bytes, lease_s: float) -> None: ...

    def release(self, key: bytes, token: bytes) -> None: ...

    def tell(self, key: bytes, token: bytes, pieces: Sequence[bytes], keep_s: float) -> None: ...

    async def told(self, key: bytes, holder: bytes, since: int, wait_s: float = 0.0) -> None: ...


class Relay:
    """`fetch` and `require_same` raise ServiceFailure, and so does `landed`."""

    def __init__(self, claims: Claims, parcels: Parcels) -> None:
        self.claims = claims
        """May be replaced at any time."""
        self._parcels = parcels

    @property
    def is_open(self) -> bool:
        return self.claims.available

    async def landed(self, errand: Errand) -> Landed:
        """What is fetched, here or elsewhere."""
        token = secrets.token_bytes(8)
        claims = self.claims
        nobody_count = 0
        while nobody_count < NOBODY_MAX:
            ours = await claims.claim(errand.key, token, LEASE_S, errand.waited)
            if ours is None:
                break
            if ours:
                return await self._lead(claims, token, errand)
            follower = Follower(claims, self._parcels, errand)
            landed = await follower.landed()
            if landed is not None:
                return landed
            if follower.has_seen_holder:
                # Who has waited for another replica is to be the only one that asks anew.
                errand = errand._replace(waited=None)
                await asyncio.sleep(ONWARD_S)
            else:
                nobody_count += 1
        return await errand.fetch(nobody)

    async def _lead(self, claims: Claims, token: bytes, errand: Errand) -> Landed:
        key = errand.key
        leader = Leader(claims, token, errand)
        holding = asyncio.create_task(leader.hold(), name="claim")
        try:
            # Whoever had the claim before may have landed since the cache was asked.
            kept = await errand.recheck(errand.waited)
            if kept is not None:
                return Landed(kept)
            landed = await errand.fetch(leader.hear)
            leader.tell_last(self._parcels.pack(key, landed.kept), keepable=landed.keepable)
        finally:
            holding.cancel()
            leader.close()
            claims.release(key, token)
        return landed


def relay_key(*pieces: bytes) -> bytes:
    """One key for what several pieces tell."""
    return hashlib.sha256(b"aip relay 1" + b"".join(pieces)).digest()


def nobody(_: StreamPiece) -> None:
    """There are no others to tell."""
