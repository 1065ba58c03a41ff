"""What each command does."""

from __future__ import annotations

import argparse
import json
import mimetypes
import sys
from collections.abc import Callable, Coroutine
from typing import Any, cast

from aiprovider.v1 import completion_service_pb2 as pb
from aiprovider.v1 import content_pb2, routing_pb2

from aiprovider_client.channel import Tls
from aiprovider_client.cli import output
from aiprovider_client.client import Client


async def complete(options: argparse.Namespace) -> None:
    async with _client(options) as client:
        answer = await client.complete(
            options.model,
            _prompt(options),
            system=options.system,
            spec=_spec(options),
            routing=_routing(options),
        )
    if options.json:
        output.print_json(answer.raw)
    else:
        output.print_answer(answer)


async def stream(options: argparse.Namespace) -> None:
    async with (
        _client(options) as client,
        client.stream(
            options.model,
            _prompt(options),
            system=options.system,
            spec=_spec(options),
            routing=_routing(options),
        ) as spoken,
    ):
        if options.json:
            async for event in spoken:
                output.print_json_line(event)
            return
        async for text in spoken.texts():
            sys.stdout.write(text)
            sys.stdout.flush()
        sys.stdout.write("\n")
        output.print_rest(spoken.answer)


async def count(options: argparse.Namespace) -> None:
    async with _client(options) as client:
        counted = await client.count_tokens(options.model, _prompt(options), system=options.system)
    if options.json:
        output.print_json(counted)
    else:
        about = "exact" if counted.exact else "estimated"
        print(f"{counted.input_tokens} tokens ({about}, {counted.tokenizer})")


async def embed(options: argparse.Namespace) -> None:
    async with _client(options) as client:
        vectors = await client.embed(options.model, options.inputs)
    for vector in vectors:
        print(json.dumps(vector))


async def models(options: argparse.Namespace) -> None:
    async with _client(options) as client:
        found = [model async for model in client.models(options.provider)]
    if options.json:
        for model in found:
            output.print_json_line(model)
    else:
        output.print_models(found)


async def health(options: argparse.Namespace) -> None:
    async with _client(options) as client:
        if options.watch:
            async for status in client.watch_health(options.service):
                output.print_health(options.service, status, as_json=options.json)
            return
        status = await client.health(options.service, timeout_s=options.timeout)
    output.print_health(options.service, status, as_json=options.json)


COMMANDS: dict[str, Callable[[argparse.Namespace], Coroutine[Any, Any, None]]] = {
    "complete": complete,
    "stream": stream,
    "count": count,
    "embed": embed,
    "models": models,
    "health": health,
}


def _client(options: argparse.Namespace) -> Client:
    tls = None
    if options.tls or options.ca or options.cert:
        tls = Tls(options.ca, options.cert, options.key)
    return Client(options.server, api_key=options.api_key, tls=tls, timeout_s=options.timeout)


def _prompt(options: argparse.Namespace) -> list[content_pb2.Message]:
    text = sys.stdin.read() if options.prompt == "-" else options.prompt
    parts = [content_pb2.Part(text=text)]
    for path in options.image:
        mime_type = mimetypes.guess_type(path.name)[0] or "image/png"
        blob = content_pb2.Blob(mime_type=mime_type, data=path.read_bytes(), filename=path.name)
        parts.append(content_pb2.Part(blob=blob))
    return [content_pb2.Message(role=content_pb2.ROLE_USER, parts=parts)]


def _spec(options: argparse.Namespace) -> pb.CompletionSpec:
    spec = pb.CompletionSpec()
    if options.temperature is not None:
        spec.sampling.temperature = options.temperature
    if options.max_tokens is not None:
        spec.sampling.max_output_tokens = options.max_tokens
    if options.schema is not None:
        spec.output_format.json_schema.schema_json = options.schema.read_text()
    if options.reasoning is not None:
        effort = f"EFFORT_{options.reasoning.upper()}"
        spec.reasoning.effort = cast("Any", pb.ReasoningParams.Effort.Value(effort))
    for path in options.tool:
        told = json.loads(path.read_text())
        spec.tools.add().function.MergeFrom(
            content_pb2.FunctionTool(
                name=told["name"],
                description=told.get("description", ""),
                parameters_json_schema=json.dumps(told.get("parameters", {})),
            )
        )
    return spec


def _routing(options: argparse.Namespace) -> routing_pb2.RoutingPolicy:
    return routing_pb2.RoutingPolicy(providers=options.provider, fallback_models=options.fallback)
