"""Writes deploy/grafana/*.json; with `--check` only tells if they are stale."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tools.dashboards.cache import cache
from tools.dashboards.cost import cost
from tools.dashboards.errors import errors
from tools.dashboards.panels import dashboard
from tools.dashboards.performance import performance
from tools.dashboards.providers import providers

BOARDS = (performance, cost, providers, cache, errors)
ROOT = Path(__file__).resolve().parent.parent.parent
TARGET = ROOT / "deploy" / "grafana"


def documents() -> Mapping[str, str]:
    """Each file by its name."""
    return {
        f"{board.name}.json": json.dumps(dashboard(board), indent=2, ensure_ascii=False) + "\n"
        for board in (make() for make in BOARDS)
    }


def main(argv: Sequence[str]) -> int:
    """Exit code 0 when the files are fresh or were written, 1 when one is stale."""
    parser = argparse.ArgumentParser(prog="python -m tools.dashboards", description=__doc__)
    parser.add_argument("--check", action="store_true", help="do not write")
    options = parser.parse_args(argv)
    found = documents()
    if not options.check:
        TARGET.mkdir(parents=True, exist_ok=True)
        for name, text in found.items():
            (TARGET / name).write_text(text, encoding="utf-8")
        return 0
    there = {path.name: path.read_text(encoding="utf-8") for path in TARGET.glob("*.json")}
    stale = sorted(name for name in {*there, *found} if there.get(name) != found.get(name))
    for name in stale:
        print(f"deploy/grafana/{name} is stale: run `make docs`", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
