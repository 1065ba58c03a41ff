"""Prompts and answers as attributes of spans, where an operator wants them; redacted, and bounded.

Off by default: then nothing holds them at all. Bytes of media never leave.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from typing import Any

import orjson
import structlog

from service.domain.attempt import Exchange
from service.domain.call_record import AttemptRecord
from service.domain.completion import (
    Blob,
    Completion,
    MediaUri,
    Message,
    Part,
    ProviderPart,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
)
from service.telemetry.finish_words import finish_word
from service.telemetry.redaction import Redactor

INPUT = "gen_ai.input.messages"
OUTPUT = "gen_ai.output.messages"
CHARS_MAX = 32 * 1024
"""Of one attribute; what follows is cut off."""
Hook = Callable[[str, str], str | None]
"""Is given an attribute's name and text; gives what may be told of it, None for nothing."""
_log = structlog.get_logger()


class ContentPolicy:
    """`hook` has the last word, after the redactor."""

    def __init__(self, redactor: Redactor, hook: Hook | None = None) -> None:
        self._redactor = redactor
        self._hook = hook
        self._has_failed = False

    def __repr__(self) -> str:
        return f"<ContentPolicy {'with' if self._hook else 'without'} a hook>"

    def attributes(self, record: AttemptRecord) -> Mapping[str, str]:
        """Empty where contents are not kept."""
        exchange = record.attempt.exchange
        if exchange is None:
            return {}
        told = {name: self._text(name, value) for name, value in _messages(exchange).items()}
        return {name: text for name, text in told.items() if text is not None}

    def _text(self, name: str, value: Any) -> str | None:
        text = self._redactor.text(orjson.dumps(value).decode())
        if self._hook is not None:
            kept = self._hooked(self._hook, name, text)
            if kept is None:
                return None
            text = kept
        return text[:CHARS_MAX]

    def _hooked(self, hook: Hook, name: str, text: str) -> str | None:
        """What a hook could not look at is not told."""
        try:
            kept: Any = hook(name, text)
        except Exception as error:  # noqa: BLE001 - a hook is somebody else's code
            place = traceback.extract_tb(error.__traceback__)[-1]
            # Not the error's words: they may be those of the text.
            self._fails(f"{type(error).__name__} at {place.filename}:{place.lineno}")
            return None
        if kept is None or isinstance(kept, str):
            return kept
        self._fails(f"it gave a {type(kept).__name__}, and neither a text nor None")
        return None

    def _fails(self, problem: str) -> None:
        if not self._has_failed:
            self._has_failed = True
            _log.error("telemetry.content_hook fails; content is left out", problem=problem)


def _messages(exchange: Exchange) -> Mapping[str, Any]:
    """In the form of OpenTelemetry's `gen_ai.input.messages`, and of the output's."""
    told: dict[str, Any] = {}
    if exchange.spec.messages:
        told[INPUT] = [_message(message) for message in exchange.spec.messages]
    if exchange.answer is not None:
        told[OUTPUT] = [_answer(exchange.answer)]
    return told


def _message(message: Message) -> Mapping[str, Any]:
    return {"role": message.role.value, "parts": [_part(part) for part in message.parts]}


def _answer(answer: Completion) -> Mapping[str, Any]:
    return {
        "role": "assistant",
        "parts": [_part(part) for part in answer.parts],
        "finish_reason": finish_word(answer.ending.finish_reason),
    }


def _part(part: Part) -> Mapping[str, Any]:
    match part:
        case Text():
            return {"type": "text", "content": part.text}
        case Reasoning():
            return {"type": "reasoning", "content": part.text}
        case Refusal():
            return {"type": "refusal", "content": part.text}
        case ToolCall():
            arguments = part.arguments_json
            return {"type": "tool_call", "id": part.id, "name": part.name, "arguments": arguments}
        case ToolResult():
            response = [_part(inner) for inner in part.parts]
            return {"type": "tool_call_response", "id": part.tool_call_id, "response": response}
        case Blob():
            return {"type": "blob", "mime_type": part.mime_type, "size_bytes": len(part.data)}
        case MediaUri():
            # It may hold the medium itself, or a key to it.
            return {"type": "uri", "mime_type": part.mime_type}
        case ProviderPart():
            return {"type": part.provider}
