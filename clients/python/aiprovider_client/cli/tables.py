"""Columns of text, and how a value stands in one."""

from __future__ import annotations

from collections.abc import Sequence

from aiprovider.v1 import routing_pb2
from google.protobuf import duration_pb2, timestamp_pb2

NOTHING = "-"
NOBODY = "none"
"""A group without a name: what nobody answered has no provider. The page says it so, too."""
Column = tuple[str, Sequence[str]]
"""A heading, and a cell for each line. `>heading` stands above numbers, set to the right."""

_NANO = 1_000_000_000
_KIBI = 1024
_LONG_S = 600


def table(*columns: Column) -> str:
    """A column of empty cells is left out."""
    told = [_set(heading, cells) for heading, cells in columns if any(cells)]
    return "\n".join("  ".join(line).rstrip() for line in zip(*told, strict=True))


def _set(heading: str, cells: Sequence[str]) -> list[str]:
    lines = [heading.removeprefix(">"), *map(_plain, cells)]
    width = max(map(len, lines))
    if heading.startswith(">"):
        return [line.rjust(width) for line in lines]
    return [line.ljust(width) for line in lines]


def _plain(cell: str) -> str:
    """Callers choose names: one that commands a terminal is shown as Python writes it."""
    if cell.isprintable():
        return cell
    return "".join(one if one.isprintable() else repr(one)[1:-1] for one in cell)


def place(target: routing_pb2.ModelRef) -> str:
    """`provider/model`, `provider@deployment/model`; without a model the provider alone."""
    deployment = f"@{target.deployment}" if target.deployment else ""
    model = f"/{target.model}" if target.model else ""
    return f"{target.provider}{deployment}{model}"


def span(span_s: float) -> str:
    if span_s < 1:
        return f"{span_s * 1000:.0f} ms"
    if span_s < _LONG_S:
        return f"{span_s:.2f} s" if span_s < 10 else f"{span_s:.0f} s"
    return f"{span_s / 60:.0f} min" if span_s < 2 * 3600 else f"{span_s / 3600:.1f} h"


def duration(value: duration_pb2.Duration) -> str:
    """0 is how the contract says that nothing is known."""
    return span(seconds(value)) if seconds(value) else NOTHING


def seconds(value: duration_pb2.Duration) -> float:
    return value.seconds + value.nanos / _NANO


def size(size_bytes: int) -> str:
    value = float(size_bytes)
    if value < _KIBI:
        return f"{size_bytes} B"
    for unit in ("KiB", "MiB"):
        value /= _KIBI
        if value < _KIBI:
            return f"{value:.1f} {unit}"
    return f"{value / _KIBI:.1f} GiB"


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
