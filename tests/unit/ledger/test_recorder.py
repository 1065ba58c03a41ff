"""What is recorded until the ledger takes it."""

from __future__ import annotations

import pytest

from service.domain.cardinality import NameLimits
from service.domain.rollup import OTHER, Count, merged
from service.ledger import recorder as module
from service.ledger.recorder import Recorder
from tests.kit.ledger import NOW, call, expected, mixed

MINUTE = int(NOW) // 60 * 60
HOUR = int(NOW) // 3600 * 3600


def test_what_was_taken_is_not_taken_again() -> None:
    """And comes to what the records come to."""
    recorder = Recorder(["team"])
    records = mixed(1, 30, 7200.0)
    recorder(records)

    taken = recorder.take()

    assert expected(records, ())[()] == merged(taken.values())
    assert all(start % 60 == 0 for start, _ in taken)
    assert {} == recorder.take()
    assert recorder.is_empty


def test_while_nothing_is_taken_minutes_become_hours(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that an outage of the store can be long; beyond that records are lost, and counted."""
    monkeypatch.setattr(module, "SUMS_MAX", 4)
    recorder = Recorder()

    recorder([call(ended_at=NOW - 60 * number) for number in range(12)])
    recorder([call(ended_at=NOW, tenant=f"t{number}") for number in range(3)])

    taken = {(start, key.tenant): r[Count.REQUESTS] for (start, key), r in recorder.take().items()}
    assert {
        (MINUTE, "acme"): 1,
        (MINUTE - 60, "acme"): 1,
        (HOUR, "acme"): 10,
        (HOUR, "t0"): 1,
    } == taken
    assert 2 == recorder.lost_count
    assert "<Recorder 0 sums, 2 records lost>" == repr(recorder)


def test_names_are_bounded() -> None:
    """Whatever callers make up."""
    recorder = Recorder(["team"], NameLimits(values_max=3))

    recorder([call(labels={"team": f"team-{number}"}) for number in range(10)])

    teams = {key.labels[0][1]: r[Count.REQUESTS] for (_, key), r in recorder.take().items()}
    assert {"team-0": 1, "team-1": 1, "team-2": 1, OTHER: 7} == teams


def test_nothing_is_recorded_where_nobody_takes_it() -> None:
    """Where no ledger is kept."""
    recorder = Recorder()
    recorder.is_on = False

    recorder([call()])

    assert recorder.is_empty
