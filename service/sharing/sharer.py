"""Tells the other replicas what this one sees, and hears them: one round trip each second.

Decides nothing (`domain.peers` does) and no request waits for it. While Redis fails it tries less
often and what was heard runs out by itself, so that the replica works alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

import structlog

from service.domain.peers import INTERVAL_S, Belief, Peer, Word, believed, seen
from service.domain.provider import ModelRef
from service.redis_door import RedisTerms, end, kind
from service.sharing.blob import BYTES_MAX, decode, encode
from service.sharing.redis import SharedHash

BACKOFF_INTERVALS_MAX = 5.0
_NOT_A_WORD = -1
"""The number of a field that holds nothing to be understood."""
_log = structlog.get_logger()


class Board(Protocol):
    """Whose words are told, and who hears those of the others."""

    def words(self) -> Iterable[Word]:
        """What it saw itself, the most important first."""
        ...

    def hear(self, beliefs: Mapping[ModelRef, Belief]) -> None:
        """Takes in what is believed now, in place of what was before."""
        ...


class Sharer:
    """Works alone until it is told where to share. `clock` is the board's.

    `ignored_count` counts fields that were no replica's word.
    """

    def __init__(
        self,
        board: Board,
        clock: Callable[[], float] = time.monotonic,
        interval_s: float = INTERVAL_S,
    ) -> None:
        self.ignored_count = 0
        self.failed_count = 0
        """Round trips in a row."""
        self._board = board
        self._clock = clock
        self._interval_s = interval_s
        # A replica that starts anew is another one: its numbers begin again.
        self._field = secrets.token_hex(8).encode()
        self._number = 0
        self._peers: dict[bytes, Peer] = {}
        self._removed: list[bytes] = []
        self._terms: RedisTerms | None = None
        self._hash: SharedHash | None = None
        self._task: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        if self._hash is None:
            return "<Sharer alone>"
        now = self._clock()
        alive = sum(peer.alive(now) for peer in self._peers.values())
        return (
            f"<Sharer at {self._hash.server}: {alive} peers,"
            f" {self.failed_count} failures in a row, {self.ignored_count} fields ignored>"
        )

    async def follow(self, terms: RedisTerms | None) -> None:
        """Shares through that Redis from now on, or works alone. Returns at once.

        Equal terms change nothing; leaving a Redis says goodbye there.
        """
        if terms == self._terms:
            return
        self._terms = terms
        await self._leave()
        if terms is None:
            return
        try:
            self._hash = SharedHash(terms)
        except ValueError:
            # Its text may quote the URL, and the URL a password.
            _log.warning("replicas share nothing: cache.redis_url has unknown options")
            return
        self._task = asyncio.create_task(self._share(self._hash), name="sharer")

    async def _leave(self) -> None:
        task, self._task = self._task, None
        shared, self._hash = self._hash, None
        if task is None or shared is None:
            return
        await end(task)
        self._peers.clear()
        self._removed.clear()
        if not self.failed_count:
            with contextlib.suppress(Exception):
                await shared.remove(self._field)
        self.failed_count = 0
        with contextlib.suppress(Exception):
            await shared.aclose()

    async def _share(self, shared: SharedHash) -> None:
        while True:
            try:
                await self._round(shared)
            except Exception as error:  # noqa: BLE001 - whatever a broken server makes of the library
                self._failed(shared, error)
            else:
                self._succeeded(shared)
            doubled = 2.0 ** min(max(self.failed_count - 1, 0), 16)
            await asyncio.sleep(self._interval_s * min(doubled, BACKOFF_INTERVALS_MAX))

    async def _round(self, shared: SharedHash) -> None:
        self._number += 1
        # Before anything is sent: what is seen then was told later than this.
        now = self._clock()
        blob = encode(self._number, self._board.words())
        fields = await shared.exchange(self._field, blob, self._removed)
        self._removed = []
        for field, value in fields.items():
            if field != self._field:
                self._look(field, value, now)
                # A replica's word takes a while to read: requests go first.
                await asyncio.sleep(0)
        for field, peer in list(self._peers.items()):
            if peer.gone(now):
                del self._peers[field]
                self._removed.append(field)
        self._board.hear(believed(self._peers.values(), now))

    def _look(self, field: bytes, value: bytes, now: float) -> None:
        number, words = _NOT_A_WORD, ()
        try:
            number, words = decode(value)
        except ValueError:
            self._ignored(field, value)
        self._peers[field] = seen(self._peers.get(field), number, words, now)

    def _ignored(self, field: bytes, value: bytes) -> None:
        self.ignored_count += 1
        if len(value) > BYTES_MAX:
            # No replica writes such, and to bring it each time costs too much.
            self._removed.append(field)
        if self.ignored_count == 1:
            _log.warning("what is no replica's word is ignored", size_bytes=len(value))

    def _failed(self, shared: SharedHash, error: Exception) -> None:
        self.failed_count += 1
        if self.failed_count == 1:
            # Only its kind: an error may quote a password.
            _log.warning("replicas share nothing for now", server=shared.server, error=kind(error))

    def _succeeded(self, shared: SharedHash) -> None:
        if self.failed_count:
            _log.warning(
                "replicas share again", server=shared.server, failed_count=self.failed_count
            )
        self.failed_count = 0
