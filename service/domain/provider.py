"""What the service knows of providers: who serves which model, and what one call to one of them
holds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from fnmatch import fnmatchcase

from service.domain.completion import CompletionSpec, Usage
from service.domain.pricing import Price, PriceRule, ruled


@dataclass(frozen=True, slots=True)
class ModelRef:
    """A concrete model at a concrete provider, by the provider's configured name."""

    provider: str
    model: str
    deployment: str = ""

    def __str__(self) -> str:
        place = f"@{self.deployment}" if self.deployment else ""
        return f"{self.provider}{place}/{self.model}"


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A model, or a pattern of models (`gpt-*`), that a provider serves.

    `upstream` is the provider's own name of it; "" means the same name. Token limits are 0 when
    unknown. `capabilities` are those of `aiprovider.v1.Model`; empty means unknown, and nothing is
    ruled out. `price` is None when the operator names none.
    """

    name: str
    upstream: str = ""
    context_window_tokens: int = 0
    max_output_tokens: int = 0
    capabilities: frozenset[str] = frozenset()
    price: Price | None = None

    def upstream_of(self, model: str) -> str | None:
        """The provider's own name of `model`, None if this entry does not serve it."""
        if self.name == model:
            return self.upstream or model
        if "*" in self.name and fnmatchcase(model, self.name):
            return self.upstream or model
        return None


@dataclass(frozen=True, slots=True)
class KnownModel:
    """What is published about a model. Token limits are 0 and `price` None when unknown."""

    name: str
    context_window_tokens: int = 0
    max_output_tokens: int = 0
    capabilities: frozenset[str] = frozenset()
    price: Price | None = None

    def at(self, minute: int) -> KnownModel:
        """With its price at a minute of the week."""
        if self.price is None or self.price.off_peak is None:
            return self
        return replace(self, price=self.price.at(minute))


@dataclass(frozen=True, slots=True)
class Offer:
    """What one deployment of an enabled provider serves. `deployment` is "" for its only one.

    Without `models` the provider serves any model that is asked for as `NAME/MODEL`, and no other.
    `known` is what is published about its models, by the provider's own names; `prices` is what
    the operator says that they cost, the rule that wins first.
    """

    provider: str
    priority: int
    models: tuple[ServedModel, ...] = ()
    deployment: str = ""
    weight: float = 1.0
    region: str = ""
    known: Mapping[str, KnownModel] = field(default_factory=dict[str, KnownModel], repr=False)
    prices: tuple[PriceRule, ...] = field(default=(), repr=False)

    def price_of(self, entry: ServedModel, upstream: str) -> Price | None:
        """What the model `upstream` costs here that `entry` serves; None where nobody knows."""
        known = self.known.get(upstream)
        told = entry.price or ruled(self.prices, upstream)
        return told or (known.price if known else None)


class OnUnsupported(Enum):
    """What happens to a parameter that the provider lacks."""

    REFUSE = "error"
    DROP = "drop"


@dataclass(frozen=True, slots=True)
class Defaults:
    """Values for what the caller left out. A provider leaves one out where the model would refuse
    it.
    """

    temperature: float | None = None
    max_output_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class ProviderCall:
    """One completion asked of one provider. `model` is the provider's own name, not `spec.model`.

    `headers` are sent along (trace context).
    """

    spec: CompletionSpec
    model: str
    defaults: Defaults = Defaults()
    on_unsupported: OnUnsupported = OnUnsupported.REFUSE
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class EmbeddingCall:
    """Embeddings asked of one provider. `model` is the provider's own name."""

    model: str
    inputs: tuple[str, ...]
    dimensions: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Embeddings:
    """One vector for each input, in the same order. `usage` is None when the provider did not
    say; the router then estimates it. `provider_model` is as in Ending.
    """

    vectors: tuple[Sequence[float], ...]
    usage: Usage | None = None
    provider_model: str = ""


@dataclass(frozen=True, slots=True)
class TokenCount:
    """`tokenizer` names who counted. `exact` is False for an estimate."""

    input_tokens: int
    exact: bool
    tokenizer: str
