"""Which models can be asked for by name, and what is known of them. Pure.

A provider that is configured with patterns (`gpt-*`) serves what the shipped catalogue knows of
it; one with plain names serves those. The catalogue informs, it never forbids.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from service.domain.candidate import Names, candidates
from service.domain.pricing import Price
from service.domain.provider import KnownModel, ModelRef, Offer, ServedModel

Catalogue = Mapping[str, Sequence[KnownModel]]
"""Known models by wire family: `openai`, `anthropic`, `gemini`, `deepseek`."""


@dataclass(frozen=True, slots=True)
class Listing:
    """A name that can be asked for, and who serves it, in the order in which they are tried."""

    name: str
    targets: tuple[ModelRef, ...]
    context_window_tokens: int
    max_output_tokens: int
    capabilities: frozenset[str]
    price: Price | None = None
    """At the first of them; None where nobody knows it."""


def listings(
    offers: Sequence[Offer],
    families: Mapping[str, str],
    catalogue: Catalogue,
    providers: Iterable[str] = (),
) -> list[Listing]:
    """All models, by name. `families` maps provider names to wire families.

    Not empty `providers` keep only what those serve.
    """
    wanted = frozenset(providers)
    found: dict[str, Listing] = {}
    for offer in sorted(offers, key=lambda offer: offer.priority):
        if wanted and offer.provider not in wanted:
            continue
        known = {model.name: model for model in catalogue.get(families.get(offer.provider, ""), ())}
        for served in offer.models:
            for name in _names(served, known):
                upstream = served.upstream_of(name) or name
                target = ModelRef(offer.provider, upstream, offer.deployment)
                about = known.get(upstream, KnownModel(upstream))
                before = found.get(name)
                if before is None:
                    price = offer.price_of(served, upstream) or about.price
                    found[name] = _listing(name, target, served, replace(about, price=price))
                elif target not in before.targets:
                    found[name] = replace(before, targets=(*before.targets, target))
    return [found[name] for name in sorted(found)]


def alias_listings(
    names: Names, offers: Sequence[Offer], providers: Iterable[str] = ()
) -> list[Listing]:
    """The aliases that anybody serves. What one of its models lacks, an alias lacks."""
    wanted = frozenset(providers)
    found: list[Listing] = []
    for alias in names.aliases:
        serving = [
            candidate
            for candidate in candidates(alias, (), names, offers)
            if not wanted or candidate.target.provider in wanted
        ]
        if serving:
            found.append(
                Listing(
                    alias,
                    tuple(candidate.target for candidate in serving),
                    min(candidate.context_window_tokens for candidate in serving),
                    min(candidate.max_output_tokens for candidate in serving),
                    frozenset.intersection(*(candidate.capabilities for candidate in serving)),
                    serving[0].price,
                )
            )
    return found


def _names(served: ServedModel, known: Mapping[str, KnownModel]) -> list[str]:
    if "*" not in served.name:
        return [served.name]
    return [name for name in known if served.upstream_of(name)]


def _listing(name: str, target: ModelRef, served: ServedModel, about: KnownModel) -> Listing:
    return Listing(
        name,
        (target,),
        served.context_window_tokens or about.context_window_tokens,
        served.max_output_tokens or about.max_output_tokens,
        served.capabilities or about.capabilities,
        about.price,
    )
