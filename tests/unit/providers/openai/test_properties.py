"""What holds of any answer, and of any bytes instead of one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from service.domain.completion import (
    Ending,
)
from service.domain.errors import ProviderFailure
from service.domain.events import (
    StreamEvent,
    fold,
)
from service.providers.openai import OpenAI
from service.providers.wire import SseEvent
from tests.unit.providers.openai.answering import USAGE, chunk, events, fragment, refused

_NAMES = [
    "choices",
    "message",
    "delta",
    "content",
    "finish_reason",
    "tool_calls",
    "function",
    "name",
    "arguments",
    "id",
    "usage",
    "type",
    "custom",
    "input",
    "prompt_tokens",
    "completion_tokens_details",
    "reasoning_tokens",
    "logprobs",
    "token",
    "bytes",
    "top_logprobs",
    "logprob",
    "error",
    "refusal",
    "reasoning",
    "index",
    "object",
]


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_NAMES), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(_JSON, _JSON, _JSON, _JSON)
def test_any_json_is_an_answer_or_a_failure(
    message: object, logprobs: object, usage: object, anything: object
) -> None:
    """Whatever JSON a provider sends, nothing but ProviderFailure is raised."""
    choice = {"message": message, "finish_reason": "stop", "logprobs": logprobs}
    for body in ({"choices": [choice], "usage": usage}, anything):
        try:
            decoded = OpenAI().completion(orjson.dumps(body))
        except ProviderFailure:
            continue
        assert "stop" == decoded.ending.provider_finish_reason


@given(st.binary(max_size=40))
def test_any_bytes_are_a_failure(body: bytes) -> None:
    """Bytes that are no answer are a failure."""
    assert refused(body).message


_texts = st.text(max_size=12)


_messages = st.fixed_dictionaries(
    {},
    optional={
        "reasoning_content": _texts,
        "content": _texts,
        "refusal": _texts,
        "tool_calls": st.lists(
            st.fixed_dictionaries(
                {
                    "id": st.uuids().map(str),
                    "type": st.just("function"),
                    "function": st.fixed_dictionaries(
                        {"name": st.sampled_from(["f", "g"]), "arguments": _texts}
                    ),
                }
            ),
            max_size=3,
        ),
    },
)


def _spoken(message: dict[str, Any], size: int) -> Sequence[dict[str, Any]]:
    deltas: list[dict[str, Any]] = [{"role": "assistant"}]
    for name in ("reasoning_content", "content", "refusal"):
        said = message.get(name, "")
        deltas.extend({name: said[at : at + size]} for at in range(0, len(said), size))
    for index, whole in enumerate(message.get("tool_calls", [])):
        arguments = whole["function"]["arguments"]
        head = {**whole, "function": {**whole["function"], "arguments": ""}}
        deltas.append({"tool_calls": [{"index": index, **head}]})
        deltas.extend(
            {"tool_calls": [fragment(index, arguments[at : at + size])]}
            for at in range(0, len(arguments), size)
        )
    return deltas


@given(_messages, st.integers(1, 5), st.sampled_from(["stop", "length", "tool_calls", "odd"]))
def test_stream_folds_into_the_whole_answer(
    message: dict[str, Any], size: int, finish_reason: str
) -> None:
    """The same answer, streamed or whole, is the same completion."""
    beside = {"model": "m-1", "system_fingerprint": "fp"}
    choice = {"index": 0, "message": message, "finish_reason": finish_reason}
    whole = orjson.dumps({"id": "r1", "choices": [choice], "usage": USAGE, **beside})
    chunks = [{**chunk(delta), **beside} for delta in _spoken(message, size)]

    assert OpenAI().completion(whole) == fold(
        events(*chunks, chunk({}, finish_reason), {"choices": [], "usage": USAGE})
    )


@given(st.lists(_JSON | _JSON.map(chunk) | st.binary(max_size=20), max_size=6), st.booleans())
def test_any_stream_is_an_answer_or_a_failure(chunks: list[Any], framed: bool) -> None:
    """Whatever a provider streams, nothing but ProviderFailure is raised."""
    decoder = OpenAI().stream_decoder()
    decoded: list[StreamEvent] = []
    try:
        for value in [chunk({"content": "x"}), *chunks, chunk({}, "stop")]:
            data = value if isinstance(value, bytes) else orjson.dumps(value)
            decoded.extend(decoder.feed(SseEvent("", data)))
        decoded.extend(decoder.close(framed=framed))
    except ProviderFailure:
        return

    assert isinstance(decoded[-1], Ending)
    assert fold(decoded).ending == decoded[-1]
