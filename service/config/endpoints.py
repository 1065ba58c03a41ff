"""Which endpoints of a provider are asked, and why a provider is not."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import SecretStr

from service.config.providers import BUILT_IN, VENDOR_URLS, ProviderSettings


@dataclass(frozen=True, slots=True)
class EndpointSettings:
    """One endpoint and key that is asked: the provider's own (deployment "") or a further one."""

    deployment: str
    base_url: str
    api_key: SecretStr | None
    priority: int
    weight: float
    region: str


def endpoints(name: str, provider: ProviderSettings) -> list[EndpointSettings]:
    """Those of a provider that are asked; none when it is not."""
    found: list[EndpointSettings] = []
    if _own_standing(name, provider)[0]:
        found.append(
            EndpointSettings(
                "",
                provider.base_url or "",
                provider.api_key,
                provider.priority,
                provider.weight,
                provider.region,
            )
        )
    for deployment, further in provider.deployments.items():
        api_key = further.api_key or provider.api_key
        base_url = further.base_url or provider.base_url or ""
        keyless = api_key is None and (not base_url or base_url in VENDOR_URLS)
        if provider.enabled is False or not further.enabled or keyless:
            continue
        found.append(
            EndpointSettings(
                deployment,
                base_url,
                api_key,
                provider.priority if further.priority is None else further.priority,
                provider.weight if further.weight is None else further.weight,
                further.region or provider.region,
            )
        )
    return found


def standing(name: str, provider: ProviderSettings) -> tuple[bool, str]:
    """Whether `provider` is asked, and why, in a few words."""
    own, why = _own_standing(name, provider)
    if own:
        return own, why
    further = [endpoint.deployment for endpoint in endpoints(name, provider)]
    return (True, f"has {', '.join(further)}") if further else (False, why)


def _own_standing(name: str, provider: ProviderSettings) -> tuple[bool, str]:
    """Whether its own endpoint is asked."""
    if provider.enabled is False:
        return False, "switched off"
    if provider.api_key is not None:
        return True, "has an API key"
    if provider.base_url in VENDOR_URLS or (name in BUILT_IN and provider.enabled is None):
        return False, "no API key"
    if provider.enabled:
        return True, "switched on"
    if provider.base_url is not None:
        return True, "has a base URL of its own"
    return False, "no API key"
