"""What each way to end says of a candidate: its quality, its speed, its circuit, its quota."""

from __future__ import annotations

import pytest

from service.domain.breaker import Circuit
from service.domain.errors import ProviderFailure
from service.domain.reasons import ErrorReason
from service.pipeline.ended import Ended
from tests.unit.pipeline.boards import (
    ANSWERED,
    BUSY,
    COUNTED,
    ENDINGS,
    OVERLOADED,
    SPENT,
    A,
    B,
    Scene,
    after,
)

GOOD = {"answered", "whole", "counted"}
BAD = {"down", "silent", "overdue", "overloaded"}
SPARED = {"busy", "spent"}
PUSHED_BACK = {"busy", "overloaded"}
UNKNOWN = {"left", "estimated", "lacks it"}


@pytest.mark.parametrize("name", ENDINGS)
def test_who_counts(name: str) -> None:
    """Answers count for a candidate, its own faults against it; nothing else counts at all."""
    stats = after(name).stats

    assert (float(name in GOOD), float(name in BAD)) == (stats.successes, stats.faults)


@pytest.mark.parametrize("name", ENDINGS)
def test_who_is_spared(name: str) -> None:
    """Only who says "not now" is spared."""
    assert (name in SPARED) == (after(name).quota.until > 1000.0)


@pytest.mark.parametrize("name", ENDINGS)
def test_who_is_limited(name: str) -> None:
    """429, 503 and 529 teach a limit; nothing else does."""
    assert (1.0 if name in PUSHED_BACK else float("inf")) == after(name).limit.value


@pytest.mark.parametrize("name", ENDINGS)
def test_who_is_known(name: str) -> None:
    """Whoever said anything is known; whoever was not asked, or not heard out, is not."""
    scene = Scene()
    scene.attempt(ENDINGS[name])

    assert (name not in UNKNOWN) is scene.view().known


@pytest.mark.parametrize("name", sorted(SPARED | UNKNOWN | {"no", "long"}))
def test_what_never_opens_a_circuit(name: str) -> None:
    """However often: no refusal, no caller's fault and no leaver says that a provider is ill."""
    scene = Scene()
    before = scene.view().quality
    scene.attempt(ENDINGS[name], times=100)

    assert Circuit.CLOSED is scene.view().circuit
    assert before == scene.view().quality


@pytest.mark.parametrize("name", sorted(BAD))
def test_what_opens_a_circuit(name: str) -> None:
    """Five faults in a row do, whatever kind they are of."""
    scene = Scene()
    scene.attempt(ENDINGS[name], times=4)
    four = scene.view().circuit
    scene.attempt(ENDINGS[name])

    assert (Circuit.CLOSED, Circuit.OPEN) == (four, scene.view().circuit)


def test_a_time_is_honoured_whoever_names_it() -> None:
    """A fault that names a time counts as a fault, and the time is honoured too."""
    scene = Scene()
    failure = ProviderFailure(
        ErrorReason.PROVIDER_UNAVAILABLE, "later", http_status=503, retry_after_s=7.0
    )
    scene.attempt(Ended(0.1, failure))

    assert 1007.0 <= scene.view().quota_until <= 1008.4
    assert ErrorReason.PROVIDER_UNAVAILABLE is scene.view().quota_reason
    assert scene.view().quality < 0.9


def test_an_answer_ends_a_row_of_refusals() -> None:
    """After an answer that was asked for since, the next refusal is a first one."""
    scene = Scene()
    for _ in range(3):
        scene.clock.now = max(scene.clock.now, scene.view().quota_until)
        scene.attempt(Ended(0.1, BUSY))
    scene.attempt(COUNTED)
    three = scene.entry().quota.refusals
    scene.clock.now = scene.view().quota_until
    scene.attempt(COUNTED)

    assert (3, 0) == (three, scene.entry().quota.refusals)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("answered", 2.0), ("whole", 2.0), ("counted", 2.0), ("estimated", 1.0), ("left", 1.0)],
)
def test_whose_limit_grows(name: str, expected: float) -> None:
    """Any answer shows that a candidate bears what is in flight; nothing else does."""
    scene = Scene()
    scene.attempt(Ended(0.1, BUSY))
    scene.clock.now += 1.0
    scene.attempt(ENDINGS[name])

    assert expected == scene.entry().limit.value


def test_the_last_error() -> None:
    """The last failure that a provider gave is remembered; what was found without it is not."""
    scene = Scene()
    scene.attempt(Ended(0.1, OVERLOADED))
    scene.clock.now += 5.0
    scene.attempt(Ended(0.1, SPENT))
    scene.clock.now += 5.0
    scene.attempt(ENDINGS["lacks it"])
    scene.attempt(ANSWERED)
    entry = scene.entry()

    assert (ErrorReason.PROVIDER_QUOTA_EXHAUSTED, 1005.0) == (entry.error_reason, entry.error_at)
    assert 4 == entry.attempt_count


def test_one_is_not_the_other() -> None:
    """What happens to one candidate says nothing of another."""
    scene = Scene()
    scene.fail(A)
    scene.attempt(Ended(0.1, BUSY), A)

    assert B == scene.view(B).candidate.target
    assert (Circuit.CLOSED, 0.0, 0.9) == (
        scene.view(B).circuit,
        scene.view(B).quota_until,
        scene.view(B).quality,
    )
