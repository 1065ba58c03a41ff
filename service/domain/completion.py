"""What is asked of a model and what it answers, in one form for all providers.

Values only. A field says what the caller said: None, empty or "" means the caller did not say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeAlias

JsonObject: TypeAlias = Mapping[str, Any]


class Role(Enum):
    SYSTEM = "system"
    DEVELOPER = "developer"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """What every part may carry beside its content."""

    cache_ttl_s: int | None = None
    """Asks the provider to cache the prompt up to here; 0 leaves the lifetime to the provider."""
    signature: bytes = b""
    """The provider's opaque proof of authorship, handed back unchanged."""


@dataclass(frozen=True, slots=True)
class Text(_Part):
    text: str


@dataclass(frozen=True, slots=True)
class Blob(_Part):
    mime_type: str
    data: bytes
    filename: str = ""


@dataclass(frozen=True, slots=True)
class MediaUri(_Part):
    uri: str
    mime_type: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class ToolCall(_Part):
    id: str
    name: str
    arguments_json: str


@dataclass(frozen=True, slots=True)
class ToolResult(_Part):
    tool_call_id: str
    parts: tuple[Part, ...]
    is_error: bool = False
    name: str = ""


@dataclass(frozen=True, slots=True)
class Reasoning(_Part):
    text: str = ""
    encrypted: bytes = b""


@dataclass(frozen=True, slots=True)
class Refusal(_Part):
    text: str


@dataclass(frozen=True, slots=True)
class ProviderPart(_Part):
    """A part in the JSON of one provider family, passed through unchanged."""

    provider: str
    value: JsonObject


Part: TypeAlias = (
    Text | Blob | MediaUri | ToolCall | ToolResult | Reasoning | Refusal | ProviderPart
)


@dataclass(frozen=True, slots=True)
class Message:
    role: Role
    parts: tuple[Part, ...]
    name: str = ""


@dataclass(frozen=True, slots=True)
class Sampling:
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    max_output_tokens: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    top_logprobs: int | None = None
    """0 asks for the log probability of each token alone; None asks for none."""


class Effort(Enum):
    NONE = "none"
    MINIMAL = "minimal"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


@dataclass(frozen=True, slots=True)
class ReasoningWish:
    effort: Effort | None = None
    budget_tokens: int | None = None
    include_text: bool = False


@dataclass(frozen=True, slots=True)
class FunctionTool:
    name: str
    description: str = ""
    parameters_json_schema: str = ""
    strict: bool = False
    has_side_effects: bool = False


@dataclass(frozen=True, slots=True)
class ProviderTool:
    provider: str
    config: JsonObject


Tool: TypeAlias = FunctionTool | ProviderTool


class ToolMode(Enum):
    AUTO = "auto"
    NONE = "none"
    REQUIRED = "required"


@dataclass(frozen=True, slots=True)
class ToolChoice:
    """A mode, or one function by name (`function_name` wins when it is not empty)."""

    mode: ToolMode = ToolMode.AUTO
    function_name: str = ""
    disable_parallel: bool = False


@dataclass(frozen=True, slots=True)
class JsonSchemaFormat:
    schema_json: str
    name: str = "answer"
    strict: bool = False


@dataclass(frozen=True, slots=True)
class JsonObjectFormat:
    pass


OutputFormat: TypeAlias = JsonSchemaFormat | JsonObjectFormat


@dataclass(frozen=True, slots=True)
class CompletionSpec:
    """Everything that decides the answer, and nothing else."""

    model: str
    messages: tuple[Message, ...]
    sampling: Sampling = Sampling()
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    output_format: OutputFormat | None = None
    reasoning: ReasoningWish | None = None
    provider_options: Mapping[str, JsonObject] = field(default_factory=dict[str, JsonObject])


class FinishReason(Enum):
    STOP = "stop"
    MAX_TOKENS = "max_tokens"
    TOOL_CALLS = "tool_calls"
    CONTENT_FILTER = "content_filter"
    REFUSAL = "refusal"
    CONTEXT_LIMIT = "context_limit"
    PAUSED = "paused"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens; the meaning of each field is that of `aiprovider.v1.Usage`."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_input_tokens: int = 0
    cache_write_input_tokens: int = 0
    reasoning_output_tokens: int = 0
    audio_input_tokens: int = 0
    audio_output_tokens: int = 0
    image_input_tokens: int = 0
    estimated: bool = False
    cache_write_1h_input_tokens: int = 0
    """The part of those written to the prompt cache that is to stay there for an hour."""
    cache_read_audio_input_tokens: int = 0
    """The part of those read from the prompt cache that was audio."""
    web_search_count: int = 0
    """Searches that the provider made and charges one by one."""
    service_tier: str = ""
    """How the provider says that it served, where it charges otherwise for it: `flex`, `priority`,
    `batch`, ... Several are joined by `+`, in the order of the alphabet."""
    reported_nano_usd: int | None = None
    """What the provider says that it charges."""

    def __add__(self, other: Usage) -> Usage:
        """What both consumed. A sum has no service tier and no report, unless both have."""
        reported: int | None = None
        if self.reported_nano_usd is not None and other.reported_nano_usd is not None:
            reported = self.reported_nano_usd + other.reported_nano_usd
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cache_read_input_tokens + other.cache_read_input_tokens,
            self.cache_write_input_tokens + other.cache_write_input_tokens,
            self.reasoning_output_tokens + other.reasoning_output_tokens,
            self.audio_input_tokens + other.audio_input_tokens,
            self.audio_output_tokens + other.audio_output_tokens,
            self.image_input_tokens + other.image_input_tokens,
            self.estimated or other.estimated,
            self.cache_write_1h_input_tokens + other.cache_write_1h_input_tokens,
            self.cache_read_audio_input_tokens + other.cache_read_audio_input_tokens,
            self.web_search_count + other.web_search_count,
            self.service_tier if self.service_tier == other.service_tier else "",
            reported,
        )


@dataclass(frozen=True, slots=True)
class TokenLogprob:
    token: str
    logprob: float
    token_bytes: bytes = b""
    top: tuple[TokenLogprob, ...] = ()


@dataclass(frozen=True, slots=True)
class Ending:
    """How an answer ended: what a whole answer and the last event of a stream have in common.

    `usage` is None when the provider did not say. `metadata` holds what the provider told beyond
    the contract, in its own JSON. `dropped_parameters` are paths of spec fields that the provider
    lacks and that were left out, as the configuration allows. `provider_model` is what the provider
    calls the model that answered, such as `gpt-4o-2024-08-06`: a word of `metadata`, "" if it did
    not say.
    """

    finish_reason: FinishReason
    provider_finish_reason: str = ""
    usage: Usage | None = None
    response_id: str = ""
    metadata: JsonObject = field(default_factory=dict[str, Any])
    dropped_parameters: tuple[str, ...] = ()
    provider_model: str = ""


@dataclass(frozen=True, slots=True)
class Completion:
    """A whole answer. `parts` are those of the assistant's message."""

    parts: tuple[Part, ...]
    ending: Ending
    logprobs: tuple[TokenLogprob, ...] = ()
