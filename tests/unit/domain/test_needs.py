"""What a model must be able to do to answer a request."""

from __future__ import annotations

from typing import Any

import pytest

from service.domain.completion import (
    Blob,
    CompletionSpec,
    FunctionTool,
    JsonObjectFormat,
    JsonSchemaFormat,
    MediaUri,
    Message,
    Part,
    Role,
    Text,
    ToolResult,
)
from service.domain.needs import needs_of

PNG, WAV, PDF = Blob("image/png", b"x"), Blob("audio/wav", b"x"), Blob("application/pdf", b"x")


def needs(*parts: Part, **fields: Any) -> set[str]:
    messages = (Message(Role.USER, (Text("Hi"),)), Message(Role.USER, parts))
    return set(needs_of(CompletionSpec("m", messages, **fields)))


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ((), set[str]()),
        ((PNG,), {"images"}),
        ((MediaUri("https://x/y", "image/webp"),), {"images"}),
        ((MediaUri("https://x/y"),), set[str]()),
        ((WAV,), {"audio_input"}),
        ((PDF,), set[str]()),
        ((PNG, WAV), {"images", "audio_input"}),
        ((ToolResult("1", (Text("x"), ToolResult("2", (PNG,)))),), {"images"}),
    ],
)
def test_media(parts: tuple[Part, ...], expected: set[str]) -> None:
    """Images and sounds need a model that takes them, also inside the result of a tool."""
    assert expected == needs(*parts)


def test_tools_and_formats() -> None:
    """Tools, and answers that follow a schema, are needs; a plain JSON object is none."""
    assert {"tools"} == needs(tools=(FunctionTool("f"),))
    assert {"json_schema"} == needs(output_format=JsonSchemaFormat("{}"))
    assert set() == needs(output_format=JsonObjectFormat())
