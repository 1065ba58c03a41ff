"""Whether one more request may begin.

Refuses at once: a queue in front of a slow provider helps nobody.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from service.domain.errors import ServiceFailure
from service.domain.reasons import ErrorReason

_RETRY_AFTER_S = 1.0


class Admission:
    """Counts requests in flight. `in_flight_max` may be changed at any time."""

    def __init__(self, in_flight_max: int) -> None:
        self.in_flight_max = in_flight_max
        self._in_flight_count = 0
        self._draining = False

    def __repr__(self) -> str:
        state = " draining" if self._draining else ""
        return f"<Admission {self._in_flight_count}/{self.in_flight_max}{state}>"

    @property
    def in_flight_count(self) -> int:
        return self._in_flight_count

    @property
    def is_closed(self) -> bool:
        return self._draining

    def close(self) -> None:
        """From now on every new request is refused; those in flight go on."""
        self._draining = True

    @contextmanager
    def slot(self) -> Generator[None, None, None]:
        """Raises ServiceFailure: SERVER_DRAINING or SERVER_OVERLOADED."""
        if self._draining:
            raise ServiceFailure(
                ErrorReason.SERVER_DRAINING, "this replica is shutting down; ask another one"
            )
        if self._in_flight_count >= self.in_flight_max:
            raise ServiceFailure(
                ErrorReason.SERVER_OVERLOADED,
                f"this replica has {self._in_flight_count} requests in flight, its maximum;"
                " ask another one",
                retry_after_s=_RETRY_AFTER_S,
            )
        self._in_flight_count += 1
        try:
            yield
        finally:
            self._in_flight_count -= 1
