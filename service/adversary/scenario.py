"""What a request is to meet: directives, from a model's name, a header, or a script.

`gpt-4o+status=429+retry-after=2` in a model's name, `status=429; retry-after=2` in the header
`x-adversary`. docs/adversary.md lists the directives.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Scenario:
    """The defaults are a well-behaved answer."""

    status: int = 0
    retry_after: str = ""
    error: str = ""
    latency: float = 0.0
    rate: float = 0.0
    tokens: int = 0
    delta: int = 0
    hang: str = ""
    stall_after: int = -1
    cut: int = -1
    cut_event: int = -1
    cut_mode: str = "fin"
    framing: str = "chunked"
    malformed: str = ""
    content_type: str = ""
    truncate_json: bool = False
    empty: bool = False
    shape: str = ""
    missing: str = ""
    duplicate: str = ""
    error_midstream: bool = False
    gzip: bool = False
    gzip_bomb: bool = False
    header_bomb: bool = False
    line_bomb: bool = False
    drip: int = 0
    first: int = 0
    finish: str = ""
    refusal: bool = False
    usage: str = ""
    unknown_fields: bool = False
    redacted_thinking: bool = False
    reasoning: bool = False
    tools: int = 0

    @classmethod
    def parse(cls, text: str) -> Scenario:
        """Raises ValueError that says what is wrong. `text` is `a=1; b` or `a=1+b`."""
        values: dict[str, Any] = {}
        for word in text.replace("+", ";").split(";"):
            name, _, value = word.strip().partition("=")
            if not name:
                continue
            field = name.replace("-", "_")
            read = _READERS.get(field)
            if read is None:
                known = ", ".join(known.replace("_", "-") for known in _READERS)
                raise ValueError(f"unknown directive {name!r}; known: {known}")
            try:
                values[field] = read(value)
            except ValueError as error:
                raise ValueError(f"directive {name!r}: {error}") from None
        return cls(**values)

    @classmethod
    def of_model(cls, model: str) -> tuple[str, Scenario]:
        """The plain name of a model, and the scenario in it."""
        name, _, text = model.partition("+")
        return name, cls.parse(text)

    def over(self, other: Scenario) -> Scenario:
        """This scenario's directives laid over another's."""
        plain = Scenario()
        said = {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if getattr(self, field.name) != getattr(plain, field.name)
        }
        return replace(other, **said)


def _seconds(text: str) -> float:
    number = text.removesuffix("ms") if text.endswith("ms") else text.removesuffix("s")
    return float(number) / 1000 if text.endswith("ms") else float(number)


def _bytes(text: str) -> int:
    for suffix, factor in (("MB", 10**6), ("KB", 10**3), ("B", 1)):
        if text.upper().endswith(suffix):
            return int(float(text[: -len(suffix)]) * factor)
    return int(text)


def _flag(text: str) -> bool:
    if text not in ("", "true", "1"):
        raise ValueError("takes no value")
    return True


def _one_of(*allowed: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in allowed:
            raise ValueError(f"must be one of {', '.join(allowed)}, is {text!r}")
        return text

    return read


_ERRORS = ("content_policy", "context_overflow", "quota", "model_missing", "key_invalid", "rate")
_READERS: dict[str, Callable[[str], Any]] = {
    "status": int,
    "retry_after": str,
    "error": _one_of(*_ERRORS),
    "latency": _seconds,
    "rate": float,
    "tokens": int,
    "delta": _bytes,
    "hang": _one_of("headers", "first-token", "body"),
    "stall_after": int,
    "cut": int,
    "cut_event": int,
    "cut_mode": _one_of("fin", "rst"),
    "framing": _one_of("chunked", "length", "close"),
    "malformed": _one_of("sse", "json", "utf8"),
    "content_type": str,
    "truncate_json": _flag,
    "empty": _flag,
    "shape": _one_of("wrong"),
    "missing": _one_of("usage", "finish", "done"),
    "duplicate": _one_of("done", "finish"),
    "error_midstream": _flag,
    "gzip": _flag,
    "gzip_bomb": _flag,
    "header_bomb": _flag,
    "line_bomb": _flag,
    "drip": int,
    "first": int,
    "finish": str,
    "refusal": _flag,
    "usage": _one_of("rich", "priced"),
    "unknown_fields": _flag,
    "redacted_thinking": _flag,
    "reasoning": _flag,
    "tools": int,
}
