"""What is printed: answers on standard output, all else on standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from time import time
from typing import Any

from aiprovider.v1 import (
    admin_service_pb2,
    analytics_service_pb2,
    health_service_pb2,
    model_service_pb2,
)
from aiprovider.v1 import completion_service_pb2 as pb
from google.protobuf import json_format

from aiprovider_client.answers import Answer
from aiprovider_client.cli import cache_text, cost_text, providers, routes
from aiprovider_client.cli.tables import place
from aiprovider_client.streams import Restarted


def note(text: str) -> None:
    sys.stderr.write(text + "\n")


def print_json(message: Any) -> None:
    print(json_format.MessageToJson(message))


def print_json_line(message: Any) -> None:
    print(json.dumps(json_format.MessageToDict(message)), flush=True)


def print_answer(answer: Answer, *, with_route: bool) -> None:
    if answer.text:
        print(answer.text)
    print_rest(answer, with_route=with_route)


def print_piece(piece: str | Restarted) -> None:
    """A piece of a stream. What is printed cannot be taken back, so that it is void is printed."""
    if isinstance(piece, Restarted):
        piece = f"\n[void: it broke off, and begins again from {place(piece.served_by)}]\n"
    sys.stdout.write(piece)
    sys.stdout.flush()


def print_rest(answer: Answer, *, with_route: bool) -> None:
    """What is not text, and on standard error how the answer came to be."""
    if answer.refusal:
        print(f"[refused] {answer.refusal}")
    for call in answer.tool_calls:
        print(f"[tool call] {call.name}({call.arguments_json}) id={call.id}")
    sys.stdout.flush()
    usage = answer.usage
    about = " (estimated)" if usage.estimated else ""
    took_ms = answer.raw.timing.total_duration.ToMicroseconds() / 1000
    note(
        f"{place(answer.served_by)}: {answer.finish_reason.lower()},"
        f" {usage.input_tokens} + {usage.output_tokens} tokens{about}, {took_ms:.1f} ms,"
        f" {cost_text.cost(answer.raw.cost)}"
    )
    if origin := cache_text.origin(answer.cache):
        note(origin)
    unanswered = routes.unanswered(answer.route.attempts)
    if unanswered and not with_route:
        note("without answer: " + "; ".join(routes.attempt(one) for one in unanswered))
    if answer.raw.dropped_parameters:
        note("left out: " + ", ".join(answer.raw.dropped_parameters))
    if with_route:
        note(routes.routed(answer.route, time()))


def print_explanation(explanation: pb.ExplainRouteResponse) -> None:
    print(routes.explained(explanation, time()))


def print_cache_stats(stats: analytics_service_pb2.GetCacheStatsResponse) -> None:
    print(cache_text.stats(stats))


def print_invalidated(done: admin_service_pb2.InvalidateCacheResponse) -> None:
    print(cache_text.invalidated(done))


def print_health(service: str, status: str, *, as_json: bool) -> None:
    text = json.dumps({"service": service, "status": status}) if as_json else f"{service}: {status}"
    print(text, flush=True)


def print_providers(checked: health_service_pb2.CheckProvidersResponse) -> None:
    print(providers.checked(checked, time()))


def print_provider(changed: health_service_pb2.ProviderHealth, *, as_json: bool) -> None:
    if as_json:
        print_json_line(changed)
    else:
        print(providers.changed(changed, time()), flush=True)


def print_models(models: Sequence[model_service_pb2.Model]) -> None:
    width = max((len(model.name) for model in models), default=0)
    prices = [cost_text.prices(m.price) if m.HasField("price") else "" for m in models]
    price_width = max(map(len, prices), default=0)
    for model, price in zip(models, prices, strict=True):
        providers = ", ".join(dict.fromkeys(target.provider for target in model.targets))
        window = f"{model.context_window_tokens:>10,}" if model.context_window_tokens else " " * 10
        about = f"{providers}  {' '.join(model.capabilities)}"
        print(f"{model.name:<{width}}  {window}  {price:>{price_width}}  {about}")
    note(f"{len(models)} models; prices are of a million tokens in and out")
