"""Settings as the values that the domain decides with. Knows no class that does anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from service.config.caching import CacheRuleSettings, CacheSettings
from service.config.endpoints import EndpointSettings
from service.config.pricing import price_rules
from service.config.providers import ModelSettings, ProviderSettings
from service.config.routing import RoutingSettings, RuleSettings
from service.config.settings import Settings
from service.domain.cache_use import CacheConduct, CacheRule, CacheTerms, KeepPolicy
from service.domain.candidate import Names
from service.domain.pricing import PriceRule
from service.domain.provider import Defaults, KnownModel, Offer, ServedModel
from service.domain.scoring import POLICIES, Policy, PolicyName
from service.domain.wishes import Bounds, Rule


def names(routing: RoutingSettings) -> Names:
    return Names(routing.aliases, routing.fallbacks)


def bounds(routing: RoutingSettings) -> Bounds:
    """Those of a request for which no rule holds."""
    return Bounds(_policy(routing, routing.policy))


def rules(routing: RoutingSettings) -> tuple[Rule, ...]:
    return tuple(_rule(routing, rule) for rule in routing.rules)


def cache_conduct(cache: CacheSettings) -> CacheConduct:
    policy = cache.policy if cache.enabled else KeepPolicy.OFF
    return CacheConduct(
        CacheTerms(policy, cache.ttl_s, cache.ttl_max_s, cache.keep_refusals),
        tuple(_cache_rule(cache, rule) for rule in cache.rules) if cache.enabled else (),
        coalesce=cache.coalesce,
        coalesce_replicas=cache.coalesce_replicas,
        early_refresh=cache.early_refresh,
        failure_ttl_s=cache.failure_ttl_s,
        idempotency_ttl_s=cache.idempotency_ttl_s,
        entry_bytes_max=cache.entry_bytes_max,
    )


def _cache_rule(cache: CacheSettings, rule: CacheRuleSettings) -> CacheRule:
    return CacheRule(
        CacheTerms(
            rule.policy or cache.policy,
            cache.ttl_s if rule.ttl_s is None else rule.ttl_s,
            cache.ttl_max_s,
            cache.keep_refusals if rule.keep_refusals is None else rule.keep_refusals,
        ),
        rule.models,
        rule.tenants,
    )


def prices(
    name: str, provider: ProviderSettings, settings: Settings, today: date
) -> tuple[PriceRule, ...]:
    """What the operator says that models of a provider cost on that day."""
    rules = price_rules(settings.prices, name, today)
    flat = provider.flat_price
    return (*rules, PriceRule(flat)) if flat else rules


def offer(
    name: str,
    provider: ProviderSettings,
    endpoint: EndpointSettings,
    known: Mapping[str, KnownModel],
    prices: tuple[PriceRule, ...] = (),
) -> Offer:
    """What one endpoint of a provider serves. `known` is what is published, by model."""
    return Offer(
        name,
        endpoint.priority,
        tuple(_served(model) for model in provider.models),
        endpoint.deployment,
        endpoint.weight,
        endpoint.region,
        known,
        prices,
    )


def defaults(provider: ProviderSettings, settings: Settings) -> Defaults:
    """What a caller gets of this provider who leaves it out."""
    temperature = provider.temperature
    return Defaults(
        settings.completion.temperature if temperature is None else temperature,
        provider.max_tokens or settings.completion.max_output_tokens,
    )


def _rule(routing: RoutingSettings, rule: RuleSettings) -> Rule:
    return Rule(
        Bounds(
            _policy(routing, rule.policy or routing.policy),
            rule.providers,
            rule.excluded_providers,
            rule.regions,
        ),
        rule.models,
        rule.tenants,
    )


def _policy(routing: RoutingSettings, name: PolicyName) -> Policy:
    policy = POLICIES[name]
    if name is not PolicyName.COMPOSITE:
        return policy
    weights = routing.composite
    return replace(
        policy,
        success_weight=weights.success,
        time_weight=weights.time,
        health_weight=weights.health,
    )


def _served(model: ModelSettings) -> ServedModel:
    return ServedModel(
        model.name,
        model.upstream,
        model.context_window_tokens,
        model.max_output_tokens,
        frozenset(model.capabilities),
        model.price.price if model.price else None,
    )
