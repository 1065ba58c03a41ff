"""Where a value came from, and what is wrong with it. Never holds the value itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

KeyPath: TypeAlias = tuple[str, ...]
"""The keys that lead to a value; the place in a list is a key in decimal."""


class OriginKind(Enum):
    """The kinds of sources, the strongest first."""

    ENVIRONMENT = "environment"
    SECRET = "secret"  # noqa: S105 - the name of a source
    FILE = "file"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Origin:
    """One place where values are written. `line` counts from 1; 0 means not in a file."""

    kind: OriginKind
    name: str = ""
    line: int = 0

    def __str__(self) -> str:
        match self.kind:
            case OriginKind.FILE:
                return f"{self.name}:{self.line}" if self.line else self.name
            case OriginKind.DEFAULT:
                return "default"
            case _:
                return f"{self.kind.value} {self.name}"


DEFAULT = Origin(OriginKind.DEFAULT)


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake. `field` is a dotted path, empty when the source as a whole is at fault."""

    source: str
    field: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        parts = (self.source, self.field, self.message)
        text = ": ".join(part for part in parts if part)
        return f"{text}; {self.hint}" if self.hint else text


class ConfigurationError(Exception):
    """The configuration cannot be used. Tells every mistake, one on each line."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(dict.fromkeys(problems), key=_place))
        super().__init__("\n".join(str(problem) for problem in self.problems))


def _place(problem: Problem) -> tuple[str, int]:
    name, *line = problem.source.split(":", 2)
    return name, int(line[0]) if line and line[0].isdecimal() else 0


def dotted(path: KeyPath) -> str:
    """`auth.keys[0].caller` for `("auth", "keys", "0", "caller")`."""
    text = ""
    for key in path:
        if key.isdecimal() and text:
            text += f"[{key}]"
        else:
            text += f".{key}" if text else key
    return text
