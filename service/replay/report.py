"""A replay in words, and as JSON."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, NamedTuple

import orjson

from service.domain.estimation import Comparison, Interval
from service.domain.replay import Replay
from service.replay.reading import Reading


class _Row(NamedTuple):
    """How a measure is told: its words, the factor to their unit, the digits after the point."""

    words: str
    factor: float
    digits: int


_ROWS = {
    "success": _Row("success, %", 100.0, 2),
    "cancelled": _Row("cancelled, %", 100.0, 2),
    "time_s": _Row("time of a success, ms", 1e3, 1),
    "cost_nano_usd": _Row("expected cost, USD/1000", 1e-6, 4),
}


def replay_text(replay: Replay, reading: Reading) -> str:
    policies = ", ".join(f"{name.value} ({n:,})" for name, n in replay.policies.most_common())
    period = f"{_time(replay.first_s)} to {_time(replay.last_s)} UTC"
    lines = [f"{replay.count:,} decisions, {period}, made by {policies}"]
    if reading.left_out:
        lines.append(reading.left_out)
    if replay.diverted_count:
        lines.append(
            f"{replay.diverted_count:,} first attempts went elsewhere: no room at the pick"
        )
    lines += ["", *_table(replay), "", _weights(replay)]
    lines += (f"WARNING: {warning}" for warning in replay.warnings)
    return "\n".join(lines)


def replay_json(replay: Replay, reading: Reading) -> str:
    fields: dict[str, Any] = {
        "policy": {**asdict(replay.policy), "name": replay.policy.name.value},
        "decisions": replay.count,
        "logged_policies": {name.value: n for name, n in replay.policies.items()},
        "first_time": replay.first_s,
        "last_time": replay.last_s,
        "diverted_decisions": replay.diverted_count,
        "damaged_lines": reading.damaged_count,
        "lines_of_other_versions": reading.other_version_count,
        "measures": {name: _fields(found) for name, found in replay.comparisons.items()},
        "effective_sample_size": replay.effective_size,
        "weight_most": replay.weight_most,
        "weight_max": replay.weight_max,
        "clipped_weights": replay.clipped_count,
        "unseen_share": replay.unseen,
        "warnings": replay.warnings,
    }
    return orjson.dumps(fields, option=orjson.OPT_INDENT_2).decode()


def _table(replay: Replay) -> list[str]:
    rows = [("first attempts", "logged", replay.policy.name.value, "difference")]
    for name, comparison in replay.comparisons.items():
        row = _ROWS[name]
        if comparison is None:
            rows.append((row.words, "-", "-", "-"))
            continue
        plain, weighted = _interval(comparison.plain, row), _interval(comparison.weighted, row)
        rows.append((row.words, plain, weighted, _interval(comparison.difference, row, "+")))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _weights(replay: Replay) -> str:
    clipped = f"{replay.clipped_count:,} above" if replay.clipped_count else "none above"
    return (
        f"95 % intervals; effective sample size {replay.effective_size:,.0f};"
        f" largest weight {replay.weight_most:.3g}, {clipped} the limit of {replay.weight_max:g}"
    )


def _interval(interval: Interval, row: _Row, sign: str = "") -> str:
    mean, low, high = (f"{v * row.factor:{sign}.{row.digits}f}" for v in interval)
    return f"{mean} [{low}, {high}]"


def _fields(comparison: Comparison | None) -> dict[str, Any] | None:
    if comparison is None:
        return None
    return {
        "decisions": comparison.sample_count,
        "logged": comparison.plain._asdict(),
        "policy": comparison.weighted._asdict(),
        "difference": comparison.difference._asdict(),
    }


def _time(time_s: float) -> str:
    return datetime.fromtimestamp(time_s, UTC).strftime("%Y-%m-%d %H:%M:%S")
