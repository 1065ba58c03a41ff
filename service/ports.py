"""What the request path needs of the outside, as small Protocols. Adapters implement them;
`app.py` joins the two.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from service.domain.completion import Completion
from service.domain.events import StreamEvent
from service.domain.provider import EmbeddingCall, Embeddings, ProviderCall, TokenCount


class Provider(Protocol):
    """One configured provider.

    Every method raises ProviderFailure, and nothing else but CancelledError. Cancelling any of them
    closes its upstream connection at once. None of them retries. Time limits are the caller's, but
    for the time to connect.
    """

    async def complete(self, call: ProviderCall) -> Completion:
        """The whole answer."""
        ...

    def stream(self, call: ProviderCall) -> AbstractAsyncContextManager[AsyncIterator[StreamEvent]]:
        """The answer as it comes.

        Entering sends the request and waits for the head of the answer. The iterator ends after
        exactly one Ending, or raises: an answer that was cut short never ends clean. Leaving the
        context closes the upstream connection unless the answer was read to its end.
        """
        ...

    async def embed(self, call: EmbeddingCall) -> Embeddings:
        """One vector for each input."""
        ...

    async def count_tokens(self, call: ProviderCall) -> TokenCount:
        """How many tokens the prompt has: the provider's own count, or an estimate that says so."""
        ...

    async def check(self) -> bool:
        """Asks by an unbilled call whether the provider is there and knows our key.

        False when it has no such call, or our key may not make it: that tells nothing.
        """
        ...

    async def aclose(self) -> None:
        """Closes idle connections. No call may follow."""
        ...
