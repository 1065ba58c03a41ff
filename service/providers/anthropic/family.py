"""Joins the pieces of the family into a WireFamily."""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from service.domain.completion import Completion
from service.domain.errors import ProviderFailure
from service.domain.provider import EmbeddingCall, Embeddings, ProviderCall, TokenCount
from service.providers.anthropic.failure import failure
from service.providers.anthropic.request import completion_request, count_request
from service.providers.anthropic.response import NAME, SHAPE_ERRORS, completion, misshapen
from service.providers.anthropic.stream import EventDecoder
from service.providers.shape import count
from service.providers.wire import WireRequest, unsupported

_VERSION = "2023-06-01"


class Anthropic:
    """See `service/providers/wire.py`: WireFamily."""

    name = NAME
    check_path = "/v1/models?limit=1"

    def __repr__(self) -> str:
        return "<Anthropic>"

    def auth_headers(self, api_key: str) -> Mapping[str, str]:
        return {"x-api-key": api_key, "anthropic-version": _VERSION}

    def completion_request(self, call: ProviderCall, *, stream: bool) -> WireRequest:
        return completion_request(call, stream=stream)

    def completion(self, body: bytes) -> Completion:
        return completion(body)

    def stream_decoder(self) -> EventDecoder:
        return EventDecoder()

    def failure(self, status: int, body: bytes) -> ProviderFailure:
        return failure(status, body)

    def embedding_request(self, call: EmbeddingCall) -> WireRequest:
        raise unsupported(NAME, "model", f"{call.model}: it has no embeddings")

    def embeddings(self, body: bytes, call: EmbeddingCall) -> Embeddings:
        raise AssertionError("this family is never asked to embed", body, call)

    def count_request(self, call: ProviderCall) -> WireRequest | None:
        return count_request(call)

    def token_count(self, body: bytes, call: ProviderCall) -> TokenCount:
        try:
            tokens = count(orjson.loads(body)["input_tokens"], "input_tokens")
        except SHAPE_ERRORS as error:
            raise misshapen("its token count", error) from None
        return TokenCount(tokens, exact=True, tokenizer=f"{NAME}:{call.model}")
