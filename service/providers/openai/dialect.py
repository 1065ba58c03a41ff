"""How servers of this family differ, as data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class ReasoningStyle(Enum):
    EFFORT = "effort"
    """A `reasoning_effort`; the text of the reasoning stays with the provider."""
    THINKING = "thinking"
    """A `thinking` switch without a size; the text is in the answer."""
    EFFORT_WITH_TEXT = "effort with text"
    """A `reasoning_effort`; the text is in the answer if the model has any."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """`lacks` are spec fields (below `spec.`) that the server has no word for."""

    name: str
    max_tokens_field: str
    reasoning: ReasoningStyle
    developer_role: bool = False
    json_schema: bool = True
    media: bool = True
    embeddings: bool = True
    lacks: frozenset[str] = frozenset()
    fixed_temperature: tuple[str, ...] = ()
    """Models with these prefixes refuse a temperature: the default is left out for them."""


OPENAI = Dialect(
    "openai",
    "max_completion_tokens",
    ReasoningStyle.EFFORT,
    developer_role=True,
    lacks=frozenset({"sampling.top_k"}),
    fixed_temperature=("o1", "o3", "o4", "gpt-5"),
)
DEEPSEEK = Dialect(
    "deepseek",
    "max_tokens",
    ReasoningStyle.THINKING,
    json_schema=False,
    media=False,
    embeddings=False,
    lacks=frozenset({"sampling.top_k", "sampling.seed", "tool_choice.disable_parallel"}),
)
# vLLM, llama.cpp, Ollama and the like: OpenAI's older words, and top_k beyond them.
COMPATIBLE = Dialect("openai", "max_tokens", ReasoningStyle.EFFORT_WITH_TEXT)
