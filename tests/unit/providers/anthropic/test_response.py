"""Whole answers of the family into the domain."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.completion import FinishReason, ProviderPart, Text, ToolCall, Usage
from service.domain.errors import ProviderFailure
from service.domain.reasons import ErrorReason as Reason
from service.providers.anthropic import Anthropic
from tests.unit.providers.anthropic.answering import answer, completion

HELLO = {"type": "text", "text": "hello"}
MANY_TURNS = [{"type": "message", "input_tokens": 10**9}] * 2


def refused(body: bytes) -> ProviderFailure:
    with pytest.raises(ProviderFailure) as caught:
        Anthropic().completion(body)
    return caught.value


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("end_turn", FinishReason.STOP),
        ("stop_sequence", FinishReason.STOP),
        ("max_tokens", FinishReason.MAX_TOKENS),
        ("tool_use", FinishReason.TOOL_CALLS),
        ("pause_turn", FinishReason.PAUSED),
        ("compaction", FinishReason.PAUSED),
        ("refusal", FinishReason.REFUSAL),
        ("model_context_window_exceeded", FinishReason.CONTEXT_LIMIT),
        ("something_new", FinishReason.OTHER),
    ],
)
def test_finish_reasons(word: str, reason: FinishReason) -> None:
    """Each stop reason has its meaning; the provider's own word is kept."""
    ending = completion(HELLO, stop_reason=word).ending

    assert (reason, word) == (ending.finish_reason, ending.provider_finish_reason)


def test_refusals_are_explained() -> None:
    """What the provider tells of a refusal stays in the metadata."""
    details = {"type": "refusal", "category": "cyber", "explanation": None}
    told = completion(stop_reason="refusal", stop_details=details)

    assert ((), {"stop_details": details}) == (told.parts, told.ending.metadata)


def test_unknown_blocks_are_kept() -> None:
    """A block of a kind that came later is kept as it is, in its place."""
    new = {"type": "hologram", "depth": [1, {"x": None}]}

    assert (Text("hello"), ProviderPart("anthropic", new)) == completion(HELLO, new).parts


def test_empty_blocks_are_no_parts() -> None:
    """A block that says nothing is left out."""
    thought = {"type": "thinking", "thinking": "", "signature": ""}

    assert (Text("hello"),) == completion({"type": "text", "text": ""}, thought, HELLO).parts


def test_arguments_are_json() -> None:
    """Arguments keep their order."""
    call = {"type": "tool_use", "id": "1", "name": "f", "input": {"z": 1, "a": {"ü": None}}}

    assert (ToolCall("1", "f", '{"z":1,"a":{"ü":null}}'),) == completion(call).parts


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (None, None),
        ({}, None),
        ({"input_tokens": 3}, Usage(3)),
        (
            {"input_tokens": 1, "output_tokens": 2, "cache_read_input_tokens": None},
            Usage(1, 2),
        ),
    ],
)
def test_usage(usage: Any, expected: Usage | None) -> None:
    """Usage that is not told is None, not zero."""
    assert expected == completion(HELLO, usage=usage).ending.usage


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'"text"',
        b"\xff\xfe",
        answer(HELLO)[:-1],
        answer(HELLO, stop_reason=None),
        answer(HELLO, stop_reason=5),
        answer(HELLO, content=None),
        answer(HELLO, content={"0": HELLO}),
        answer("hello"),
        answer({"type": "text", "text": None}),
        answer({"type": None, "text": "x"}),
        answer({"type": "tool_use", "id": "1", "name": "f", "input": "{}"}),
        answer({"type": "tool_use", "id": None, "name": "f", "input": {}}),
        answer(HELLO, usage=[1]),
        answer(HELLO, usage={"input_tokens": "3"}),
        answer(HELLO, usage={"input_tokens": -3}),
        answer(HELLO, usage={"input_tokens": 2**63}),
        answer(HELLO, usage={"input_tokens": 1, "iterations": MANY_TURNS}),
        answer(HELLO, usage={"input_tokens": True}),
        answer(HELLO, id=7),
    ],
)
def test_wrong_shapes(body: bytes) -> None:
    """An answer of another shape is a failure that quotes nothing long."""
    failure = refused(body)

    assert Reason.PROVIDER_RESPONSE_INVALID is failure.reason
    assert len(failure.message) < 300


def test_an_error_may_come_with_200() -> None:
    """An error inside of a good status is still that error."""
    error = {"type": "overloaded_error", "message": "Overloaded"}
    failure = refused(orjson.dumps({"type": "error", "error": error}))

    assert (Reason.PROVIDER_UNAVAILABLE, "anthropic: Overloaded") == (
        failure.reason,
        failure.message,
    )


JSON = st.recursive(
    st.sampled_from([None, True, 0, -1, 0.5, "", "x"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["text", "type", "parts"]), inner, max_size=2)
    ),
    max_leaves=4,
)


@given(st.dictionaries(st.sampled_from(["id", "content", "stop_reason", "usage", "type"]), JSON))
def test_any_json(told: dict[str, Any]) -> None:
    """Whatever the fields hold, it is an answer or a ProviderFailure."""
    body = orjson.dumps({**orjson.loads(answer(HELLO)), **told})
    with suppress(ProviderFailure):
        Anthropic().completion(body)


@given(st.binary(max_size=40))
def test_any_bytes(body: bytes) -> None:
    """No bytes make anything but a ProviderFailure."""
    assert refused(body).reason in (Reason.PROVIDER_RESPONSE_INVALID, Reason.PROVIDER_UNAVAILABLE)
