"""What holds for every streamed answer of the family, and for every damage done to one."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from service.domain.completion import Ending
from service.domain.errors import ProviderFailure
from service.domain.events import fold
from service.providers.anthropic import Anthropic
from service.providers.wire import SseEvent
from tests.unit.providers.anthropic.answering import (
    answer,
    block,
    end,
    events,
    golden_events,
    said,
    sse,
    start,
)

BLOCKS = st.lists(
    st.one_of(
        st.fixed_dictionaries({"type": st.just("text"), "text": st.text(max_size=20)}),
        st.fixed_dictionaries(
            {
                "type": st.just("thinking"),
                "thinking": st.text(max_size=20),
                "signature": st.text(max_size=5),
            }
        ),
        st.fixed_dictionaries({"type": st.just("redacted_thinking"), "data": st.text(min_size=1)}),
        st.fixed_dictionaries(
            {
                "type": st.just("tool_use"),
                "id": st.just("t1"),
                "name": st.text(min_size=1, max_size=5),
                "input": st.dictionaries(
                    st.text(max_size=5), st.integers(-(2**53), 2**53) | st.text()
                ),
            }
        ),
    ),
    max_size=5,
)


def streamed(index: int, whole: Any, cut: int) -> list[dict[str, Any]]:
    def halves(name: str, kind: str, field: str, text: str) -> list[dict[str, Any]]:
        deltas = [{"type": kind, field: half} for half in (text[:cut], text[cut:])]
        return block(index, {**whole, name: {} if name == "input" else ""}, *deltas)

    match whole["type"]:
        case "text":
            return halves("text", "text_delta", "text", whole["text"])
        case "thinking":
            told = halves("thinking", "thinking_delta", "thinking", whole["thinking"])
            told[0]["content_block"]["signature"] = ""
            proof = {"type": "signature_delta", "signature": whole["signature"]}
            if whole["signature"]:
                told.insert(-1, {"type": "content_block_delta", "index": index, "delta": proof})
            return told
        case "tool_use":
            written = orjson.dumps(whole["input"]).decode()
            return halves("input", "input_json_delta", "partial_json", written)
        case _:
            return block(index, whole)


@given(BLOCKS, st.integers(0, 20))
def test_a_stream_folds_into_the_whole_answer(blocks: list[Any], cut: int) -> None:
    """The same answer, whole or streamed, is the same value."""
    told = [one for index, whole in enumerate(blocks) for one in streamed(index, whole, cut)]

    assert Anthropic().completion(answer(*blocks)) == fold(events(start(), *told, *end()))


@given(st.data())
def test_any_damage(data: st.DataObject) -> None:
    """Whatever bytes arrive, wherever, it is an answer or a ProviderFailure."""
    told = list(golden_events("tools"))
    place = data.draw(st.integers(0, len(told) - 1))
    text = told[place].data
    cut = data.draw(st.integers(0, len(text)))
    told[place] = SseEvent("", text[:cut] + data.draw(st.binary(max_size=9)) + text[cut + 1 :])
    decoder = Anthropic().stream_decoder()
    with suppress(ProviderFailure):
        for one in told:
            decoder.feed(one)
        decoder.close(framed=False)


@given(st.lists(st.sampled_from([sse(one) for one in (start(), *said("x"), *end())]), max_size=9))
def test_any_order(told: list[SseEvent]) -> None:
    """Events in any order are an answer with one ending at its end, or a ProviderFailure."""
    decoder = Anthropic().stream_decoder()
    found: list[Any] = []
    try:
        for one in told:
            found.extend(decoder.feed(one))
        found.extend(decoder.close(framed=True))
    except ProviderFailure:
        return

    assert [True] == [isinstance(event, Ending) for event in found if isinstance(event, Ending)]
    assert isinstance(found[-1], Ending)
