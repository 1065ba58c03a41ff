"""What the operator says that models cost: which word wins, from which day on, what is refused."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from service.config import Settings
from service.config.pricing import PriceRuleSettings, price_rules
from service.domain.pricing import Price, ruled
from service.providers.charges import tier_of
from service.providing import PriceDays, Providing
from tests.kit.virtual import on_virtual_time
from tests.unit.config.conftest import World

NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)
TODAY = NOON.date()
USD = 10**9


def rule(usd: int, provider: str = "", since: date | None = None, *models: str) -> object:
    return {"input": usd, "output": 0, "provider": provider, "models": models, "from": since}


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ([rule(1), rule(2)], 1),
        ([rule(1), rule(2, "p")], 2),
        ([rule(1, "p"), rule(2, "", None, "m-*")], 1),
        ([rule(1, "p", None, "m-*"), rule(2, "", None, "m-1")], 2),
        ([rule(1, "", date(2026, 1, 1)), rule(2, "", date(2026, 6, 15))], 2),
        ([rule(1, "", date(2026, 1, 1)), rule(2, "", date(2026, 6, 16))], 1),
        ([rule(1), rule(2, "", date(1999, 1, 1))], 2),
        ([rule(1, "other"), rule(2, "p")], 2),
        ([rule(1, "", None, "n-*", "m-1"), rule(2, "p")], 1),
        ([rule(1, "", None, "n-*")], None),
        ([rule(1, "", date(2026, 6, 16))], None),
    ],
)
def test_which_price_holds(rules: list[object], expected: int | None) -> None:
    """A model's name wins over a pattern, a provider's over none, a later day, then the first."""
    settings = [PriceRuleSettings.model_validate(one) for one in rules]

    found = ruled(price_rules(settings, "p", TODAY), "m-1")

    assert expected == (found.input // USD if found else None)


def test_a_price_from_a_file(world: World) -> None:
    """USD for a million tokens become whole nano-USD, classes, sizes and tiers included."""
    world.file("""
        providers:
          local: {base_url: 'http://127.0.0.1:1', models: [llama]}
        prices:
          - provider: local
            models: [llama]
            from: 2026-01-31
            input: 0.000000001
            output: 0.1
            cache_read: 0
            above: [{input_tokens: 1000, input: 2, output: 3}]
            tiers:
              flex: {input: 0.5, output: 0.25}
    """)
    settings = world.load().settings

    roster = Providing().roster(settings, NOON)
    price = roster.candidates("llama", ())[0].price

    assert price is not None
    assert (1, 10**8, 0) == (price.input, price.output, price.cache_read)
    assert ((1000, Price(2 * USD, 3 * USD)),) == price.above
    assert (("flex", Price(USD // 2, USD // 4)),) == price.tiers
    assert price.version.startswith("config.2026-01-31.")


def test_what_wins_over_what() -> None:
    """A model's own price, then `prices`, then `cost_per_token`, then the table."""
    world_price = {"input": 3, "output": 3}
    provider = {"kind": "openai", "base_url": "http://127.0.0.1:1", "cost_per_token": "0.000001"}
    models = ["gpt-4o", "gpt-4o-mini", {"name": "own", "price": world_price}]
    prices = [{"models": ["own", "gpt-4o"], "input": 2, "output": 2}]
    settings = _settings({"p": {**provider, "models": models}}, prices)
    roster = Providing().roster(settings, NOON)

    found = [roster.candidates(name, ())[0].price for name in ("own", "gpt-4o", "gpt-4o-mini")]

    assert [3, 2, 1] == [price.input // USD for price in found if price]


def test_versions_tell_prices_apart() -> None:
    """Equal prices have equal versions; any other amount makes another one."""
    first, same, other = (
        PriceRuleSettings.model_validate({"input": usd, "output": 1}).priced()
        for usd in (1, "1.0", "1.000000001")
    )

    assert first == same
    assert first.version != other.version


@pytest.mark.parametrize(
    ("written", "told"),
    [("Flex", ("flex",)), ("us+batch", ("us", None, "batch")), ("PRIORITY", ("priority",))],
)
def test_service_tiers_by_any_spelling(written: str, told: tuple[str | None, ...]) -> None:
    """An operator's word for a service tier is that which an answer comes to."""
    tiers = {written: {"input": 3, "output": 3}}
    settings = PriceRuleSettings.model_validate({"input": 1, "output": 1, "tiers": tiers})

    found = settings.priced().in_tier(tier_of(*told))

    assert found is not None
    assert 3 * USD == found.input


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "{input: 1}",
            "ai-provider.yml:2: prices[0].output: is required",
        ),
        (
            "{input: 0.0000000001, output: 1}",
            "ai-provider.yml:2: prices[0].input: must have no more than 9 decimal places",
        ),
        (
            "{input: -1, output: 1}",
            "ai-provider.yml:2: prices[0].input: must be greater than or equal to 0",
        ),
        (
            "{input: 1, output: 1, from: yesterday}",
            "ai-provider.yml:2: prices[0].from: must be a day such as 2026-01-31",
        ),
        (
            "{input: 1, output: 1, cached_read: 1}",
            "ai-provider.yml:2: prices[0].cached_read: unknown key; did you mean 'cache_read'?",
        ),
        (
            "{input: 1, output: 1, above: [&a {input_tokens: 9, input: 1, output: 1}, *a]}",
            (
                "ai-provider.yml:2: prices[0]: above must name each input_tokens once,"
                " the smallest first"
            ),
        ),
    ],
)
def test_what_is_refused(world: World, text: str, expected: str) -> None:
    """A mistake is told with its field, and what is to be done."""
    world.file(f"prices:\n  - {text}")

    assert [expected] == world.problems()


