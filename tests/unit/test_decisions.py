"""What the decision log keeps, and that nothing that befalls its file disturbs anybody."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from service.config import ConfigurationError, load
from service.domain.attempt import Attempt, Outcome
from service.domain.breaker import Circuit
from service.domain.decision import Decision
from service.domain.decision_record import record
from service.domain.logged import OtherVersionError, logged
from service.domain.pricing import Price
from service.domain.reasons import ErrorReason
from service.domain.recomputation import Recomputed, recomputed
from service.domain.routing import RouteRequest, plan_route
from service.domain.scoring import Demand, View
from service.telemetry.decisions import DecisionLog
from tests.unit.domain.views import candidate, view

ROOT = Path(__file__).parents[2]
BYTES_MAX = 1 << 20
CANDIDATES = tuple(
    candidate(name, price=Price(10**9, 4 * 10**9, 10**8), weight=2.0) for name in "abc"
)


def decided(
    request_id: str = "r-1",
    views: Sequence[View] | None = None,
    draw: float = 0.5,
    **attempt: Any,
) -> Decision:
    """A decision by the real planner over `views`."""
    views = [view(one) for one in CANDIDATES] if views is None else views
    demand = Demand(1000, 200, views[0].candidate, 0.5)
    plan = plan_route(RouteRequest(demand), views, now=7.0, draw=draw)
    how: dict[str, Any] = {"outcome": Outcome.OK, "duration_s": 1.25, **attempt}
    first = Attempt(plan.ranked[0].candidate.target, **how)
    return Decision(request_id, "acme", "m", plan, first, 42)


def written(decision: Decision) -> dict[str, Any]:
    """The record as it comes out of the file."""
    return json.loads(json.dumps(record(decision, 1e9)))


def changed(fields: Any, path: str, value: Any) -> Any:
    """`fields` with another value at the dotted path; None takes it away."""
    *folders, name = path.split(".")
    place = fields
    for folder in folders:
        place = place[int(folder)] if folder.isdigit() else place[folder]
    place.pop(name) if value is None else place.update({name: value})
    return fields


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def until(holds: Callable[[], object], timeout_s: float = 5.0) -> None:
    end = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_record_read_back() -> None:
    """The snapshot, the choice and the outcome come back as they were."""
    decision = decided(first_token_s=0.25)
    found = logged(written(decision))
    first = decision.plan.ranked[0]

    assert ("r-1", "acme", "m", 1e9) == (found.request_id, found.tenant, found.model, found.time_s)
    assert decision.plan.policy == found.policy
    assert (0.5, decision.plan.propensity) == (found.draw, found.propensity)
    assert (0, 1, 2) == found.first_tier
    assert CANDIDATES[0].target == found.considered[0].view.candidate.target
    assert found.demand.sticky is found.considered[0].view.candidate
    chosen = found.considered[found.chosen]
    assert (first.score, first.terms, first.share) == (chosen.score, chosen.terms, chosen.share)
    assert first.view.candidate.price == chosen.view.candidate.price
    assert (Outcome.OK, 1.25, 0.25, 42) == (
        found.result.outcome,
        found.result.duration_s,
        found.result.first_token_s,
        found.result.output_tokens,
    )
    assert Recomputed.SAME is recomputed(found)


def test_a_failure_is_a_reason() -> None:
    """Of a failure the reason is kept, and nothing of its message."""
    fields = written(
        decided(
            outcome=Outcome.FAILED,
            reason=ErrorReason.PROVIDER_RATE_LIMITED,
            http_status=429,
            message="you said: my secret prompt",
        )
    )

    assert ("failed", "PROVIDER_RATE_LIMITED") == (
        fields["result"]["outcome"],
        fields["result"]["reason"],
    )
    assert "secret" not in json.dumps(fields)


def test_who_was_out() -> None:
    """Candidates that were not tried are there too, each with its reason."""
    views = [view(CANDIDATES[0], circuit=Circuit.OPEN), *map(view, CANDIDATES[1:])]
    fields = written(decided(views=views))

    assert ["", "", "circuit_open"] == [one["why"] for one in fields["candidates"]]
    assert 2 == fields["demand"]["sticky"]
    assert (0, 1) == logged(fields).first_tier


@pytest.mark.parametrize("draw", [place / 50 for place in range(50)])
def test_the_order_of_candidates_is_kept(draw: float) -> None:
    """The record has the order in which shares were laid, whoever was picked."""
    views = [view(one, first_token_s=0.6 + place / 100) for place, one in enumerate(CANDIDATES)]
    found = logged(written(decided(views=views[::-1], draw=draw)))

    assert ["c", "b", "a"] == [one.view.candidate.target.provider for one in found.considered]
    assert Recomputed.SAME is recomputed(found)


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("draw", 0.001, Recomputed.OTHER_CANDIDATE),
        ("candidates.2.quality", 0.1, Recomputed.OTHER_CANDIDATE),
        ("candidates.0.quality", 0.1, Recomputed.OTHER_NUMBERS),
        ("candidates.2.score", 0.1, Recomputed.OTHER_NUMBERS),
        ("candidates.2.share", 0.1, Recomputed.OTHER_NUMBERS),
        ("candidates.1.terms.time", 0.1, Recomputed.OTHER_NUMBERS),
        ("policy_version", "1", Recomputed.OTHER_SCORING),
    ],
)
def test_a_record_that_was_changed(path: str, value: Any, expected: Recomputed) -> None:
    """A decision that does not follow from its record is found out."""
    fields = written(decided(draw=0.9))

    assert Recomputed.SAME is recomputed(logged(fields))
    assert expected is recomputed(logged(changed(fields, path, value)))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("draw", None),
        ("chosen", 9),
        ("chosen", -1),
        ("propensity", 0.0),
        ("result.asked", 5),
        ("result.outcome", "no such"),
        ("result.duration_s", -1.0),
        ("policy.temperature", 0.0),
        ("policy.novelty", 1.0),
        ("candidates.0.quality", "high"),
        ("candidates", []),
    ],
)
def test_no_record(path: str, value: Any) -> None:
    """What is no whole record is refused as such, and as nothing else."""
    fields = changed(written(decided()), path, value)

    with pytest.raises(ValueError, match=r"^not a "):
        logged(fields)


def test_other_versions() -> None:
    """A record of another version is not guessed at."""
    with pytest.raises(OtherVersionError, match="version 2, not 1"):
        logged({**written(decided()), "version": 2})


def test_close_writes_what_is_left(tmp_path: Path) -> None:
    """Every decision is a line of the file when the log has been closed."""
    log = DecisionLog(tmp_path / "d.jsonl", 1.0, BYTES_MAX)
    for number in range(250):
        log.put(decided(f"r-{number}"))
    log.close()
    log.close()

    found = lines(tmp_path / "d.jsonl")
    assert [f"r-{number}" for number in range(250)] == [line["request_id"] for line in found]
    assert abs(time.time() - found[0]["time"]) < 60
    assert 0 == (tmp_path / "d.jsonl").stat().st_mode & 0o027
    assert 0 == log.dropped_count


def test_samples(tmp_path: Path) -> None:
    """Two replicas sample the same requests, about as many as they are told to."""
    decision = decided()
    files = [tmp_path / name for name in ("one", "two")]
    for file in files:
        log = DecisionLog(file, 0.25, 64 * BYTES_MAX)
        for number in range(2000):
            log.put(Decision(f"r-{number}", "t", "m", decision.plan, decision.attempt))
        log.close()
    one, two = ([line["request_id"] for line in lines(file)] for file in files)

    assert one == two
    assert 430 < len(one) < 570


def test_no_sample(tmp_path: Path) -> None:
    """A sample of 0 writes nothing."""
    log = DecisionLog(tmp_path / "d.jsonl", 0.0, BYTES_MAX)
    log.put(decided())
    log.close()

    assert not (tmp_path / "d.jsonl").exists()


def test_the_file_is_bounded(tmp_path: Path) -> None:
    """Neither the file nor the one put aside exceeds the limit; together they hold the newest."""
    file, bytes_max = tmp_path / "d.jsonl", 50_000
    log = DecisionLog(file, 1.0, bytes_max)
    for number in range(200):
        log.put(decided(f"r-{number}"))
    log.close()
    aside = Path(f"{file}.1")

    assert {"d.jsonl", "d.jsonl.1"} == {path.name for path in tmp_path.iterdir()}
    assert max(file.stat().st_size, aside.stat().st_size) <= bytes_max
    kept = [line["request_id"] for line in lines(aside) + lines(file)]
    assert [f"r-{number}" for number in range(200)][-len(kept) :] == kept
    assert bytes_max < file.stat().st_size + aside.stat().st_size


def test_a_cut_line_is_ended(tmp_path: Path) -> None:
    """What is left of a line that was cut does not spoil the next one."""
    file = tmp_path / "d.jsonl"
    file.write_text('{"version": 1, "requ')
    log = DecisionLog(file, 1.0, BYTES_MAX)
    log.put(decided())
    log.close()
    cut, whole = file.read_text().splitlines()

    assert '{"version": 1, "requ' == cut
    assert "r-1" == json.loads(whole)["request_id"]


def test_a_file_that_was_moved(tmp_path: Path) -> None:
    """When another process moves the file away, a new one is begun in its place."""
    file = tmp_path / "d.jsonl"
    log = DecisionLog(file, 1.0, BYTES_MAX)
    log.put(decided("r-1"))
    until(file.exists)
    until(lambda: file.stat().st_size)
    file.rename(tmp_path / "moved")
    log.put(decided("r-2"))
    log.close()

    assert ["r-2"] == [line["request_id"] for line in lines(file)]


def test_a_full_disk() -> None:
    """A full disk is said once, with the file and what to do; decisions are dropped and counted."""
    with capture_logs() as said:
        log = DecisionLog(Path("/dev/full"), 1.0, BYTES_MAX)
        for count in range(1, 4):
            log.put(decided())
            until(lambda count=count: log.dropped_count == count)
        log.close()

    failures = [line for line in said if line["log_level"] == "error"]
    assert [("/dev/full", "No space left on device")] == [(f["file"], f["error"]) for f in failures]
    assert "make room on its disk" in failures[0]["hint"]
    assert 3 == sum(line["count"] for line in said if "dropped from" in line["event"])


def test_it_works_again(tmp_path: Path) -> None:
    """When the file can be written again that is said too, and how many were lost."""
    folder = tmp_path / "gone"
    file = folder / "d.jsonl"
    with capture_logs() as said:
        log = DecisionLog(file, 1.0, BYTES_MAX)
        log.put(decided("r-1"))
        until(lambda: log.dropped_count)
        folder.mkdir()
        log.put(decided("r-2"))
        until(file.exists)
        log.close()

    assert ["r-2"] == [line["request_id"] for line in lines(file)]
    assert [
        ("decision log cannot be written; decisions are dropped until it can", "create its folder"),
        ("decision log is written again", None),
        ("decisions dropped from the decision log", None),
    ] == [(line["event"], line.get("hint")) for line in said]


def test_a_disk_that_fills_within_a_line(tmp_path: Path) -> None:
    """Of a batch that does not fit nothing stays, so that every line of the file is whole."""
    script = """
