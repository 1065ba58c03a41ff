"""The whole service in this process, as its composition root builds it, before an adversary."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc.aio
from aiprovider.v1 import completion_service_pb2_grpc, model_service_pb2_grpc

from service.adversary import Adversary
from service.app import App
from service.config import load
from service.telemetry.redaction import Redactor

FAMILIES = {
    "openai": "openai",
    "anthropic": "anthropic",
    "google": "gemini",
    "deepseek": "deepseek",
}
"""Providers by their configured names, and the adversary's words for them."""
MODELS = {
    "openai": "gpt-4o",
    "anthropic": "claude-sonnet-4-5",
    "google": "gemini-2.5-flash",
    "deepseek": "deepseek-chat",
}
ENGINES = ("native", "litellm")


@dataclass
class Stack:
    app: App
    adversary: Adversary
    channel: grpc.aio.Channel

    def __post_init__(self) -> None:
        channel: Any = self.channel
        self.completion: Any = completion_service_pb2_grpc.CompletionServiceStub(channel)
        self.model: Any = model_service_pb2_grpc.ModelServiceStub(channel)


def environment(adversary: Adversary, engine: str = "native", **more: str) -> Mapping[str, str]:
    """Variables that configure the four providers."""
    variables = {
        "AI_PROVIDER_PORT": "0",
        "AI_PROVIDER__SERVICE__HOST": "127.0.0.1",
        "AI_PROVIDER__SERVER__DRAIN__SETTLE_S": "0",
        "AI_PROVIDER__LIMITS__ATTEMPTS_MAX": "1",
        # Most tests ask the same again and again, and mean it.
        "AI_PROVIDER__CACHE__ENABLED": "false",
        # Those that ask about the past name a file.
        "AI_PROVIDER__ANALYTICS__STORE": "off",
    }
    for name, family in FAMILIES.items():
        variables[f"{name.upper()}_API_KEY"] = f"test-key-{name}"
        variables[f"{name.upper()}_BASE_URL"] = adversary.url(family)
        variables[f"AI_PROVIDER__PROVIDERS__{name.upper()}__ENGINE"] = engine
    return {**variables, **more}


@asynccontextmanager
async def running(
    folder: Path,
    engine: str = "native",
    adversary: Any = None,
    log_writer: Any = None,
    **more: str,
) -> AsyncGenerator[Stack, None]:
    """`more` are further variables, such as `AI_PROVIDER__LIMITS__ATTEMPTS_MAX="3"`.

    An Adversary that is given goes on afterwards, and so does a LogWriter.
    """
    async with nullcontext(adversary) if adversary else Adversary() as adversary:  # noqa: PLR1704
        variables = environment(adversary, engine, **more)
        loaded = load(variables, directory=folder, secrets_dir=folder / "no-secrets")
        app = App(loaded, Redactor(), log_writer)
        await app.start()
        options = (
            ("grpc.enable_retries", 0),
            ("grpc.max_receive_message_length", 64 * 1024 * 1024),
        )
        channel = grpc.aio.insecure_channel(f"127.0.0.1:{app.server.port}", options)
        try:
            yield Stack(app, adversary, channel)
        finally:
            await channel.close(None)
            await app.close()
