"""`python -m service COMMAND`: serve, probe, config, alerts, replay and more. Only arguments."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from importlib import import_module

# Imported when asked for: a probe must not pay for a server.
_COMMANDS = {
    "serve": ("service.serve", "serve the gRPC service (the default)"),
    "probe": ("service.probe", "ask a server for its health; for health checks of containers"),
    "config": ("service.config.command", "print or check the effective configuration"),
    "alerts": ("service.alert_rules", "print the alert rules in force for Prometheus"),
    "replay": ("service.replay", "tell from a decision log what another policy would have given"),
    "demo-providers": ("service.adversary", "run the adversary providers on loopback"),
}


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m service", epilog="Each command has its own --help."
    )
    commands = parser.add_subparsers(metavar="COMMAND")
    for name, (_, about) in _COMMANDS.items():
        commands.add_parser(name, help=about, add_help=False)
    name = argv[0] if argv else "serve"
    if name not in _COMMANDS:
        parser.parse_args(argv)
        return 2
    run: Callable[[Sequence[str]], int] = import_module(_COMMANDS[name][0]).main
    return run(argv[1:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
