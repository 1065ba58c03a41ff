"""What rules read of the last minutes and hours: sums in slots of 10 s, by subject. Pure: moments
come with the records. What happened is counted once, of calls or of attempts, as in `counting.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from service.domain import sketch
from service.domain.alert_rules import By, Span, Subject
from service.domain.attempt import Outcome
from service.domain.cache_note import CacheStatus
from service.domain.call_record import AttemptRecord, CallRecord, Record
from service.domain.counting import counts
from service.domain.reasons import ErrorReason, FaultOwner, fault_owner
from service.domain.rollup import OTHER
from service.domain.sketch import Tally

SLOT_S = 10
SUBJECTS_MAX = 200
"""Of each dimension. The rest count together as `OTHER`, of whom no rule reads."""
_SERVED = frozenset(
    {
        CacheStatus.HIT_LOCAL,
        CacheStatus.HIT_SHARED,
        CacheStatus.COALESCED,
        CacheStatus.REPEATED,
    }
)


class _Group(NamedTuple):
    """Dimensions that are counted together. `number` is found faster than they are."""

    number: int
    dimensions: tuple[By, ...]


_CALLS = _Group(0, (By.ALL, By.TENANT))
_ATTEMPTS = _Group(1, (By.PROVIDER, By.MODEL))
_EACH = _Group(2, tuple(By))


@dataclass(frozen=True, slots=True)
class Needs:
    """What rules read: of whom, by dimension (the names that are never left out), for how long."""

    names: Mapping[By, frozenset[str]] = field(default_factory=dict[By, frozenset[str]])
    kept_s: float = 0.0
    latencies: bool = False


@dataclass(slots=True)
class Figures:
    """Of calls (all, tenants) or attempts (providers, models); costs are of attempts, latencies
    and what the cache did are of calls.
    """

    requests: int = 0
    faults: dict[FaultOwner, int] = field(default_factory=dict[FaultOwner, int])
    served: int = 0
    """By the cache, or with another's answer."""
    missed: int = 0
    cost_nano_usd: int = 0
    totals: Tally = field(default_factory=dict[int, int])
    first_tokens: Tally = field(default_factory=dict[int, int])

    @property
    def looked_up(self) -> int:
        return self.served + self.missed

    @property
    def hit_share(self) -> float:
        """0 where nothing was looked up."""
        return self.served / self.looked_up if self.looked_up else 0.0

    def add(self, other: Figures) -> None:
        """All but the latencies, which few ask for."""
        self.requests += other.requests
        for owner, times in other.faults.items():
            self.fault(owner, times)
        self.served += other.served
        self.missed += other.missed
        self.cost_nano_usd += other.cost_nano_usd

    def fault(self, owner: FaultOwner, times: int = 1) -> None:
        self.faults[owner] = self.faults.get(owner, 0) + times