def test_a_price_for_nobody(world: World) -> None:
    """A provider that there is not is named in a warning: the price would be missed unnoticed."""
    world.file("prices: [{provider: opnai, input: 1, output: 1}]")

    warnings = world.load().warnings

    assert (
        "prices[0].provider names no provider, and holds for nobody; did you mean 'openai'?"
        in warnings
    )


def test_the_example_of_the_docs(world: World) -> None:
    """What docs/pricing.md shows is taken as it stands."""
    page = (Path(__file__).parents[3] / "docs" / "pricing.md").read_text()
    world.file(page.partition("```yaml\n")[2].partition("```")[0])

    loaded = world.load()

    assert 2 == len(loaded.settings.prices)
    assert () == loaded.warnings


@on_virtual_time
async def test_a_price_changes_at_midnight() -> None:
    """Whoever follows the days is told when one comes on which another price holds, and once."""
    loop = asyncio.get_running_loop()
    began, at = datetime(2026, 6, 14, 22, tzinfo=UTC), loop.time()
    told: list[datetime] = []

    def now() -> datetime:
        return began + timedelta(seconds=loop.time() - at)

    rules = [
        PriceRuleSettings.model_validate({"input": 1, "output": 1, "from": day})
        for day in ("2026-06-01", "2026-06-15", "2026-06-17")
    ]
    days = PriceDays(lambda: told.append(now()), now)
    days.follow(rules)

    await asyncio.sleep(7 * 24 * 3600)

    assert [(6, 15), (6, 17)] == [(moment.month, moment.day) for moment in told]
    assert all(moment.hour == 0 and moment.minute == 0 for moment in told)


@pytest.mark.parametrize(
    ("day", "hour", "expected"),
    [(15, 0, 15), (15, 1, 30), (15, 5, 15), (15, 9, 30), (15, 10, 15), (19, 23, 15), (20, 8, 15)],
)
def test_what_is_published_for_the_hour(day: int, hour: int, expected: int) -> None:
    """Off peak less is charged: on days of the week at some hours, and at weekends."""
    provider = {"kind": "deepseek", "base_url": "http://127.0.0.1:1"}
    settings = _settings({"p": {**provider, "models": ["deepseek-v4-flash"]}}, [])
    now = datetime(2026, 6, day, hour, tzinfo=UTC)

    (found,) = Providing().roster(settings, now).candidates("deepseek-v4-flash", ())

    assert found.price is not None
    assert expected * USD // 100 == found.price.input


@on_virtual_time
async def test_a_price_changes_off_peak() -> None:
    """Whoever follows is told at each hour, and each day, at which another price holds."""
    loop = asyncio.get_running_loop()
    began, at = datetime(2026, 6, 14, 22, tzinfo=UTC), loop.time()
    told: list[datetime] = []

    def now() -> datetime:
        return began + timedelta(seconds=loop.time() - at)

    rule = PriceRuleSettings.model_validate({"input": 1, "output": 1, "from": "2026-06-16"})
    days = PriceDays(lambda: told.append(now()), now)
    days.follow([rule], [60, 600, 7 * 24 * 60])

    await asyncio.sleep(8 * 24 * 3600)
    days.close()

    assert [(15, 0), (15, 1), (15, 10), (16, 0), (22, 0), (22, 1), (22, 10)] == [
        (moment.day, moment.hour) for moment in told
    ]
    assert all(moment.minute == 0 for moment in told)


def test_prices_are_followed_where_somebody_asks_for_them() -> None:
    """Without a provider that charges by the hour nobody is told anything."""
    deepseek = {"kind": "deepseek", "base_url": "http://127.0.0.1:1"}
    providing = Providing()

    edges = [
        providing.edges(_settings(providers, []))
        for providers in ({"p": deepseek}, {"p": {**deepseek, "kind": "openai"}})
    ]

    assert {60, 240, 360, 600} <= edges[0]
    assert not edges[1]


def _settings(providers: Any, prices: Any) -> Settings:
    return Settings(providers=providers, prices=prices)
