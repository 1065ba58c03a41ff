"""An answer as the caches hold it, and which answers an invalidation makes void. Pure values.

What is told to callers is opaque bytes here: the edge makes them, and the edge alone reads them.
"""

from __future__ import annotations

from dataclasses import dataclass

from service.domain.provider import ModelRef


@dataclass(frozen=True, slots=True)
class Kept:
    """One whole answer. `whole`, or `frames` with `finished`, or all three are there.

    Moments are in seconds since the epoch, on the clock that replicas share.
    """

    tenant: str
    namespace: str
    model: str
    """As it was asked for."""
    target: ModelRef
    """Who gave it."""
    content: bytes
    """The digest of the spec that it answers."""
    made_at: float
    expires_at: float
    took_s: float
    """How long it took to get it from the provider."""
    generation: int
    """The stamp of the invalidations that were known when it was asked for: 63 bits, in no order
    that anybody but `domain.voids` understands."""
    cost_nano_usd: int | None
    """What it cost; None if that is not known."""
    whole: bytes | None = None
    """A whole answer on the wire, without what differs from request to request."""
    frames: tuple[bytes, ...] = ()
    """The deltas of a stream on the wire, without their numbers."""
    finished: bytes | None = None
    """The last event of the stream, without what differs from request to request."""

    def __repr__(self) -> str:
        forms = "whole" if self.whole is not None else ""
        forms += f" {len(self.frames)} frames" if self.finished is not None else ""
        return f"<Kept {self.model} by {self.target}, {self.size_bytes} bytes, {forms.strip()}>"

    @property
    def size_bytes(self) -> int:
        """What it has to say; the memory that it takes is more."""
        return len(self.whole or b"") + len(self.finished or b"") + sum(map(len, self.frames))


@dataclass(frozen=True, slots=True)
class Selector:
    """Answers for which everything holds that is not None. The empty one means all.

    `model` is the name that was asked for, or `PROVIDER/MODEL` of who answered. With a `key`
    nothing else is set.
    """

    tenant: str | None = None
    namespace: str | None = None
    model: str | None = None
    key: bytes | None = None
