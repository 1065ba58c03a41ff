"""What a call cost, in whole nano-USD (1 USD = 10**9), and how that is known. Plain values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Provenance(Enum):
    """How a cost is known, the surest first. Of a sum it is that of its least sure part."""

    PROVIDER_REPORTED = "provider_reported"
    """The provider said what it charges."""
    COMPUTED = "computed"
    """From the tokens that the provider reported, by the price table."""
    ESTIMATED = "estimated"
    """By the price table, from tokens that were estimated from the text; or by the price of another
    service tier than the one that served."""
    UNKNOWN = "unknown"
    """No price is known. Never the same as 0."""


_SUREST_FIRST = tuple(Provenance)


@dataclass(frozen=True, slots=True)
class Cost:
    """The parts are whole nano-USD, each rounded once. With UNKNOWN they lack what is not known."""

    provenance: Provenance
    input: int = 0
    """Input tokens that no prompt cache served."""
    output: int = 0
    """Output tokens, reasoning included."""
    cache_read: int = 0
    cache_write: int = 0
    other: int = 0
    """What is charged beside tokens, or was reported as one sum."""
    price_version: str = ""

    @property
    def total(self) -> int:
        return self.input + self.output + self.cache_read + self.cache_write + self.other

    @property
    def is_known(self) -> bool:
        return self.provenance is not Provenance.UNKNOWN

    def __add__(self, other: Cost) -> Cost:
        surer = max(self.provenance, other.provenance, key=_SUREST_FIRST.index)
        return Cost(
            surer,
            self.input + other.input,
            self.output + other.output,
            self.cache_read + other.cache_read,
            self.cache_write + other.cache_write,
            self.other + other.other,
            self.price_version or other.price_version,
        )


FREE = Cost(Provenance.PROVIDER_REPORTED)
"""Nothing was consumed. Where a sum begins."""
UNPRICED = Cost(Provenance.UNKNOWN)
