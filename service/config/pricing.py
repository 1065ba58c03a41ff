"""Settings of prices: what the operator knows better than the price table, and since when."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Self

from pydantic import Field, model_validator

from service.config.values import Section, Text
from service.domain.pricing import Price, PriceRule

_NANO = 10**9
Usd = Annotated[Decimal, Field(ge=0, le=1_000_000, decimal_places=9)]


class RateSettings(Section):
    """What each class of tokens costs. USD for a million tokens."""

    input: Usd = Field(description="Of the prompt.")
    output: Usd = Field(description="Of the answer.")
    cache_read: Usd | None = Field(
        default=None,
        description="Of the prompt, read from the provider's prompt cache; unset means as `input`.",
    )
    cache_write: Usd | None = Field(
        default=None, description="Of the prompt, written to it; unset means as `input`."
    )
    cache_write_1h: Usd | None = Field(
        default=None, description="The same, to stay for an hour; unset means as `cache_write`."
    )
    reasoning: Usd | None = Field(
        default=None, description="Of the answer, reasoning; unset means as `output`."
    )
    audio_input: Usd | None = Field(
        default=None, description="Of the prompt, audio; unset means as `input`."
    )
    audio_output: Usd | None = Field(
        default=None, description="Of the answer, audio; unset means as `output`."
    )
    image_input: Usd | None = Field(
        default=None, description="Of the prompt, images; unset means as `input`."
    )
    cache_read_audio: Usd | None = Field(
        default=None, description="Audio read from the cache; unset means as `cache_read`."
    )

    def rates(self) -> Price:
        """Of the classes that are set."""
        return Price(
            int(self.input * _NANO),
            int(self.output * _NANO),
            _nano(self.cache_read),
            _nano(self.cache_write),
            _nano(self.cache_write_1h),
            _nano(self.reasoning),
            _nano(self.audio_input),
            _nano(self.audio_output),
            _nano(self.image_input),
            _nano(self.cache_read_audio),
        )


def _nano(usd: Decimal | None) -> int | None:
    return None if usd is None else int(usd * _NANO)


class LargePromptSettings(RateSettings):
    """What the whole request costs where its prompt is larger."""

    input_tokens: int = Field(
        ge=1, le=1_000_000_000, description="It holds for prompts of more tokens than this."
    )


class TierSettings(RateSettings):
    """What a request costs in one service tier."""

    above: tuple[LargePromptSettings, ...] = Field(
        default=(), description="What larger prompts cost, the smallest size first."
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        sizes = [one.input_tokens for one in self.above]
        if any(first >= second for first, second in pairwise(sizes)):
            raise ValueError("above must name each input_tokens once, the smallest first")
        return self

    def stepped(self) -> Price:
        """With what larger prompts cost."""
        steps = tuple((one.input_tokens, one.rates()) for one in self.above)
        return replace(self.rates(), above=steps)


class PriceSettings(TierSettings):
    """What a model costs at this provider. USD for a million tokens."""

    tiers: dict[Text, TierSettings] = Field(
        default_factory=dict,
        description="What it costs in a service tier, by the name that the provider gives it, such"
        " as `flex`, `priority` or `batch`.",
    )
    web_search: Usd | None = Field(
        default=None, description="One search of the provider's own. USD; unset means unknown."
    )

    @property
    def price(self) -> Price:
        return self.priced()

    def priced(self, since: date | None = None) -> Price:
        """`since` is the day from which on it holds, for its version."""
        bare = replace(
            self.stepped(),
            web_search=_nano(self.web_search),
            tiers=tuple((_as_told(name), tier.stepped()) for name, tier in self.tiers.items()),
        )
        return replace(bare, version=version_of(bare, since))


def _as_told(tier: str) -> str:
    """As what an answer says comes to: in small letters, several in the order of the alphabet."""
    return "+".join(sorted(tier.lower().split("+")))


class PriceRuleSettings(PriceSettings):
    """What some models cost, in place of what the price table says. USD for a million tokens."""

    provider: str = Field(
        default="", description="The provider's name in this configuration; empty means any."
    )
    models: tuple[Text, ...] = Field(
        default=(),
        description="The provider's own names of the models, or patterns; empty means all.",
    )
    since: date | None = Field(
        default=None,
        alias="from",
        description="The day from which on it holds, in UTC, such as `2026-01-31`; unset means ever"
        " since.",
    )


def version_of(price: Price, since: date | None = None) -> str:
    """Tells prices of the configuration apart from those of the table, and from each other."""
    digest = hashlib.sha256(repr(price).encode()).hexdigest()[:8]
    return f"config.{since.isoformat()}.{digest}" if since else f"config.{digest}"


def price_rules(
    rules: Sequence[PriceRuleSettings], provider: str, today: date
) -> tuple[PriceRule, ...]:
    """Those for a provider that are in force, the one that wins first.

    A model's exact name wins over a pattern, a provider's name over none, a later day over an
    earlier one, and what comes first in the configuration over the rest.
    """
    found: list[tuple[tuple[bool, bool, int], PriceRule]] = []
    for rule in rules:
        since = rule.since or date.min
        if rule.provider not in ("", provider) or since > today:
            continue
        price = rule.priced(rule.since)
        for models in [(model,) for model in rule.models] or [()]:
            patterned = not models or any(mark in models[0] for mark in "*?[")
            rank = (patterned, not rule.provider, -since.toordinal())
            found.append((rank, PriceRule(price, models)))
    return tuple(rule for _, rule in sorted(found, key=lambda one: one[0]))


def next_change(rules: Sequence[PriceRuleSettings], today: date) -> date | None:
    """The next day on which a price begins to hold; None where none does."""
    days = [rule.since for rule in rules if rule.since is not None and rule.since > today]
    return min(days, default=None)
