"""The words of the command line."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

_EXIT_CODES = """exit codes:
  0 answered   2 bad request or arguments   3 service unreachable or overloaded
  4 key or permission   5 unknown model   6 rate limit or quota   7 deadline
  8 providers failed, or the answer broke off   70 fault of the service   130 interrupted
"""


def parser() -> argparse.ArgumentParser:
    root = argparse.ArgumentParser(
        prog="aip",
        description="Talks to an AI Provider Service.",
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    common = _common()
    commands = root.add_subparsers(dest="command", required=True, metavar="COMMAND")
    prompting = _prompting()
    for name, about in (
        ("complete", "ask, and print the whole answer"),
        ("stream", "ask, and print the answer as it comes"),
        ("count", "count the tokens of a prompt"),
    ):
        commands.add_parser(name, help=about, parents=[common, prompting])
    embed = commands.add_parser("embed", help="turn texts into vectors", parents=[common])
    embed.add_argument("model")
    embed.add_argument("inputs", nargs="+", metavar="TEXT")
    models = commands.add_parser("models", help="list what can be asked for", parents=[common])
    models.add_argument("--provider", action="append", default=[], help="only of this provider")
    health = commands.add_parser("health", help="ask for the service's health", parents=[common])
    health.add_argument("service", nargs="?", default="readiness")
    health.add_argument("--watch", action="store_true", help="go on, and tell every change")
    return root


def _common() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    group = common.add_argument_group("connection")
    group.add_argument(
        "--server",
        default=os.environ.get("AIP_SERVER", "localhost:8005"),
        help="HOST:PORT; default: AIP_SERVER, else localhost:8005",
    )
    group.add_argument(
        "--api-key", default=os.environ.get("AIP_API_KEY", ""), help="default: AIP_API_KEY"
    )
    group.add_argument("--tls", action="store_true", help="TLS with the system's authorities")
    group.add_argument("--ca", type=Path, help="PEM of the authority to trust; turns TLS on")
    group.add_argument("--cert", type=Path, help="PEM of the client's certificate")
    group.add_argument("--key", type=Path, help="PEM of the client's key")
    group.add_argument("--timeout", type=float, default=60.0, help="seconds; default: 60")
    common.add_argument("--json", action="store_true", help="print JSON, errors too")
    return common


def _prompting() -> argparse.ArgumentParser:
    prompting = argparse.ArgumentParser(add_help=False)
    prompting.add_argument("model", help="a model, or PROVIDER/MODEL")
    prompting.add_argument("prompt", nargs="?", default="-", help="default: standard input")
    prompting.add_argument("--system", default="", help="a system message")
    prompting.add_argument("--temperature", type=float)
    prompting.add_argument("--max-tokens", type=int, help="of the answer")
    prompting.add_argument("--schema", type=Path, help="JSON schema that the answer must fit")
    prompting.add_argument("--tool", type=Path, action="append", default=[], help=_TOOL_HELP)
    prompting.add_argument("--image", type=Path, action="append", default=[])
    prompting.add_argument("--reasoning", choices=("none", "minimal", "low", "medium", "high"))
    prompting.add_argument("--provider", action="append", default=[], help="ask only this one")
    prompting.add_argument(
        "--fallback", action="append", default=[], help="a model to fall back to"
    )
    return prompting


_TOOL_HELP = 'JSON file {"name", "description", "parameters"}'
