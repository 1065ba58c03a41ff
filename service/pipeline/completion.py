"""The path of a request behind the edge: admission, then the router."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from service.domain.completion import CompletionSpec
from service.domain.provider import TokenCount
from service.domain.routing import RouteWish
from service.pipeline.admission import Admission
from service.pipeline.router import Answered, Embedded, RoutedEvent, Router


class CompletionPipeline:
    """Deadlines are in the event loop's time. Every method raises ServiceFailure."""

    def __init__(self, admission: Admission, router: Router) -> None:
        self._admission = admission
        self._router = router

    async def complete(self, spec: CompletionSpec, wish: RouteWish, deadline: float) -> Answered:
        with self._admission.slot():
            return await self._router.complete(spec, wish, deadline)

    async def stream(
        self, spec: CompletionSpec, wish: RouteWish, deadline: float
    ) -> AsyncGenerator[RoutedEvent, None]:
        """Close it (`contextlib.aclosing`) when leaving early."""
        with self._admission.slot():
            async with aclosing(self._router.stream(spec, wish, deadline)) as events:
                async for event in events:
                    yield event

    async def count_tokens(
        self, spec: CompletionSpec, wish: RouteWish, deadline: float
    ) -> TokenCount:
        with self._admission.slot():
            return await self._router.count_tokens(spec, wish, deadline)

    async def embed(
        self, model: str, inputs: tuple[str, ...], dimensions: int | None, deadline: float
    ) -> Embedded:
        with self._admission.slot():
            return await self._router.embed(model, inputs, dimensions, deadline)
