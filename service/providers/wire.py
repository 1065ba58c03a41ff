"""The port between the native engine's I/O shell and the pure wire families.

A family (OpenAI chat completions, Anthropic Messages, Gemini generateContent) turns calls into
HTTP requests and
answers into values. It never does I/O, never reads a clock, and never sees a credential: the
shell adds those.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

from service.domain.completion import Completion
from service.domain.errors import ProviderFailure
from service.domain.events import StreamEvent
from service.domain.provider import (
    EmbeddingCall,
    Embeddings,
    OnUnsupported,
    ProviderCall,
    TokenCount,
)
from service.domain.reasons import ErrorReason


@dataclass(frozen=True, slots=True)
class WireRequest:
    """A request to a provider. `path` is joined to the provider's base URL and starts with `/`.

    Equal calls give byte-identical bodies: providers' prompt caches depend on it.
    `dropped_parameters` are spec paths that were left out, as `ProviderCall.on_unsupported` allows.
    """

    path: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    dropped_parameters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SseEvent:
    """One server-sent event: its `event:` name ("" if none) and its joined `data:` lines."""

    name: str
    data: bytes


class StreamDecoder(Protocol):
    """Turns the server-sent events of one answer into stream events.

    `feed` raises ProviderFailure for a malformed event or an error that the provider reports inside
    the stream. Its result ends with an Ending exactly once, when the answer is known to be whole
    including its terminator; the shell then stops reading. `close` is called when the body ended
    without that: it returns what is still to be said, ending in an Ending, if the answer is whole
    nevertheless (a finish reason was seen, and `framed` says that the body's own framing is
    intact), and raises ProviderFailure (PROVIDER_RESPONSE_INVALID) if not.
    """

    def feed(self, event: SseEvent) -> Sequence[StreamEvent]: ...

    def close(self, *, framed: bool) -> Sequence[StreamEvent]: ...


class WireFamily(Protocol):
    """One provider family's wire format.

    The `..._request` methods raise ProviderFailure(local=True) for what the provider lacks. The
    decoding ones raise ProviderFailure (PROVIDER_RESPONSE_INVALID) for a malformed body, and the
    failure that a 200 answer reports inside itself.
    """

    name: str
    """`openai`, `anthropic`, `gemini` or `deepseek`: the key of provider parts, options,
    metadata."""
    check_path: str
    """What is fetched by an unbilled GET to see that the provider is there and knows our key."""

    def auth_headers(self, api_key: str) -> Mapping[str, str]: ...

    def completion_request(self, call: ProviderCall, *, stream: bool) -> WireRequest: ...

    def completion(self, body: bytes) -> Completion: ...

    def stream_decoder(self) -> StreamDecoder: ...

    def failure(self, status: int, body: bytes) -> ProviderFailure:
        """What a status of 300 or more means. The shell adds Retry-After from the headers."""
        ...

    def embedding_request(self, call: EmbeddingCall) -> WireRequest: ...

    def embeddings(self, body: bytes, call: EmbeddingCall) -> Embeddings: ...

    def count_request(self, call: ProviderCall) -> WireRequest | None:
        """None when the family has no endpoint that counts: the shell then estimates."""
        ...

    def token_count(self, body: bytes, call: ProviderCall) -> TokenCount: ...


class Omissions:
    """What one call asks for and its provider lacks: refused, or dropped and remembered."""

    def __init__(self, provider: str, policy: OnUnsupported) -> None:
        self._provider = provider
        self._policy = policy
        self._dropped: list[str] = []

    @property
    def dropped(self) -> tuple[str, ...]:
        return tuple(self._dropped)

    def lacks(self, field_path: str, why: str = "") -> None:
        """Notes that the provider has no `field_path`. Raises UNSUPPORTED_PARAMETER unless
        dropping.
        """
        if self._policy is OnUnsupported.REFUSE:
            raise unsupported(self._provider, field_path, why)
        if field_path not in self._dropped:
            self._dropped.append(field_path)


def merge(body: dict[str, Any], options: Mapping[str, Any]) -> None:
    """Lays a caller's `provider_options` over a body: objects are merged, all else is replaced."""
    for name, value in options.items():
        known = body.get(name)
        if isinstance(known, dict) and isinstance(value, Mapping):
            merge(cast("dict[str, Any]", known), cast("Mapping[str, Any]", value))
        else:
            body[name] = value


def unsupported(provider: str, field_path: str, why: str = "") -> ProviderFailure:
    """A failure for content that cannot be dropped, such as a media type that the provider
    lacks.
    """
    reason = f": {why}" if why else ""
    return ProviderFailure(
        ErrorReason.UNSUPPORTED_PARAMETER,
        f"{provider} does not support {field_path}{reason}",
        local=True,
        field=field_path,
    )


def invalid_answer(provider: str, what: str) -> ProviderFailure:
    """A failure for an answer that breaks the provider's own format."""
    return ProviderFailure(
        ErrorReason.PROVIDER_RESPONSE_INVALID, f"{provider} sent an invalid answer: {what}"
    )
