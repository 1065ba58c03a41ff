"""Joins the pieces of the family into a WireFamily."""

from __future__ import annotations

from collections.abc import Mapping

from service.domain.completion import Completion
from service.domain.errors import ProviderFailure
from service.domain.provider import EmbeddingCall, Embeddings, ProviderCall, TokenCount
from service.providers.gemini.failure import failure
from service.providers.gemini.request import (
    completion_request,
    count_request,
    embedding_request,
)
from service.providers.gemini.response import NAME, embeddings, token_count
from service.providers.gemini.stream import ChunkDecoder, completion
from service.providers.wire import WireRequest


class Gemini:
    """See `service/providers/wire.py`: WireFamily."""

    name = NAME
    check_path = "/models?pageSize=1"

    def __repr__(self) -> str:
        return "<Gemini>"

    def auth_headers(self, api_key: str) -> Mapping[str, str]:
        return {"x-goog-api-key": api_key}

    def completion_request(self, call: ProviderCall, *, stream: bool) -> WireRequest:
        return completion_request(call, stream=stream)

    def completion(self, body: bytes) -> Completion:
        return completion(body)

    def stream_decoder(self) -> ChunkDecoder:
        return ChunkDecoder()

    def failure(self, status: int, body: bytes) -> ProviderFailure:
        return failure(status, body)

    def embedding_request(self, call: EmbeddingCall) -> WireRequest:
        return embedding_request(call)

    def embeddings(self, body: bytes, call: EmbeddingCall) -> Embeddings:
        return embeddings(body, call)

    def count_request(self, call: ProviderCall) -> WireRequest | None:
        return count_request(call)

    def token_count(self, body: bytes, call: ProviderCall) -> TokenCount:
        return token_count(body, call)
