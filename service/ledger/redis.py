"""The ledger that replicas share, in Redis. Each script adds to one hash, wholly and once."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice, repeat, zip_longest
from typing import Any

from service.domain.rollup import Dimension, Kind, Rollup
from service.domain.rollup_answer import Sums
from service.domain.rollup_plan import Place, Plan, Retention, TooMuch
from service.domain.rollup_views import Row, View
from service.domain.sketch import Tally
from service.ledger import redis_layout as layout
from service.ledger import redis_scripts as scripts
from service.ledger.redis_layout import Hash
from service.ledger.store import (
    ROWS_MAX,
    Batch,
    Gathered,
    Packed,
    StoreError,
    key_of,
    not_ours,
    placed,
)
from service.redis_door import RedisTerms, connect, kind

TIMEOUT_S = 2.0
"""For each answer: nobody waits for it."""
ROUND_TRIP_MAX_S = 5.0
_AT_ONCE_MAX = 64
_HASHES_MAX = 50_000
_CHUNKS_MAX = 1_000_000
Where = tuple[Hash, int, int]
"""From and until when it counts."""
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
        packed = Packed()
        chains = (self._adding_to(where, found, batch, packed) for where, found in rows.items())
        rounds = zip_longest(*chains)
        return [
            list(part)
            for commands in rounds
            for part in _parts((one for one in commands if one is not None), _AT_ONCE_MAX)
        ]

    def _adding_to(
        self, where: Hash, rows: list[tuple[Row, Rollup]], batch: Batch, packed: Packed
    ) -> Iterable[Sequence[Any]]:
        names = where.names(self._prefix)
        expires_at = layout.expires_at(where, self._retention)
        for number, part in enumerate(_parts(rows, layout.ROWS_AT_ONCE_MAX)):
            known_by = batch.writer, batch.number * _CHUNKS_MAX + number, expires_at
            yield scripts.ADD, len(names), *names, *known_by, *layout.adding(part, packed)

    async def sums(self, plan: Plan) -> dict[Place, Sums]:
        return await self._summed(plan, await self._hashes(plan))

    async def tallies(
        self, plan: Plan, kinds: Collection[Kind], wanted: Collection[Place]
    ) -> dict[Place, dict[Kind, Tally]]:
        gathered = Gathered[bytes](plan, wanted, key_of)
        hashes = await self._hashes(plan)
        numbers = sorted(map(int, kinds))
        for part in _parts(hashes, _AT_ONCE_MAX):
            times = [(start, end, *numbers) for _, start, end in part]
            told = await self._read(scripts.READ_TALLIES, part, 2, times)
            await asyncio.to_thread(_gather, told, gathered)
        return await asyncio.to_thread(gathered.tallies)

    async def forget(self, now: float) -> None:
        """Redis does."""

    async def aclose(self) -> None:
        try:
            async with asyncio.timeout(TIMEOUT_S):
                await self._redis.aclose()
        except Exception as error:  # noqa: BLE001 - whatever the library makes of it
            raise StoreError(kind(error)) from None

    async def _hashes(self, plan: Plan) -> list[Where]:
        tenants: Collection[str] = ("",)
        if plan.view in layout.BY_TENANT:
            tenants = await self._tenants(plan) if plan.tenants is None else plan.tenants
        found = list(islice(layout.hashes(plan, sorted(tenants)), _HASHES_MAX + 1))
        if len(found) > _HASHES_MAX:
            raise TooMuch("it takes in too many sums: ask for less time, or of one tenant")
        return found

    async def _tenants(self, plan: Plan) -> Collection[str]:
        """Those of whom anything is known, of that time."""
        by_tenant = replace(plan, view=View.TENANT, axes=(Dimension.TENANT,), filters={})
        found = await self._summed(by_tenant, list(layout.hashes(by_tenant, ())))
        return {tenant for _, (tenant,) in found}

    async def _summed(self, plan: Plan, hashes: Sequence[Where]) -> dict[Place, Sums]:
        by_bucket: dict[int, dict[bytes, Sums]] = {}
        rows_count = 0
        for part in _parts(hashes, _AT_ONCE_MAX):
            told = await self._read(scripts.READ_SUMS, part, 0)
            rows_count += await asyncio.to_thread(_sum_up, told, part, plan, by_bucket)
            if rows_count > ROWS_MAX:
                raise TooMuch("it takes in too many sums: ask for less time, or by fewer things")
        return await asyncio.to_thread(_understood, plan, by_bucket)

    async def _read(
        self,
        script: str,
        hashes: Sequence[Where],
        name: int,
        more: Iterable[Sequence[int]] = repeat(()),
    ) -> list[bytes]:
        return await self._ask(
            [
                (script, 1, where.names(self._prefix)[name], *numbers)
                for (where, _, _), numbers in zip(hashes, more, strict=False)
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


def _sum_up(
    told: Sequence[bytes],
    hashes: Sequence[Where],
    plan: Plan,
    by_bucket: dict[int, dict[bytes, Sums]],
) -> int:
    rows_count = 0
    try:
        for text, (_, begin, end) in zip(told, hashes, strict=True):
            for start, key, sums in layout.read_sums(text, begin, end):
                rows_count += 1
                by_key = by_bucket.setdefault(plan.bucket(start), {})
                by_key[key] = by_key.get(key, 0) + sums
    except ValueError:
        raise not_ours() from None
    return rows_count


def _understood(plan: Plan, by_bucket: Mapping[int, Mapping[bytes, Sums]]) -> dict[Place, Sums]:
    try:
        return placed(plan, by_bucket, key_of)
    except ValueError:
        raise not_ours() from None


def _gather(told: Sequence[bytes], gathered: Gathered[bytes]) -> None:
    try:
        for text in told:
            for start, key, kind, blob in layout.read_tallies(text):
                place = gathered.place(start, key)
                if place is not None:
                    gathered.add(place, kind, blob)
    except ValueError:
        raise not_ours() from None


def _parts(items: Iterable[Any], size: int) -> Iterable[list[Any]]:
    rest = iter(items)
    while part := list(islice(rest, size)):
        yield part
