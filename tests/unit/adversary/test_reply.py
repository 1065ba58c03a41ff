"""What is answered, before any provider's format."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.adversary import Scenario
from service.adversary.reply import Ask, fragments, instance, reply_to

CITY = {"type": "object", "properties": {"city": {"type": "string"}}}
TOOLS = [("f", CITY), ("g", None)]


def asked(**fields: Any) -> Ask:
    return Ask("openai", "gpt-4o", text="hi", prompt_chars=40, **fields)


def test_the_plain_answer() -> None:
    """An answer quotes the question, word by word, and is the same each time."""
    reply = reply_to(asked(), Scenario())

    assert "Hello from openai: you said 'hi'." == "".join(reply.text)
    assert 6 == len(reply.text) == reply.usage["output"]
    assert 10 == reply.usage["input"]
    assert ("stop", [], [], "") == (reply.finish, reply.reasoning, reply.calls, reply.refusal)
    assert reply == reply_to(asked(), Scenario())


@pytest.mark.parametrize(
    ("directives", "expected"),
    [
        ("tokens=3", ["w0 ", "w1 ", "w2 "]),
        ("delta=4", ["xxxx"]),
        ("delta=4; tokens=2", ["xxxx", "xxxx"]),
        ("refusal", []),
    ],
)
def test_deltas(directives: str, expected: list[str]) -> None:
    """`tokens` is how many deltas there are, `delta` how large each is."""
    assert expected == reply_to(asked(max_tokens=1), Scenario.parse(directives)).text


def test_max_tokens() -> None:
    """A text ends at the asked maximum, for the reason `length`."""
    reply = reply_to(asked(max_tokens=2), Scenario())

    assert ("Hello from", "length") == ("".join(reply.text), reply.finish)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [({"schema": CITY}, {"city": "text"}), ({"json_object": True}, {"answer": "yes"})],
)
def test_json(fields: dict[str, Any], expected: Any) -> None:
    """JSON that is asked for is given, in more than one delta."""
    reply = reply_to(asked(**fields), Scenario())

    assert expected == json.loads("".join(reply.text))
    assert 2 == len(reply.text)


@pytest.mark.parametrize(
    ("fields", "directives", "expected"),
    [
        ({}, "", []),
        ({"forced": True}, "", ["f"]),
        ({"forced": True, "forced_name": "g"}, "", ["g"]),
        ({}, "tools=3", ["f", "g", "f"]),
        ({"after_tools": True, "forced": True}, "tools=3", []),
        ({"tools": []}, "tools=3", []),
    ],
)
def test_calls(fields: dict[str, Any], directives: str, expected: list[str]) -> None:
    """Tools are called if they are demanded or directed, and not again after their results."""
    reply = reply_to(asked(**{"tools": TOOLS, **fields}), Scenario.parse(directives))

    assert expected == [name for _, name, _ in reply.calls]
    assert ("tool_calls" if expected else "stop") == reply.finish
    assert bool(expected) != bool(reply.text)


def test_the_arguments_of_a_call() -> None:
    """Arguments fit the tool's schema, and calls have ids of their own."""
    calls = reply_to(asked(tools=TOOLS), Scenario(tools=2)).calls

    assert [("call_0", "f", '{"city":"text"}'), ("call_1", "g", "{}")] == calls


def test_an_unknown_tool_is_refused() -> None:
    """A demand for a tool that the request does not hold is an error that names it."""
    with pytest.raises(ValueError, match="names no tool of the request: 'h'"):
        reply_to(asked(tools=TOOLS, forced=True, forced_name="h"), Scenario())


def test_what_the_answer_holds() -> None:
    """A refusal replaces the text; thoughts precede it; `finish` overrides the reason."""
    reply = reply_to(asked(), Scenario.parse("refusal; reasoning; finish=odd; redacted-thinking"))

    assert ("I cannot help with that.", [], "odd") == (reply.refusal, reply.text, reply.finish)
    assert ["Let me ", "think."] == reply.reasoning
    assert 4 == reply.usage["reasoning"] == reply.usage["output"]
    assert reply.redacted


@pytest.mark.parametrize(
    ("family", "expected"),
    [("openai", (60, 0, 5)), ("deepseek", (60, 0, 0)), ("anthropic", (60, 20, 0))],
)
def test_rich_usage(family: str, expected: tuple[int, int, int]) -> None:
    """Rich usage holds what the family can tell of caches and audio."""
    usage = reply_to(Ask(family, "m"), Scenario(usage="rich")).usage

    assert expected == (usage["cached"], usage["cache_write"], usage["audio"])
    assert 101 == usage["input"]


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"const": 7}, 7),
        ({"enum": ["b", "a"]}, "b"),
        ({"anyOf": [{"type": "null"}, {"type": "string"}]}, None),
        ({"type": ["integer", "null"]}, 1),
        ({"type": "array", "items": {"type": "boolean"}}, [True]),
        ({"type": "array"}, ["text"]),
        ({"type": "object", "properties": {"n": {"type": "number"}}}, {"n": 1.5}),
        ({}, {}),
    ],
)
def test_an_instance_fits_its_schema(schema: Any, expected: Any) -> None:
    """A value is of the schema's kind, and takes the first of alternatives."""
    assert expected == instance(schema)


@given(text=st.text(), count=st.integers(1, 9))
def test_fragments(text: str, count: int) -> None:
    """Fragments are at most so many, none is empty, and together they are the text."""
    pieces = fragments(text, count)

    assert text == "".join(pieces)
    assert len(pieces) <= count
    assert all(pieces)
