"""ModelService."""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import Callable, Sequence

from aiprovider.v1 import model_service_pb2 as pb
from aiprovider.v1 import model_service_pb2_grpc as pb_grpc

from service.domain.catalogue import Listing
from service.domain.completion import CompletionSpec
from service.domain.consumption import cost_of_all
from service.domain.cost import UNPRICED
from service.domain.errors import FieldViolation, ServiceFailure
from service.domain.reasons import ErrorReason
from service.domain.request import CompletionRequest
from service.pipeline.completion import CompletionPipeline
from service.rpc import encode
from service.rpc.call import Context, current
from service.rpc.decode.request import require_embeddable
from service.rpc.values import cost_pb, usage_pb

ListModels = Callable[[Sequence[str]], list[Listing]]

_PAGE_SIZE = 100
_PAGE_SIZE_MAX = 1000


class ModelServicer(pb_grpc.ModelServiceServicer):
    """`list_models` gives the listings, ordered by name, for these providers (none means all)."""

    def __init__(self, pipeline: CompletionPipeline, list_models: ListModels) -> None:
        self._pipeline = pipeline
        self._list_models = list_models

    async def ListModels(
        self, request: pb.ListModelsRequest, context: Context
    ) -> pb.ListModelsResponse:
        size = min(request.page_size or _PAGE_SIZE, _PAGE_SIZE_MAX)
        if size < 0:
            raise _bad("page_size", f"must be at least 0, is {size}")
        # A token holds the last name told: it stays right when models come and go.
        after = _name_of(request.page_token)
        left = [one for one in self._list_models(request.providers) if one.name > after]
        page = left[:size]
        token = _token_of(page[-1].name) if len(left) > size else ""
        return pb.ListModelsResponse(
            models=[encode.model_pb(listing) for listing in page], next_page_token=token
        )

    async def Embed(self, request: pb.EmbedRequest, context: Context) -> pb.EmbedResponse:
        call = current()
        record = call.record
        require_embeddable(request)
        record.model = request.model
        dimensions = request.dimensions if request.HasField("dimensions") else None
        asked = CompletionRequest(
            CompletionSpec(request.model, ()),
            deadline=call.deadline,
            tenant=record.tenant,
            request_id=record.request_id,
            method=record.method,
            phases=record.phases,
            span=record.span,
        )
        embedded = await self._pipeline.embed(asked, tuple(request.inputs), dimensions)
        usage = embedded.embeddings.usage
        record.target, record.attempts = embedded.target, embedded.trace.attempts
        return pb.EmbedResponse(
            embeddings=[pb.Embedding(values=vector) for vector in embedded.embeddings.vectors],
            served_by=encode.model_ref(embedded.target),
            usage=usage_pb(usage) if usage else None,
            cost=cost_pb(cost_of_all(embedded.trace.attempts) or UNPRICED),
            route=encode.route_trace(embedded.trace, time.time()),
        )


def _token_of(name: str) -> str:
    return base64.urlsafe_b64encode(name.encode()).decode()


def _name_of(token: str) -> str:
    try:
        return base64.b64decode(token.encode(), b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError):
        raise _bad("page_token", "is not a token that ListModels gave") from None


def _bad(field: str, description: str) -> ServiceFailure:
    return ServiceFailure(
        ErrorReason.INVALID_REQUEST,
        f"{field}: {description}",
        violations=(FieldViolation(field, description),),
    )
