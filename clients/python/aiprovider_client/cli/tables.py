"""Columns of text, and how a value stands in one."""

from __future__ import annotations

from collections.abc import Sequence

from aiprovider.v1 import routing_pb2
from google.protobuf import duration_pb2, timestamp_pb2

NOTHING = "-"
Column = tuple[str, Sequence[str]]
"""A heading, and a cell for each line. `>heading` stands above numbers, set to the right."""

_NANO = 1_000_000_000


def table(*columns: Column) -> str:
    """A column of empty cells is left out."""
    told = [_set(heading, cells) for heading, cells in columns if any(cells)]
    return "\n".join("  ".join(line).rstrip() for line in zip(*told, strict=True))


def _set(heading: str, cells: Sequence[str]) -> list[str]:
    lines = [heading.removeprefix(">"), *cells]
    width = max(map(len, lines))
    if heading.startswith(">"):
        return [line.rjust(width) for line in lines]
    return [line.ljust(width) for line in lines]


def place(target: routing_pb2.ModelRef) -> str:
    """`provider/model`, `provider@deployment/model`; without a model the provider alone."""
    deployment = f"@{target.deployment}" if target.deployment else ""
    model = f"/{target.model}" if target.model else ""
    return f"{target.provider}{deployment}{model}"


def span(seconds: float) -> str:
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.0f} s"


def duration(value: duration_pb2.Duration) -> str:
    """0 is how the contract says that nothing is known."""
    seconds = value.seconds + value.nanos / _NANO
    return span(seconds) if seconds else NOTHING


def cost(nano_usd: int) -> str:
    """0 is how the contract says that no price is known."""
    return f"${nano_usd / _NANO:.6f}" if nano_usd else NOTHING


def part(ratio: float) -> str:
    return f"{ratio * 100:.1f} %"


def load(in_flight: int, limit: int) -> str:
    return f"{in_flight}/{limit}" if limit else str(in_flight)


def epoch_s(moment: timestamp_pb2.Timestamp) -> float:
    return moment.seconds + moment.nanos / _NANO


def words(name: str) -> str:
    """`CIRCUIT_OPEN` as a person says it."""
    return name.lower().replace("_", " ")
