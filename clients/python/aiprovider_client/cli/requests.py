"""What was typed, as what the client is asked."""

from __future__ import annotations

import argparse
import json
import mimetypes
import sys
from typing import Any, cast

from aiprovider.v1 import completion_service_pb2 as pb
from aiprovider.v1 import content_pb2

from aiprovider_client.caching import Caching
from aiprovider_client.channel import Tls
from aiprovider_client.client import Client
from aiprovider_client.routing import Routing


def client_of(options: argparse.Namespace) -> Client:
    tls = None
    if options.tls or options.ca or options.cert:
        tls = Tls(options.ca, options.cert, options.key)
    return Client(options.server, api_key=options.api_key, tls=tls, timeout_s=options.timeout)


def prompt_of(options: argparse.Namespace) -> list[content_pb2.Message]:
    text = sys.stdin.read() if options.prompt == "-" else options.prompt
    parts = [content_pb2.Part(text=text)]
    for path in options.image:
        mime_type = mimetypes.guess_type(path.name)[0] or "image/png"
        blob = content_pb2.Blob(mime_type=mime_type, data=path.read_bytes(), filename=path.name)
        parts.append(content_pb2.Part(blob=blob))
    return [content_pb2.Message(role=content_pb2.ROLE_USER, parts=parts)]


def spec_of(options: argparse.Namespace) -> pb.CompletionSpec:
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


def caching_of(options: argparse.Namespace) -> Caching | None:
    """None if nothing was typed."""
    wishes = Caching(
        mode=options.cache,
        ttl_s=options.cache_ttl,
        max_age_s=options.max_age,
        namespace=options.namespace,
    )
    return None if wishes == Caching() else wishes


def routing_of(options: argparse.Namespace) -> Routing:
    """`explain` takes no hedging: it asks nobody."""
    told = vars(options)
    hedge_delay_s = told.get("hedge_after")
    if hedge_delay_s is None and told.get("hedge"):
        hedge_delay_s = 0.0
    return Routing(
        objective=options.objective,
        providers=options.provider,
        exclude=options.exclude,
        regions=options.region,
        fallback=options.fallback,
        cost_max_usd=options.max_cost,
        hedge_delay_s=hedge_delay_s,
    )
