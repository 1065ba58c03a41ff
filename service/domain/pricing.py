"""What tokens cost. Pure, in whole numbers: no float comes near an amount.

Amounts are nano-USD (1 USD = 10**9); prices are nano-USD for a million tokens, so that the price
lists of all providers are whole numbers. Each part of a cost is rounded once, to the nearest whole
nano-USD, halves up; the total is the sum of the parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import NamedTuple

from service.domain.completion import Usage
from service.domain.cost import UNPRICED, Cost, Provenance

MILLION = 1_000_000
WEEK_MINUTES = 7 * 24 * 60
_HALF = MILLION // 2


@dataclass(frozen=True, slots=True)
class Price:
    """Nano-USD for a million tokens of each class.

    A class that is None is charged as the wider one that it is a part of: reasoning as output, what
    is written for an hour as what is written, audio as input. `web_search` alone is nano-USD for
    one search; None where it is not known.
    """

    input: int
    output: int
    cache_read: int | None = None
    cache_write: int | None = None
    cache_write_1h: int | None = None
    reasoning: int | None = None
    audio_input: int | None = None
    audio_output: int | None = None
    image_input: int | None = None
    cache_read_audio: int | None = None
    web_search: int | None = None
    above: tuple[tuple[int, Price], ...] = ()
    """What the whole request costs where its prompt has more tokens; the fewest first."""
    tiers: tuple[tuple[str, Price], ...] = ()
    """What it costs in a service tier, by the tier's name."""
    version: str = ""
    """Of the table that it comes from."""
    off_peak: OffPeak | None = None
    """What it costs instead at some hours."""

    def at(self, minute: int) -> Price:
        """The one at a `minute_of_week`."""
        cheaper = self.off_peak
        if cheaper and any(begin <= minute < end for begin, end in cheaper.spans):
            return cheaper.price
        return self

    def for_input(self, input_tokens: int) -> Price:
        """The one for a prompt of so many tokens, in this tier."""
        for more_than, price in reversed(self.above):
            if input_tokens > more_than:
                return price
        return self

    def in_tier(self, service_tier: str) -> Price | None:
        """None where what is asked for in that tier is not known."""
        if not service_tier:
            return self
        for name, price in self.tiers:
            if name == service_tier:
                return price
        return None


class OffPeak(NamedTuple):
    """Another price, and from which up to which `minute_of_week` it holds."""

    spans: tuple[tuple[int, int], ...]
    price: Price


def minute_of_week(moment: datetime) -> int:
    """A week begins on Monday, 00:00 UTC."""
    there = moment.astimezone(UTC)
    return (there.weekday() * 24 + there.hour) * 60 + there.minute


class PriceRule(NamedTuple):
    """A price that the operator lays down; `models` are names or patterns, none means all."""

    price: Price
    models: tuple[str, ...] = ()

    def holds(self, model: str) -> bool:
        return not self.models or any(fnmatchcase(model, name) for name in self.models)


def ruled(rules: Sequence[PriceRule], model: str) -> Price | None:
    """The price by the first rule that holds."""
    for rule in rules:
        if rule.holds(model):
            return rule.price
    return None


def cost_of(price: Price | None, usage: Usage) -> Cost:
    """What `usage` costs. Classes that overlap are charged once, by the narrowest.

    Of the prompt that is what was read from the cache, then what was written to it, audio, images,
    the rest; of the answer reasoning, audio, the rest. Where the provider says what it charges,
    that holds. In a service tier that `price` does not know, what it costs without is an estimate.
    """
    if usage.reported_nano_usd is not None:
        return Cost(Provenance.PROVIDER_REPORTED, other=usage.reported_nano_usd)
    if price is None:
        return UNPRICED
    tier = price.in_tier(usage.service_tier)
    sure = tier is not None and not usage.estimated
    provenance = Provenance.COMPUTED if sure else Provenance.ESTIMATED
    rates = tier or price
    if rates.above:
        rates = rates.for_input(usage.input_tokens)
    searches = 0
    if usage.web_search_count:
        if price.web_search is None:
            provenance = Provenance.UNKNOWN
        searches = usage.web_search_count * (price.web_search or 0)
    read, written, fresh = _input(rates, usage)
    return Cost(
        provenance,
        (fresh + _HALF) // MILLION,
        (_output(rates, usage) + _HALF) // MILLION,
        (read + _HALF) // MILLION,
        (written + _HALF) // MILLION,
        searches,
        price.version,
    )


def _input(rates: Price, usage: Usage) -> tuple[int, int, int]:
    """Millionths of nano-USD for what was read from the cache, written to it, and all else."""
    left = usage.input_tokens
    plain = rates.input
    if not (
        usage.cache_read_input_tokens
        or usage.cache_write_input_tokens
        or usage.audio_input_tokens
        or usage.image_input_tokens
    ):
        return 0, 0, left * plain
    read = min(usage.cache_read_input_tokens, left)
    heard_before = min(usage.cache_read_audio_input_tokens, usage.audio_input_tokens, read)
    read_rate = plain if rates.cache_read is None else rates.cache_read
    heard_rate = read_rate if rates.cache_read_audio is None else rates.cache_read_audio
    left -= read
    written = min(usage.cache_write_input_tokens, left)
    long = min(usage.cache_write_1h_input_tokens, written)
    write_rate = plain if rates.cache_write is None else rates.cache_write
    long_rate = write_rate if rates.cache_write_1h is None else rates.cache_write_1h
    left -= written
    audio = min(usage.audio_input_tokens - heard_before, left)
    images = min(usage.image_input_tokens, left - audio)
    return (
        (read - heard_before) * read_rate + heard_before * heard_rate,
        (written - long) * write_rate + long * long_rate,
        audio * (plain if rates.audio_input is None else rates.audio_input)
        + images * (plain if rates.image_input is None else rates.image_input)
        + (left - audio - images) * plain,
    )


def _output(rates: Price, usage: Usage) -> int:
    """Millionths of nano-USD."""
    left = usage.output_tokens
    plain = rates.output
    if not (usage.reasoning_output_tokens or usage.audio_output_tokens):
        return left * plain
    reasoning = min(usage.reasoning_output_tokens, left)
    audio = min(usage.audio_output_tokens, left - reasoning)
    return (
        reasoning * (plain if rates.reasoning is None else rates.reasoning)
        + audio * (plain if rates.audio_output is None else rates.audio_output)
        + (left - reasoning - audio) * plain
    )


def expected_nano_usd(
    price: Price, input_tokens: int, output_tokens: int, cached_tokens: int = 0
) -> int:
    """What an answer is expected to cost, for routing. Rounded up.

    `cached_tokens` of the input are expected in the provider's prompt cache.
    """
    if price.above:
        price = price.for_input(input_tokens)
    cached = min(cached_tokens, input_tokens) if price.cache_read is not None else 0
    total = (
        (input_tokens - cached) * price.input
        + cached * (price.cache_read or 0)
        + output_tokens * price.output
    )
    return -(-total // MILLION)
