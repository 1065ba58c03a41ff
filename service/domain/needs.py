"""The capabilities that a request needs of a model. Pure."""

from __future__ import annotations

from service.domain.completion import (
    Blob,
    CompletionSpec,
    JsonSchemaFormat,
    MediaUri,
    Message,
    ToolResult,
)


def needs_of(spec: CompletionSpec) -> frozenset[str]:
    """The capabilities without which a model cannot answer `spec`."""
    needs: set[str] = set()
    if spec.tools:
        needs.add("tools")
    if isinstance(spec.output_format, JsonSchemaFormat):
        needs.add("json_schema")
    for message in spec.messages:
        _media(message, needs)
    return frozenset(needs)


def _media(message: Message, needs: set[str]) -> None:
    for part in message.parts:
        match part:
            case Blob() | MediaUri():
                kind = part.mime_type.partition("/")[0]
                if kind == "image":
                    needs.add("images")
                elif kind == "audio":
                    needs.add("audio_input")
            case ToolResult():
                _media(Message(message.role, part.parts), needs)
            case _:
                pass
