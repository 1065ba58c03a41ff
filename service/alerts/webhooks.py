"""Brings notices to a webhook, in order, again and again within a bound. Nobody waits for it.

the receiver says                   | then
------------------------------------+-----------------------------------------------------------
2xx                                 | the next notice
408, 425, 429, 5xx; nothing at all  | again: after its Retry-After, else after a pause that
                                    | doubles from 1 s to 60 s, of which chance takes up to half;
                                    | after `retry_s` the notice is given up
anything else, redirects too        | the notice is given up
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from random import Random
from typing import Any, NamedTuple

import aiohttp
import structlog

from service.alerts.notice import Notice, headers

QUEUE_MAX = 256
PAUSE_S = 1.0
PAUSE_MAX_S = 60.0
RETRY_AFTER_MAX_S = 3600.0
"""For no longer is a receiver left alone, whatever it asks for."""
DEAD_AFTER = 3
"""So many failures in a row are told in the log, once; sooner if a notice is given up."""
_AGAIN = frozenset({408, 425, 429})
_SERVER_FAULTS = 500
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class WebhookTerms:
    """Where notices go, those of `rules` if it names any. `url` may hold a secret."""

    name: str
    url: str = field(repr=False)
    secret: str = field(repr=False)
    rules: frozenset[str] = frozenset()
    timeout_s: float = 5.0
    retry_s: float = 900.0
    pause_s: float = PAUSE_S
    """The first one between two tries."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why one try failed. `again_s` is what the receiver asks for, None if it asks nothing."""

    text: str
    is_final: bool = False
    again_s: float | None = None


class _Waiting(NamedTuple):
    """`until` is in the loop's time."""

    notice: Notice
    until: float


class Webhook:
    """`put` notices; `run` it as a task. `terms` may be replaced at any time."""

    def __init__(
        self,
        terms: WebhookTerms,
        session: aiohttp.ClientSession,
        wall: Callable[[], float] = time.time,
        random: Random | None = None,
    ) -> None:
        self.terms = terms
        self.dropped_count = 0
        """Given up, or found the queue full."""
        self._session = session
        self._wall = wall
        self._random = random or Random()  # noqa: S311 - to spread tries
        self._queue: deque[_Waiting] = deque()
        self._some = asyncio.Event()
        self._closing = asyncio.Event()
        self._failures = 0
        self._not_before = 0.0
        self._is_dead = False

    def __repr__(self) -> str:
        state = "dead" if self._is_dead else "well"
        return f"<Webhook {self.terms.name} {state}, {len(self._queue)} waiting>"

    def put(self, notice: Notice) -> None:
        """Queues it; where there is no room, the oldest that is not on its way is given up."""
        if self._closing.is_set() or (self.terms.rules and notice.rule not in self.terms.rules):
            return
        if len(self._queue) >= QUEUE_MAX:
            self._give_up(self._queue[1], "the queue is full")
            del self._queue[1]
        self._queue.append(_Waiting(notice, self._now() + self.terms.retry_s))
        self._some.set()

    async def run(self) -> None:
        """Until `close`, and then until each notice that is left was tried once more."""
        while not (self._closing.is_set() and not self._queue):
            await self._some.wait()
            while self._queue:
                await self._deliver(self._queue[0])
                # It leaves when that is decided: what is cancelled still counts as waiting.
                self._queue.popleft()
            if not self._closing.is_set():
                self._some.clear()

    async def close(self, task: asyncio.Task[None], within_s: float) -> None:
        """What is left is tried once, as far as the time goes."""
        self._closing.set()
        self._some.set()
        done, _ = await asyncio.wait({task}, timeout=within_s)
        if not done:
            task.cancel()
            await asyncio.wait({task})
        self.dropped_count += len(self._queue)
        if self._queue:
            _log.warning(
                "alerts were not delivered", webhook=self.terms.name, count=len(self._queue)
            )
            self._queue.clear()

    async def _deliver(self, waiting: _Waiting) -> None:
        failure = Failure("the receiver asked to be spared for too long")
        while await self._may_try(waiting):
            last = self._closing.is_set()
            failed = await self._try(waiting.notice)
            if failed is None:
                self._well()
                return
            failure = failed
            self._failed(failure)
            if failure.is_final or last:
                break
        self._dies(failure.text)
        self._give_up(waiting, failure.text)

    async def _may_try(self, waiting: _Waiting) -> bool:
        """Waits until it may; False if that is too late for this notice."""
        pause_s = self._not_before - self._now()
        if pause_s > 0 and not self._closing.is_set():
            if self._not_before > waiting.until:
                return False
            # Cut short by `close`.
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._closing.wait()
        return True

    async def _try(self, notice: Notice) -> Failure | None:
        terms = self.terms
        sent = headers(notice, terms.secret, int(self._wall()))
        try:
            async with self._session.post(
                terms.url,
                data=notice.body,
                headers=sent,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=terms.timeout_s),
            ) as response:
                return _failure(response.status, response.headers, self._wall())
        except TimeoutError:
            return Failure("no answer in time")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            # Its text may hold the URL, and with it a secret.
            return Failure(type(error).__name__)

    def _well(self) -> None:
        self._failures = 0
        if self._is_dead:
            self._is_dead = False
            _log.info("a webhook takes alerts again", webhook=self.terms.name)

    def _failed(self, failure: Failure) -> None:
        self._failures += 1
        if not failure.is_final:
            pause_s = failure.again_s
            if pause_s is None:
                longest = min(self.terms.pause_s * 2.0 ** min(self._failures - 1, 10), PAUSE_MAX_S)
                pause_s = longest * self._random.uniform(0.5, 1.0)
            self._not_before = self._now() + pause_s
        if self._failures >= DEAD_AFTER:
            self._dies(failure.text)

    def _dies(self, error: str) -> None:
        if not self._is_dead:
            self._is_dead = True
            _log.warning("a webhook takes no alerts", webhook=self.terms.name, error=error)

    def _give_up(self, waiting: _Waiting, why: str) -> None:
        self.dropped_count += 1
        rule = waiting.notice.rule
        _log.debug("an alert was given up", webhook=self.terms.name, rule=rule, error=why)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


def _failure(status: int, told: Any, now: float) -> Failure | None:
    if 200 <= status < 300:
        return None
    again = status in _AGAIN or status >= _SERVER_FAULTS
    return Failure(f"HTTP {status}", not again, retry_after_s(told.get("retry-after"), now))


def retry_after_s(text: str | None, now: float) -> float | None:
    """RFC 9110: seconds or a date, as far as it is heeded. None for nothing, and for nonsense."""
    if not text:
        return None
    try:
        if text.strip().isdecimal():
            asked_s = float(text)
        else:
            asked_s = parsedate_to_datetime(text).timestamp() - now
        return min(max(0.0, asked_s), RETRY_AFTER_MAX_S)
    except (ValueError, OverflowError):
        return None
