"""`python -m service config`: prints the configuration in force, or checks it."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from service.config.loading import load
from service.config.origins import ConfigurationError
from service.config.report import describe, describe_json, looked_for, summary

_REFUSED = 2


def main(argv: Sequence[str]) -> int:
    """Exit code 0 for a valid configuration, 2 for one that is refused."""
    parser = argparse.ArgumentParser(
        prog="python -m service config",
        description="Prints every setting in force and where it comes from, secrets masked.",
        epilog="Exit code: 0 valid, 2 refused. See docs/configuration.md.",
    )
    parser.add_argument("--check", action="store_true", help="only tell whether it is valid")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(argv)
    try:
        loaded = load()
    except ConfigurationError as error:
        return _refuse(error, as_json=options.json)
    if options.json:
        text = describe_json(loaded) if not options.check else json.dumps({"problems": []})
    else:
        text = summary(loaded) if options.check else describe(loaded)
        _tell(*(f"warning: {warning}" for warning in loaded.warnings))
    if not options.json and not loaded.settings.active_providers:
        _tell("warning: no provider is enabled", looked_for(loaded))
    sys.stdout.write(f"{text}\n")
    return 0


def _refuse(error: ConfigurationError, *, as_json: bool) -> int:
    if as_json:
        keys = ("source", "field", "message", "hint")
        problems = [{key: getattr(problem, key) for key in keys} for problem in error.problems]
        sys.stdout.write(json.dumps({"problems": problems}, indent=2) + "\n")
    else:
        _tell(str(error))
    return _REFUSED


def _tell(*lines: str) -> None:
    sys.stderr.writelines(f"{line}\n" for line in lines)
