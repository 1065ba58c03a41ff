"""The part of the composition root that builds providers, and keeps those that a reload leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import orjson

from service.config import EndpointSettings, Engine, Kind, ProviderSettings, Settings, endpoints
from service.config import domain as values
from service.config.pricing import PriceRuleSettings, next_change
from service.domain.catalogue import Catalogue
from service.domain.pricing import Price
from service.domain.provider import KnownModel
from service.pipeline.roster import Member, Roster, TimeLimits
from service.ports import Provider
from service.providers.anthropic import Anthropic
from service.providers.gemini import Gemini
from service.providers.http import Endpoint
from service.providers.litellm import LiteLLMProvider
from service.providers.native import NativeProvider
from service.providers.openai import COMPATIBLE, DEEPSEEK, OPENAI, OpenAI
from service.providers.wire import WireFamily

_CATALOGUE_FILE = Path(__file__).parent / "catalogue.json"


_LOOK_AGAIN_S = 3600.0


class PriceDays:
    """Calls `changed` on each day, in UTC, on which another price begins to hold.

    `now` tells the time of day; a clock that is set does no harm.
    """

    def __init__(
        self, changed: Callable[[], None], now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._changed = changed
        self._now = now
        self._task: asyncio.Task[None] | None = None

    def follow(self, rules: Sequence[PriceRuleSettings]) -> None:
        """Forgets the rules of before."""
        self.close()
        self._task = asyncio.create_task(self._wait(rules, self._now().date()))

    def close(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _wait(self, rules: Sequence[PriceRuleSettings], today: date) -> None:
        while (day := next_change(rules, today)) is not None:
            begins = datetime(day.year, day.month, day.day, tzinfo=UTC)
            while (left_s := (begins - self._now()).total_seconds()) > 0:  # noqa: ASYNC110 - time
                await asyncio.sleep(min(left_s, _LOOK_AGAIN_S))
            today = self._now().date()
            self._changed()


class Providing:
    """Providers that are the same before and after a reload keep their connections."""

    def __init__(self) -> None:
        self.catalogue = _catalogue(_CATALOGUE_FILE)
        """What is published of models, by family."""
        self._providers: dict[Hashable, Provider] = {}

    def roster(self, settings: Settings, today: date | None = None) -> Roster:
        """With the prices of that day, in UTC; None means the present one."""
        today = today or datetime.now(UTC).date()
        members = [
            self._member(name, provider, endpoint, (settings, today))
            for name, provider in settings.active_providers.items()
            for endpoint in endpoints(name, provider)
        ]
        return Roster(
            members,
            attempts_max=settings.limits.attempts_max,
            names=values.names(settings.routing),
            rules=values.rules(settings.routing),
            bounds=values.bounds(settings.routing),
        )

    async def warm_up(self) -> None:
        for provider in self._providers.values():
            if isinstance(provider, LiteLLMProvider):
                await provider.warm_up()

    async def retire(self, old: Roster, present: Roster) -> None:
        """Closes those of `old`, which nobody uses any more, that are not among `present`."""
        kept = {id(member.provider) for member in present.members.values()}
        for key, provider in list(self._providers.items()):
            retired = any(provider is member.provider for member in old.members.values())
            if retired and id(provider) not in kept:
                del self._providers[key]
                await provider.aclose()

    async def aclose(self) -> None:
        for provider in self._providers.values():
            await provider.aclose()

    def _member(
        self,
        name: str,
        settings: ProviderSettings,
        endpoint: EndpointSettings,
        surroundings: tuple[Settings, date],
    ) -> Member:
        whole, today = surroundings
        key = _identity_of(name, settings, endpoint)
        provider = self._providers.get(key)
        if provider is None:
            provider = self._providers[key] = _provider(name, settings, endpoint)
        known = {model.name: model for model in self.catalogue.get(settings.kind.value, ())}
        times = settings.timeouts
        return Member(
            provider,
            values.offer(
                name, settings, endpoint, known, values.prices(name, settings, whole, today)
            ),
            TimeLimits(times.attempt_s, times.first_token_s, times.idle_s),
            values.defaults(settings, whole),
            settings.on_unsupported,
            _listens(settings, whole),
            f"{settings.kind.value} {endpoint.base_url}",
            settings.send_trace_context,
        )


def _identity_of(name: str, settings: ProviderSettings, endpoint: EndpointSettings) -> Hashable:
    """What makes a provider another one: change any of it, and connections must be new."""
    return (
        name,
        settings.kind,
        settings.engine,
        settings.litellm_prefix,
        endpoint.base_url,
        endpoint.api_key,
        tuple(sorted((key, value.get_secret_value()) for key, value in settings.headers.items())),
        settings.timeouts.connect_s,
        settings.connections_max,
        settings.response_bytes_max,
        settings.event_bytes_max,
    )


def _listens(settings: ProviderSettings, whole: Settings) -> bool:
    # For each streamed delta the library takes as long as our own code for a whole answer.
    if settings.engine is not Engine.NATIVE:
        return False
    return whole.routing.listen if settings.listen is None else settings.listen


def _provider(name: str, settings: ProviderSettings, asked: EndpointSettings) -> Provider:
    api_key = asked.api_key.get_secret_value() if asked.api_key else ""
    headers = {key: value.get_secret_value() for key, value in settings.headers.items()}
    endpoint = Endpoint(
        name,
        asked.base_url,
        headers,
        settings.timeouts.connect_s,
        settings.connections_max,
        settings.response_bytes_max,
        settings.event_bytes_max,
    )
    if settings.engine is Engine.LITELLM:
        prefix = settings.litellm_prefix or _PREFIXES.get(settings.kind, name)
        return LiteLLMProvider(prefix, endpoint, api_key)
    return NativeProvider(_family(name, settings.kind), endpoint, api_key)


_PREFIXES = {
    Kind.OPENAI: "openai",
    Kind.ANTHROPIC: "anthropic",
    Kind.GEMINI: "gemini",
    Kind.DEEPSEEK: "deepseek",
}


def _family(name: str, kind: Kind) -> WireFamily:
    match kind:
        case Kind.ANTHROPIC:
            return Anthropic()
        case Kind.GEMINI:
            return Gemini()
        case Kind.DEEPSEEK:
            return OpenAI(DEEPSEEK)
        case _:
            # Compatible servers lag behind OpenAI's own newest parameters.
            return OpenAI(OPENAI if name == "openai" else COMPATIBLE)


def _catalogue(file: Path) -> Catalogue:
    document: Mapping[str, Any] = orjson.loads(file.read_bytes())
    version: str = document["price_version"]
    known: Mapping[str, Mapping[str, Sequence[Any]]] = document["models"]
    return {
        family: [_known_model(name, facts, version) for name, facts in models.items()]
        for family, models in known.items()
    }


def _known_model(name: str, facts: Sequence[Any], version: str) -> KnownModel:
    context_window, max_output, capabilities, price = facts
    told = None if price is None else _price(price, version)
    return KnownModel(name, context_window, max_output, frozenset(capabilities.split()), told)


def _price(fields: Mapping[str, Any], version: str) -> Price:
    """As tools/catalogue writes it: classes of tokens, sizes of prompts, service tiers."""
    classes = {name: amount for name, amount in fields.items() if isinstance(amount, int)}
    above = fields.get("above", {}).items()
    tiers = fields.get("tiers", {}).items()
    return Price(
        **classes,
        above=tuple((int(size), _price(price, version)) for size, price in above),
        tiers=tuple((tier, _price(price, version)) for tier, price in tiers),
        version=version,
    )
