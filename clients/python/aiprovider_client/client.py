"""The calls."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

import grpc
from aiprovider.v1 import (
    completion_service_pb2 as pb,
)
from aiprovider.v1 import (
    completion_service_pb2_grpc,
    content_pb2,
    model_service_pb2,
    model_service_pb2_grpc,
    routing_pb2,
)
from grpc_health.v1 import health_pb2, health_pb2_grpc

from aiprovider_client.answers import Answer, AnswerStream
from aiprovider_client.channel import Tls, open_channel
from aiprovider_client.errors import from_rpc

T = TypeVar("T")
Prompt = str | Sequence[content_pb2.Message]


class Client:
    """Calls one service. Every method raises AIProviderError or one of its subclasses.

    `timeout_s` is the deadline of a call in which none is given. The API key travels as metadata:
    use TLS outside of a trusted network.
    """

    def __init__(
        self,
        target: str = "localhost:8005",
        *,
        api_key: str = "",
        tls: Tls | None = None,
        timeout_s: float = 60.0,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        self._target = target
        self._api_key = api_key
        self._tls = tls
        self._timeout_s = timeout_s
        self._metadata = dict(metadata or {})
        self._channel: Any = None

    def __repr__(self) -> str:
        return f"<Client of {self._target}>"

    async def __aenter__(self) -> Self:
        self._channel = open_channel(self._target, self._tls)
        self._completion: Any = completion_service_pb2_grpc.CompletionServiceStub(self._channel)
        self._model: Any = model_service_pb2_grpc.ModelServiceStub(self._channel)
        self._health: Any = health_pb2_grpc.HealthStub(self._channel)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._channel.close()

    async def complete(
        self,
        model: str,
        prompt: Prompt,
        *,
        system: str = "",
        spec: pb.CompletionSpec | None = None,
        routing: routing_pb2.RoutingPolicy | None = None,
        labels: Mapping[str, str] | None = None,
        timeout_s: float | None = None,
        request_id: str = "",
    ) -> Answer:
        """The whole answer. `spec` holds everything else that decides it: sampling, tools, format.

        `prompt` is a user's text, or messages; `model`, `prompt` and `system` are added to `spec`.
        """
        request = pb.CompleteRequest(
            spec=completion_spec(model, prompt, system, spec), routing=routing, labels=labels
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
        routing: routing_pb2.RoutingPolicy | None = None,
        stream_options: pb.StreamOptions | None = None,
        timeout_s: float | None = None,
        request_id: str = "",
    ) -> AnswerStream:
        """The answer as it is spoken; arguments as in `complete`."""
        request = pb.StreamCompleteRequest(
            spec=completion_spec(model, prompt, system, spec),
            routing=routing,
            stream_options=stream_options,
        )
        call = self._completion.StreamComplete(request, **self._options(timeout_s, request_id))
        return AnswerStream(call, self._target)

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

    async def health(self, service: str = "readiness", *, timeout_s: float = 5.0) -> str:
        """`SERVING` or `NOT_SERVING`, by the standard gRPC health protocol."""
        request = health_pb2.HealthCheckRequest(service=service)
        answer = await self._answered(self._health.Check(request, timeout=timeout_s))
        return health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)

    async def watch_health(self, service: str = "readiness") -> AsyncIterator[str]:
        """The status now, and every change of it."""
        call = self._health.Watch(health_pb2.HealthCheckRequest(service=service))
        try:
            async for answer in call:
                yield health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)
        except grpc.RpcError as error:
            raise from_rpc(error, self._target) from error
        finally:
            call.cancel()

    async def _answered(self, call: Awaitable[T]) -> T:
        try:
            return await call
        except grpc.RpcError as error:
            raise from_rpc(error, self._target) from error

    def _options(self, timeout_s: float | None = None, request_id: str = "") -> dict[str, Any]:
        metadata = [("x-request-id", request_id or uuid.uuid4().hex), *self._metadata.items()]
        if self._api_key:
            metadata.append(("authorization", f"Bearer {self._api_key}"))
        deadline_s = self._timeout_s if timeout_s is None else timeout_s
        return {"timeout": deadline_s, "metadata": metadata}


def completion_spec(
    model: str, prompt: Prompt, system: str, spec: pb.CompletionSpec | None
) -> pb.CompletionSpec:
    """A copy of `spec` with the model and the messages added."""
    whole = pb.CompletionSpec()
    if spec is not None:
        whole.CopyFrom(spec)
    whole.model = model
    if system:
        whole.messages.append(_message(content_pb2.ROLE_SYSTEM, system))
    if isinstance(prompt, str):
        whole.messages.append(_message(content_pb2.ROLE_USER, prompt))
    else:
        whole.messages.extend(prompt)
    return whole


def _message(role: Any, text: str) -> content_pb2.Message:
    return content_pb2.Message(role=role, parts=[content_pb2.Part(text=text)])
