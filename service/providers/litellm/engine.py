"""A Provider (`service/ports.py`) that asks through the litellm library.

Slower than the native engine by a factor, and for every provider that the library knows.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from typing import Any

from service.domain.completion import Completion, Ending
from service.domain.errors import ProviderFailure
from service.domain.events import PartDone, StreamEvent
from service.domain.provider import EmbeddingCall, Embeddings, ProviderCall, TokenCount
from service.domain.tokens import TOKENIZER, estimated_prompt_tokens
from service.providers.anthropic import Anthropic
from service.providers.gemini import Gemini
from service.providers.http import Endpoint
from service.providers.litellm.answers import completion_of, embeddings_of, events_of
from service.providers.litellm.arguments import completion_arguments, dialect_of, options_of
from service.providers.litellm.failures import translated
from service.providers.litellm.library import NO_KEY, library
from service.providers.native import NativeProvider
from service.providers.openai import DEEPSEEK, OpenAI
from service.providers.openai.content import messages
from service.providers.wire import WireFamily, invalid_answer, unsupported

# Providers whose wire format is ours to read (witness.py). Of the others the scan tells whether an
# answer is whole, and the library is believed what it says.
_FAMILIES: Mapping[str, WireFamily] = {
    "openai": OpenAI(),
    "anthropic": Anthropic(),
    "gemini": Gemini(),
    "deepseek": OpenAI(DEEPSEEK),
}
_NO_EMBEDDINGS = ("anthropic",)
_FAILURE_STATUS = 300


class LiteLLMProvider:
    """`prefix` is the library's name of the provider: its models are `PREFIX/MODEL`."""

    def __init__(self, prefix: str, endpoint: Endpoint, api_key: str) -> None:
        self._name = endpoint.name
        self._prefix = prefix
        self._endpoint = endpoint
        self._api_key = api_key
        self._pool: Any = None
        family = _FAMILIES.get(prefix) if endpoint.base_url else None
        self._checker = NativeProvider(family, endpoint, api_key) if family else None

    def __repr__(self) -> str:
        return f"<LiteLLMProvider {self._name} as {self._prefix}>"

    async def warm_up(self) -> None:
        """Imports the library: seconds, in a thread. Without it the first call waits for that."""
        await library()

    async def complete(self, call: ProviderCall) -> Completion:
        async with self._asked(call, stream=False) as (response, witness, dropped):
            completion = completion_of(self._name, self._prefix, response)
            ending = self._true_ending(completion.ending, witness)
        return replace(completion, ending=replace(ending, dropped_parameters=dropped))

    @asynccontextmanager
    async def stream(self, call: ProviderCall) -> AsyncGenerator[AsyncIterator[StreamEvent], None]:
        async with self._asked(call, stream=True) as (response, witness, dropped):
            try:
                events = self._events(response, witness, dropped)
                async with aclosing(events):
                    yield events
            finally:
                # The connection first: the library takes its time.
                await witness.aclose()
                await response.aclose()

    async def embed(self, call: EmbeddingCall) -> Embeddings:
        if not dialect_of(self._prefix).embeddings or self._prefix in _NO_EMBEDDINGS:
            raise unsupported(self._name, "model", f"{call.model}: it has no embeddings")
        litellm = await library()
        arguments: dict[str, Any] = {"input": list(call.inputs)}
        if call.dimensions is not None:
            arguments["dimensions"] = call.dimensions
        witness = self._witness(stream=False)
        try:
            response = await litellm.aembedding(**self._common(call.model), **arguments)
        except Exception as error:
            raise await self._failed(error, witness) from error
        finally:
            await witness.aclose()
        return embeddings_of(self._name, response, len(call.inputs))

    async def count_tokens(self, call: ProviderCall) -> TokenCount:
        litellm = await library()
        model = f"{self._prefix}/{call.model}"
        wire = messages(dialect_of(self._prefix), call.spec.messages)
        try:
            count = await asyncio.to_thread(
                litellm.token_counter,
                model=model,
                messages=wire,
                use_default_image_token_count=True,
            )
        except Exception:  # noqa: BLE001 - whatever its tokenizers lack, an estimate remains
            count = estimated_prompt_tokens(call.spec)
            return TokenCount(count, exact=False, tokenizer=TOKENIZER)
        # Its vocabularies are OpenAI's: right for those models only.
        return TokenCount(count, exact=False, tokenizer=f"litellm:{model}")

    async def check(self) -> bool:
        # The library knows no unbilled call: ours is made where the wire format is ours.
        return self._checker is not None and await self._checker.check()

    async def aclose(self) -> None:
        if self._checker is not None:
            await self._checker.aclose()
        if self._pool is not None:
            await self._pool.aclose()

    @asynccontextmanager
    async def _asked(
        self, call: ProviderCall, *, stream: bool
    ) -> AsyncGenerator[tuple[Any, Any, tuple[str, ...]], None]:
        litellm = await library()
        arguments, dropped = completion_arguments(self._prefix, call)
        if stream:
            arguments["stream"] = True
            arguments["stream_options"] = {"include_usage": True}
        options = options_of((self._prefix, self._name), call)
        witness = self._witness(stream=stream, options=options)
        headers = {**self._endpoint.headers, **call.headers}
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
        part_count = 0
        try:
            async for event in events_of(self._name, self._prefix, response):
                if not isinstance(event, Ending):
                    part_count = max(part_count, event.part_index + 1)
                    yield event
                    continue
                ending = self._true_ending(event, witness)
                if witness.refusal is not None:
                    yield PartDone(part_count, witness.refusal)
                yield replace(ending, dropped_parameters=dropped)
                return
        except ProviderFailure:
            raise
        except Exception as error:
            raise await self._failed(error, witness) from error

    def _true_ending(self, told: Ending, witness: Any) -> Ending:
        """What the wire says of the end; the library's own words where its format is not ours."""
        failure = witness.explained()
        if failure is not None:
            raise failure
        if not witness.status:
            what = "litellm asked it by a way of its own, where nobody can tell whether it is whole"
            raise invalid_answer(self._name, what)
        if not witness.whole:
            raise invalid_answer(self._name, "its answer stopped before it was over")
        ending: Ending = witness.ending or told
        return ending

    def _common(self, model: str) -> dict[str, Any]:
        common: dict[str, Any] = {
            "model": f"{self._prefix}/{model}",
            "num_retries": 0,
            "max_retries": 0,
        }
        if self._endpoint.base_url:
            common["api_base"] = self._endpoint.base_url
        if self._api_key or self._endpoint.base_url:
            # Without a key the library takes one of its environment: never to a host of our own.
            common["api_key"] = self._api_key or NO_KEY
        return common

    def _witness(self, *, stream: bool, options: Sequence[Mapping[str, Any]] = ()) -> Any:
        """Who reads along with the call that is made next in this context."""
        from service.providers.litellm import witness  # noqa: PLC0415 - late: it needs httpx

        if self._pool is None:
            self._pool = witness.pool(self._endpoint.connections_max)
        seen = witness.Witness(
            self._endpoint,
            self._pool,
            _FAMILIES.get(self._prefix),
            stream=stream,
            options=options,
        )
        witness.current.set(seen)
        return seen

    async def _failed(self, error: Exception, witness: Any) -> ProviderFailure:
        await witness.aclose()
        told: ProviderFailure | None = witness.explained()
        if told is None and 0 < witness.status < _FAILURE_STATUS:
            # It answered, and what it answered could not be read to its end.
            return invalid_answer(self._name, "its answer is cut short or not readable")
        failure = translated(self._name, error, witness.headers)
        if told is None:
            return failure
        told.retry_after_s = (
            failure.retry_after_s if told.retry_after_s is None else told.retry_after_s
        )
        return told
