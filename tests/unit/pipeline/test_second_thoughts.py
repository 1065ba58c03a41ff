"""What has come up since a plan was made: a walk looks again before it asks the next one."""

from __future__ import annotations

import asyncio

import pytest

from service.domain.errors import ProviderFailure, ServiceFailure
from service.domain.limit import Limit
from service.domain.provider import ModelRef
from service.domain.reasons import ErrorReason
from service.domain.request import CompletionRequest
from service.domain.scoring import PolicyName
from service.pipeline.course import Course
from service.pipeline.ended import Ended
from service.pipeline.retries import Retries
from service.pipeline.turns import Turns
from service.pipeline.walk import Walk
from tests.kit.virtual import now, on_virtual_time, settled
from tests.unit.pipeline.boards import BUSY, DOWN
from tests.unit.pipeline.plans import ONE, TWO, Planning, request

LATER = ProviderFailure(
    ErrorReason.PROVIDER_RATE_LIMITED, "busy", http_status=429, retry_after_s=30.0
)


class Walking(Planning):
    """Walks over `one` and then `two`, in the loop's time."""

    def __init__(self) -> None:
        super().__init__(policy=PolicyName.PRIORITY)
        self.board.clock = now
        turns = Turns(self.board, waiting_max=10)
        self.course = Course(self.board, turns, Retries(now), attempt_min_s=0.005)

    def walk(self, attempts_max: int = 3) -> Walk:
        asked = CompletionRequest(request().spec, deadline=now() + 60.0)
        return Walk(self.plan(asked), asked, self.course, attempts_max)

    async def second(self, walk: Walk, meanwhile: Ended, target: ModelRef = TWO) -> ModelRef:
        """Who is asked after `one` has failed, and five attempts at `target` have ended so."""
        first = await walk.next()
        self.attempt(meanwhile, target, 5)
        with walk.attempt(first):
            raise DOWN
        return (await walk.next()).candidate.target


@on_virtual_time
async def test_nothing_has_come_up() -> None:
    """The next of the plan is asked."""
    walking = Walking()

    assert TWO == await walking.second(walking.walk(), Ended(0.1), ONE)


@on_virtual_time
@pytest.mark.parametrize(("attempts_max", "follows"), [(1, False), (2, True), (3, True)])
async def test_who_follows(attempts_max: int, follows: bool) -> None:
    """While the first is asked, another follows if a second attempt may be made."""
    walking = Walking()
    walk = walking.walk(attempts_max)
    first = await walk.next()
    before = [ranked.candidate.target for ranked in walk.following]
    scope = walk.attempt(first)
    scope.__enter__()
    during = [ranked.candidate.target for ranked in walk.following]

    assert before == during == [TWO] * follows


@on_virtual_time
async def test_nobody_follows_the_last_attempt() -> None:
    """An attempt that was made beside the first counts: of two there is none left."""
    walking = Walking()
    walking.course.retries.hedge = lambda: True  # type: ignore[method-assign]
    walk = walking.walk(attempts_max=2)
    with walk.attempt(await walk.next()):
        spare = walk.spare()

        assert spare is not None
        assert TWO == spare.candidate.target
        assert [] == walk.following
        assert walk.spare() is None


@pytest.mark.parametrize("failure", [DOWN, BUSY])
@on_virtual_time
async def test_the_next_one_is_gone(failure: ProviderFailure) -> None:
    """Whose circuit has opened, or who asked to be spared, is not asked: `one` is, once more."""
    walking = Walking()

    assert ONE == await walking.second(walking.walk(), Ended(0.1, failure))


@on_virtual_time
async def test_the_next_one_is_on_trial() -> None:
    """While another request is the trial of a candidate, it is nobody's second choice."""
    walking = Walking()
    walk = walking.walk()
    first = await walk.next()
    walking.attempt(Ended(0.1, DOWN), TWO, 5)
    await asyncio.sleep(7.0)
    walking.view(TWO)
    start = walking.board.began(TWO)
    with walk.attempt(first):
        raise DOWN
    second = await walk.next()

    assert start.trial
    assert ONE == second.candidate.target


@on_virtual_time
async def test_spared_while_one_waited() -> None:
    """A turn at a candidate that has just asked to be spared is not taken."""
    walking = Walking()
    for target in (ONE, TWO):
        walking.board.entry(target).limit = Limit(1, now(), now() - 10.0)
        walking.board.began(target)
    waiting = asyncio.create_task(walking.walk().next())
    await settled()
    walking.board.ended(ONE, Ended(0.1, LATER))
    await settled()
    walking.board.ended(TWO, Ended(0.1))
    await settled()

    assert TWO == waiting.result().candidate.target
    assert 0 == walking.board.entry(ONE).reserved


@on_virtual_time
async def test_nobody_is_left_for_one_who_waited() -> None:
    """Where all that one waited for ask to be spared, one is told, not kept."""
    walking = Walking()
    for target in (ONE, TWO):
        walking.board.entry(target).limit = Limit(1, now(), now() - 10.0)
        walking.board.began(target)
    waiting = asyncio.create_task(walking.walk().next())
    await settled()
    for target in (ONE, TWO):
        walking.board.ended(target, Ended(0.1, LATER))
    await settled()

    assert isinstance(waiting.exception(), ServiceFailure)
    assert [0, 0] == [walking.board.entry(target).reserved for target in (ONE, TWO)]
