"""Who could be asked: names into candidates. Pure; says nothing about who is asked first.

A name is a model's, an alias of several models, or `PROVIDER/MODEL` for one provider alone. The
candidates of the name itself are tier 0; each fallback model adds a tier that is tried later.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from service.domain.pricing import Price
from service.domain.provider import ModelRef, Offer, ServedModel


@dataclass(frozen=True, slots=True)
class Candidate:
    """A concrete model at a concrete deployment, and what is known of it whoever asks.

    Token limits are 0, `capabilities` empty and `price` None when unknown. `declared` says that the
    capabilities are the operator's own word: what is only published never rules anybody out.
    """

    target: ModelRef
    asked_as: str
    tier: int = 0
    priority: int = 100
    weight: float = 1.0
    region: str = ""
    context_window_tokens: int = 0
    max_output_tokens: int = 0
    capabilities: frozenset[str] = frozenset()
    declared: bool = False
    price: Price | None = None

    def __repr__(self) -> str:
        return f"<Candidate {self.target} tier {self.tier}>"


@dataclass(frozen=True, slots=True)
class Names:
    """What the operator calls models: aliases of several, and what may stand in for what."""

    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    fallbacks: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])


def candidates(
    model: str, fallback_models: Sequence[str], names: Names, offers: Sequence[Offer]
) -> tuple[Candidate, ...]:
    """Everyone who serves `model`, then those of its fallbacks: the caller's, else configured ones.

    Nobody twice. Within a tier the order is that of `offers`, which are sorted by priority.
    """
    tiers = (model, *(fallback_models or names.fallbacks.get(model, ())))
    found: dict[ModelRef, Candidate] = {}
    for tier, asked in enumerate(tiers):
        for name in names.aliases.get(asked, (asked,)):
            for candidate in _serving(name, tier, offers):
                found.setdefault(candidate.target, candidate)
    return tuple(found.values())


def _serving(name: str, tier: int, offers: Sequence[Offer]) -> list[Candidate]:
    prefix, _, rest = name.partition("/")
    # `PROVIDER/MODEL` asks one provider alone; a model's own name may hold a slash too.
    named = [_offered(offer, rest, name, tier) for offer in offers if offer.provider == prefix]
    found = [candidate for candidate in named if candidate is not None] if rest else []
    if not found:
        plain = (_offered(offer, name, name, tier) for offer in offers if offer.models)
        found = [candidate for candidate in plain if candidate is not None]
    return found


def _offered(offer: Offer, model: str, asked_as: str, tier: int) -> Candidate | None:
    if not offer.models:
        return _candidate(offer, ServedModel(model), model, asked_as, tier)
    for entry in offer.models:
        upstream = entry.upstream_of(model)
        if upstream:
            return _candidate(offer, entry, upstream, asked_as, tier)
    return None


def _candidate(offer: Offer, entry: ServedModel, upstream: str, name: str, tier: int) -> Candidate:
    known = offer.known.get(upstream)
    return Candidate(
        ModelRef(offer.provider, upstream, offer.deployment),
        name,
        tier,
        offer.priority,
        offer.weight,
        offer.region,
        entry.context_window_tokens or (known.context_window_tokens if known else 0),
        entry.max_output_tokens or (known.max_output_tokens if known else 0),
        entry.capabilities or (known.capabilities if known else frozenset()),
        bool(entry.capabilities),
        offer.price_of(entry, upstream),
    )
