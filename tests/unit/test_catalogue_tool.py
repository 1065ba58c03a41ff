"""The price table: how it is imported, and that it is what its version says."""

from __future__ import annotations

import json
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from typing import Any

import pytest

from service.providing import Providing

ROOT = Path(__file__).parents[2]
FILE = ROOT / "service" / "catalogue.json"


def _tool() -> Any:
    loader = SourceFileLoader("catalogue_tool", str(ROOT / "tools" / "catalogue"))
    spec = spec_from_loader(loader.name, loader)
    assert spec is not None
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module


tool = _tool()


def test_the_version_tells_the_content() -> None:
    """A table that was changed by hand would tell a wrong version with every cost."""
    document = json.loads(FILE.read_text())

    assert document["price_version"] == tool.version_of(
        document["models"], document["price_version"]
    )
    assert FILE.read_text() == tool.text_of(document)


def test_every_price_is_read() -> None:
    """Whatever stands in the table reaches the domain, under its version."""
    document = json.loads(FILE.read_text())
    read = {family: {m.name: m for m in models} for family, models in Providing().catalogue.items()}

    for family, models in document["models"].items():
        for name, (_, _, _, price) in models.items():
            known = read[family][name].price
            assert (price is None) is (known is None)
            if known is not None:
                assert (price["input"], price["output"]) == (known.input, known.output)
                assert len(price.get("tiers", {})) == len(known.tiers)
                assert len(price.get("above", {})) == len(known.above)
                assert ("off_peak" in price) is (known.off_peak is not None)
                assert document["price_version"] == known.version


def test_amounts_are_exact() -> None:
    """Binary fractions of the map become the decimal numbers that they stand for."""
    price = tool.price_of({"input_cost_per_token": 1.5e-07, "output_cost_per_token": 6e-07}, "x")

    assert {"input": 150_000_000, "output": 600_000_000} == price


def test_what_is_not_exact_is_refused() -> None:
    """A third of a nano-USD is not rounded on its way into the table."""
    facts = {"input_cost_per_token": 1e-15 / 3, "output_cost_per_token": 0}

    with pytest.raises(ValueError, match="no whole number"):
        tool.price_of(facts, "x")


def test_without_an_output_price_there_is_none() -> None:
    """Half a price is none."""
    assert tool.price_of({"input_cost_per_token": 1e-06}, "x") is None


def test_what_is_not_charged_by_tokens_has_no_price() -> None:
    """A song is not for nothing because its tokens are; what costs nothing at all is."""
    free = {"input_cost_per_token": 0, "output_cost_per_token": 0, "output_cost_per_image": 0}

    assert tool.price_of({**free, "output_cost_per_image": 0.04}, "x") is None
    assert {"input": 0, "output": 0} == tool.price_of(free, "x")


def test_what_a_tier_leaves_out() -> None:
    """It is as much less as its wider class is; what is read from the cache is not."""
    facts = {
        "input_cost_per_token": 4e-06,
        "output_cost_per_token": 8e-06,
        "cache_read_input_token_cost": 1e-06,
        "cache_creation_input_token_cost": 5e-06,
        "cache_creation_input_token_cost_above_1hr": 8e-06,
        "input_cost_per_audio_token": 16e-06,
        "input_cost_per_token_batches": 2e-06,
        "output_cost_per_token_batches": 4e-06,
        "cache_creation_input_token_cost_batches": 2.5e-06,
    }

    batch = tool.price_of(facts, "x")["tiers"]["batch"]

    assert {
        "input": 2 * 10**9,
        "output": 4 * 10**9,
        "cache_write": 25 * 10**8,
        "cache_write_1h": 4 * 10**9,
        "audio_input": 8 * 10**9,
    } == batch


def test_sizes_and_factors() -> None:
    """A size keeps what it does not say in proportion; a factor multiplies all of it."""
    facts = {
        "input_cost_per_token": 1e-06,
        "output_cost_per_token": 2e-06,
        "cache_read_input_token_cost": 1e-07,
        "input_cost_per_token_above_200k_tokens": 2e-06,
        "output_cost_per_token_above_200k_tokens": 3e-06,
        "provider_specific_entry": {"us": 1.1},
    }

    price = tool.price_of(facts, "x")

    large = {"input": 2 * 10**9, "output": 3 * 10**9, "cache_read": 2 * 10**8}
    assert {"200000": large} == price["above"]
    there = price["tiers"]["us"]
    assert (11 * 10**8, 22 * 10**7) == (there["input"], there["above"]["200000"]["cache_read"])


def test_off_peak() -> None:
    """Hours of days of the week become spans of its minutes; what is not said is in proportion."""
    facts = {
        "input_cost_per_token": 4e-06,
        "output_cost_per_token": 8e-06,
        "cache_read_input_token_cost": 1e-06,
        "off_peak_pricing": {
            "input_cost_per_token": 2e-06,
            "output_cost_per_token": 4e-06,
            "windows": [
                {"weekdays": [1, 2], "hours_utc": ["00:00-01:00", "10:30-00:00"]},
                {"weekdays": [7], "hours_utc": "00:00-00:00"},
            ],
        },
    }

    told = tool.price_of(facts, "x")["off_peak"]

    assert {
        "minutes": [[0, 60], [630, 1500], [2070, 2880], [8640, 10_080]],
        "input": 2 * 10**9,
        "output": 4 * 10**9,
        "cache_read": 5 * 10**8,
    } == told


@pytest.mark.parametrize(
    "told",
    [
        {"windows": [{"weekdays": [1], "hours_utc": "22:00-02:00"}]},
        {"windows": [{"weekdays": [1], "hours_utc": "22:00-23:00"}], "timezone": "Asia/Shanghai"},
    ],
)
def test_off_peak_in_words_that_are_not_known(told: dict[str, Any]) -> None:
    """It is refused, and not half understood."""
    rates = {"input_cost_per_token": 1e-06, "output_cost_per_token": 1e-06}

    with pytest.raises(ValueError, match="off-peak"):
        tool.price_of({**rates, "off_peak_pricing": {**rates, **told}}, "x")


def test_the_diff(capsys: pytest.CaptureFixture[str]) -> None:
    """A review sees, one line a model, what is new, gone and another, in USD for a million."""
    row = [1, 1, "completion", {"input": 2_500_000_000, "output": 10**10}]
    before = {"fields": tool.FIELDS, "models": {"openai": {"a": row, "b": row}}}
    cheaper = [1, 1, "completion", {"input": 2_000_000_000, "output": 10**10}]
    after = {"fields": tool.FIELDS, "models": {"openai": {"a": cheaper, "c": row}}}

    tool.show(before, after)

    lines = capsys.readouterr().out.splitlines()
    assert ["~ openai/a: input 2.5 -> 2", "- openai/b"] == lines[:2]
    assert lines[2].startswith("+ openai/c: context_window_tokens 1")
