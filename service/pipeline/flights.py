"""Equal calls in flight share one: a late joiner gets what has come so far, then what comes.

A flight is a task of its own. Nobody who waits for it can end it for the others: whoever leaves
first, or has less time, leaves alone. The last one to leave ends it, and with it the call upstream,
unless somebody knows of others who wait elsewhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Hashable, Iterator
from typing import Any, Generic, TypeVar

from service.domain.errors import ServiceFailure
from service.domain.reasons import ErrorReason
from service.domain.request import CompletionRequest

E = TypeVar("E")
R = TypeVar("R")

GRACE_S = 0.005
"""The flight tells more of a passed deadline than a waiter could: it gets to speak first."""


class Flight(Generic[E, R]):
    """What is on its way: events so far, and at last a result or a failure."""

    def __init__(self, request: CompletionRequest) -> None:
        self.request = request
        self.events: list[E] = []
        self.result: R | None = None
        self.keep_s = 0.0
        """The longest that anybody who waits wishes the answer to be kept."""
        self.waiting_count = 0
        self.key = b""
        """Of the answer, as callers are told it."""
        self.content = b""
        """The digest of what is asked."""
        self.is_early = False
        """Whether nobody has asked for it yet: it is to be there when somebody does."""
        self.deserted: Callable[[], None] | None = None
        """Called when the last one has left; it is to end the flight. None: that ends at once."""
        self._error: BaseException | None = None
        self._task: asyncio.Task[R] | None = None
        self._landed: Callable[[], None] = lambda: None
        self._ended = False
        self._wakers: set[asyncio.Future[None]] = set()
        self._loop = asyncio.get_running_loop()

    def __repr__(self) -> str:
        state = "ended" if self._ended else "in flight"
        return f"<Flight {state}, {len(self.events)} events, {self.waiting_count} wait>"

    @property
    def waker_count(self) -> int:
        """Those who wait for the next event."""
        return len(self._wakers)

    @property
    def is_open(self) -> bool:
        """Whether it may still be joined."""
        return not self._ended

    @property
    def task(self) -> asyncio.Task[R] | None:
        """None before it began."""
        return self._task

    def add(self, event: E) -> None:
        self.events.append(event)
        self._wake()

    async def outcome(self, deadline: float) -> R:
        """The result, once it is there. Raises what the flight raised, each time anew."""
        while not self._ended:
            await self._change(deadline)
        return self._outcome()

    async def follow(self, deadline: float) -> AsyncGenerator[E, None]:
        """Every event from the first on; after the last returns, or raises what the flight did."""
        told = 0
        while True:
            while told < len(self.events):
                yield self.events[told]
                told += 1
            if self._ended:
                self._outcome()
                return
            await self._change(deadline)

    def begin(self, work: Coroutine[Any, Any, R], ended: Callable[[], None]) -> None:
        self._landed = ended
        self._task = asyncio.create_task(work, name="flight")
        self._task.add_done_callback(self._land)

    def join(self, deadline: float) -> None:
        """Counts one more in, who may have more time than those before."""
        self.waiting_count += 1
        self.request.prolong(deadline)

    def leave(self) -> None:
        self.waiting_count -= 1
        if self.waiting_count == 0 and not self._ended:
            if self.deserted is None:
                self.end()
            else:
                self.deserted()

    def end(self) -> None:
        """Nobody waits for it any more, here or elsewhere."""
        if self._task is not None and not self._ended:
            # Nobody may join what is being ended.
            self._ended = True
            self._landed()
            self._task.cancel()

    def close(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _land(self, task: asyncio.Task[R]) -> None:
        self._ended = True
        if task.cancelled():
            self._error = asyncio.CancelledError()
        else:
            self._error = task.exception()
            self.result = None if self._error else task.result()
        self._landed()
        self._wake()

    def _outcome(self) -> R:
        match self._error:
            case ServiceFailure():
                raise self._error.again() from self._error
            case asyncio.CancelledError():
                # Ended from outside, as when the process stops.
                raise ServiceFailure(
                    ErrorReason.SERVER_DRAINING, "this replica is shutting down; ask another one"
                )
            case None:
                pass
            case error:
                raise error
        if self.result is None:
            raise AssertionError("a flight ends with a result or an error")
        return self.result

    async def _change(self, deadline: float) -> None:
        waker = self._loop.create_future()
        self._wakers.add(waker)
        timer = self._loop.call_at(deadline + GRACE_S, _time_out, waker)
        try:
            await waker
        except TimeoutError:
            raise ServiceFailure(
                ErrorReason.DEADLINE_EXCEEDED,
                "the caller's deadline passed before the answer came",
            ) from None
        finally:
            timer.cancel()
            self._wakers.discard(waker)

    def _wake(self) -> None:
        wakers, self._wakers = self._wakers, set()
        for waker in wakers:
            if not waker.done():
                waker.set_result(None)


class Flights(Generic[E, R]):
    """Those in flight, by what they are to bring."""

    def __init__(self) -> None:
        self._flights: dict[Hashable, Flight[E, R]] = {}

    def __repr__(self) -> str:
        waiting = sum(flight.waiting_count for flight in self._flights.values())
        return f"<Flights {len(self._flights)} in flight, {waiting} wait>"

    def __len__(self) -> int:
        return len(self._flights)

    def __iter__(self) -> Iterator[Flight[E, R]]:
        return iter(self._flights.values())

    async def landed(self, within_s: float) -> None:
        """Returns when all have landed that somebody asked for, or when the time is over."""
        tasks = [flight.task for flight in self if flight.task and not flight.is_early]
        if tasks:
            await asyncio.wait(tasks, timeout=within_s)

    def close(self) -> None:
        """Ends all, whoever waits."""
        for flight in list(self._flights.values()):
            flight.close()

    def find(self, key: Hashable) -> Flight[E, R] | None:
        flight = self._flights.get(key)
        return flight if flight is not None and flight.is_open else None

    def begin(
        self,
        key: Hashable,
        request: CompletionRequest,
        work: Callable[[Flight[E, R]], Coroutine[Any, Any, R]],
    ) -> Flight[E, R]:
        """A new flight under `key`. It is yet to be joined, before anything is awaited."""
        flight = Flight[E, R](request)
        self._flights[key] = flight

        def ended() -> None:
            if self._flights.get(key) is flight:
                del self._flights[key]

        flight.begin(work(flight), ended)
        return flight


def _time_out(waker: asyncio.Future[None]) -> None:
    if not waker.done():
        waker.set_exception(TimeoutError())
