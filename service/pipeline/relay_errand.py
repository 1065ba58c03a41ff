"""What one replica asks for while others may want the same: the words of `relay.py` and its two
sides, `leading.py` and `following.py`. Values only.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple, Protocol, TypeAlias

from service.domain.kept import Kept
from service.domain.waited import Waited
from service.pipeline.flights import Flight
from service.pipeline.told import Landed, StreamPiece

LEASE_S = 5.0
"""How long others wait for one who has died."""
AnswerFlight: TypeAlias = Flight[StreamPiece, Landed]
Tell = Callable[[StreamPiece], None]
Fetch = Callable[[Tell], Awaitable[Landed]]
Recheck = Callable[[Waited | None], Awaitable[Kept | None]]
RequireSame = Callable[[bytes], None]


class Parcels(Protocol):
    """Answers as bytes, for other replicas. `unpack` raises ValueError for anything else."""

    def pack(self, key: bytes, kept: Kept) -> bytes: ...

    def unpack(self, key: bytes, blob: bytes) -> Kept: ...


class Errand(NamedTuple):
    """What is to be brought, and how. `fetch` is handed what to tell the others with."""

    key: bytes
    flight: AnswerFlight
    fetch: Fetch
    recheck: Recheck
    """Looks once more for an answer that another replica has kept a moment ago.

    It is told how long the request has waited, None where it may wait the whole time.
    """
    require_same: RequireSame
    """Raises ServiceFailure where the digest of what another replica asks is not ours."""
    waited: Waited | None = None
    """What it has waited for Redis; None where it may wait the whole time."""
