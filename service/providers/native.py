"""The native engine: a wire family over HTTP. The shell around pure code; decides nothing."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace

from service.domain.completion import Completion, Ending
from service.domain.errors import ProviderFailure
from service.domain.events import StreamEvent
from service.domain.provider import EmbeddingCall, Embeddings, ProviderCall, TokenCount
from service.domain.tokens import TOKENIZER, estimated_prompt_tokens
from service.providers.http import Answer, Endpoint, HttpClient
from service.providers.sse import SseReader
from service.providers.wire import WireFamily, WireRequest, invalid_answer

_FAILURE_STATUS = 300
# Compatible servers may have no list of models, and a key may be barred from it.
_NO_SUCH_CALL = frozenset({403, 404, 405, 501})


class NativeProvider:
    """A Provider (`service/ports.py`) that speaks `family` to `endpoint`."""

    def __init__(self, family: WireFamily, endpoint: Endpoint, api_key: str) -> None:
        self._family = family
        self._name = endpoint.name
        self._event_bytes_max = endpoint.event_bytes_max
        self._auth = dict(family.auth_headers(api_key)) if api_key else {}
        self._http = HttpClient(endpoint)

    def __repr__(self) -> str:
        return f"<NativeProvider {self._name} speaks {self._family.name}>"

    async def complete(self, call: ProviderCall) -> Completion:
        request = self._family.completion_request(call, stream=False)
        completion = self._family.completion(await self._ask(request, call.headers))
        if not request.dropped_parameters:
            return completion
        ending = replace(completion.ending, dropped_parameters=request.dropped_parameters)
        return replace(completion, ending=ending)

    @asynccontextmanager
    async def stream(self, call: ProviderCall) -> AsyncGenerator[AsyncIterator[StreamEvent], None]:
        request = self._family.completion_request(call, stream=True)
        headers = self._headers(request, call.headers)
        async with self._http.post(request.path, request.body, headers) as answer:
            if answer.status >= _FAILURE_STATUS:
                raise await self._failure(answer)
            self._require(answer, "text/event-stream")
            async with aclosing(self._events(answer, request.dropped_parameters)) as events:
                yield events

    async def embed(self, call: EmbeddingCall) -> Embeddings:
        request = self._family.embedding_request(call)
        return self._family.embeddings(await self._ask(request, call.headers), call)

    async def count_tokens(self, call: ProviderCall) -> TokenCount:
        request = self._family.count_request(call)
        if request is None:
            return TokenCount(estimated_prompt_tokens(call.spec), exact=False, tokenizer=TOKENIZER)
        return self._family.token_count(await self._ask(request, call.headers), call)

    async def check(self) -> bool:
        async with self._http.get(self._family.check_path, self._auth) as answer:
            if answer.status in _NO_SUCH_CALL:
                return False
            if answer.status >= _FAILURE_STATUS:
                raise await self._failure(answer)
            self._require(answer, "application/json")
            await answer.body()
        return True

    async def aclose(self) -> None:
        await self._http.aclose()

    async def _ask(self, request: WireRequest, extra: Mapping[str, str]) -> bytes:
        headers = self._headers(request, extra)
        async with self._http.post(request.path, request.body, headers) as answer:
            if answer.status >= _FAILURE_STATUS:
                raise await self._failure(answer)
            self._require(answer, "application/json")
            return await answer.body()

    async def _events(
        self, answer: Answer, dropped_parameters: tuple[str, ...]
    ) -> AsyncGenerator[StreamEvent, None]:
        decoder = self._family.stream_decoder()
        reader = SseReader(self._name, self._event_bytes_max)
        async with aclosing(answer.chunks()) as chunks:
            async for chunk in chunks:
                for sse in reader.feed(chunk):
                    for event in decoder.feed(sse):
                        if isinstance(event, Ending):
                            yield _finished(event, dropped_parameters)
                            return
                        yield event
        for sse in reader.finish(framed=answer.framed):
            for event in decoder.feed(sse):
                yield _finished(event, dropped_parameters)
                if isinstance(event, Ending):
                    return
        for event in decoder.close(framed=answer.framed):
            yield _finished(event, dropped_parameters)

    def _headers(self, request: WireRequest, extra: Mapping[str, str]) -> Mapping[str, str]:
        return {**extra, **self._auth, **request.headers}

    async def _failure(self, answer: Answer) -> ProviderFailure:
        failure = self._family.failure(answer.status, await answer.error_body())
        failure.http_status = answer.status
        if failure.retry_after_s is None:
            failure.retry_after_s = answer.retry_after_s()
        return failure

    def _require(self, answer: Answer, content_type: str) -> None:
        # Some compatible servers name no type; none names a wrong one for a right body.
        if answer.content_type not in ("", content_type):
            raise invalid_answer(
                self._name, f"content-type {answer.content_type[:80]!r}, expected {content_type!r}"
            )


def _finished(event: StreamEvent, dropped_parameters: tuple[str, ...]) -> StreamEvent:
    if dropped_parameters and isinstance(event, Ending):
        return replace(event, dropped_parameters=dropped_parameters)
    return event
