"""The words of the command line."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aiprovider_client.alerts import ALERT_STATES, SEVERITIES
from aiprovider_client.caching import CACHE_MODES, IDEMPOTENCY_KEY_MAX_CHARS
from aiprovider_client.cli import moments
from aiprovider_client.inquiry import DIMENSIONS, ORDERS
from aiprovider_client.routing import OBJECTIVES

_EXIT_CODES = """exit codes:
  0 answered   2 bad request or arguments   3 service unreachable or overloaded
  4 key or permission   5 unknown model   6 rate limit or quota   7 deadline
  8 providers failed, or the answer broke off   70 fault of the service   130 interrupted
  1 the answer is no: health, when the service is not serving or no provider can;
    explain, when nobody would be asked; --cache only_if_cached, when there is no answer
"""
_TOOL_HELP = 'JSON file {"name", "description", "parameters"}'
_HEALTH_HELP = """Without SERVICE: the service's own health, by the standard protocol, and below it
the providers'. With SERVICE, such as readiness or liveness: only that, and no key is needed."""


def parser() -> argparse.ArgumentParser:
    root = argparse.ArgumentParser(
        prog="aip",
        description="Talks to an AI Provider Service.",
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    common = _common()
    commands = root.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, about: str, *parents: argparse.ArgumentParser) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=about, description=about, parents=[common, *parents])

    asking, routing, hedging, caching = _asking(), _routing(), _hedging(), _caching()
    once = _once()
    prompt = _prompt("-", "default: standard input")
    whole = (prompt, asking, routing, hedging, caching, once)
    add("complete", "ask, and print the whole answer", *whole)
    stream = add("stream", "ask, and print the answer as it comes", *whole)
    stream.add_argument("--replay-interval", type=float, metavar="SECONDS", help=_REPLAY_HELP)
    stream.add_argument("--restart", action="store_true", help=_RESTART_HELP)
    explain = _prompt("Hello.", "default: a short one; - is standard input")
    add("explain", "tell who would be asked, and why; nobody is", explain, asking, routing, caching)
    add("count", "count the tokens of a prompt", prompt, asking)
    embed = add("embed", "turn texts into vectors")
    embed.add_argument("model")
    embed.add_argument("inputs", nargs="+", metavar="TEXT")
    models = add("models", "list what can be asked for")
    models.add_argument("--provider", action="append", default=[], help="only of this provider")
    _health(add("health", "ask how the service and its providers do"))
    _cache(commands)
    _analytics(add)
    return root


def _analytics(add: Any) -> None:
    query = (_format(), _which(), _grouping())
    add("usage", "requests, tokens, cost and latency, over time and by anything", *query)
    add("costs", "what requests cost, part by part, and what was saved", *query)
    add("performance", "how long requests took, and where the time went", *query)
    add("errors", "what failed, whose fault it was, what failover made good", *query)
    add("overview", "a screenful: totals, the greatest, trend and health", _format(), _which())
    top = add("top", "what the replica that answers does, live", _format())
    top.add_argument("--interval", type=_seconds, default=2.0, metavar="SECONDS", help="default: 2")
    top.add_argument(
        "--window", type=_seconds, default=10.0, metavar="SECONDS", help="of the past; default: 10"
    )
    top.add_argument("--count", type=int, default=0, metavar="N", help="end after so many")
    alerts = add("alerts", "what is wrong by the alert rules, and what was lately", _format())
    group = alerts.add_argument_group("which alerts")

    def several(name: str, words: Sequence[str]) -> None:
        about = f"only {' or '.join(words)}; may be repeated"
        group.add_argument(name, action="append", default=[], choices=words, help=about)

    several("--state", ALERT_STATES)
    several("--severity", SEVERITIES)
    group.add_argument("--top", type=int, default=0, metavar="N", help="only the first N")


def _format() -> argparse.ArgumentParser:
    form = argparse.ArgumentParser(add_help=False)
    form.add_argument("--format", choices=("table", "csv", "json"), default="table")
    return form


def _which() -> argparse.ArgumentParser:
    which = argparse.ArgumentParser(add_help=False)
    group = which.add_argument_group("which requests")
    group.add_argument("--since", type=moments.moment_or_span, help=_SINCE_HELP)
    group.add_argument("--until", type=moments.moment_or_ago, help=_UNTIL_HELP)
    group.add_argument(
        "--filter", action="append", default=[], metavar="NAME=VALUE", help=_FILTER_HELP
    )
    group.add_argument("--top", type=int, default=0, metavar="N", help="only the N greatest")
    return which


def _grouping() -> argparse.ArgumentParser:
    grouping = argparse.ArgumentParser(add_help=False)
    group = grouping.add_argument_group("summed how")
    group.add_argument("--step", type=moments.span, help="one line for each 1m, 1h, 1d, ...")
    group.add_argument("--by", action="append", default=[], metavar="NAME[,NAME]", help=_BY_HELP)
    group.add_argument("--order", choices=ORDERS, help="what the greatest is")
    return grouping


