"""What one caller asks, as the pipeline carries it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from service.domain.completion import CompletionSpec
from service.domain.routing import RouteWish


@dataclass(frozen=True, slots=True)
class CompletionRequest:
    """`deadline` is in the event loop's time. `tenant` and `request_id` never reach a provider."""

    spec: CompletionSpec
    wish: RouteWish = RouteWish()
    deadline: float = math.inf
    tenant: str = ""
    request_id: str = ""
