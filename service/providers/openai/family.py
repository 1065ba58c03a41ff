"""Joins the pieces of the family into a WireFamily."""

from __future__ import annotations

from collections.abc import Mapping

from service.domain.completion import Completion
from service.domain.errors import ProviderFailure
from service.domain.provider import EmbeddingCall, Embeddings, ProviderCall, TokenCount
from service.providers.openai.dialect import OPENAI, Dialect
from service.providers.openai.failure import failure
from service.providers.openai.request import completion_request, embedding_request
from service.providers.openai.response import completion, embeddings
from service.providers.openai.stream import ChunkDecoder
from service.providers.wire import WireRequest


class OpenAI:
    """See `service/providers/wire.py`: WireFamily."""

    check_path = "/models"

    def __init__(self, dialect: Dialect = OPENAI) -> None:
        self.name = dialect.name
        self._dialect = dialect

    def __repr__(self) -> str:
        return f"<OpenAI {self.name}>"

    def auth_headers(self, api_key: str) -> Mapping[str, str]:
        return {"authorization": f"Bearer {api_key}"}

    def completion_request(self, call: ProviderCall, *, stream: bool) -> WireRequest:
        return completion_request(self._dialect, call, stream=stream)

    def completion(self, body: bytes) -> Completion:
        return completion(self.name, body)

    def stream_decoder(self) -> ChunkDecoder:
        return ChunkDecoder(self.name)

    def failure(self, status: int, body: bytes) -> ProviderFailure:
        return failure(self.name, status, body)

    def embedding_request(self, call: EmbeddingCall) -> WireRequest:
        return embedding_request(self._dialect, call)

    def embeddings(self, body: bytes, call: EmbeddingCall) -> Embeddings:
        return embeddings(self.name, body, call)

    def count_request(self, call: ProviderCall) -> WireRequest | None:
        """None: the family has no endpoint that counts."""
        _ = call

    def token_count(self, body: bytes, call: ProviderCall) -> TokenCount:
        raise AssertionError("this family is never asked to count", body, call)
