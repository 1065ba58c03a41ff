"""A Provider (`service/ports.py`) that asks through the litellm library.

Slower than the native engine by a factor, and for every provider that the library knows.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from typing import Any

from service.domain.completion import Completion, Ending
from service.domain.errors import ProviderFailure
from service.domain.events import StreamEvent
from service.domain.provider import EmbeddingCall, Embeddings, ProviderCall, TokenCount
from service.domain.tokens import TOKENIZER, estimated_prompt_tokens
from service.providers.litellm.answers import completion_of, embeddings_of, events_of
from service.providers.litellm.arguments import completion_arguments, dialect_of
from service.providers.litellm.failures import failure
from service.providers.litellm.library import library
from service.providers.openai.content import messages
from service.providers.wire import invalid_answer, unsupported

# Prefixes whose answers the library makes ends up for; their calls go through a witness.
_BY_OPENAI_CLIENT = ("openai",)
_NO_EMBEDDINGS = ("anthropic",)
_BY_HTTP_HANDLER = ("anthropic", "gemini", "deepseek")


class LiteLLMProvider:
    """`prefix` is the library's name of the provider: its models are `PREFIX/MODEL`."""

    def __init__(
        self,
        *,
        name: str,
        prefix: str,
        api_key: str,
        base_url: str,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._name = name
        self._prefix = prefix
        self._api_key = api_key
        self._base_url = base_url
        self._headers = dict(headers or {})
        self._client: Any = None
        self._http: Any = None

    def __repr__(self) -> str:
        return f"<LiteLLMProvider {self._name} as {self._prefix}>"

    async def warm_up(self) -> None:
        """Imports the library: seconds, in a thread. Without it the first call waits for that."""
        await library()

    async def complete(self, call: ProviderCall) -> Completion:
        async with self._asked(call, stream=False) as (response, witness, dropped):
            self._require_end(witness)
            completion = completion_of(self._name, self._prefix, response)
        ending = replace(completion.ending, dropped_parameters=dropped)
        return replace(completion, ending=ending)

    @asynccontextmanager
    async def stream(self, call: ProviderCall) -> AsyncGenerator[AsyncIterator[StreamEvent], None]:
        async with self._asked(call, stream=True) as (response, witness, dropped):
            try:
                events = self._events(response, witness, dropped)
                async with aclosing(events):
                    yield events
            finally:
                await response.aclose()

    async def embed(self, call: EmbeddingCall) -> Embeddings:
        if not dialect_of(self._prefix).embeddings or self._prefix in _NO_EMBEDDINGS:
            raise unsupported(self._name, "model", f"{call.model}: it has no embeddings")
        litellm = await library()
        arguments: dict[str, Any] = {"input": list(call.inputs)}
        if call.dimensions is not None:
            arguments["dimensions"] = call.dimensions
        witness = self._witness()
        try:
            response = await litellm.aembedding(**self._common(call.model), **arguments)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            raise await self._failed(error, witness) from error
        return embeddings_of(self._name, response, len(call.inputs))

    async def count_tokens(self, call: ProviderCall) -> TokenCount:
        litellm = await library()
        model = f"{self._prefix}/{call.model}"
        wire = messages(dialect_of(self._prefix), call.spec.messages)
        try:
            count = await asyncio.to_thread(litellm.token_counter, model=model, messages=wire)
        except Exception:  # noqa: BLE001 - whatever its tokenizers lack, an estimate remains
            count = estimated_prompt_tokens(call.spec)
            return TokenCount(count, exact=False, tokenizer=TOKENIZER)
        # Its vocabularies are OpenAI's: right for those models only.
        return TokenCount(count, exact=False, tokenizer=f"litellm:{model}")

    async def aclose(self) -> None:
        if self._http is not None:
            await self._http.aclose()

    @asynccontextmanager
    async def _asked(
        self, call: ProviderCall, *, stream: bool
    ) -> AsyncGenerator[tuple[Any, Any, tuple[str, ...]], None]:
        litellm = await library()
        arguments, dropped = completion_arguments(self._prefix, call)
        if stream:
            arguments["stream"] = True
            arguments["stream_options"] = {"include_usage": True}
        witness = self._witness()
        headers = {**self._headers, **call.headers}
        try:
            try:
                response = await litellm.acompletion(
                    **self._common(call.model), **arguments, extra_headers=headers or None
                )
            except Exception as error:
                raise await self._failed(error, witness) from error
            yield response, witness, dropped
        finally:
            await witness.aclose()

    async def _events(
        self, response: Any, witness: Any, dropped: tuple[str, ...]
    ) -> AsyncGenerator[StreamEvent, None]:
        events = events_of(self._name, self._prefix, response)
        try:
            async for event in events:
                if isinstance(event, Ending):
                    self._require_end(witness)
                    yield replace(event, dropped_parameters=dropped)
                    return
                yield event
        except ProviderFailure:
            raise
        except Exception as error:
            raise await self._failed(error, witness) from error

    def _require_end(self, witness: Any) -> None:
        if self._client is not None and not witness.ended:
            raise invalid_answer(self._name, "it never said how its answer ended")

    def _common(self, model: str) -> dict[str, Any]:
        common: dict[str, Any] = {
            "model": f"{self._prefix}/{model}",
            "num_retries": 0,
            "max_retries": 0,
        }
        if self._api_key:
            common["api_key"] = self._api_key
        if self._base_url:
            common["api_base"] = self._base_url
        if self._client is not None:
            common["client"] = self._client
        return common

    def _witness(self) -> Any:
        # Late: httpx comes with the library, and costs nearly as much.
        from service.providers.litellm import witness  # noqa: PLC0415

        if self._client is None and self._prefix in (*_BY_OPENAI_CLIENT, *_BY_HTTP_HANDLER):
            self._http = witness.client()
            self._client = self._witnessed_client(self._http)
        seen = witness.Witness()
        witness.current.set(seen)
        return seen

    def _witnessed_client(self, http: Any) -> Any:
        if self._prefix in _BY_OPENAI_CLIENT:
            import openai  # noqa: PLC0415 - the library has imported it

            return openai.AsyncOpenAI(
                api_key=self._api_key or "none",
                base_url=self._base_url or None,
                http_client=http,
                max_retries=0,
            )
        from litellm.llms.custom_httpx.http_handler import AsyncHTTPHandler  # noqa: PLC0415

        handler: Any = AsyncHTTPHandler()
        handler.client = http
        return handler

    async def _failed(self, error: Exception, witness: Any) -> ProviderFailure:
        response = witness.response
        status = response.status_code if response is not None else 0
        body = b""
        if response is not None and response.is_stream_consumed:
            body = getattr(response, "_content", b"")
        await witness.aclose()
        return failure(self._name, error, status, witness.headers, body)
