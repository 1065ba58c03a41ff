"""Removes credentials from text before it leaves the process.

Exact values that the configuration knows are the rule; the shapes of well-known keys are the net.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

import orjson

MASK = "********"
_SECRET_MIN_CHARS = 6
_SHAPES = re.compile(
    r"(?:sk|rk|pk)-[A-Za-z0-9_\-]{8,}|AIza[A-Za-z0-9_\-]{20,}|(?i:bearer)\s+[A-Za-z0-9._~+/\-]{6,}=*"
)
_HINTS = ("sk-", "rk-", "pk-", "aiza", "bearer")
"""One of these, in lower case, is in whatever has one of the shapes."""
_PLAIN = frozenset({str, int, float, bool, type(None)})
_SECRET_FIELDS = frozenset(
    {"api_key", "authorization", "password", "secret", "token", "x-api-key", "x-goog-api-key"}
)


class Redactor:
    """`secrets` may be replaced at any time (a reload brings new keys; old ones stay masked)."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets: tuple[str, ...] = ()
        self.learn(secrets)

    def __repr__(self) -> str:
        return f"<Redactor of {len(self._secrets)} secrets>"

    def learn(self, secrets: Iterable[str]) -> None:
        """Masks these too. Very short ones would mask ordinary words and are left out."""
        told = [secret for secret in secrets if len(secret) >= _SECRET_MIN_CHARS]
        # In JSON a quote or a backslash looks different.
        escaped = [orjson.dumps(secret).decode()[1:-1] for secret in told]
        known = {*self._secrets, *told, *escaped}
        self._secrets = tuple(sorted(known, key=len, reverse=True))

    def text(self, text: str) -> str:
        for secret in self._secrets:
            if secret in text:
                text = text.replace(secret, MASK)
        lower = text.lower()
        # Nearly every text has none of these, and to know so costs a tenth of the search.
        for hint in _HINTS:
            if hint in lower:
                return _SHAPES.sub(MASK, text)
        return text

    def named(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """`fields` with every one masked that is named like a secret, at any depth.

        Their texts are left as they are.
        """
        return {
            name: MASK
            # Keys of mappings inside need not be texts.
            if str(name).lower() in _SECRET_FIELDS
            # Nearly all that is logged is plain, and every call is.
            else (value if type(value) in _PLAIN else self._inside(value))
            for name, value in fields.items()
        }

    def _inside(self, value: Any) -> Any:
        match value:
            case Mapping():
                return self.named(cast("Mapping[str, Any]", value))
            case list() | tuple():
                return [self._inside(item) for item in cast("Sequence[Any]", value)]
            case _:
                return value
