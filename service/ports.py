"""What the request path needs of the outside, as small Protocols. Adapters implement them;
`app.py` joins the two.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from service.domain.cache_note import CacheStatus
from service.domain.call_record import Record
from service.domain.completion import Completion, Ending
from service.domain.events import PartDone, ReasoningDelta, StreamEvent, TextDelta, ToolCallDelta
from service.domain.kept import Kept, Selector
from service.domain.provider import EmbeddingCall, Embeddings, ModelRef, ProviderCall, TokenCount
from service.domain.rollup import LedgerAnswer, LedgerQuery
from service.domain.waited import Waited


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


class AnswerCache(Protocol):
    """Answers under keys of 32 bytes, in two levels. Nothing raises, and nothing waits long.

    What is void or has expired is never given.
    """

    @property
    def generation(self) -> int:
        """The stamp of an answer that is asked for now; see Kept."""
        ...

    def now(self) -> float:
        """Seconds since the epoch, on the clock that replicas share."""
        ...

    def local(self, key: bytes) -> Kept | None:
        """From the memory of this replica."""
        ...

    async def shared(self, key: bytes, waited: Waited | None = None) -> Kept | None:
        """From the cache that replicas share. It is in memory from then on.

        `waited` is heeded and added to; without it the whole time may be waited.
        """
        ...

    def keep(self, key: bytes, kept: Kept) -> None:
        """In both levels. What does not fit is dropped, and counted."""
        ...

    def replace_local(self, key: bytes, kept: Kept) -> None:
        """In memory only: the same answer in more forms."""
        ...


@dataclass(frozen=True, slots=True)
class Invalidated:
    """Answers that left our memory, and how soon all replicas heed it; 0 s where there is one."""

    local_entries: int
    reaches_within_s: float
    cut_off_within_s: float
    """The same for a replica that does not reach the shared cache."""


class SharedCacheUnreachable(Exception):  # noqa: N818 - what it is, not what to do
    """Redis did not confirm an invalidation: so far it counts on this replica alone.

    Its text is the kind of error. The others are told when Redis can be reached again.
    """


class CacheAdmin(Protocol):
    """What operators do to the cache."""

    async def invalidate(self, selector: Selector) -> Invalidated:
        """Makes answers void, on every replica. Raises SharedCacheUnreachable."""
        ...


class CacheJournal(Protocol):
    """What is noted of each request, by tenant. On the path: none of it waits.

    `kept` is the answer that was taken, and tells what the provider would have.
    """

    def hit(self, tenant: str, status: CacheStatus, age_s: float, kept: Kept) -> None: ...

    def coalesced(self, tenant: str, kept: Kept) -> None: ...

    def repeated(self, tenant: str, kept: Kept) -> None: ...

    def miss(self, tenant: str) -> None: ...

    def bypassed(self, tenant: str) -> None: ...

    def refreshed(self, tenant: str) -> None: ...

    def early_refresh(self, tenant: str) -> None: ...

    def known_failure(self, tenant: str) -> None: ...


class Journal(Protocol):
    """Told of each call and each attempt that has ended. On the path: it never waits."""

    def put(self, record: Record) -> None: ...


class LedgerUnavailable(Exception):  # noqa: N818 - what it is, not what to do
    """The past cannot be asked about now: none is kept, or what keeps it does not answer.

    Its text says why, for whoever asked.
    """


class LedgerTooMuch(Exception):  # noqa: N818 - as above
    """The question takes in more than is summed at once. Its text says how to ask for less."""


class Ledger(Protocol):
    """What calls and attempts came to, over time."""

    @property
    def labels(self) -> frozenset[str]:
        """The keys of the labels that are kept. By others nobody can ask."""
        ...

    def finest_s(self, start: float) -> int:
        """The shortest step that can be asked for of a time from `start` on."""
        ...

    async def query(self, query: LedgerQuery) -> LedgerAnswer:
        """What has ended before is taken in first, as far as this replica served it.

        Raises LedgerUnavailable and LedgerTooMuch.
        """
        ...


class Claims(Protocol):
    """Who of several replicas asks for an answer, and what it tells the others meanwhile.

    Nothing raises. None means that nobody can be asked: each replica goes on by itself.
    """

    @property
    def available(self) -> bool:
        """Whether there are other replicas that could be heard, as far as is known."""
        ...

    async def claim(
        self, key: bytes, token: bytes, lease_s: float, waited: Waited | None = None
    ) -> bool | None:
        """Whether the key is ours now, for so long. False when somebody else has it.

        `waited` as for `AnswerCache.shared`.
        """
        ...

    async def renew(self, key: bytes, token: bytes, lease_s: float) -> float | None:
        """Prolongs our claim, and tells for how many seconds others wait yet, 0.0 if nobody does.

        None also when it is no longer ours.
        """
        ...

    def release(self, key: bytes, token: bytes) -> None:
        """Gives the claim up, if it is ours. Returns at once."""
        ...

    def tell(self, key: bytes, token: bytes, pieces: Sequence[bytes], keep_s: float) -> None:
        """Adds to what those who wait for the holder `token` are told. Returns at once."""
        ...

    async def told(self, key: bytes, holder: bytes, since: int, wait_s: float = 0.0) -> Told | None:
        """What `holder` has told, from the piece `since` on, even where it has given the claim up
        since; and who has it now. An empty `holder` means whoever has it now.

        `wait_s` is how long we wait yet, for the holder to know; it forgets that after a second.
        """
        ...


class Told(Protocol):
    """`holder` is the token of who has the claim now, empty if nobody has."""

    @property
    def holder(self) -> bytes: ...

    @property
    def pieces(self) -> Sequence[bytes]: ...


Delta = TextDelta | ReasoningDelta | ToolCallDelta | PartDone


class Scribe(Protocol):
    """Puts answers into the words of the wire, and back. The caches see bytes only."""

    def whole(self, completion: Completion, target: ModelRef) -> bytes:
        """A whole answer, without what differs from request to request."""
        ...

    def frame(self, event: Delta) -> bytes:
        """One event of a stream, without its number."""
        ...

    def finished(self, ending: Ending, target: ModelRef) -> bytes:
        """The last one, without what differs from request to request."""
        ...

    def as_whole(self, kept: Kept) -> Kept:
        """The same with `whole`, made of its frames if need be."""
        ...

    def as_stream(self, kept: Kept) -> Kept:
        """The same with `frames` and `finished`, made of the whole if need be."""
        ...
