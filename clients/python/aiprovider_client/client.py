"""The calls."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Self

from aiprovider.v1 import (
    completion_service_pb2 as pb,
)
from aiprovider.v1 import (
    completion_service_pb2_grpc,
    model_service_pb2,
    model_service_pb2_grpc,
    routing_pb2,
)

from aiprovider_client.analytics import AnalyticsCalls
from aiprovider_client.answers import Answer
from aiprovider_client.caching import Caching, cache_policy_of, idempotency_key_of
from aiprovider_client.connection import NOT_OPEN
from aiprovider_client.durations import duration_of
from aiprovider_client.prompts import Prompt, completion_spec
from aiprovider_client.routing import Routing, policy_of
from aiprovider_client.streams import AnswerStream

_REPLAY_INTERVAL_MAX_S = 1.0


class Client(AnalyticsCalls):
    """Calls one service. Every method raises AIProviderError or one of its subclasses.

    `timeout_s` is the deadline of a call in which none is given. The API key travels as metadata:
    use TLS outside of a trusted network.
    """

    _completion: Any = NOT_OPEN
    _model: Any = NOT_OPEN

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        self._completion = completion_service_pb2_grpc.CompletionServiceStub(self._channel)
        self._model = model_service_pb2_grpc.ModelServiceStub(self._channel)
        return self

    async def complete(
        self,
        model: str,
        prompt: Prompt,
        *,
        system: str = "",
        spec: pb.CompletionSpec | None = None,
        routing: Routing | routing_pb2.RoutingPolicy | None = None,
        cache: Caching | routing_pb2.CachePolicy | None = None,
        idempotency_key: str = "",
        labels: Mapping[str, str] | None = None,
        timeout_s: float | None = None,
        request_id: str = "",
    ) -> Answer:
        """The whole answer. `spec` holds everything else that decides it: sampling, tools, format.

        `prompt` is a user's text, or messages; `model`, `prompt` and `system` are added to `spec`.
        With an `idempotency_key` a request that is made again gets the same answer, billed once.
        """
        request = pb.CompleteRequest(
            spec=completion_spec(model, prompt, system, spec),
            routing=policy_of(routing),
            cache=cache_policy_of(cache),
            idempotency_key=idempotency_key_of(idempotency_key),
            labels=labels,
        )
        call = self._completion.Complete(request, **self._options(timeout_s, request_id))
        return Answer(await self._answered(call))

    def stream(
        self,
        model: str,
        prompt: Prompt,
        *,
        system: str = "",
        spec: pb.CompletionSpec | None = None,
        routing: Routing | routing_pb2.RoutingPolicy | None = None,
        cache: Caching | routing_pb2.CachePolicy | None = None,
        stream_options: pb.StreamOptions | None = None,
        restart: bool = False,
        replay_interval_s: float | None = None,
        idempotency_key: str = "",
        labels: Mapping[str, str] | None = None,
        timeout_s: float | None = None,
        request_id: str = "",
    ) -> AnswerStream:
        """The answer as it is spoken; arguments as in `complete`.

        With `restart`, an answer that breaks off begins again from whoever can give it;
        `AnswerStream.texts` tells how that is noticed. Without it, and when nobody can,
        StreamInterruptedError is raised. `replay_interval_s`, at most 1, is the pause between the
        deltas of an answer that comes from the cache.
        """
        request = pb.StreamCompleteRequest(
            spec=completion_spec(model, prompt, system, spec),
            routing=policy_of(routing),
            cache=cache_policy_of(cache),
            idempotency_key=idempotency_key_of(idempotency_key),
            stream_options=stream_options,
            labels=labels,
        )
        if restart:
            request.stream_options.restart_on_interruption = True
        if replay_interval_s is not None:
            pause = duration_of("replay_interval_s", replay_interval_s, _REPLAY_INTERVAL_MAX_S)
            request.stream_options.replay_interval.FromTimedelta(pause)
        call = self._completion.StreamComplete(request, **self._options(timeout_s, request_id))
        return AnswerStream(call, self._target)

    async def explain(
        self,
        model: str,
        prompt: Prompt = "Hello.",
        *,
        system: str = "",
        spec: pb.CompletionSpec | None = None,
        routing: Routing | routing_pb2.RoutingPolicy | None = None,
        cache: Caching | routing_pb2.CachePolicy | None = None,
        timeout_s: float | None = None,
    ) -> pb.ExplainRouteResponse:
        """How a request would be routed now; no provider is asked. Arguments as in `complete`."""
        request = pb.ExplainRouteRequest(
            spec=completion_spec(model, prompt, system, spec),
            routing=policy_of(routing),
            cache=cache_policy_of(cache),
        )
        call = self._completion.ExplainRoute(request, **self._options(timeout_s))
        return await self._answered(call)

    async def count_tokens(self, model: str, prompt: Prompt, *, system: str = "") -> Any:
        """A CountTokensResponse."""
        request = pb.CountTokensRequest(spec=completion_spec(model, prompt, system, None))
        return await self._answered(self._completion.CountTokens(request, **self._options()))

    async def embed(
        self, model: str, inputs: Sequence[str], *, dimensions: int | None = None
    ) -> list[list[float]]:
        """One vector for each input."""
        request = model_service_pb2.EmbedRequest(model=model, inputs=inputs, dimensions=dimensions)
        answer = await self._answered(self._model.Embed(request, **self._options()))
        return [list(embedding.values) for embedding in answer.embeddings]

    async def models(self, providers: Sequence[str] = ()) -> AsyncIterator[model_service_pb2.Model]:
        """Every model, page after page."""
        token = ""
        while True:
            request = model_service_pb2.ListModelsRequest(providers=providers, page_token=token)
            page = await self._answered(self._model.ListModels(request, **self._options()))
            for model in page.models:
                yield model
            token = page.next_page_token
            if not token:
                return