import resource, signal, sys
from pathlib import Path
from tests.unit.test_decisions import *
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, resource.RLIM_INFINITY))
file = Path(sys.argv[1])
log = DecisionLog(file, 1.0, BYTES_MAX)
log.put(decided("r-1"))
until(file.exists); until(lambda: file.stat().st_size)
for number in range(2, 9):
    log.put(decided(f"r-{number}"))
until(lambda: log.dropped_count)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
log.put(decided("r-9"))
log.close()
print(log.dropped_count)
"""
    file = tmp_path / "d.jsonl"
    ran = subprocess.run(
        [sys.executable, "-c", script, str(file)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'generated'}"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    assert ("7", ["r-1", "r-9"]) == (
        ran.stdout.splitlines()[-1],
        [line["request_id"] for line in lines(file)],
    )
    assert "File too large" in ran.stdout


def test_a_disk_that_hangs(tmp_path: Path) -> None:
    """While a write hangs nobody waits: the queue fills, and what does not fit is counted."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    decision = decided()
    log = DecisionLog(pipe, 1.0, 64 * BYTES_MAX)
    took_s: list[float] = []
    for _ in range(100):
        log.put(decision)
    time.sleep(0.3)  # A pipe holds 64 KiB: the writer is stuck in its first batch.
    for _ in range(12_000):
        began = time.perf_counter()
        log.put(decision)
        took_s.append(time.perf_counter() - began)
    dropped_count = log.dropped_count
    with subprocess.Popen(["cat", str(pipe)], stdout=subprocess.DEVNULL):
        log.close()

    assert 2000 == dropped_count
    assert sorted(took_s)[len(took_s) // 2] < 0.001


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("no/such/d.jsonl", "the folder that it is to be in does not exist"),
        ("", "must be a file, and is a folder"),
    ],
)
def test_the_folder_has_to_exist(tmp_path: Path, file: str, expected: str) -> None:
    """A log that could never be written is refused with the configuration, by its field."""
    variable = "AI_PROVIDER__ROUTING__DECISION_LOG__FILE"
    with pytest.raises(ConfigurationError) as caught:
        load({variable: str(tmp_path / file)}, directory=tmp_path, secrets_dir=tmp_path / "none")

    assert [("routing.decision_log.file", expected)] == [
        (problem.field, problem.message) for problem in caught.value.problems
    ]
