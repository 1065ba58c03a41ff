"""Writes deploy/prometheus/rules.yml from the alert rules of deploy/config/ai-provider.yml; with
`--check` only tells if it is stale.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from service.alert_rules import text  # noqa: E402 - found through the line above
from service.config import load  # noqa: E402

SOURCE = ROOT / "deploy" / "config"
TARGET = ROOT / "deploy" / "prometheus" / "rules.yml"
_NOTE = """\
Written by tools/alert_rules.py from deploy/config/ai-provider.yml. Do not edit: run that.
Rules of your own configuration: python -m service alerts. What differs: docs/alerts.md."""


def document() -> str:
    """The whole file; no variable of the environment is heeded."""
    loaded = load({}, directory=SOURCE, secrets_dir=SOURCE / "no-secrets")
    return text(loaded.settings, _NOTE)


def main(argv: Sequence[str]) -> int:
    """Exit code 0 when the file is fresh or was written, 1 when it is stale."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="do not write")
    options = parser.parse_args(argv)
    found = document()
    if not options.check:
        TARGET.parent.mkdir(exist_ok=True)
        TARGET.write_text(found, encoding="utf-8")
    elif not TARGET.exists() or TARGET.read_text(encoding="utf-8") != found:
        print(f"{TARGET.relative_to(ROOT)} is stale: run tools/alert_rules.py", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
