"""What the variables of the environment are called, and the docker secrets, which share the names.

`AI_PROVIDER__SECTION__KEY` reaches every setting; the tables hold the short names beside it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from service.config.origins import KeyPath

PREFIX = "AI_PROVIDER_"
NESTED_PREFIX = "AI_PROVIDER__"
DELIMITER = "__"

ENVIRONMENT = "AI_PROVIDER_ENVIRONMENT"
CONFIG_FILE = "AI_PROVIDER_CONFIG"
CONFIG_DIRECTORY = "AI_PROVIDER_CONFIG_DIR"
SECRETS_DIRECTORY = "AI_PROVIDER_SECRETS_DIR"

PLACES: Mapping[str, str] = {
    CONFIG_DIRECTORY: "Directory of `ai-provider.yml` and `<environment>.yml`;"
    " default: the current one.",
    CONFIG_FILE: "Path of the file to read in place of `ai-provider.yml`;"
    " `<environment>.yml` is looked for beside it.",
    SECRETS_DIRECTORY: "Directory of the docker secrets; default: `/run/secrets`.",
}
"""Variables that say where the configuration is. They are no settings themselves."""

SHORT: Mapping[str, KeyPath] = {
    "REDIS_URL": ("cache", "redis_url"),
    "AI_PROVIDER_NAME": ("service", "name"),
    ENVIRONMENT: ("service", "environment"),
    "AI_PROVIDER_HOST": ("service", "host"),
    "AI_PROVIDER_PORT": ("service", "port"),
    "AI_PROVIDER_LOG_LEVEL": ("logging", "level"),
    "AI_PROVIDER_LOG_FORMAT": ("logging", "format"),
    "AI_PROVIDER_API_KEYS": ("auth", "keys"),
    "AI_PROVIDER_TLS_CERT_FILE": ("server", "tls", "cert_file"),
    "AI_PROVIDER_TLS_KEY_FILE": ("server", "tls", "key_file"),
    "AI_PROVIDER_TLS_CLIENT_CA_FILE": ("server", "tls", "client_ca_file"),
    "AI_PROVIDER_CACHE_ENABLED": ("cache", "enabled"),
    "AI_PROVIDER_CACHE_TTL": ("cache", "ttl"),
    "AI_PROVIDER_REDIS_URL": ("cache", "redis_url"),
}

PROVIDER_SUFFIXES: Mapping[str, KeyPath] = {
    "API_KEY": ("api_key",),
    "BASE_URL": ("base_url",),
    "ENABLED": ("enabled",),
    "PRIORITY": ("priority",),
    "MAX_TOKENS": ("max_tokens",),
    "TEMPERATURE": ("temperature",),
    "TIMEOUT": ("timeouts", "attempt_s"),
    "MODELS": ("models",),
    "ENGINE": ("engine",),
    "ON_UNSUPPORTED": ("on_unsupported",),
    "COST_PER_TOKEN": ("cost_per_token",),
}
"""`OPENAI_API_KEY` is `providers.openai.api_key`, and so on for every provider there is."""

PROVIDER_PREFIXES: Mapping[str, tuple[str, ...]] = {"google": ("GEMINI", "GOOGLE")}
"""Providers not called by their own name. The last prefix wins, as in Google's own library."""

_KUBERNETES = re.compile(r"AI_PROVIDER_(SERVICE_(HOST|PORT)|PORT_\d+_(TCP|UDP|SCTP))(_.*)?\Z")
_KUBERNETES_PORT = re.compile(r"(tcp|udp|sctp)://")


def prefixes(provider: str) -> tuple[str, ...]:
    """`("OPENAI",)` for `openai`."""
    return PROVIDER_PREFIXES.get(provider) or (provider.upper().replace("-", "_"),)


def short_names(providers: Iterable[str]) -> dict[str, KeyPath]:
    """Every short name, the weaker before the stronger where two mean the same setting."""
    names: dict[str, KeyPath] = {}
    for provider in providers:
        for prefix in prefixes(provider):
            for suffix, path in PROVIDER_SUFFIXES.items():
                names[f"{prefix}_{suffix}"] = ("providers", provider, *path)
    return names | dict(SHORT)


def nested_path(name: str, providers: Iterable[str]) -> KeyPath | None:
    """The path that `AI_PROVIDER__PROVIDERS__LOCAL__API_KEY` spells; None for another form."""
    if not name.startswith(NESTED_PREFIX):
        return None
    keys = name.removeprefix(NESTED_PREFIX).lower().split(DELIMITER)
    if not all(keys):
        return None
    if keys[0] == "providers" and len(keys) > 1:
        spelled = {provider.replace("-", "_"): provider for provider in providers}
        keys[1] = spelled.get(keys[1], keys[1])
    return tuple(keys)


def nested_providers(names: Iterable[str]) -> Iterator[str]:
    """The providers that `names` speak of in the nested form."""
    for name in names:
        path = nested_path(name, ())
        if path and path[0] == "providers" and len(path) > 1:
            yield path[1]


def of_kubernetes(name: str, value: str) -> bool:
    """Whether Kubernetes put the variable there because a Service is called `ai-provider`."""
    if name == "AI_PROVIDER_PORT":
        return _KUBERNETES_PORT.match(value) is not None
    return _KUBERNETES.match(name) is not None


def variable(path: KeyPath) -> str:
    """The nested name of a setting."""
    return NESTED_PREFIX + DELIMITER.join(path).upper().replace("-", "_")
