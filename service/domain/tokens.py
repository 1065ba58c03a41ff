"""Estimates of token counts, for when a provider does not say.

The rule of thumb is 4 bytes of UTF-8 to a token, which OpenAI publishes for English text; it is an
estimate and is always told as one. Media count as nothing: no rule of thumb holds for them.
"""

from __future__ import annotations

from collections.abc import Iterable

from service.domain.completion import (
    CompletionSpec,
    FunctionTool,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
)
from service.domain.events import ReasoningDelta, StreamEvent, TextDelta, ToolCallDelta

TOKENIZER = "estimate:4-bytes-per-token"
_BYTES_PER_TOKEN = 4
_MESSAGE_OVERHEAD_TOKENS = 4


def estimated_tokens(size_bytes: int) -> int:
    """Tokens of a text of this size, rounded up."""
    return -(-size_bytes // _BYTES_PER_TOKEN)


def estimated_prompt_tokens(spec: CompletionSpec) -> int:
    """Tokens of the messages and tools of `spec`."""
    size_bytes = sum(part_size_bytes(message.parts) for message in spec.messages)
    for tool in spec.tools:
        if isinstance(tool, FunctionTool):
            declared = (tool.name, tool.description, tool.parameters_json_schema)
            size_bytes += sum(len(text.encode()) for text in declared)
    return estimated_tokens(size_bytes) + _MESSAGE_OVERHEAD_TOKENS * len(spec.messages)


def event_size_bytes(event: StreamEvent) -> int:
    """Bytes of what can be read in an event of a stream. On the path of every delta."""
    match event:
        case TextDelta() | ReasoningDelta():
            return _utf8_bytes(event.text)
        case ToolCallDelta():
            return _utf8_bytes(event.arguments_json_fragment)
        case _:
            return 0


def _utf8_bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def part_size_bytes(parts: Iterable[Part]) -> int:
    """Bytes of everything readable in `parts`."""
    size_bytes = 0
    for part in parts:
        match part:
            case Text() | Reasoning() | Refusal():
                size_bytes += len(part.text.encode())
            case ToolCall():
                size_bytes += len(part.name.encode()) + len(part.arguments_json.encode())
            case ToolResult():
                size_bytes += part_size_bytes(part.parts)
            case _:
                pass
    return size_bytes
