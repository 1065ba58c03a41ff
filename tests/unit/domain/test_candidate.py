"""Names into candidates: models, patterns, aliases, fallbacks, and one provider by name."""

from __future__ import annotations

import pytest

from service.domain.candidate import Candidate, Names, candidates
from service.domain.pricing import Price
from service.domain.provider import KnownModel, ModelRef, Offer, ServedModel

OFFERS = (
    Offer("early", 10, (ServedModel("gpt-4o", upstream="gpt-4o-2024"), ServedModel("other"))),
    Offer("any", 20),
    Offer("late", 30, (ServedModel("gpt-*"),)),
)
NAMES = Names(
    aliases={"fast": ("other", "gpt-4o"), "stand-in": ("gpt-9",)},
    fallbacks={"gpt-9": ("other", "gpt-4o"), "fast": ("stand-in",)},
)


def found(model: str, *fallbacks: str, offers: tuple[Offer, ...] = OFFERS) -> list[tuple[int, str]]:
    """Each candidate's tier and target."""
    return [(c.tier, str(c.target)) for c in candidates(model, fallbacks, NAMES, offers)]


def only(offer: Offer, model: str) -> Candidate:
    (candidate,) = candidates(model, (), Names(), (offer,))
    return candidate


def test_everyone_who_serves_it() -> None:
    """Each provider is asked under its own name of the model, in the order of offers."""
    assert [(0, "early/gpt-4o-2024"), (0, "late/gpt-4o")] == found("gpt-4o")


def test_a_provider_by_name() -> None:
    """`PROVIDER/MODEL` asks that provider alone; one that lists no models takes any that way."""
    assert [(0, "late/gpt-4o")] == found("late/gpt-4o")
    assert [(0, "early/gpt-4o-2024")] == found("early/gpt-4o")
    assert [(0, "any/what/ever")] == found("any/what/ever")


@pytest.mark.parametrize("model", ["unknown", "early/unknown", "nobody/gpt-4o", "any/", "any", ""])
def test_nobody(model: str) -> None:
    """A name that nobody serves has no candidates."""
    assert [] == found(model)


def test_a_slash_in_a_models_own_name() -> None:
    """A slash that follows no provider's name is part of the model's."""
    offer = Offer("router", 10, (ServedModel("meta/llama"), ServedModel("mistral/*")))

    assert [(0, "router/meta/llama")] == found("meta/llama", offers=(offer,))
    assert [(0, "router/mistral/x")] == found("mistral/x", offers=(offer,))


def test_the_first_entry_counts() -> None:
    """Of a provider's entries that fit, the first one is taken, and no other."""
    offer = Offer("p", 10, (ServedModel("gpt-*", upstream="big"), ServedModel("gpt-4o", "small")))

    assert [(0, "p/big")] == found("gpt-4o", offers=(offer,))


def test_deployments() -> None:
    """Two deployments of a provider are two candidates."""
    offers = tuple(Offer("p", 10, (ServedModel("m"),), place) for place in ("east", "west"))

    assert [(0, "p@east/m"), (0, "p@west/m")] == found("m", offers=offers)
    assert [(0, "p@east/m"), (0, "p@west/m")] == found("p/m", offers=offers)


def test_an_alias() -> None:
    """An alias stands for all of its models, which are equally welcome."""
    assert [(0, "early/other"), (0, "early/gpt-4o-2024"), (0, "late/gpt-4o")] == found("fast")[:3]


def test_asked_as() -> None:
    """A candidate knows which name it stands for: for another of them, others may do better."""
    names = [c.asked_as for c in candidates("fast", (), NAMES, OFFERS)]

    assert ["other", "gpt-4o", "gpt-4o", "gpt-9"] == names


def test_fallbacks_follow() -> None:
    """Fallback models come after every candidate of the model itself, one tier each."""
    tiers = [(0, "late/gpt-9"), (1, "early/other"), (2, "early/gpt-4o-2024"), (2, "late/gpt-4o")]

    assert tiers == found("gpt-9")
    assert tiers == found("late/gpt-9", "other", "gpt-4o")


def test_the_callers_fallbacks() -> None:
    """The caller's fallbacks take the place of the configured ones."""
    assert [(0, "late/gpt-9"), (1, "any/x")] == found("gpt-9", "any/x")


def test_a_fallback_may_be_an_alias() -> None:
    """An alias is a name like any other, also of a fallback."""
    assert (1, "late/gpt-9") == found("fast")[-1]
    assert (1, "early/other") == found("late/gpt-4o", "fast")[1]


def test_nobody_twice() -> None:
    """Who serves several of the names keeps the place of the first."""
    assert [(0, "late/gpt-4o"), (1, "early/gpt-4o-2024")] == found("late/gpt-4o", "gpt-4o")


def test_a_fallback_alone() -> None:
    """Where nobody serves the model itself, its fallbacks keep their tiers."""
    assert [(1, "early/other")] == found("unknown", "other")


def test_what_is_published() -> None:
    """What the operator left out is as published, by the provider's own name of the model."""
    price = Price(1, 2)
    known = {"up": KnownModel("up", 1000, 100, frozenset({"tools"}), price)}
    offer = Offer("p", 7, (ServedModel("m", "up"),), "d", 2.5, "eu", known)

    expected = Candidate(
        ModelRef("p", "up", "d"), "m", 0, 7, 2.5, "eu", 1000, 100, frozenset({"tools"}),
        declared=False, price=price,
    )  # fmt: skip
    assert expected == only(offer, "m")


def test_what_the_operator_says() -> None:
    """The operator's word wins over what is published, field by field, and is binding."""
    known = {"m": KnownModel("m", 1000, 100, frozenset({"tools"}), Price(1, 2))}
    mine = ServedModel("m", "", 500, 0, frozenset({"images"}), Price(3, 4))

    candidate = only(Offer("p", 10, (mine,), known=known), "m")

    assert (500, 100) == (candidate.context_window_tokens, candidate.max_output_tokens)
    assert (frozenset({"images"}), True) == (candidate.capabilities, candidate.declared)
    assert Price(3, 4) == candidate.price


def test_what_nobody_knows() -> None:
    """What is not published, and not said by the operator, is unknown."""
    candidate = only(Offer("p", 10), "p/m")

    assert (0, 0) == (candidate.context_window_tokens, candidate.max_output_tokens)
    assert (frozenset(), False) == (candidate.capabilities, candidate.declared)
    assert candidate.price is None


def test_a_line() -> None:
    """A candidate reads as one line."""
    assert "<Candidate p@d/m tier 1>" == repr(Candidate(ModelRef("p", "m", "d"), "m", 1))
    assert "p/m" == str(ModelRef("p", "m"))
