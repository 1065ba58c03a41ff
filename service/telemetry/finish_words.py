"""Why a model stopped, in the words of OpenTelemetry's conventions for GenAI."""

from __future__ import annotations

from service.domain.completion import FinishReason

_CONVENTIONAL = {
    FinishReason.MAX_TOKENS: "length",
    FinishReason.TOOL_CALLS: "tool_call",
}


def finish_word(reason: FinishReason) -> str:
    """Our own word where the conventions have none, or the same."""
    return _CONVENTIONAL.get(reason, reason.value)
