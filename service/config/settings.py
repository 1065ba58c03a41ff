"""The whole configuration as one frozen value. Reads nothing: `loading.py` does."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Self

from pydantic import Field, model_validator
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from service.config.admin import AdminSettings
from service.config.alerts import AlertSettings
from service.config.analytics import AnalyticsSettings, StoreKind
from service.config.auth import AuthSettings
from service.config.caching import CacheSettings
from service.config.endpoints import standing
from service.config.pricing import PriceRuleSettings
from service.config.providers import BUILT_IN, ProviderSettings
from service.config.routing import RoutingSettings
from service.config.serving import (
    CompletionSettings,
    DeadlineSettings,
    HealthSettings,
    LimitSettings,
    LoggingSettings,
    ServerSettings,
    ServiceSettings,
)
from service.config.telemetry import TelemetrySettings
from service.config.values import ProviderName

# With PYDANTIC_SETTINGS_DEBUG set the library logs what its sources say, secrets and all.
logging.getLogger("pydantic_settings").setLevel(logging.WARNING)


class Settings(BaseSettings):
    """Every setting. `Settings(service={"port": 0})` is the built-in defaults but for that; it
    reads neither the environment nor a file.
    """

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        case_sensitive=True,
        env_nested_delimiter="__",
    )

    service: ServiceSettings = Field(
        default=ServiceSettings(), description="What this replica is and where it listens."
    )
    server: ServerSettings = Field(default=ServerSettings(), description="The gRPC server.")
    auth: AuthSettings = Field(
        default=AuthSettings(),
        description="Who may call. With no key and no certificate everyone may, as the anonymous"
        " tenant.",
    )
    deadlines: DeadlineSettings = Field(
        default=DeadlineSettings(), description="How long a request may take."
    )
    limits: LimitSettings = Field(
        default=LimitSettings(), description="How much one replica takes on."
    )
    completion: CompletionSettings = Field(
        default=CompletionSettings(), description="What a caller gets who leaves it out."
    )
    providers: dict[ProviderName, ProviderSettings] = Field(
        default_factory=dict,
        description="The providers by name. `openai`, `anthropic`, `google` and `deepseek` are"
        " built in and need nothing but a key; any other name adds one.",
    )
    prices: tuple[PriceRuleSettings, ...] = Field(
        default=(),
        description="What models cost, where the price table is wrong or knows nothing. A model's"
        " exact name wins over a pattern, a provider's name over none, a later day over an earlier"
        " one, and then the first.",
    )
    routing: RoutingSettings = Field(
        default=RoutingSettings(), description="Who is asked first, and who next."
    )
    health: HealthSettings = Field(
        default=HealthSettings(), description="How providers are checked. A check is never billed."
    )
    cache: CacheSettings = Field(
        default=CacheSettings(),
        description="Which answers are kept, for how long, and where.",
    )
    logging: LoggingSettings = Field(
        default=LoggingSettings(),
        description="What is logged. Prompts, answers and keys never are, at any level.",
    )
    telemetry: TelemetrySettings = Field(
        default=TelemetrySettings(),
        description="What is told of calls, to whom. The standard `OTEL_*` variables win:"
        " see docs/telemetry.md.",
    )
    analytics: AnalyticsSettings = Field(
        default=AnalyticsSettings(),
        description="What is remembered of calls, and where: see docs/analytics.md.",
    )
    admin: AdminSettings = Field(
        default=AdminSettings(), description="A page for people: see docs/dashboards.md."
    )

    @model_validator(mode="after")
    def _has_redis(self) -> Self:
        analytics = self.analytics
        if analytics.store is StoreKind.REDIS and not (analytics.redis_url or self.cache.redis_url):
            raise ValueError("analytics.store redis needs analytics.redis_url or cache.redis_url")
        return self

    alerts: AlertSettings = Field(
        default=AlertSettings(),
        description="When operators are told that something is wrong, and by whom: see"
        " docs/alerts.md.",
    )

    @property
    def active_providers(self) -> Mapping[str, ProviderSettings]:
        """Those that are asked, the lowest priority first; ties keep their order."""
        active = (item for item in self.providers.items() if standing(*item)[0])
        return dict(sorted(active, key=lambda item: item[1].priority))

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What is given, over what is built in. Nothing of the surroundings."""
        _ = env_settings, dotenv_settings, file_secret_settings
        return init_settings, built_in_source(settings_cls)


def built_in_source(settings_cls: type[BaseSettings]) -> InitSettingsSource:
    """The lowest layer."""
    providers: dict[str, Any] = {name: dict(values) for name, values in BUILT_IN.items()}
    return InitSettingsSource(settings_cls, {"providers": providers})


def secrets(settings: Settings) -> tuple[str, ...]:
    """Every secret value in `settings`, for the redactor. Never log the result."""
    keys = [provider.api_key for provider in settings.providers.values()]
    keys += [
        deployment.api_key
        for provider in settings.providers.values()
        for deployment in provider.deployments.values()
    ]
    keys += [
        header for provider in settings.providers.values() for header in provider.headers.values()
    ]
    keys += [key.key for key in settings.auth.keys]
    keys += [part for webhook in settings.alerts.webhooks for part in (webhook.url, webhook.secret)]
    found = [key.get_secret_value() for key in keys if key is not None]
    for url in (settings.cache.redis_url, settings.analytics.redis_url):
        found += () if url is None else url.passwords
    return tuple(dict.fromkeys(found))
