"""What a store of sums must do, and the values that it is handed. Knows no store."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Mapping
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import orjson

from service.domain import lanes, sketch
from service.domain.rollup import Key, Kind, Rollup
from service.domain.rollup_answer import Sums
from service.domain.rollup_plan import Place, Plan
from service.domain.rollup_views import Row
from service.domain.sketch import Tally

N = TypeVar("N", bound=Hashable)
ROWS_MAX = 1_000_000
"""No question sums more rows than these."""


class StoreError(Exception):
    """The store does not take or tell anything now. Its text may be logged, and told to operators.

    `remedy` says what can be done.
    """

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Batch:
    """What is to be added. A writer numbers its batches upwards: the same one counts once."""

    writer: str
    number: int
    rows: Mapping[Row, Rollup]


class Packed:
    """Of the rollups of one batch: each is packed once, in however many rows it stands."""

    def __init__(self) -> None:
        self._sums: dict[int, bytes] = {}
        self._tallies: dict[int, Mapping[Kind, bytes]] = {}

    def sums(self, rollup: Rollup) -> bytes:
        """As `lanes` pack them."""
        found = self._sums.get(id(rollup))
        if found is None:
            found = self._sums[id(rollup)] = lanes.packed(rollup.counts)
        return found

    def tallies(self, rollup: Rollup) -> Mapping[Kind, bytes]:
        """As `sketch` packs them, without those that are empty."""
        found = self._tallies.get(id(rollup))
        if found is None:
            packed = {kind: sketch.packed(tally) for kind, tally in rollup.tallies.items()}
            found = {kind: blob for kind, blob in packed.items() if blob}
            self._tallies[id(rollup)] = found
        return found


class Store(Protocol):
    """Every method may be called again after it failed, and raises StoreError alone.

    `is_shared` tells whether other replicas add to it, too.
    """

    is_shared: bool

    async def add(self, batch: Batch) -> None:
        """All of it, or nothing of what it can tell apart: what was added counts once."""
        ...

    async def sums(self, plan: Plan) -> dict[Place, Sums]:
        """By place."""
        ...

    async def tallies(
        self, plan: Plan, kinds: Collection[Kind], wanted: Collection[Place]
    ) -> dict[Place, dict[Kind, Tally]]:
        """Of the places that are wanted. The plan is one that was narrowed to them."""
        ...

    async def forget(self, now: float) -> None:
        """Drops what is older than is kept."""
        ...

    async def aclose(self) -> None: ...


def placed(
    plan: Plan, by_bucket: Mapping[int, Mapping[N, Sums]], key_of: Callable[[N], Key]
) -> dict[Place, Sums]:
    """What was summed by the name of a key, and by bucket."""
    found: dict[Place, Sums] = {}
    values_of: dict[N, tuple[str, ...] | None] = {}
    for bucket, by_name in by_bucket.items():
        for name, number in by_name.items():
            if name not in values_of:
                values_of[name] = plan.values(key_of(name))
            values = values_of[name]
            if values is not None:
                place = Place(bucket, values)
                found[place] = found.get(place, 0) + number
    return found


class Gathered(Generic[N]):
    """Packed tallies of the places that are wanted, from rows in any order.

    `key_of` gives the key that a row names.
    """

    def __init__(self, plan: Plan, wanted: Collection[Place], key_of: Callable[[N], Key]) -> None:
        self._plan = plan
        self._wanted = wanted
        self._key_of = key_of
        self._values_of: dict[N, tuple[str, ...] | None] = {}
        self._blobs: dict[tuple[Place, Kind], list[bytes]] = defaultdict(list)

    def place(self, start: int, name: N) -> Place | None:
        """None for a row that nobody wants."""
        values_of = self._values_of
        if name not in values_of:
            values_of[name] = self._plan.values(self._key_of(name))
        values = values_of[name]
        if values is None:
            return None
        place = Place(self._plan.bucket(start), values)
        return place if place in self._wanted else None

    def add(self, place: Place, kind: Kind, blob: bytes) -> None:
        self._blobs[place, kind].append(blob)

    def tallies(self) -> dict[Place, dict[Kind, Tally]]:
        """Merged. Raises StoreError for what is no tally."""
        found: dict[Place, dict[Kind, Tally]] = defaultdict(dict)
        try:
            for (place, kind), blobs in self._blobs.items():
                found[place][kind] = sketch.sum_of(blobs)
        except ValueError:
            raise not_ours() from None
        return found


def text_of(key: Key) -> bytes:
    """The key as JSON, as stores keep it."""
    return orjson.dumps(tuple(key))


def key_of(text: str | bytes) -> Key:
    """Raises ValueError for what is none."""
    tenant, provider, model, method, status, cache, labels = orjson.loads(text)
    kept = tuple((name, value) for name, value in labels)
    return Key(tenant, provider, model, method, status, cache, kept)


def not_ours() -> StoreError:
    """Somebody else wrote where the ledger is."""
    return StoreError("the ledger holds what is none", "let nobody else write there")
