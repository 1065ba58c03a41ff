"""What the pipeline tells the edge: answers in the words of the wire, and where they came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from service.domain.cache_note import CacheNote
from service.domain.kept import Kept
from service.domain.provider import ModelRef
from service.domain.trace import Trace
from service.pipeline.routed import Begun, Missed


@dataclass(slots=True)
class Landed:
    """A whole answer, ready to be kept. `trace` is None where no provider was asked for it."""

    kept: Kept
    """Replaced by the same in more forms when somebody needs them."""
    trace: Trace | None = None
    keepable: bool = True
    """Whether it may be told to those who ask later."""


class Whole(NamedTuple):
    """A whole answer, ready to be told; `body` lacks what differs from request to request."""

    body: bytes
    target: ModelRef
    note: CacheNote
    trace: Trace | None
    saved_nano_usd: int | None = None
    """What the provider would have charged; None if it was asked, or if that is not known."""
    saved_s: float = 0.0
    """How long it would have worked."""


class Spoken(NamedTuple):
    """One delta of a stream, without its number."""

    frame: bytes


class Finished(NamedTuple):
    """The last event of a stream; `body` lacks what differs from request to request."""

    body: bytes
    target: ModelRef
    trace: Trace | None
    saved_nano_usd: int | None = None
    saved_s: float = 0.0


StreamPiece: TypeAlias = CacheNote | Begun | Missed | Spoken | Finished
"""A CacheNote comes before Begun; where a later one comes, it holds."""
