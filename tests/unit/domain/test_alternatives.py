"""What a choice saved is told where there was a choice between known prices, and nowhere else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from service.domain.alternatives import dearest_nano_usd
from service.domain.attempt import Attempt, Outcome
from service.domain.candidate import Candidate
from service.domain.completion import Usage
from service.domain.pricing import Price, cost_of
from service.domain.provider import ModelRef
from service.domain.routing import Ranked
from service.domain.scoring import View

CHEAP = Price(input=1_000_000, output=5_000_000)
DEAR = Price(input=7_000_000, output=20_000_000)
SEARCHING = replace(CHEAP, web_search=10_000_000)
USAGE = Usage(3, 2)
SEARCHED = replace(USAGE, web_search_count=1)
TARGET = ModelRef("a", "m")
ANSWERED = Attempt(TARGET, Outcome.OK, 0.5, usage=USAGE, cost=cost_of(CHEAP, USAGE))


def ranked(provider: str, price: Price | None, tier: int = 0) -> Ranked:
    candidate = Candidate(ModelRef(provider, "m"), "m", tier=tier, price=price)
    return Ranked(View(candidate), 0.0, (), 0.5, 0)


CHOICE = (ranked("a", CHEAP), ranked("b", DEAR), ranked("c", None))


def test_a_choice() -> None:
    """The same tokens at the dearest candidate: 3 for 7 and 2 for 20."""
    assert 61 == dearest_nano_usd(CHOICE, ANSWERED)


def test_the_dearest_was_chosen() -> None:
    """Then nothing was saved: it is what the answer cost."""
    dear = replace(ANSWERED, target=ModelRef("b", "m"), cost=cost_of(DEAR, USAGE))

    assert 61 == dearest_nano_usd(CHOICE, dear)


def test_what_the_provider_reports_holds_for_it_alone() -> None:
    """Of others the tokens are priced; who reports more than the dearest saved nothing."""
    cheap, dear = Usage(3, 2, reported_nano_usd=10), Usage(3, 2, reported_nano_usd=100)

    assert [61, 100] == [
        dearest_nano_usd(CHOICE, replace(ANSWERED, usage=usage, cost=cost_of(CHEAP, usage)))
        for usage in (cheap, dear)
    ]


def test_what_the_table_says_of_the_chosen_one_is_no_alternative() -> None:
    """A provider that charges less than its table price saved no choice anything."""
    usage = Usage(3, 2, reported_nano_usd=30)
    dear = replace(ANSWERED, target=ModelRef("b", "m"), usage=usage, cost=cost_of(DEAR, usage))

    assert 30 == dearest_nano_usd(CHOICE, dear)


@pytest.mark.parametrize(
    ("candidates", "attempt"),
    [
        (CHOICE[:1], ANSWERED),
        ((ranked("a", CHEAP), ranked("c", None)), ANSWERED),
        ((ranked("a", CHEAP), ranked("b", DEAR, tier=1)), ANSWERED),
        (CHOICE, replace(ANSWERED, outcome=Outcome.FAILED)),
        (CHOICE, replace(ANSWERED, usage=None, cost=None)),
        (CHOICE, replace(ANSWERED, cost=cost_of(None, USAGE))),
        (CHOICE, replace(ANSWERED, usage=SEARCHED, cost=cost_of(SEARCHING, SEARCHED))),
    ],
    ids=[
        *("alone", "unpriced", "fallback", "failed", "nothing consumed", "unknown cost"),
        "searches that no other has a price of",
    ],
)
def test_no_choice(candidates: tuple[Ranked, ...], attempt: Attempt) -> None:
    """Fallbacks are no choice, and what is not known is not guessed."""
    assert dearest_nano_usd(candidates, attempt) is None
