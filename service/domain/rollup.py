"""What many calls and attempts come to: sums and tallies that can be merged in any order. Pure.

A Rollup says nothing about whose it is: that is the Key beside it. How one record counts stands in
`counting.py`, which of many rollups answer a question in `rollup_plan.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from operator import add
from typing import NamedTuple

from service.domain import sketch
from service.domain.completion import Usage
from service.domain.cost import Cost, Provenance
from service.domain.reasons import ErrorReason
from service.domain.sketch import Tally

OTHER = "(other)"
"""In place of a value when there are too many."""


class Count(IntEnum):
    """What is summed, all of it in integers. New ones go to the end: the numbers are kept."""

    # Of calls.
    REQUESTS = 0
    ERRORS = 1
    """That failed, cancelled ones included."""
    CANCELLED = 2
    CALLER_FAULTS = 3
    PROVIDER_FAULTS = 4
    SERVICE_FAULTS = 5
    LOCAL_HITS = 6
    SHARED_HITS = 7
    MISSES = 8
    COALESCED = 9
    BYPASSED = 10
    REFRESHED = 11
    REPEATED = 12
    FAILOVERS = 13
    """Of which an attempt failed and that went on to another."""
    RECOVERED = 14
    """Those of them that were answered."""
    SAVED_CACHE_NANO_USD = 15
    SAVED_COALESCING_NANO_USD = 16
    SAVED_REPEATS_NANO_USD = 17
    UNPRICED_SAVINGS = 18
    """Requests that saved what nobody knows the price of."""
    SAVED_US = 19
    TOTAL_US = 20
    """Their durations; over the length of a time: how many were in flight in the mean."""
    CACHE_US = 21
    QUEUE_US = 22
    ROUTE_US = 23
    PROVIDER_US = 24
    # Of attempts.
    ATTEMPTS = 25
    FAILED_ATTEMPTS = 26
    CANCELLED_ATTEMPTS = 27
    HEDGES = 28
    ATTEMPT_US = 29
    INPUT_TOKENS = 30
    OUTPUT_TOKENS = 31
    CACHE_READ_TOKENS = 32
    CACHE_WRITE_TOKENS = 33
    REASONING_TOKENS = 34
    AUDIO_INPUT_TOKENS = 35
    AUDIO_OUTPUT_TOKENS = 36
    IMAGE_INPUT_TOKENS = 37
    ESTIMATED_ATTEMPTS = 38
    """Whose tokens were estimated."""
    INPUT_NANO_USD = 39
    OUTPUT_NANO_USD = 40
    CACHE_READ_NANO_USD = 41
    CACHE_WRITE_NANO_USD = 42
    OTHER_NANO_USD = 43
    ESTIMATED_NANO_USD = 44
    """The part of the five above that rests on estimated tokens."""
    UNANSWERED_NANO_USD = 45
    """The part of them that gave no answer."""
    UNPRICED_ATTEMPTS = 46
    """They are in none of the amounts."""
    REPORTED_COSTS = 47
    COMPUTED_COSTS = 48
    ESTIMATED_COSTS = 49
    ROUTING_SAVED_NANO_USD = 50
    ROUTING_ATTEMPTS = 51


COUNTS = tuple(Count)


class Kind(IntEnum):
    """What is tallied, latencies and numbers by bucket, and why calls and attempts failed, by
    `REASONS`. New ones go to the end: the numbers are kept.
    """

    TOTAL = 0
    """Of calls, from the request to the end of the answer."""
    FIRST_TOKEN = 1
    """Of calls, from the request to the first token."""
    PER_TOKEN = 2
    """Of answered attempts with more than one output token: from one to the next."""
    PROVIDER = 3
    """The part of TOTAL that went by waiting for a provider, where one was waited for."""
    OVERHEAD = 4
    """The rest of TOTAL."""
    RECOVERY = 5
    """Of recovered calls: from the start of the first attempt to that of the one that answered."""
    ATTEMPT = 6
    """Attempts that gave an answer, from start to end."""
    REASONS = 7
    """Why calls failed."""
    ATTEMPT_REASONS = 8
    CONCURRENCY = 9
    """How many calls were in flight on the replica as one began, itself included: no time."""


KINDS = tuple(Kind)
REASONS = tuple(ErrorReason)
"""A reason is tallied by its place in here, from 1 on: its number in the contract."""
REASON_PLACES = {reason: place for place, reason in enumerate(REASONS, 1)}


class Key(NamedTuple):
    """Whose a rollup is. "" where a dimension does not apply, or was summed over.

    Of an attempt `status` is its outcome (`ok`, `failed`, `cancelled`) and `cache` is "".
    """

    tenant: str = ""
    provider: str = ""
    model: str = ""
    """The one that answered or was attempted; else the one that was asked for."""
    method: str = ""
    status: str = ""
    cache: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    """By name; those that are configured, and only those that the caller gave."""


class Dimension(Enum):
    """A field of the key."""

    TENANT = "tenant"
    PROVIDER = "provider"
    MODEL = "model"
    METHOD = "method"
    STATUS = "status"
    CACHE_STATUS = "cache"


@dataclass(frozen=True, slots=True)
class Label:
    """The value of one label; "" where there is none."""

    key: str


Axis = Dimension | Label


def _zeros() -> list[int]:
    return [0] * len(COUNTS)


@dataclass(slots=True)
class Rollup:
    """Sums by `Count`, tallies by `Kind`. Tallies that were not asked for are empty."""

    counts: list[int] = field(default_factory=_zeros)
    tallies: dict[Kind, Tally] = field(default_factory=dict[Kind, Tally])

    def __getitem__(self, count: Count) -> int:
        return self.counts[count]

    def add(self, other: Rollup) -> None:
        """Merges in place."""
        self.counts = list(map(add, self.counts, other.counts))
        self.add_tallies(other.tallies)

    def add_tallies(self, tallies: Mapping[Kind, Tally]) -> None:
        for kind, tally in tallies.items():
            sketch.add(self.tallies.setdefault(kind, {}), tally)

    def tally(self, kind: Kind) -> Mapping[int, int]:
        return self.tallies.get(kind, {})

    def reasons(self, kind: Kind) -> dict[ErrorReason, int]:
        """Of REASONS or ATTEMPT_REASONS."""
        known = self.tally(kind).items()
        return {REASONS[place - 1]: times for place, times in known if place <= len(REASONS)}

    @property
    def usage(self) -> Usage:
        """`estimated` if the tokens of any attempt were."""
        return Usage(
            *self.counts[Count.INPUT_TOKENS : Count.IMAGE_INPUT_TOKENS + 1],
            estimated=self.counts[Count.ESTIMATED_ATTEMPTS] > 0,
        )

    @property
    def cost(self) -> Cost:
        """Of the attempts whose cost is known; UNKNOWN if there are only others."""
        amounts = self.counts[Count.INPUT_NANO_USD : Count.OTHER_NANO_USD + 1]
        inputs, outputs, cache_read, cache_write, other = amounts
        return Cost(self._provenance, inputs, outputs, cache_read, cache_write, other)

    @property
    def _provenance(self) -> Provenance:
        if self[Count.ESTIMATED_COSTS]:
            return Provenance.ESTIMATED
        if self[Count.COMPUTED_COSTS]:
            return Provenance.COMPUTED
        if self[Count.UNPRICED_ATTEMPTS] and not self[Count.REPORTED_COSTS]:
            return Provenance.UNKNOWN
        return Provenance.PROVIDER_REPORTED


def merged(rollups: Iterable[Rollup]) -> Rollup:
    found = Rollup()
    for rollup in rollups:
        found.add(rollup)
    return found


class Rank(Enum):
    """By what groups are ranked over the whole time, the largest first; by NAME as an alphabet."""

    NAME = "name"
    REQUESTS = "requests"
    COST = "cost"
    ERRORS = "errors"
    TOKENS = "tokens"
    LATENCY = "latency"
    """The mean."""
    ATTEMPTS = "attempts"


@dataclass(frozen=True, slots=True)
class LedgerQuery:
    """A question about [`start`, `end`), in seconds since the epoch.

    `step_s` is a multiple of 60; None means one bucket. Buckets begin at its multiples since the
    epoch. `filters` name the values that are let through. `limit` of 0 means all groups; of others
    only so many are told, and the rest as one group of `OTHER` values. Of the cells, in the order
    of time, then of rank, those from `offset` on are told, at most `cells_max`.
    """

    start: float
    end: float
    step_s: int | None = None
    group_by: tuple[Axis, ...] = ()
    filters: Mapping[Axis, frozenset[str]] = field(default_factory=dict[Axis, frozenset[str]])
    kinds: frozenset[Kind] = frozenset()
    """Tallies cost more than sums, all of which are told: those that are wanted."""
    rank: Rank = Rank.REQUESTS
    limit: int = 0
    offset: int = 0
    cells_max: int = 1000


class Cell(NamedTuple):
    """`values` are those of `group_by`, in its order. `end` is where the next bucket begins."""

    start: float
    end: float
    values: tuple[str, ...]
    rollup: Rollup


@dataclass(frozen=True, slots=True)
class LedgerAnswer:
    """`start` and `end` are what was summed: widened to the resolution that is still kept."""

    cells: tuple[Cell, ...]
    total: Rollup
    """Of all cells, told or not."""
    cells_count: int
    start: float
    end: float
    data_until: float
    """What ended after it may still be missing."""
