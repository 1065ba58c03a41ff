"""`python -m service alerts`: prints the alert rules in force for Prometheus."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from service.alerts.prometheus import KEEPS_FIRING_SINCE, rules_file
from service.config import ConfigurationError, Settings, load
from service.config.alert_values import rules

_REFUSED = 2


def main(argv: Sequence[str]) -> int:
    """Exit code 0, or 2 for a configuration that is refused."""
    argparse.ArgumentParser(
        prog="python -m service alerts",
        description="Prints the alert rules in force as a rules file for Prometheus.",
        epilog=f"For Prometheus {KEEPS_FIRING_SINCE} or newer. See docs/alerts.md.",
    ).parse_args(argv)
    try:
        settings = load().settings
    except ConfigurationError as error:
        sys.stderr.write(f"{error}\n")
        return _REFUSED
    sys.stdout.write(text(settings, "Written by `python -m service alerts`."))
    return 0


def text(settings: Settings, note: str) -> str:
    """The whole file."""
    alerts = settings.alerts
    return rules_file(rules(alerts.active_rules), alerts.interval_s, note)
