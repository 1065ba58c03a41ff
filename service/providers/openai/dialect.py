"""How the servers of this family differ, as data. Whoever asks for a difference asks it here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class ReasoningWish(Enum):
    """How a server is told to think."""

    EFFORT = "effort"
    """`reasoning_effort`; what the model thinks stays with the provider."""
    THINKING = "thinking"
    """A `thinking` switch and a `reasoning_effort`; the text is in the answer."""
    EFFORT_WITH_TEXT = "effort with text"
    """`reasoning_effort`; the text is in the answer if the model has any."""


class ReasoningBack(Enum):
    """Whether earlier reasoning goes back to the server, as `reasoning_content`."""

    NEVER = "never"
    WITH_TOOL_CALLS = "with tool calls"
    ALWAYS = "always"


@dataclass(frozen=True, slots=True)
class Dialect:
    """What one kind of server says differently.

    `name` is the family's name. `lacks` are spec fields (below `spec.`) that it has no word for.
    `fixed_temperature` are prefixes of models that refuse a temperature: the configured default is
    left out for them, while a caller's own is passed on, to be judged by the provider.
    `text_only` servers take a message's content as one string.
    """

    name: str
    max_tokens_field: str
    reasoning: ReasoningWish
    reasoning_back: ReasoningBack
    developer_role: bool = False
    json_schema: bool = True
    text_only: bool = False
    embeddings: bool = True
    lacks: frozenset[str] = frozenset()
    fixed_temperature: tuple[str, ...] = ()

    def refuses_temperature(self, model: str) -> bool:
        """Whether `model` belongs to those; a vendor before a `/` does not count."""
        return model.rpartition("/")[2].startswith(self.fixed_temperature or "/")


_OPENAI_REASONING_MODELS = ("o1", "o3", "o4", "gpt-5")

OPENAI = Dialect(
    "openai",
    "max_completion_tokens",
    ReasoningWish.EFFORT,
    ReasoningBack.NEVER,
    developer_role=True,
    lacks=frozenset({"sampling.top_k"}),
    fixed_temperature=_OPENAI_REASONING_MODELS,
)
# https://api-docs.deepseek.com: content is a string, JSON mode knows no schema, and the reasoning
# that led to tool calls must come back with them (elsewhere it is ignored).
DEEPSEEK = Dialect(
    "deepseek",
    "max_tokens",
    ReasoningWish.THINKING,
    ReasoningBack.WITH_TOOL_CALLS,
    json_schema=False,
    text_only=True,
    embeddings=False,
    lacks=frozenset({"sampling.top_k", "sampling.seed", "tool_choice.disable_parallel"}),
)
# vLLM, llama.cpp, Ollama, gateways: OpenAI's older words, `top_k` beyond them, and chat templates
# that take earlier reasoning and drop it themselves where it is not wanted.
COMPATIBLE = Dialect(
    "openai",
    "max_tokens",
    ReasoningWish.EFFORT_WITH_TEXT,
    ReasoningBack.ALWAYS,
    fixed_temperature=_OPENAI_REASONING_MODELS,
)
