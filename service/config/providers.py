"""Settings of one provider, and what the built-in ones bring along."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from service.config.pricing import PriceSettings, version_of
from service.config.values import (
    BaseUrl,
    Credential,
    HeaderName,
    HeaderValue,
    ProviderName,
    Section,
    Text,
)
from service.domain.pricing import MILLION, Price
from service.domain.provider import OnUnsupported

_KIB = 1024
_MIB = 1024 * _KIB
_NANO = 10**9
_NANO_OF_USD_PER_TOKEN = _NANO * MILLION
"""Nano-USD for a million tokens, of USD for one."""


class Kind(Enum):
    """The wire format that a provider speaks. `litellm`: whatever the library makes of it."""

    OPENAI = "openai"
    ANTHROPIC = "anthropic"
    GEMINI = "gemini"
    DEEPSEEK = "deepseek"
    LITELLM = "litellm"


class Engine(Enum):
    """Who speaks it."""

    NATIVE = "native"
    LITELLM = "litellm"


Capability = Literal[
    "completion", "embedding", "tools", "json_schema", "images", "audio_input", "reasoning"
]

BUILT_IN: Mapping[str, Mapping[str, Any]] = {
    "openai": {
        "kind": "openai",
        "base_url": "https://api.openai.com/v1",
        "priority": 10,
        "models": [
            "gpt-*",
            "chatgpt-*",
            "o1*",
            "o3*",
            "o4*",
            "text-embedding-3-*",
            "text-embedding-ada-*",
        ],
    },
    "anthropic": {
        "kind": "anthropic",
        "base_url": "https://api.anthropic.com",
        "priority": 20,
        "models": ["claude-*"],
    },
    "google": {
        "kind": "gemini",
        "base_url": "https://generativelanguage.googleapis.com/v1beta",
        "priority": 30,
        "models": ["gemini-*", "gemma-*", "text-embedding-004"],
    },
    "deepseek": {
        "kind": "deepseek",
        "base_url": "https://api.deepseek.com/v1",
        "priority": 40,
        "models": ["deepseek-*"],
    },
}
"""The providers that need nothing but a key. The lowest layer of the configuration."""

VENDOR_URLS = frozenset(str(provider["base_url"]) for provider in BUILT_IN.values())
"""Where nobody is served without a key."""


def _model(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


def _engine(data: dict[str, Any]) -> Engine:
    return Engine.LITELLM if data.get("kind") is Kind.LITELLM else Engine.NATIVE


class ModelSettings(Section):
    """A model, or a pattern of models, that a provider serves. May be written as its name alone."""

    name: Text = Field(description="The name callers use, or a pattern such as `gpt-*`.")
    upstream: str = Field(
        default="", description="The provider's own name of it; empty means the same."
    )
    context_window_tokens: int = Field(
        default=0,
        ge=0,
        le=1_000_000_000,
        description="Prompt and answer together; 0 means unknown.",
    )
    max_output_tokens: int = Field(
        default=0, ge=0, le=1_000_000_000, description="Largest answer; 0 means unknown."
    )
    capabilities: frozenset[Capability] = Field(
        default=frozenset(),
        description="What it can do; empty means unknown, and nothing is ruled out.",
    )
    price: PriceSettings | None = Field(
        default=None, description="What it costs; unset means what `prices` or the price table say."
    )


class DeploymentSettings(Section):
    """One more endpoint or key of a provider. What is not set is as the provider's own."""

    enabled: bool = Field(default=True, description="Whether it is asked.")
    api_key: Credential | None = Field(default=None, description="Its key.")
    base_url: BaseUrl | None = Field(default=None, description="Where it is.")
    priority: int | None = Field(
        default=None, ge=0, le=1_000_000, description="Its rank for the policy `priority`."
    )
    weight: float | None = Field(
        default=None, gt=0, le=1_000_000, description="Its share for the policy `weighted`."
    )
    region: str = Field(default="", description="Where it keeps data; empty means unknown.")


class TimeoutSettings(Section):
    """How long one attempt may take. The caller's deadline always wins."""

    connect_s: float = Field(default=5.0, gt=0, le=300, description="To connect. Seconds.")
    attempt_s: float = Field(
        default=120.0, gt=0, le=86_400, description="From start to end. Seconds."
    )
    first_token_s: float = Field(
        default=30.0,
        gt=0,
        le=86_400,
        description="To the first event of a stream, at most. Where somebody else could be asked it"
        " is less: four times what is usual, between 2 and 20 s. Seconds.",
    )
    idle_s: float = Field(
        default=30.0, gt=0, le=86_400, description="Between two events of a stream. Seconds."
    )


