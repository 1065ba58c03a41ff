"""What providers say of money, in the domain's words. Pure: an amount is never a float here."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

_NANO = Decimal(10**9)
_USD_MAX = 10**6
_WORD_MAX_CHARS = 32
# Words for what is charged as always.
_AS_ALWAYS = frozenset(
    {"", "default", "standard", "auto", "global", "not_available", "unspecified"}
)


def tier_of(*words: Any) -> str:
    """The service tier by what an answer says of it, in any of its fields. Unknown words are kept:
    what they cost is for the price table to say.
    """
    told = {word.lower()[:_WORD_MAX_CHARS] for word in words if isinstance(word, str)}
    return "+".join(sorted(told - _AS_ALWAYS))


def usd(told: Any, units: int = 1) -> Decimal | None:
    """An amount as JSON says it, of which so many `units` are a USD; None for anything else: an
    answer is not refused for its price.

    A JSON number has passed through a binary fraction: its shortest decimal form is what was
    written, up to 15 digits.
    """
    if isinstance(told, bool) or not isinstance(told, int | float):
        return None
    amount = Decimal(repr(told)) / units
    return amount if 0 <= amount <= _USD_MAX else None


def nano_of_usd(amount: Decimal) -> int:
    """To the nearest, halves up."""
    return int((amount * _NANO).to_integral_value(ROUND_HALF_UP))
