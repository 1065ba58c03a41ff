"""What an answer is expected to cost, for routing. Pure, in whole numbers.

Amounts are nano-USD (1 USD = 10**9); prices are nano-USD for a million tokens, so that the price
lists of all providers are whole numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Price:
    """Nano-USD for a million tokens of each class. `cache_read` is None where none is published."""

    input: int
    output: int
    cache_read: int | None = None


def expected_nano_usd(
    price: Price, input_tokens: int, output_tokens: int, cached_tokens: int = 0
) -> int:
    """Rounded up. `cached_tokens` of the input are expected in the provider's prompt cache."""
    cached = min(cached_tokens, input_tokens) if price.cache_read is not None else 0
    total = (
        (input_tokens - cached) * price.input
        + cached * (price.cache_read or 0)
        + output_tokens * price.output
    )
    return -(-total // MILLION)
