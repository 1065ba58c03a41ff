"""The ledger that replicas share, in Redis. Each script adds to one hash, wholly and once."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from itertools import islice, zip_longest
from operator import itemgetter
from typing import Any

from service.domain.rollup import COUNTS, Count, Kind, Label, Rollup
from service.domain.rollup_plan import Place, Plan, Retention, TooMuch
from service.domain.rollup_views import Row, View
from service.domain.sketch import Tally
from service.ledger import redis_layout as layout
from service.ledger.redis_layout import Hash
from service.ledger.store import ROWS_MAX, Batch, StoreError, place_of, tallies_of
from service.redis_door import RedisTerms, connect, kind

TIMEOUT_S = 2.0
"""For each answer: nobody waits for it."""
ROUND_TRIP_MAX_S = 5.0
_AT_ONCE_MAX = 64
_HASHES_MAX = 50_000
_CHUNKS_MAX = 1_000_000
_REMEDY = "see whether Redis answers, has room, and lets the service write"


class RedisStore:
    """To be made in a running loop. Raises ValueError, which quotes no password, for bad terms."""

    is_shared = True

    def __init__(self, terms: RedisTerms, prefix: str, retention: Retention) -> None:
        self._redis = connect(replace(terms, timeout_s=max(terms.timeout_s, TIMEOUT_S)))
        self._server = terms.server
        self._prefix = prefix
        self._retention = retention

    def __repr__(self) -> str:
        return f"<RedisStore at {self._server}>"

    async def add(self, batch: Batch) -> None:
        for commands in await asyncio.to_thread(self._adding, batch):
            await self._ask(commands)

    def _adding(self, batch: Batch) -> list[list[Sequence[Any]]]:
        """Commands by round: the next one to a hash is sent when that before was taken.

        Each hash heeds numbers that grow alone. One batch is always cut into the same pieces.
        """
        rows: dict[Hash, list[tuple[Row, Rollup]]] = defaultdict(list)
        for item in batch.rows.items():
            rows[layout.hash_of(item[0])].append(item)
        chains = (self._adding_to(where, found, batch) for where, found in rows.items())
        rounds = zip_longest(*chains)
        return [
            list(part)
            for commands in rounds
            for part in _parts((one for one in commands if one is not None), _AT_ONCE_MAX)
        ]

    def _adding_to(
        self, where: Hash, rows: list[tuple[Row, Rollup]], batch: Batch
    ) -> Iterable[Sequence[Any]]:
        names = where.names(self._prefix)
        expires_at = layout.expires_at(where, self._retention)
        for number, part in enumerate(_parts(rows, layout.ROWS_AT_ONCE_MAX)):
            known_by = batch.writer, batch.number * _CHUNKS_MAX + number, expires_at
            yield layout.ADD, len(names), *names, *known_by, *layout.adding(part)

    async def sums(self, plan: Plan, counts: Collection[Count]) -> dict[Place, list[int]]:
        _ = counts
        found: dict[Place, list[int]] = {}
        hashes = await self._hashes(plan)
        read = _reading(plan)
        rows_count = 0
        for part in _parts(hashes, _AT_ONCE_MAX):
            told = await self._read(layout.READ_SUMS, part, 0)
            rows_count += await asyncio.to_thread(_sum_up, told, read, found)
            if rows_count > ROWS_MAX:
                raise TooMuch("it takes in too many sums: ask for less time, or by fewer things")
        return found

    async def tallies(
        self, plan: Plan, kinds: Collection[Kind], wanted: Collection[Place]
    ) -> dict[Place, dict[Kind, Tally]]:
        found: dict[Kind, dict[Place, list[bytes]]] = {one: defaultdict(list) for one in kinds}
        hashes = await self._hashes(plan)
        read = _reading(plan)
        numbers = sorted(map(int, kinds))
        for part in _parts(hashes, _AT_ONCE_MAX):
            told = await self._read(layout.READ_TALLIES, part, 2, *numbers)
            await asyncio.to_thread(_collect, told, read, wanted, found)
        return await asyncio.to_thread(tallies_of, found)

    async def forget(self, now: float) -> None:
        """Redis does."""

    async def aclose(self) -> None:
        try:
            async with asyncio.timeout(TIMEOUT_S):
                await self._redis.aclose()
        except Exception as error:  # noqa: BLE001 - whatever the library makes of it
            raise StoreError(kind(error)) from None

    async def _hashes(self, plan: Plan) -> list[tuple[Hash, int, int]]:
        tenants: Collection[str] = ("",)
        if plan.view in layout.BY_TENANT:
            tenants = await self._tenants(plan) if plan.tenants is None else plan.tenants
        found = list(islice(layout.hashes(plan, sorted(tenants)), _HASHES_MAX + 1))
        if len(found) > _HASHES_MAX:
            raise TooMuch("it takes in too many sums: ask for less time, or of one tenant")
        return found

    async def _tenants(self, plan: Plan) -> Collection[str]:
        """Those of whom anything is known, of that time."""
        by_tenant = replace(plan, view=View.TENANT, axes=(), filters={})
        hashes = list(layout.hashes(by_tenant, ()))
        found: set[str] = set()
        for part in _parts(hashes, _AT_ONCE_MAX):
            for told in await self._read(layout.READ_SUMS, part, 0):
                found.update(words[1] for words, _ in _understood(told))
        return found

    async def _read(
        self, script: str, hashes: Sequence[tuple[Hash, int, int]], name: int, *more: int
    ) -> list[bytes]:
        return await self._ask(
            [
                (script, 1, where.names(self._prefix)[name], start, end, *more)
                for where, start, end in hashes
            ]
        )

    async def _ask(self, commands: Sequence[Sequence[Any]]) -> list[Any]:
        try:
            async with (
                asyncio.timeout(ROUND_TRIP_MAX_S),
                self._redis.pipeline(transaction=False) as pipe,
            ):
                for command in commands:
                    pipe.execute_command("EVAL", *command)
                return await pipe.execute()
        except Exception as error:  # noqa: BLE001 - whatever a broken server makes of the library
            # Only its kind: an error may quote a password.
            raise StoreError(f"Redis at {self._server}: {kind(error)}", _REMEDY) from None


Reading = Callable[[Sequence[Any]], Place | None]


def _reading(plan: Plan) -> Reading:
    """Where a field that was read counts."""
    if plan.filters or any(isinstance(axis, Label) for axis in plan.axes):
        return lambda words: place_of(plan, words[0], layout.key_of(words))
    places = [1 + _FIELDS.index(axis.value) for axis in plan.axes if not isinstance(axis, Label)]
    if len(places) > 1:
        several = itemgetter(*places)
        return lambda words: Place(plan.bucket(words[0]), several(words))
    if places:
        (place,) = places
        return lambda words: Place(plan.bucket(words[0]), (words[place],))
    return lambda words: Place(plan.bucket(words[0]), ())


_FIELDS = ("tenant", "provider", "model", "method", "status", "cache")


def _sum_up(told: Sequence[bytes], read: Reading, found: dict[Place, list[int]]) -> int:
    rows_count = 0
    for text in told:
        for words, sums in _understood(text):
            rows_count += 1
            place = read(words)
            if place is None:
                continue
            total = found.get(place)
            if total is None:
                total = found[place] = [0] * len(COUNTS)
            numbers = iter(sums)
            for count, number in zip(numbers, numbers, strict=True):
                if count < len(COUNTS):
                    total[count] += number
    return rows_count


def _understood(text: bytes) -> Iterable[tuple[Sequence[Any], Sequence[int]]]:
    try:
        yield from layout.read_sums(text)
    except ValueError:
        raise StoreError("Redis holds what is no ledger", "let nobody else write there") from None


def _collect(
    told: Sequence[bytes],
    read: Reading,
    wanted: Collection[Place],
    found: dict[Kind, dict[Place, list[bytes]]],
) -> None:
    for text in told:
        for words, of, blob in layout.read_tallies(text):
            place = read(words)
            if place is not None and place in wanted:
                found[of][place].append(blob)


def _parts(items: Iterable[Any], size: int) -> Iterable[list[Any]]:
    rest = iter(items)
    while part := list(islice(rest, size)):
        yield part
