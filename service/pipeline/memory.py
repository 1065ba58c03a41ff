"""What earlier requests tell of the next one: how long answers are, and who knows a conversation.

Guesses for routing only. Bounded, and nothing of a prompt is kept but a hash.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict

from service.domain.completion import CompletionSpec, Role, Text
from service.domain.provider import ModelRef

TYPICAL_TOKENS = 256
_WEIGHT = 0.1
_NAMES_MAX = 4096
_CONVERSATIONS_MAX = 10_000
CONVERSATION_TTL_S = 300.0
"""How long providers keep a prompt in their caches, at least."""
CACHED_TOKENS_MIN = 1024
"""Shorter prompts are in no provider's cache."""


class Lengths:
    """Output tokens of late, by the name that was asked for: an EWMA over answers."""

    def __init__(self) -> None:
        self._tokens: dict[str, float] = {}

    def expected(self, model: str, output_tokens_max: int | None) -> int:
        tokens = self._tokens.get(model, TYPICAL_TOKENS)
        return int(tokens if output_tokens_max is None else min(tokens, output_tokens_max))

    def observe(self, model: str, output_tokens: int) -> None:
        known = self._tokens.get(model)
        if known is None:
            if len(self._tokens) >= _NAMES_MAX:
                self._tokens.clear()
            known = float(output_tokens)
        self._tokens[model] = known + _WEIGHT * (output_tokens - known)


class Conversations:
    """Who answered a conversation last, and how long its prompt was then."""

    def __init__(self) -> None:
        self._known: OrderedDict[bytes, tuple[ModelRef, int, float]] = OrderedDict()

    def __repr__(self) -> str:
        return f"<Conversations {len(self._known)}>"

    def find(self, key: bytes, now: float) -> tuple[ModelRef, int] | None:
        """Who, and the tokens of the prompt; None if nobody of late."""
        found = self._known.get(key)
        if found is None or now - found[2] > CONVERSATION_TTL_S:
            return None
        return found[0], found[1]

    def remember(self, key: bytes, target: ModelRef, prompt_tokens: int, now: float) -> None:
        self._known[key] = (target, prompt_tokens, now)
        self._known.move_to_end(key)
        if len(self._known) > _CONVERSATIONS_MAX:
            self._known.popitem(last=False)


def conversation_key(spec: CompletionSpec, tenant: str) -> bytes:
    """Equal for the turns of one conversation: its instructions and its first user message."""
    digest = hashlib.blake2b(digest_size=16)
    digest.update(f"{tenant}\0{spec.model}\0".encode())
    for message in spec.messages:
        digest.update(message.role.value.encode())
        for part in message.parts:
            if isinstance(part, Text):
                digest.update(part.text.encode())
        if message.role is Role.USER:
            break
    return digest.digest()
