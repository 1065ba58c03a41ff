"""What ListModels tells."""

from __future__ import annotations

from service.domain.catalogue import KnownModel, listings
from service.domain.provider import ModelRef, Offer, ServedModel

CATALOGUE = {"openai": [KnownModel("gpt-1", 100, 10, frozenset({"completion"})), KnownModel("x")]}
OFFERS = (
    Offer("second", 20, (ServedModel("gpt-*"),)),
    Offer("first", 10, (ServedModel("gpt-1"), ServedModel("own", "up", 5, 2))),
)
FAMILIES = {"first": "gemini", "second": "openai"}


def test_listings() -> None:
    """Patterns list what is known, plain names always; who is tried first stands first."""
    found = listings(OFFERS, FAMILIES, CATALOGUE)

    assert ["gpt-1", "own"] == [listing.name for listing in found]
    assert (ModelRef("first", "gpt-1"), ModelRef("second", "gpt-1")) == found[0].targets
    assert (5, 2) == (found[1].context_window_tokens, found[1].max_output_tokens)


def test_only_some_providers() -> None:
    """The listing can be narrowed to providers."""
    found = listings(OFFERS, FAMILIES, CATALOGUE, ["second"])

    assert ["gpt-1"] == [listing.name for listing in found]
    assert 100 == found[0].context_window_tokens
