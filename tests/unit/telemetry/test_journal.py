"""What becomes of records where somebody who is told of them fails."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

import pytest
from structlog.testing import capture_logs

from service.domain.call_record import Record
from service.domain.rollup import Count
from service.ledger.recorder import Recorder
from service.telemetry.journal import Journal
from service.telemetry.live import Live
from tests.kit.ledger import NOW, call


@pytest.fixture(name="journal")
def _journal() -> Iterator[Journal]:
    journal = Journal()
    yield journal
    journal.close()


def test_a_record_that_cannot_be_counted_costs_no_other(journal: Journal) -> None:
    """Nor does it cost others of the journal any; it is told once for each that has lost one."""
    recorder, live = Recorder(), Live(NOW - 60)
    broken = call(tenant="broken", total_s=math.nan)
    journal.sinks = (recorder, live)

    with capture_logs() as lines:
        for record in (broken, call(), broken, call(), call()):
            journal.put(record)
        journal.flush()

    taken = {key.tenant: rollup for (_, key), rollup in recorder.take().items()}
    assert 3 == taken["acme"][Count.REQUESTS]
    assert 3 == live.window(NOW + 5, 10, "acme").lately.calls[Count.REQUESTS]
    assert ["<Recorder", "<Live"] == [line["sink"].split()[0] for line in lines]


def test_who_always_fails_is_not_asked_for_ever(journal: Journal) -> None:
    """Be it at once, or at each record."""
    asked: list[str] = []

    def at_once(_: Iterable[Record]) -> None:
        asked.append("at once")
        raise RuntimeError

    def at_each(records: Iterable[Record]) -> None:
        for _ in records:
            asked.append("at each")
            raise RuntimeError

    journal.sinks = (at_once, at_each)
    for _ in range(3):
        journal.put(call())
    with capture_logs():
        journal.flush()

    assert ["at once", "at each", "at each", "at each"] == asked
