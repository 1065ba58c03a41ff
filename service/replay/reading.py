"""Decisions out of files of the decision log: those that are asked for, one after the other.

What cannot be read is counted and told, and never ends the reading.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import orjson

from service.domain.logged import Logged, OtherVersionError, logged


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which decisions count. Times are seconds of the epoch; `until_s` is the first not wanted."""

    model: str = "*"
    tenant: str | None = None
    since_s: float | None = None
    until_s: float | None = None

    def holds(self, decision: Logged) -> bool:
        return (
            fnmatchcase(decision.model, self.model)
            and self.tenant in (None, decision.tenant)
            and (self.since_s is None or decision.time_s >= self.since_s)
            and (self.until_s is None or decision.time_s < self.until_s)
        )


class Reading:
    """Iterate it once; the counts are right when that is over. Raises OSError."""

    def __init__(self, paths: Sequence[Path], wanted: Wanted) -> None:
        self.paths = paths
        self.count = 0
        self.unwanted_count = 0
        self.damaged_count = 0
        self.other_version_count = 0
        self._wanted = wanted

    def __iter__(self) -> Iterator[Logged]:
        for path in self.paths:
            with path.open("rb") as lines:
                for line in lines:
                    decision = self._decision(line)
                    if decision is not None:
                        self.count += 1
                        yield decision

    @property
    def left_out(self) -> str:
        """What could not be read, in words; "" if everything could."""
        kinds = (
            (self.damaged_count, "cut short or damaged"),
            (self.other_version_count, "of another version of the service"),
        )
        found = ", ".join(f"{count:,} {what}" for count, what in kinds if count)
        return f"lines left out: {found}" if found else ""

    @property
    def emptiness(self) -> str:
        """Why there was no decision."""
        names = ", ".join(map(str, self.paths))
        if self.unwanted_count:
            return f"{names}: none of {self.unwanted_count:,} decisions is one that is asked for"
        reason = f"; {self.left_out}" if self.left_out else ""
        return f"{names}: no decision in it{reason}"

    def _decision(self, line: bytes) -> Logged | None:
        try:
            decision = logged(orjson.loads(line))
        except OtherVersionError:
            self.other_version_count += 1
            return None
        except ValueError:
            self.damaged_count += 1
            return None
        if self._wanted.holds(decision):
            return decision
        self.unwanted_count += 1
        return None
