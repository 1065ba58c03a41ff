"""The path of a request behind the edge: admission, then the router."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from service.domain.provider import TokenCount
from service.domain.request import CompletionRequest
from service.domain.routing import Plan
from service.pipeline.admission import Admission
from service.pipeline.router import Answered, Embedded, RoutedEvent, Router


class CompletionPipeline:
    """Every method raises ServiceFailure."""

    def __init__(self, admission: Admission, router: Router) -> None:
        self._admission = admission
        self._router = router

    async def complete(self, request: CompletionRequest) -> Answered:
        with self._admission.slot():
            return await self._router.complete(request)

    async def stream(self, request: CompletionRequest) -> AsyncGenerator[RoutedEvent, None]:
        """Close it (`contextlib.aclosing`) when leaving early."""
        with self._admission.slot():
            async with aclosing(self._router.stream(request)) as events:
                async for event in events:
                    yield event

    async def count_tokens(self, request: CompletionRequest) -> TokenCount:
        with self._admission.slot():
            return await self._router.count_tokens(request)

    async def embed(
        self, request: CompletionRequest, inputs: tuple[str, ...], dimensions: int | None
    ) -> Embedded:
        with self._admission.slot():
            return await self._router.embed(request, inputs, dimensions)

    def explain(self, request: CompletionRequest) -> Plan:
        """How a request would be routed. Nobody is asked, and nothing is admitted."""
        return self._router.explain(request)
