"""How much memory an answer takes: the sum of what all its parts take, none of them shared."""

from __future__ import annotations

from dataclasses import fields
from sys import getsizeof

from service.domain.kept import Kept
from service.domain.provider import ModelRef

_SLOT_BYTES = 8
_ROUNDING_BYTES = 8
"""Memory is handed out in steps of 16 bytes: so much is lost on average."""
_BYTES_BYTES = getsizeof(b"") + _ROUNDING_BYTES
_OBJECT_BYTES = 16 + 16
"""Before its slots, with the collector's part."""
_NUMBERS_BYTES = 4 * 32 + 48
"""Three moments and the cost; the generation is longer. Each is an object."""
_FIXED_BYTES = (
    2 * _OBJECT_BYTES
    + _SLOT_BYTES * (len(fields(Kept)) + len(fields(ModelRef)))
    + _NUMBERS_BYTES
    + getsizeof(())
)


def kept_bytes(kept: Kept) -> int:
    """In bytes, without its key and what the cache needs to find it."""
    target = kept.target
    texts = (
        getsizeof(kept.tenant)
        + getsizeof(kept.namespace)
        + getsizeof(kept.model)
        + getsizeof(target.provider)
        + getsizeof(target.model)
        + getsizeof(target.deployment)
        + 6 * _ROUNDING_BYTES
    )
    frame_count = len(kept.frames)
    pieces = frame_count + 1 + (kept.whole is not None) + (kept.finished is not None)
    return (
        _FIXED_BYTES
        + texts
        + _BYTES_BYTES * pieces
        + len(kept.content)
        + _SLOT_BYTES * frame_count
        + kept.size_bytes
    )
