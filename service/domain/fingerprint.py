"""Keys of answers: SHA-256 over everything that decides an answer, each piece with its length.

Equal keys mean equal questions of one tenant, to whoever may answer them. A key is the same in
every process and on every replica.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

KEY_BYTES = 32
_ANSWER = b"aip answer 1"
_REPEAT = b"aip repeat 1"
_ANSWERING = b"aip answering 1"


def answer_key(scope: bytes, content: bytes) -> bytes:
    """`scope` is what `answer_scope` gives; `content` is the spec, in the words of the wire."""
    return hashlib.sha256(scope + content).digest()


def answer_scope(tenant: str, namespace: str, answering: bytes) -> bytes:
    """All of a key but the spec. `answering` says who may answer, and on which terms."""
    # Of a fixed length: what follows cannot be taken for a part of it.
    return _digest((_ANSWER, tenant.encode(), namespace.encode(), answering))


def repeat_key(tenant: str, idempotency_key: str) -> bytes:
    """Under which the answer to an idempotency key is kept."""
    return _digest((_REPEAT, tenant.encode(), idempotency_key.encode()))


def answering(policy: str, members: Iterable[tuple[str, ...]]) -> bytes:
    """Who may answer: each one as the texts that tell it, and its terms, from others."""
    told = sorted(_joined(text.encode() for text in member) for member in members)
    return _digest((_ANSWERING, policy.encode(), *told))


def _digest(pieces: Iterable[bytes]) -> bytes:
    return hashlib.sha256(_joined(pieces)).digest()


def _joined(pieces: Iterable[bytes]) -> bytes:
    # With the lengths, no two different lists of pieces look the same.
    return b"".join(len(piece).to_bytes(4, "big") + piece for piece in pieces)
