"""What rules read of the last minutes and hours: sums in slots of 10 s, by subject. Pure: moments
come with the records. What happened is counted once, of calls or of attempts, as in `counting.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from service.domain import sketch
from service.domain.alert_rules import ALL, By, Subject
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
        self.requests += other.requests
        for owner, times in other.faults.items():
            self.fault(owner, times)
        self.served += other.served
        self.missed += other.missed
        self.cost_nano_usd += other.cost_nano_usd
        sketch.add(self.totals, other.totals)
        sketch.add(self.first_tokens, other.first_tokens)

    def fault(self, owner: FaultOwner, times: int = 1) -> None:
        self.faults[owner] = self.faults.get(owner, 0) + times


class Windows:
    """`since` is when it began to count, in seconds since the epoch."""

    def __init__(self, since: float, needs: Needs = Needs()) -> None:
        self.since = since
        self._needs = needs
        self._slots: dict[Subject, dict[int, Figures]] = {}
        self._known: dict[By, int] = {}
        self._newest = 0

    def __repr__(self) -> str:
        return f"<Windows of {len(self._slots)} subjects, {self._needs.kept_s:g} s>"

    def adopt(self, needs: Needs) -> None:
        """What was counted stays, as far as it is needed."""
        self._needs = needs
        for subject in [one for one in self._slots if one.by not in needs.names]:
            self._forget(subject)

    def count(self, record: Record) -> None:
        if not self._needs.names or not counts(record):
            return
        slot = int(record.ended_at) // SLOT_S
        if slot > self._newest:
            self._turn(slot)
        if isinstance(record, CallRecord):
            self._count_call(record, slot)
        else:
            self._count_attempt(record, slot)

    def subjects(self, by: By) -> Collection[Subject]:
        return [one for one in self._slots if one.by is by and one.name != OTHER]

    def between(self, subject: Subject, start: float, end: float) -> Figures:
        """From the slot of `start` on, before that of `end`."""
        found = Figures()
        slots = self._slots.get(subject)
        if slots is None:
            return found
        first, last = int(start) // SLOT_S, int(end) // SLOT_S
        if last - first > len(slots):
            for slot, figures in slots.items():
                if first <= slot < last:
                    found.add(figures)
            return found
        for slot in range(first, last):
            figures = slots.get(slot)
            if figures is not None:
                found.add(figures)
        return found

    def _count_call(self, call: CallRecord, slot: int) -> None:
        owner = None if call.code == "OK" else fault_owner(_reason(call))
        status = call.cache.status if call.cache else None
        for figures in self._of(slot, By.ALL, By.TENANT, tenant=call.tenant):
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
        for figures in self._of(slot, *By, tenant=call.tenant, provider=provider, model=model):
            figures.totals[total] = figures.totals.get(total, 0) + 1
            if first is not None:
                figures.first_tokens[first] = figures.first_tokens.get(first, 0) + 1

    def _count_attempt(self, record: AttemptRecord, slot: int) -> None:
        attempt = record.attempt
        target = attempt.target
        names = {"tenant": record.tenant, "provider": target.provider, "model": target.model}
        if attempt.outcome in (Outcome.OK, Outcome.FAILED):
            for figures in self._of(slot, By.PROVIDER, By.MODEL, **names):
                figures.requests += 1
                if attempt.outcome is Outcome.FAILED:
                    figures.fault(fault_owner(attempt.reason or ErrorReason.INTERNAL))
        if attempt.cost is not None and attempt.cost.total:
            for figures in self._of(slot, *By, **names):
                figures.cost_nano_usd += attempt.cost.total

    def _of(
        self, slot: int, *dimensions: By, tenant: str = "", provider: str = "", model: str = ""
    ) -> Iterator[Figures]:
        """Of those who are counted at all."""
        names = {By.TENANT: tenant, By.PROVIDER: provider, By.MODEL: model}
        for by in dimensions:
            wanted = self._needs.names.get(by)
            if wanted is None or (by is not By.ALL and not names[by]):
                continue
            subject = ALL if by is By.ALL else self._admitted(Subject(by, names[by]), wanted)
            slots = self._slots.setdefault(subject, {})
            figures = slots.get(slot)
            if figures is None:
                figures = slots[slot] = Figures()
            yield figures

    def _admitted(self, subject: Subject, wanted: Collection[str]) -> Subject:
        if subject in self._slots:
            return subject
        by = subject.by
        if subject.name not in wanted and self._known.get(by, 0) >= SUBJECTS_MAX:
            subject = Subject(by, OTHER)
            if subject in self._slots:
                return subject
        self._known[by] = self._known.get(by, 0) + 1
        return subject

    def _turn(self, slot: int) -> None:
        """Drops what is older than is needed. A clock that was set back makes nothing older."""
        self._newest = slot
        oldest = slot - int(self._needs.kept_s) // SLOT_S - 1
        for subject, slots in tuple(self._slots.items()):
            # They stand in the order in which they came.
            while slots and (old := next(iter(slots))) < oldest:
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
