"""What the operator wants, as one frozen value that knows where each part of it came from.

Environment over docker secrets over `ai-provider.yml` over `<environment>.yml` over defaults.
"""

from __future__ import annotations

from service.config.alerts import AlertSettings
from service.config.analytics import AnalyticsSettings, StoreKind
from service.config.caching import CacheSettings
from service.config.endpoints import EndpointSettings, endpoints
from service.config.loading import Loaded, load
from service.config.origins import ConfigurationError, Origin, Problem
from service.config.providers import (
    BUILT_IN,
    Engine,
    Kind,
    ModelSettings,
    ProviderSettings,
)
from service.config.settings import Settings, secrets
from service.config.telemetry import ContentExport, TelemetrySettings
from service.config.watch import changes

__all__ = [
    "BUILT_IN",
    "AlertSettings",
    "AnalyticsSettings",
    "CacheSettings",
    "ConfigurationError",
    "ContentExport",
    "EndpointSettings",
    "Engine",
    "Kind",
    "Loaded",
    "ModelSettings",
    "Origin",
    "Problem",
    "ProviderSettings",
    "Settings",
    "StoreKind",
    "TelemetrySettings",
    "changes",
    "endpoints",
    "load",
    "secrets",
]
