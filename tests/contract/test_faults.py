"""Every fault of the adversary, through the whole service, and its row of the error table."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import grpc.aio
import pytest
from aiprovider.v1 import completion_service_pb2 as pb

from tests.kit.serving import details, streaming, unary
from tests.kit.stack import ENGINES, MODELS, Stack, running

DEADLINE_S = 1.0
SLACK_S = 0.05
FINE = ""
INVALID = "PROVIDER_RESPONSE_INVALID"
DOWN = "PROVIDER_UNAVAILABLE"
BROKEN = "STREAM_INTERRUPTED"
LATE = "DEADLINE_EXCEEDED"

# Directive: what a unary caller and a streaming caller are told; "" is an answer.
FAULTS = {
    "status=400": ("INVALID_REQUEST", "INVALID_REQUEST"),
    "status=401": ("PROVIDER_CREDENTIALS_REJECTED", "PROVIDER_CREDENTIALS_REJECTED"),
    "status=402": ("PROVIDER_QUOTA_EXHAUSTED", "PROVIDER_QUOTA_EXHAUSTED"),
    "status=403": ("PROVIDER_CREDENTIALS_REJECTED", "PROVIDER_CREDENTIALS_REJECTED"),
    "status=404": ("PROVIDER_MODEL_MISSING", "PROVIDER_MODEL_MISSING"),
    "status=408": ("PROVIDER_TIMEOUT", "PROVIDER_TIMEOUT"),
    "status=413": ("INVALID_REQUEST", "INVALID_REQUEST"),
    "status=422": ("INVALID_REQUEST", "INVALID_REQUEST"),
    "status=429+retry-after=2": ("PROVIDER_RATE_LIMITED", "PROVIDER_RATE_LIMITED"),
    "status=500": (DOWN, DOWN),
    "status=502": (DOWN, DOWN),
    "status=503": (DOWN, DOWN),
    "status=504": ("PROVIDER_TIMEOUT", "PROVIDER_TIMEOUT"),
    "status=529": (DOWN, DOWN),
    "error=content_policy": ("CONTENT_POLICY_VIOLATION", "CONTENT_POLICY_VIOLATION"),
    "error=context_overflow": ("CONTEXT_WINDOW_EXCEEDED", "CONTEXT_WINDOW_EXCEEDED"),
    "error=quota": ("PROVIDER_QUOTA_EXHAUSTED", "PROVIDER_QUOTA_EXHAUSTED"),
    "error=model_missing": ("PROVIDER_MODEL_MISSING", "PROVIDER_MODEL_MISSING"),
    "error=key_invalid": ("PROVIDER_CREDENTIALS_REJECTED", "PROVIDER_CREDENTIALS_REJECTED"),
    "error=rate": ("PROVIDER_RATE_LIMITED", "PROVIDER_RATE_LIMITED"),
    "hang=headers": (LATE, LATE),
    "hang=first-token": (LATE, LATE),
    "hang=body": (LATE, LATE),
    "stall-after=3": (FINE, LATE),
    "drip=20": (LATE, LATE),
    "cut=0": (DOWN, DOWN),
    "cut=40": (DOWN, DOWN),
    "cut=40+cut-mode=rst": (DOWN, DOWN),
    "cut-event=4": (FINE, BROKEN),
    "cut=40+framing=close": (INVALID, INVALID),
    "malformed=sse": (INVALID, BROKEN),
    "malformed=json": (INVALID, BROKEN),
    "malformed=utf8": (INVALID, BROKEN),
    "content-type=text/html": (INVALID, INVALID),
    "truncate-json": (INVALID, BROKEN),
    "empty": (INVALID, INVALID),
    "shape=wrong": (INVALID, INVALID),
    "missing=finish": (INVALID, BROKEN),
    "missing=usage": (FINE, FINE),
    "missing=done": (FINE, FINE),
    "duplicate=done": (FINE, FINE),
    "duplicate=finish": (FINE, FINE),
    "error-midstream": (FINE, BROKEN),
    "delta=10MB": (FINE, INVALID),
    "gzip": (FINE, FINE),
    "gzip-bomb": (INVALID, INVALID),
    "header-bomb": (INVALID, INVALID),
    "line-bomb": (INVALID, INVALID),
    "unknown-fields": (FINE, FINE),
    "framing=length": (FINE, FINE),
}
# Where a provider's own format, or the library, makes the difference.
EXCEPTIONS = {
    # httpx tells a head beyond its bounds and a lost connection alike.
    ("litellm", provider, "header-bomb"): (DOWN, DOWN)
    for provider in MODELS
} | {
    # The library cannot build an answer of these two without usage, nor end a stream twice.
    ("litellm", "anthropic", "missing=usage"): (INVALID, FINE),
    ("litellm", "google", "missing=usage"): (INVALID, FINE),
    ("litellm", "anthropic", "duplicate=finish"): (FINE, BROKEN),
}


async def asked(stack: Stack, model: str, *, stream: bool) -> tuple[str, Any]:
    """The reason of the failure and its details, or "" and the events or the answer."""
    try:
        if not stream:
            return "", await stack.completion.Complete(unary(model=model), timeout=DEADLINE_S)
        events: list[pb.StreamCompleteResponse] = []
        async for event in stack.completion.StreamComplete(
            streaming(model=model), timeout=DEADLINE_S
        ):
            events.append(event)  # noqa: PERF401 - what came before a failure counts
    except grpc.aio.AioRpcError as error:
        found = details(error)
        if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
            # On a busy machine the caller's own clock may be faster than the details.
            return LATE, found
        return found.error.reason or f"no reason, {error.code().name}", found
    return "", events


SILENT = {"hang=headers", "hang=first-token", "hang=body", "stall-after=3", "drip=20"}


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
@pytest.mark.parametrize("provider", MODELS)
@pytest.mark.parametrize("engine", ENGINES)
async def test_faults(tmp_path: Path, engine: str, provider: str, stream: bool) -> None:
    """Each fault maps to its row, in time, and none passes for an answer."""
    wrong: list[str] = []
    async with running(tmp_path, engine) as stack:
        # The first call opens connections, and makes litellm define its types: seconds.
        await stack.completion.Complete(unary(model=MODELS[provider]), timeout=30)

        async def meet(directive: str) -> None:
            reasons = EXCEPTIONS.get((engine, provider, directive), FAULTS[directive])
            started = time.monotonic()
            reason, found = await asked(stack, f"{MODELS[provider]}+{directive}", stream=stream)
            took_s = time.monotonic() - started
            if reason != reasons[stream]:
                wrong.append(f"{directive}: {reason or 'fine'}, not {reasons[stream] or 'fine'}")
            if took_s > DEADLINE_S + SLACK_S:
                wrong.append(f"{directive}: took {took_s:.3f} s")
            if "retry-after" in directive and found.retry.retry_delay.seconds != 2:
                wrong.append(f"{directive}: the provider's Retry-After is lost")

        # Those that are silent until the deadline can be waited for together.
        await asyncio.gather(*(meet(directive) for directive in FAULTS if directive in SILENT))
        for directive in FAULTS:
            if directive not in SILENT:
                await meet(directive)

    assert [] == wrong


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
async def test_connection_refused(tmp_path: Path, stream: bool) -> None:
    """A provider that is not there is PROVIDER_UNAVAILABLE, and counts as an attempt."""
    async with running(tmp_path) as stack:
        url = stack.adversary.refused_url()
        async with running(tmp_path, OPENAI_BASE_URL=url) as lonely:
            reason, found = await asked(lonely, "gpt-4o", stream=stream)

    assert DOWN == reason
    assert 1 == len(found.failure.attempts)
