"""The providers' own usage documents, priced to the nano-USD.

The amounts in the fixtures were worked out by hand, and the arithmetic stands beside them.
"""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from service.config.pricing import PriceSettings
from service.domain.completion import Usage
from service.domain.cost import Cost
from service.domain.events import fold
from service.domain.pricing import cost_of
from service.providers.anthropic import Anthropic
from service.providers.gemini import Gemini
from service.providers.openai import COMPATIBLE, DEEPSEEK, OPENAI, OpenAI
from service.providers.wire import SseEvent, WireFamily

_FAMILIES: dict[str, WireFamily] = {
    "openai": OpenAI(OPENAI),
    "compatible": OpenAI(COMPATIBLE),
    "deepseek": OpenAI(DEEPSEEK),
    "anthropic": Anthropic(),
    "gemini": Gemini(),
}
_PARTS = ("input", "output", "cache_read", "cache_write", "other")


def _cases() -> list[Any]:
    found: list[Any] = []
    for name in _FAMILIES:
        document = json.loads((Path(__file__).parent / f"{name}.json").read_text())
        found += [
            pytest.param(name, case, id=f"{name}: {case['rule']}") for case in document["cases"]
        ]
    return found


def _exact_nano_usd(arithmetic: str) -> Decimal:
    """Of `1000*2.5 + 20*10`: tokens times USD for a million."""
    amount = Decimal(0)
    for term in arithmetic.split("+"):
        product = Decimal(1)
        for factor in term.split("*"):
            product *= Decimal(factor.strip())
        amount += product
    return amount * 1000


def _whole(family: WireFamily, answer: dict[str, Any]) -> Usage | None:
    return family.completion(json.dumps(answer).encode()).ending.usage


def _streamed(family: WireFamily, answer: dict[str, Any]) -> Usage | None:
    decoder = family.stream_decoder()
    events = [
        event
        for name, data in _events(family.name, answer)
        for event in decoder.feed(SseEvent(name, data.encode()))
    ]
    return fold([*events, *decoder.close(framed=True)]).ending.usage


def _events(family: str, answer: dict[str, Any]) -> list[tuple[str, str]]:
    """The same answer as the family streams it: what is charged comes last, or first and last."""
    told: list[dict[str, Any]]
    match family:
        case "gemini":
            told = [answer]
        case "anthropic":
            message = {**answer, "content": [], "stop_reason": None}
            message["usage"] = {**answer["usage"], "output_tokens": 1}
            last = {"output_tokens": answer["usage"]["output_tokens"]}
            block = {"type": "content_block_start", "index": 0}
            told = [
                {"type": "message_start", "message": message},
                {**block, "content_block": {"type": "text", "text": "Hello!"}},
                {"type": "content_block_stop", "index": 0},
                {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": last},
                {"type": "message_stop"},
            ]
        case _:
            head = {name: answer[name] for name in ("id", "service_tier") if name in answer}
            delta = {"index": 0, "delta": {"content": "Hello!"}, "finish_reason": "stop"}
            told = [
                {**head, "choices": [delta], "usage": None},
                {**head, "choices": [], "usage": answer["usage"]},
            ]
    return [(one.get("type", ""), json.dumps(one)) for one in told]


@pytest.mark.parametrize("reading", [_whole, _streamed])
@pytest.mark.parametrize(("name", "case"), _cases())
def test_priced_to_the_tick(name: str, case: dict[str, Any], reading: Any) -> None:
    """What an answer says that it consumed costs what it does by hand, part by part."""
    price = PriceSettings(**case["price"]).price if case["price"] else None
    usage = reading(_FAMILIES[name], case["answer"])
    assert usage is not None

    cost = cost_of(price, usage)

    assert case["total_nano_usd"] == cost.total
    assert case["provenance"] == cost.provenance.value
    for part in _PARTS:
        exact = _exact_nano_usd(case["parts"].get(part, "0"))
        assert abs(exact - _part(cost, part)) <= Decimal("0.5"), part


def _part(cost: Cost, name: str) -> int:
    return getattr(cost, name)
