"""What ended in the last minute, second by second. Pure: moments come with the records."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from service.domain.call_record import CallRecord, Record
from service.domain.counting import count
from service.domain.rollup import Rollup

WINDOW_MAX_S = 60
_KEPT_S = WINDOW_MAX_S + 2


@dataclass(slots=True)
class Lately:
    """Sums of some seconds: of calls, and of attempts by provider."""

    calls: Rollup = field(default_factory=Rollup)
    providers: dict[str, Rollup] = field(default_factory=dict[str, Rollup])

    def count(self, record: Record) -> None:
        if isinstance(record, CallRecord):
            count(self.calls, record)
        else:
            count(self._of(record.attempt.target.provider), record)

    def add(self, other: Lately) -> None:
        self.calls.add(other.calls)
        for provider, rollup in other.providers.items():
            self._of(provider).add(rollup)

    def _of(self, provider: str) -> Rollup:
        return self.providers.setdefault(provider, Rollup())


class Ring:
    """The seconds that are kept, each by tenant."""

    def __init__(self) -> None:
        self._seconds: dict[int, dict[str, Lately]] = {}
        self._newest = 0

    def __repr__(self) -> str:
        return f"<Ring of {len(self._seconds)} seconds up to {self._newest}>"

    def count(self, record: Record) -> None:
        second = int(record.ended_at)
        if second != self._newest:
            self._turn(second)
        tenants = self._seconds.setdefault(second, {})
        lately = tenants.get(record.tenant)
        if lately is None:
            lately = tenants[record.tenant] = Lately()
        lately.count(record)

    def between(self, start: int, end: int, tenant: str | None) -> Lately:
        """The seconds from `start` on, before `end`; of one tenant, or of all."""
        found = Lately()
        for second in range(start, end):
            for lately in self._told(second, tenant):
                found.add(lately)
        return found

    def _told(self, second: int, tenant: str | None) -> Iterable[Lately]:
        tenants = self._seconds.get(second, {})
        if tenant is None:
            return tenants.values()
        return [tenants[tenant]] if tenant in tenants else ()

    def _turn(self, second: int) -> None:
        if second < self._newest - _KEPT_S:
            # The clock was set back.
            self._seconds.clear()
            self._newest = 0
        if second > self._newest:
            self._newest = second
            for old in [old for old in self._seconds if old <= second - _KEPT_S]:
                del self._seconds[old]
