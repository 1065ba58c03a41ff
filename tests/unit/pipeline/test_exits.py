"""However an attempt ends, nobody else pays: nothing stays in flight, on trial, or blamed."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from service.domain.attempt import Outcome
from service.domain.breaker import Circuit, Trip
from service.domain.errors import ProviderFailure, ServiceFailure
from service.domain.events import TextDelta
from service.domain.limit import Limit
from service.domain.provider import ModelRef
from service.domain.reasons import ErrorReason
from service.pipeline.hedging import first_of
from service.pipeline.roster import TimeLimits
from service.pipeline.routed import Missed
from tests.kit.scripted import ENDING, ScriptedProvider, member
from tests.kit.virtual import VirtualLoop, now, on_virtual_time
from tests.unit.pipeline.routed import Routed

DOWN = ProviderFailure(ErrorReason.PROVIDER_UNAVAILABLE, "down", http_status=500)
POLICY = ProviderFailure(ErrorReason.CONTENT_POLICY_VIOLATION, "no", http_status=400)
LONG = ProviderFailure(ErrorReason.CONTEXT_WINDOW_EXCEEDED, "too long", http_status=400)
A, B = ModelRef("a", "m"), ModelRef("b", "m")
WORD = TextDelta("x")
LIMITS = TimeLimits(attempt_s=100.0, first_token_s=30.0, idle_s=30.0)


class HastyLoop(VirtualLoop):
    """As that of the service at its worst."""

    def call_at(self, when: float, *args: Any, **more: Any) -> asyncio.TimerHandle:
        return super().call_at(when - 0.0015, *args, **more)


@on_virtual_time
async def test_leaving_at_the_news_of_a_miss() -> None:
    """A caller who leaves when told that the first failed ends the hedge that has won by then."""
    routed = Routed(
        member(ScriptedProvider(2.0, DOWN), "a", priority=0),
        member(ScriptedProvider(5.0, WORD, 100.0, ENDING), "b", priority=1),
    )
    events = routed.router.stream(routed.asked(hedge_delay_s=1.0))
    async for event in events:
        assert isinstance(event, Missed)
        break
    await events.aclose()

    assert [0, 0] == [routed.entry(target).in_flight for target in (A, B)]


@on_virtual_time
@pytest.mark.parametrize(
    "wish", [{"attempt_timeout_s": 0.1}, {"first_token_timeout_s": 0.1}, {"left_s": 0.2}]
)
async def test_a_callers_own_limits(wish: dict[str, float]) -> None:
    """Who has less patience than the provider ever needs opens no circuit for the others."""
    slow = [ScriptedProvider(0.3, WORD, 0.1, ENDING) for _ in range(2)]
    routed = Routed(member(slow[0], "a", priority=0), member(slow[1], "b", priority=1))
    await routed.reason()
    for _ in range(12):
        await routed.reason(**wish)

    assert Circuit.CLOSED is routed.entry().breaker.circuit
    assert await routed.reason() is None


@pytest.mark.parametrize("stream", [False, True])
def test_a_deadline_of_which_the_timer_comes_early(stream: bool) -> None:
    """The loop's timers know whole milliseconds: what is a moment too soon is not the provider's
    timeout.
    """

    async def ends() -> None:
        routed = Routed(member(ScriptedProvider(9.0, WORD, ENDING), "a"))
        asked = routed.asked(2.0, attempts_max=1)
        events = routed.router.stream(asked)
        with pytest.raises(ServiceFailure) as caught:
            await (anext(events) if stream else routed.router.complete(asked))
        (attempt,) = caught.value.attempts

        assert 1.9985 == pytest.approx(now())
        assert ErrorReason.DEADLINE_EXCEEDED is caught.value.reason
        assert Outcome.CANCELLED is attempt.outcome

    with asyncio.Runner(loop_factory=HastyLoop) as runner:
        runner.run(ends())


@on_virtual_time
async def test_silence_from_the_first_request_on() -> None:
    """Silence for the whole of the service's own limit counts, though nothing is usual yet."""
    silent = [ScriptedProvider(1000.0, WORD, ENDING) for _ in range(2)]
    routed = Routed(
        member(silent[0], "a", priority=0, limits=LIMITS),
        member(silent[1], "b", priority=1, limits=LIMITS),
    )
    await asyncio.gather(*(routed.reason() for _ in range(5)))

    assert Circuit.CLOSED is not routed.entry().breaker.circuit


