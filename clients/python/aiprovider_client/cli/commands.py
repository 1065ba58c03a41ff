"""What each command does. Each gives its exit code; failures are raised."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Coroutine
from typing import Any

from aiprovider_client.cli import analytics, cost_text, output
from aiprovider_client.cli.alerts import alerts
from aiprovider_client.cli.cache import cache
from aiprovider_client.cli.health import NO, health
from aiprovider_client.cli.requests import (
    caching_of,
    client_of,
    prompt_of,
    routing_of,
    spec_of,
)


async def complete(options: argparse.Namespace) -> int:
    async with client_of(options) as client:
        answer = await client.complete(
            options.model,
            prompt_of(options),
            system=options.system,
            spec=spec_of(options),
            routing=routing_of(options),
            cache=caching_of(options),
            idempotency_key=options.idempotency_key or "",
        )
    if options.json:
        output.print_json(answer.raw)
    else:
        output.print_answer(answer, with_route=options.route)
    return 0


async def stream(options: argparse.Namespace) -> int:
    async with (
        client_of(options) as client,
        client.stream(
            options.model,
            prompt_of(options),
            system=options.system,
            spec=spec_of(options),
            routing=routing_of(options),
            cache=caching_of(options),
            idempotency_key=options.idempotency_key or "",
            restart=options.restart,
            replay_interval_s=options.replay_interval,
        ) as spoken,
    ):
        if options.json:
            async for event in spoken:
                output.print_json_line(event)
            return 0
        async for piece in spoken.texts(restarts=True):
            output.print_piece(piece)
        output.print_piece("\n")
        output.print_rest(spoken.answer, with_route=options.route)
    return 0


async def explain(options: argparse.Namespace) -> int:
    async with client_of(options) as client:
        explanation = await client.explain(
            options.model,
            prompt_of(options),
            system=options.system,
            spec=spec_of(options),
            routing=routing_of(options),
            cache=caching_of(options),
        )
    if options.json:
        output.print_json(explanation)
    else:
        output.print_explanation(explanation)
    return 0 if any(one.eligible for one in explanation.candidates) else NO


async def count(options: argparse.Namespace) -> int:
    async with client_of(options) as client:
        counted = await client.count_tokens(
            options.model, prompt_of(options), system=options.system
        )
    if options.json:
        output.print_json(counted)
    else:
        about = "exact" if counted.exact else "estimated"
        price = cost_text.cost(counted.estimated_input_cost)
        print(f"{counted.input_tokens} tokens ({about}, {counted.tokenizer}), {price}")
    return 0


async def embed(options: argparse.Namespace) -> int:
    async with client_of(options) as client:
        vectors = await client.embed(options.model, options.inputs)
    for vector in vectors:
        print(json.dumps(vector))
    return 0


async def models(options: argparse.Namespace) -> int:
    async with client_of(options) as client:
        found = [model async for model in client.models(options.provider)]
    if options.json:
        for model in found:
            output.print_json_line(model)
    else:
        output.print_models(found)
    return 0


COMMANDS: dict[str, Callable[[argparse.Namespace], Coroutine[Any, Any, int]]] = {
    "complete": complete,
    "stream": stream,
    "explain": explain,
    "count": count,
    "embed": embed,
    "models": models,
    "health": health,
    "cache": cache,
    "usage": analytics.query,
    "costs": analytics.query,
    "performance": analytics.query,
    "errors": analytics.query,
    "overview": analytics.overview,
    "top": analytics.top,
    "alerts": alerts,
}
