"""`python -m service replay`: arguments, and what the exit code says."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path

from service.domain.replay import WEIGHT_MAX, replay
from service.domain.scoring import POLICIES, Policy, PolicyName
from service.replay.checking import Check
from service.replay.reading import Reading, Wanted
from service.replay.report import replay_json, replay_text

_REFUSED = 2
_NUMBERS = tuple(f.name for f in fields(Policy) if f.name != "name")


def main(argv: Sequence[str]) -> int:
    """0; 1 when --check finds a difference; 2 when there is nothing to compute from."""
    parser = _parser()
    options = parser.parse_args(argv)
    if options.numbers and options.check:
        parser.error("--set goes with --policy")
    wanted = Wanted(options.model, options.tenant, options.since, options.until)
    reading = Reading(options.logs, wanted)
    try:
        return _check(reading, options) if options.check else _replay(reading, options)
    except OSError as error:
        return _refuse(f"cannot read {error.filename}: {error.strerror}")


def _replay(reading: Reading, options: argparse.Namespace) -> int:
    policy = replace(POLICIES[PolicyName(options.policy)], **dict(options.numbers))
    found = replay(reading, policy, options.clip)
    if not reading.count:
        return _refuse(reading.emptiness)
    _say(replay_json(found, reading) if options.json else replay_text(found, reading))
    return 0


def _check(reading: Reading, options: argparse.Namespace) -> int:
    check = Check(reading)
    if not reading.count:
        return _refuse(reading.emptiness)
    _say(check.json() if options.json else check.text())
    return check.exit_code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m service replay",
        description="Estimates from decision logs what another policy would have given, with 95 %"
        " confidence intervals; or checks that the logged decisions can be computed again.",
        epilog="Exit code: 0; 1 when --check finds a difference; 2 when there is nothing to compute"
        " from. See docs/operations.md.",
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--policy", choices=[name.value for name in PolicyName])
    what.add_argument("--check", action="store_true", help="compute every decision again")
    parser.add_argument(
        "--set",
        action="append",
        type=_number,
        default=[],
        metavar="NAME=NUMBER",
        dest="numbers",
        help=f"change a number of the policy: {', '.join(_NUMBERS)}",
    )
    parser.add_argument("--model", default="*", help="only what was asked of this name, or pattern")
    parser.add_argument("--tenant", help="only this tenant's")
    parser.add_argument("--since", type=_time, help="only from this time on: ISO 8601, else UTC")
    parser.add_argument("--until", type=_time, help="only before this time")
    parser.add_argument(
        "--clip",
        type=_weight,
        default=WEIGHT_MAX,
        metavar="WEIGHT",
        help="no request stands for more than so many; default: %(default)g",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("logs", nargs="+", type=Path, metavar="LOG")
    return parser


def _number(text: str) -> tuple[str, float]:
    name, _, said = text.partition("=")
    if name not in _NUMBERS:
        raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(_NUMBERS)}")
    value = float(said)
    if not 0.0 <= value < math.inf or (name == "temperature" and not value):
        raise argparse.ArgumentTypeError(f"{name} cannot be {said}")
    return name, value


def _weight(text: str) -> float:
    weight = float(text)
    if not weight > 0.0:
        raise argparse.ArgumentTypeError("a weight is above 0")
    return weight


def _time(text: str) -> float:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        message = f"{text!r} is no time such as 2026-01-31T09:30"
        raise argparse.ArgumentTypeError(message) from None
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def _refuse(why: str) -> int:
    sys.stderr.write(f"{why}\n")
    return _REFUSED