@on_virtual_time
async def test_a_slow_reader() -> None:
    """A caller who reads for longer than an attempt may take is no fault of the provider's."""
    provider = ScriptedProvider(*[WORD] * 60, ENDING)
    routed = Routed(member(provider, "a", limits=LIMITS))
    for _ in range(6):
        with pytest.raises(ServiceFailure, match="broke off"):
            await routed.heard(600.0, reading_s=2.0)

    assert Circuit.CLOSED is routed.entry().breaker.circuit
    assert 0.0 == routed.entry().stats.faults


@on_virtual_time
async def test_a_trial_is_over_at_the_first_token() -> None:
    """While the trial still streams, others are served."""
    routed = Routed(member(ScriptedProvider(WORD, *[0.5, WORD] * 100, ENDING), "a", limits=LIMITS))
    routed.board.open_circuit(A, Trip.IN_A_ROW)
    await asyncio.sleep(7.0)
    trial = asyncio.create_task(routed.heard(100.0))
    await asyncio.sleep(1.0)

    assert not trial.done()
    assert Circuit.CLOSED is routed.entry().breaker.circuit
    assert await routed.heard(100.0)
    assert await trial


@on_virtual_time
@pytest.mark.parametrize("stream", [False, True])
async def test_a_content_policy_beside_a_hedge(stream: bool) -> None:
    """A refusal for its content is final though another one is asked already."""
    spare = ScriptedProvider(5.0, WORD, ENDING)
    routed = Routed(
        member(ScriptedProvider(2.0, POLICY), "a", priority=0), member(spare, "b", priority=1)
    )
    asked = routed.heard(hedge_delay_s=1.0) if stream else routed.reason(hedge_delay_s=1.0)
    began = now()
    try:
        reason = await asked
    except ServiceFailure as failure:
        reason = failure.reason

    assert (ErrorReason.CONTENT_POLICY_VIOLATION, 2.0) == (reason, now() - began)
    assert 0 == routed.entry(B).in_flight


@on_virtual_time
async def test_no_hedge_after_the_first_token() -> None:
    """A whole answer that is on its way is not hedged, however long it takes."""
    spare = ScriptedProvider(WORD, ENDING)
    routed = Routed(
        member(ScriptedProvider(0.1, WORD, 5.0, ENDING), "a", priority=0),
        member(spare, "b", priority=1),
    )

    assert await routed.reason(hedge_delay_s=1.0) is None
    assert 0 == routed.entry(B).attempt_count


@on_virtual_time
async def test_a_budget_is_for_attempts() -> None:
    """Failures that nobody else can mend leave the budget to those that somebody can."""
    routed = Routed(member(ScriptedProvider(LONG), "a"))
    for _ in range(500):
        await routed.reason()

    assert routed.course.retries.retry()


@on_virtual_time
async def test_time_for_one() -> None:
    """A deadline that is enough for one answer, not for two, is enough."""
    fast = [ScriptedProvider(0.5, WORD, 0.3, ENDING) for _ in range(3)]
    routed = Routed(*(member(one, "abc"[n], priority=n) for n, one in enumerate(fast)))
    for _ in range(30):
        await routed.reason()
        await asyncio.sleep(1.0)

    assert [None] * 10 == [await routed.reason(0.9) for _ in range(10)]


@on_virtual_time
async def test_places_go_to_those_who_can_use_them() -> None:
    """Where more come than a learned limit lets in, as many are answered as it lets in."""
    routed = Routed(member(ScriptedProvider(0.5, WORD, 1.5, ENDING), "a"))
    await routed.reason()
    routed.entry().limit = Limit(2, now(), now())
    tasks: list[asyncio.Task[ErrorReason | None]] = []
    for _ in range(100):
        tasks.append(asyncio.create_task(routed.reason(10.0)))
        await asyncio.sleep(0.2)
    told = await asyncio.gather(*tasks)

    # One a second and more, for a limit that grows.
    assert told.count(None) >= 20
    assert Circuit.CLOSED is routed.entry().breaker.circuit


@on_virtual_time
@pytest.mark.parametrize("ticks", range(8))
async def test_leaving_while_two_answers_meet(ticks: int) -> None:
    """Two answers at one moment, and a caller who leaves at any: each is taken or discarded."""
    came: list[str] = []
    left: list[str] = []

    async def answer(name: str, after_s: float) -> str:
        await asyncio.sleep(after_s)
        came.append(name)
        return name

    async def discard(name: str) -> None:
        left.append(name)

    async def race() -> str | None:
        return await first_of(answer("a", 2.0), lambda: answer("b", 1.0), 1.0, discard)

    racing = asyncio.create_task(race())
    await asyncio.sleep(2.0)
    for _ in range(ticks):
        await asyncio.sleep(0)
    racing.cancel()
    taken = [name for name in await asyncio.gather(racing, return_exceptions=True) if name]

    assert sorted(came) == sorted([*left, *(name for name in taken if isinstance(name, str))])
