"""The part of the composition root that builds providers, and keeps those that a reload leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from service.config import EndpointSettings, Engine, Kind, ProviderSettings, Settings, endpoints
from service.config import domain as values
from service.config.pricing import PriceRuleSettings, next_change
from service.domain.catalogue import Catalogue
from service.domain.pricing import WEEK_MINUTES, OffPeak, Price, minute_of_week
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
    """Calls `changed` whenever another price begins to hold: on a day, in UTC, and off peak.

    `now` tells the time of day; a clock that is set does no harm.
    """

    def __init__(
        self, changed: Callable[[], None], now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._changed = changed
        self._now = now
        self._task: asyncio.Task[None] | None = None

    def follow(self, rules: Sequence[PriceRuleSettings], edges: Collection[int] = ()) -> None:
        """Forgets those of before. `edges` are minutes of the week."""
        self.close()
        self._task = asyncio.create_task(self._wait(rules, edges, self._now()))

    def close(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _wait(
        self, rules: Sequence[PriceRuleSettings], edges: Collection[int], now: datetime
    ) -> None:
        while (begins := _next(rules, edges, now)) is not None:
            while (left_s := (begins - self._now()).total_seconds()) > 0:  # noqa: ASYNC110 - time
                await asyncio.sleep(min(left_s, _LOOK_AGAIN_S))
            now = self._now()
            self._changed()


def _next(
    rules: Sequence[PriceRuleSettings], edges: Collection[int], now: datetime
) -> datetime | None:
    """When another price begins to hold after `now`, which is in UTC."""
    found: list[datetime] = []
    day = next_change(rules, now.date())
    if day is not None:
        found.append(datetime(day.year, day.month, day.day, tzinfo=UTC))
    if edges:
        minute = minute_of_week(now)
        ahead = min((edge - minute - 1) % WEEK_MINUTES + 1 for edge in edges)
        found.append(now.replace(second=0, microsecond=0) + timedelta(minutes=ahead))
    return min(found, default=None)


class Providing:
    """Providers that are the same before and after a reload keep their connections."""

    def __init__(self) -> None:
        self.catalogue = _catalogue(_CATALOGUE_FILE)
        """What is published of models, by family."""
        self._providers: dict[Hashable, Provider] = {}

    def roster(self, settings: Settings, now: datetime | None = None) -> Roster:
        """With the prices of that moment; None means the present one."""
        now = now or datetime.now(UTC)
        members = [
            self._member(name, provider, endpoint, (settings, now))
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

    def edges(self, settings: Settings) -> frozenset[int]:
        """The minutes of the week at which what is published of prices changes."""
        return frozenset(
            minute
            for provider in settings.active_providers.values()
            for model in self.catalogue.get(provider.kind.value, ())
            if model.price and model.price.off_peak
            for span in model.price.off_peak.spans
            for minute in span
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
        surroundings: tuple[Settings, datetime],
    ) -> Member:
        whole, now = surroundings
        key = _identity_of(name, settings, endpoint)
        provider = self._providers.get(key)
        if provider is None:
            provider = self._providers[key] = _provider(name, settings, endpoint)
        published = self.catalogue.get(settings.kind.value, ())
        known = {model.name: model.at(minute_of_week(now)) for model in published}
        times = settings.timeouts
        return Member(
            provider,
            values.offer(
                name, settings, endpoint, known, values.prices(name, settings, whole, now.date())
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
    """As tools/catalogue writes it: classes of tokens, sizes of prompts, service tiers, hours."""
    classes = {name: amount for name, amount in fields.items() if isinstance(amount, int)}
    above = fields.get("above", {}).items()
    tiers = fields.get("tiers", {}).items()
    cheaper = fields.get("off_peak")
    return Price(
        **classes,
        above=tuple((int(size), _price(price, version)) for size, price in above),
        tiers=tuple((tier, _price(price, version)) for tier, price in tiers),
        version=version,
        off_peak=cheaper and _off_peak(cheaper, version),
    )


def _off_peak(fields: Mapping[str, Any], version: str) -> OffPeak:
    return OffPeak(tuple(map(tuple, fields["minutes"])), _price(fields, version))