class Windows:
    """`since` is when it began to count, in seconds since the epoch."""

    def __init__(self, since: float, needs: Needs = Needs()) -> None:
        self.since = since
        self._needs = needs
        self._slots: dict[Subject, dict[int, Figures]] = {}
        self._known: dict[By, int] = {}
        self._found: dict[tuple[int, int, str, str, str], Sequence[Figures]] = {}
        """What the names of a record lead to; forgotten with each slot."""
        self._newest = self._oldest = 0
        """Slots between these are kept."""

    def __repr__(self) -> str:
        return f"<Windows of {len(self._slots)} subjects, {self._needs.kept_s:g} s>"

    def adopt(self, needs: Needs) -> None:
        """What was counted stays, as far as it is needed."""
        self._needs = needs
        self._found.clear()
        for subject in [one for one in self._slots if one.by not in needs.names]:
            self._forget(subject)

    def count(self, record: Record) -> None:
        if not self._needs.names or not counts(record):
            return
        slot = int(record.ended_at) // SLOT_S
        if not self._oldest <= slot <= self._newest:
            self._turn(slot)
        if isinstance(record, CallRecord):
            self._count_call(record, slot)
        else:
            self._count_attempt(record, slot)

    def subjects(self, by: By) -> Collection[Subject]:
        return [one for one in self._slots if one.by is by and one.name != OTHER]

    def between(self, subject: Subject, start: float, end: float) -> Figures:
        """From the slot of `start` on, before that of `end`. Without latencies."""
        found = Figures()
        for figures in self._told(subject, start, end):
            found.add(figures)
        return found

    def cost_nano_usd(self, subject: Subject, start: float, end: float) -> int:
        return sum(figures.cost_nano_usd for figures in self._told(subject, start, end))

    def tally(self, subject: Subject, start: float, end: float, of: Span) -> Tally:
        """The latencies."""
        told = self._told(subject, start, end)
        if of is Span.TOTAL:
            return sketch.merged(figures.totals for figures in told)
        return sketch.merged(figures.first_tokens for figures in told)

    def _told(self, subject: Subject, start: float, end: float) -> Iterable[Figures]:
        slots = self._slots.get(subject, {})
        span = range(int(start) // SLOT_S, int(end) // SLOT_S)
        if len(span) > len(slots):
            return [figures for slot, figures in slots.items() if slot in span]
        return [slots[slot] for slot in span if slot in slots]

    def _count_call(self, call: CallRecord, slot: int) -> None:
        owner = None if call.code == "OK" else fault_owner(_reason(call))
        status = call.cache.status if call.cache else None
        for figures in self._of(slot, _CALLS, call.tenant):
            figures.requests += 1
            if owner is not None:
                figures.fault(owner)
            if status in _SERVED:
                figures.served += 1
            elif status is CacheStatus.MISS:
                figures.missed += 1
        if owner is None and self._needs.latencies:
            self._count_latency(call, slot)

    def _count_latency(self, call: CallRecord, slot: int) -> None:
        target = call.target
        provider, model = (target.provider, target.model) if target else ("", "")
        total = sketch.bucket(call.total_s)
        first = None if call.first_token_s is None else sketch.bucket(call.first_token_s)
        for figures in self._of(slot, _EACH, call.tenant, provider, model):
            figures.totals[total] = figures.totals.get(total, 0) + 1
            if first is not None:
                figures.first_tokens[first] = figures.first_tokens.get(first, 0) + 1

    def _count_attempt(self, record: AttemptRecord, slot: int) -> None:
        attempt = record.attempt
        target, outcome = attempt.target, attempt.outcome
        if outcome is Outcome.OK or outcome is Outcome.FAILED:
            for figures in self._of(slot, _ATTEMPTS, "", target.provider, target.model):
                figures.requests += 1
                if outcome is Outcome.FAILED:
                    figures.fault(fault_owner(attempt.reason or ErrorReason.INTERNAL))
        cost = 0 if attempt.cost is None else attempt.cost.total
        if cost:
            for figures in self._of(slot, _EACH, record.tenant, target.provider, target.model):
                figures.cost_nano_usd += cost

    def _of(
        self, slot: int, group: _Group, tenant: str, provider: str = "", model: str = ""
    ) -> Sequence[Figures]:
        """Those of a slot who are counted at all, of the dimensions of a group."""
        names = (slot, group.number, tenant, provider, model)
        found = self._found.get(names)
        if found is None:
            by_name = {By.TENANT: tenant, By.PROVIDER: provider, By.MODEL: model, By.ALL: ""}
            subjects = [Subject(by, by_name[by]) for by in group.dimensions]
            found = self._found[names] = [
                self._slots.setdefault(self._admitted(one), {}).setdefault(slot, Figures())
                for one in subjects
                if one.by in self._needs.names and (one.name or one.by is By.ALL)
            ]
        return found

    def _admitted(self, subject: Subject) -> Subject:
        by = subject.by
        if subject in self._slots or by is By.ALL:
            return subject
        named = subject.name in self._needs.names[by]
        if not named and self._known.get(by, 0) >= SUBJECTS_MAX:
            subject = Subject(by, OTHER)
            if subject in self._slots:
                return subject
        self._known[by] = self._known.get(by, 0) + 1
        return subject

    def _turn(self, slot: int) -> None:
        """Drops what is older than is needed; and where the clock was set back from a leap into
        the future, what was counted there.
        """
        newest, self._newest = self._newest, slot
        self._oldest = slot - int(self._needs.kept_s) // SLOT_S - 1
        self._found.clear()
        for subject, slots in tuple(self._slots.items()):
            if slot < newest:
                for leapt in [one for one in slots if one > slot]:
                    del slots[leapt]
            # They stand in the order in which they came.
            while slots and (old := next(iter(slots))) < self._oldest:
                del slots[old]
            if not slots:
                self._forget(subject)

    def _forget(self, subject: Subject) -> None:
        del self._slots[subject]
        if subject.by is not By.ALL:
            self._known[subject.by] -= 1


def _reason(call: CallRecord) -> ErrorReason:
    if call.reason is not None:
        return call.reason
    return ErrorReason.CANCELLED if call.code == "CANCELLED" else ErrorReason.INTERNAL