def _cache(commands: Any) -> None:
    about = "what the answer cache did, and making its answers void"
    cache = commands.add_parser("cache", help=about, description=about)
    deeds = cache.add_subparsers(dest="deed", required=True, metavar="DEED")
    about = "tell what the cache of the replica that answers did"
    stats = deeds.add_parser("stats", help=about, description=about, parents=[_common()])
    stats.add_argument(
        "--all", action="store_true", help="for all tenants; needs the permission cache_admin"
    )
    about = "make answers void, on every replica: those for which all that is given holds"
    # Here `--key` is that of an answer.
    invalidate = deeds.add_parser(
        "invalidate", help=about, description=about, parents=[_common("--tls-key")]
    )
    group = invalidate.add_argument_group("which answers")
    group.add_argument("--tenant", help="of this tenant")
    group.add_argument("--namespace", help='in this namespace; "" is that of requests without one')
    group.add_argument("--model", help="to requests for this model, or by this PROVIDER/MODEL")
    group.add_argument("--key", dest="answer_key", help="the one under this key; stands alone")
    group.add_argument("--everything", action="store_true", help="all; stands alone")


def _health(health: argparse.ArgumentParser) -> None:
    health.description = _HEALTH_HELP
    health.add_argument("service", nargs="?")
    health.add_argument("--watch", action="store_true", help="go on, and tell every change")
    health.add_argument("--provider", action="append", default=[], help="only this provider")
    health.add_argument("--models", action="store_true", help="one line for each model")
    health.add_argument("--refresh", action="store_true", help="have the providers asked now")


def _common(*key: str) -> argparse.ArgumentParser:
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
    group.add_argument(
        *(key or ("--key", "--tls-key")), dest="key", type=Path, help="PEM of the client's key"
    )
    group.add_argument("--timeout", type=_seconds, default=60.0, help="seconds; default: 60")
    common.add_argument("--json", action="store_true", help="print JSON, errors too")
    return common


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not seconds > 0:
        raise argparse.ArgumentTypeError(f"must be a number of seconds more than 0, not {text!r}")
    return seconds


def _prompt(default: str, about: str) -> argparse.ArgumentParser:
    prompt = argparse.ArgumentParser(add_help=False)
    prompt.add_argument("model", help="a model, or PROVIDER/MODEL")
    prompt.add_argument("prompt", nargs="?", default=default, help=about)
    return prompt


def _asking() -> argparse.ArgumentParser:
    asking = argparse.ArgumentParser(add_help=False)
    asking.add_argument("--system", default="", help="a system message")
    asking.add_argument("--temperature", type=float)
    asking.add_argument("--max-tokens", type=int, help="of the answer")
    asking.add_argument("--schema", type=Path, help="JSON schema that the answer must fit")
    asking.add_argument("--tool", type=Path, action="append", default=[], help=_TOOL_HELP)
    asking.add_argument("--image", type=Path, action="append", default=[])
    asking.add_argument("--reasoning", choices=("none", "minimal", "low", "medium", "high"))
    return asking


def _routing() -> argparse.ArgumentParser:
    routing = argparse.ArgumentParser(add_help=False)
    group = routing.add_argument_group("routing")
    group.add_argument("--objective", choices=OBJECTIVES, help="what matters most")

    def several(name: str, about: str) -> None:
        group.add_argument(name, action="append", default=[], help=f"{about}; may be repeated")

    several("--provider", "ask only this one")
    several("--exclude", "never ask this provider")
    several("--region", "ask only in this region")
    several("--fallback", "a model to fall back to")
    group.add_argument(
        "--max-cost", type=float, metavar="USD", help="leave out who is expected to cost more"
    )
    return routing


def _hedging() -> argparse.ArgumentParser:
    hedging = argparse.ArgumentParser(add_help=False)
    group = hedging.add_argument_group("on the way")
    group.add_argument(
        "--hedge", action="store_true", help="ask a second one when the first is slow"
    )
    group.add_argument(
        "--hedge-after", type=float, metavar="SECONDS", help="the same, after so long"
    )
    group.add_argument("--route", action="store_true", help="tell afterwards how it was routed")
    return hedging


def _caching() -> argparse.ArgumentParser:
    caching = argparse.ArgumentParser(add_help=False)
    group = caching.add_argument_group("answer cache")
    group.add_argument("--cache", choices=CACHE_MODES, help="which directions are open")

    def seconds(name: str, about: str) -> None:
        group.add_argument(name, type=float, metavar="SECONDS", help=about)

    seconds("--cache-ttl", "how long the new answer may be kept; 0 keeps nothing")
    seconds("--max-age", "take no older answer")
    group.add_argument("--namespace", default="", help="separates answers of equal requests")
    return caching


def _once() -> argparse.ArgumentParser:
    once = argparse.ArgumentParser(add_help=False)
    once.add_argument("--idempotency-key", type=_given, metavar="KEY", help=_ONCE_HELP)
    return once


def _given(text: str) -> str:
    # An empty variable of a shell would take the protection away unnoticed.
    if not 0 < len(text) <= IDEMPOTENCY_KEY_MAX_CHARS:
        limit = IDEMPOTENCY_KEY_MAX_CHARS
        raise argparse.ArgumentTypeError(f"must have 1 to {limit} characters, has {len(text)}")
    return text


_SINCE_HELP = "24h, 7d, or a moment such as 2026-01-31T12:00Z; default: 24h"
_UNTIL_HELP = "the same; default: now"
_BY_HELP = f"some of {', '.join(DIMENSIONS)}, label:KEY"
_FILTER_HELP = "only these, by the same names as --by; may be repeated"
_ONCE_HELP = "asked again with the same key, the same answer comes, and is billed once"
_REPLAY_HELP = "pause between the pieces of an answer from the cache; at most 1"
_RESTART_HELP = "let an answer that breaks off begin again; a line [void: ...] then says so"