class ProviderSettings(Section):
    """One provider: where it is, what it serves, and on which terms it is asked."""

    kind: Kind = Field(
        default=Kind.OPENAI,
        description="The wire format it speaks. Any OpenAI-compatible server is `openai`;"
        " `litellm` is everything else that the library of that name knows.",
    )
    engine: Engine = Field(
        default_factory=_engine,
        description="Who speaks it: our own adapters (`native`) or the library (`litellm`)."
        " Default: `litellm` for kind `litellm`, else `native`.",
    )
    litellm_prefix: str = Field(
        default="",
        description="The library's name of the provider, such as `mistral`;"
        " empty means the provider's name here.",
    )
    enabled: bool | None = Field(
        default=None,
        description="Whether it is asked. Default: when it has an API key, or a base URL of its"
        " own that is not a built-in provider's.",
    )
    api_key: Credential | None = Field(default=None, description="Our key at the provider.")
    base_url: BaseUrl | None = Field(
        default=None, description="Where it is. Required for providers that are not built in."
    )
    priority: int = Field(
        default=100,
        ge=0,
        le=1_000_000,
        description="Its rank: the policy `priority` asks the lowest first.",
    )
    weight: float = Field(
        default=1.0, gt=0, le=1_000_000, description="Its share for the policy `weighted`."
    )
    region: str = Field(default="", description="Where it keeps data; empty means unknown.")
    deployments: dict[ProviderName, DeploymentSettings] = Field(
        default_factory=dict,
        description="Further endpoints or keys, by name. Each is a candidate of its own, beside the"
        " provider's own endpoint and key.",
    )
    models: tuple[Annotated[ModelSettings, BeforeValidator(_model)], ...] = Field(
        default=(),
        description="What it serves: names, patterns such as `gpt-*`, or mappings."
        " Without any it serves what is asked for as `PROVIDER/MODEL`.",
    )
    max_tokens: int | None = Field(
        default=None,
        ge=1,
        le=10_000_000,
        description="Largest answer for a caller who sets none; unset means"
        " `completion.max_output_tokens`.",
    )
    temperature: float | None = Field(
        default=None,
        ge=0,
        le=2,
        description="Temperature for a caller who sets none; unset means `completion.temperature`.",
    )
    on_unsupported: OnUnsupported = Field(
        default=OnUnsupported.REFUSE,
        description="A parameter that the provider lacks is an `error`, or left out (`drop`) and"
        " said so in the answer.",
    )
    listen: bool | None = Field(
        default=None,
        description="As `routing.listen`, for this provider; unset means as that says.",
    )
    timeouts: TimeoutSettings = Field(default=TimeoutSettings(), description="Time limits.")
    connections_max: int = Field(default=512, ge=1, le=65_535, description="Connections at once.")
    response_bytes_max: int = Field(
        default=64 * _MIB,
        ge=_KIB,
        le=1024 * _MIB,
        description="Largest answer after inflation. Bytes.",
    )
    event_bytes_max: int = Field(
        default=4 * _MIB, ge=_KIB, le=1024 * _MIB, description="Largest event of a stream. Bytes."
    )
    headers: dict[HeaderName, HeaderValue] = Field(
        default_factory=dict,
        description="Headers sent along with every request. Their values are kept secret.",
    )
    send_trace_context: bool = Field(
        default=False,
        description="Whether it is sent `traceparent` and `tracestate`: for servers of your own,"
        " which then join the trace.",
    )
    cost_per_token: Decimal = Field(
        default=Decimal(0),
        ge=0,
        le=1,
        decimal_places=15,
        description="Price of a token in USD, whichever, where `prices` say nothing; 0 means that"
        " the price table knows.",
    )

    @property
    def flat_price(self) -> Price | None:
        """By `cost_per_token`; None where that is not set."""
        nano = int(self.cost_per_token * _NANO_OF_USD_PER_TOKEN)
        return Price(nano, nano, version=version_of(Price(nano, nano))) if nano else None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.kind is Kind.LITELLM and self.engine is Engine.NATIVE:
            raise ValueError("kind `litellm` has no native engine")
        if self.enabled is not False and self.kind is not Kind.LITELLM and self.base_url is None:
            raise ValueError("needs a base_url: it is not a built-in provider")
        return self
