"""Routing as callers see it: who is asked, what is told of it, what is never done."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc.aio
import pytest
from aiprovider.v1 import completion_service_pb2 as pb
from aiprovider.v1 import routing_pb2

from service.domain.candidate import Names
from service.domain.errors import ProviderFailure
from service.domain.events import TextDelta
from service.domain.pricing import Price
from service.domain.provider import Defaults, Offer, ServedModel
from service.domain.reasons import ErrorReason
from service.domain.scoring import POLICIES, PolicyName
from service.domain.wishes import Bounds, Rule
from service.pipeline.roster import Member, TimeLimits
from tests.kit.scripted import HELLO, ScriptedProvider, member
from tests.kit.serving import Status, details, serving, spec, streaming, unary

DOWN = ProviderFailure(ErrorReason.PROVIDER_UNAVAILABLE, "down", http_status=503)
LOST = ProviderFailure(ErrorReason.PROVIDER_UNAVAILABLE, "connection lost", unheard=True)
BUSY = ProviderFailure(ErrorReason.PROVIDER_RATE_LIMITED, "slow down", http_status=429)
LIMITS = TimeLimits(attempt_s=30.0, first_token_s=30.0, idle_s=30.0)
Policy = routing_pb2.RoutingPolicy


def serves(
    name: str, provider: ScriptedProvider | None = None, priority: int = 10, **about: Any
) -> Member:
    """A member with facts about its one model and its place."""
    place = {key: about.pop(key) for key in ("deployment", "weight", "region") if key in about}
    offer = Offer(name, priority, (ServedModel("m", **about),), **place)
    return Member(provider or ScriptedProvider(), offer, LIMITS, Defaults(0.7, 4000))


async def refused(call: Any) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value


async def events_of(call: Any) -> list[pb.StreamCompleteResponse]:
    return [event async for event in call]


async def test_the_trace_of_an_answer() -> None:
    """An answer tells the policy, every candidate with its terms, and the chance of the choice."""
    members = serves("a"), serves("b", priority=20), serves("c", region="eu")
    async with serving(*members, bounds=Bounds()) as served:
        wish = Policy(regions=[""])
        answer = await served.completion.Complete(unary(routing=wish))

    route = answer.route
    eligible = [c for c in route.candidates if c.eligible]
    assert "composite" == route.policy
    assert answer.served_by == eligible[0].target == route.attempts[0].target
    assert eligible[0].share == route.propensity
    assert 1.0 == pytest.approx(sum(c.share for c in eligible))
    assert {"success", "time", "health", "affinity"} == set(eligible[0].score_terms)
    assert eligible[0].score == pytest.approx(sum(eligible[0].score_terms.values()))
    assert ["region"] == [c.ineligible_reason for c in route.candidates if not c.eligible]
    assert 0 <= route.draw < 1


async def test_the_trace_of_a_failure() -> None:
    """A failure tells the same, within the 4 KiB that its details may have."""
    failing = [serves(f"provider-{n:03d}", ScriptedProvider(DOWN), n) for n in range(200)]
    async with serving(*failing) as served:
        error = await refused(served.completion.Complete(unary()))

    found = details(error)
    assert 3 == len(found.failure.attempts)
    assert "priority" == found.failure.route.policy
    assert 0 < len(found.failure.route.candidates) < 200
    assert len(found.trailers["grpc-status-details-bin"]) <= 4096


async def test_explain_asks_nobody() -> None:
    """ExplainRoute plans as Complete would, tells who is left out and why, and asks nobody."""
    providers = {name: ScriptedProvider() for name in "abc"}
    members = (
        serves("a", providers["a"], price=Price(10**9, 4 * 10**9)),
        serves("b", providers["b"], capabilities=frozenset({"completion"})),
        serves("c", providers["c"], context_window_tokens=1),
    )
    async with serving(*members, bounds=Bounds()) as served:
        tool = {"function": {"name": "f", "parameters_json_schema": "{}"}}
        asked = pb.ExplainRouteRequest(spec=spec(tools=[tool]))
        explained = await served.completion.ExplainRoute(asked)

    told = {c.target.provider: (c.eligible, c.ineligible_reason) for c in explained.candidates}
    assert {
        "a": (True, ""),
        "b": (False, "capability"),
        "c": (False, "context_window"),
    } == told
    assert explained.candidates[0].estimated_cost_nano_usd > 0
    assert explained.route.candidates == explained.candidates
    assert [] == [call for provider in providers.values() for call in provider.calls]


async def test_an_objective_of_the_caller() -> None:
    """A caller's objective wins over the configured policy."""
    cheap, dear = Price(10**6, 10**6), Price(10**12, 10**12)
    members = serves("dear", priority=1, price=dear), serves("cheap", priority=2, price=cheap)
    async with serving(*members) as served:
        configured = await served.completion.Complete(unary())
        wish = Policy(objective=Policy.OBJECTIVE_COST)
        asked = [await served.completion.Complete(unary(routing=wish)) for _ in range(10)]

    assert "dear" == configured.served_by.provider
    assert 9 <= sum("cheap" == one.served_by.provider for one in asked)
    assert {"cost"} == {one.route.policy for one in asked}


async def test_a_ceiling_of_cost() -> None:
    """Who is dearer than the ceiling, or of unknown price, is not asked."""
    members = serves("unknown"), serves("dear", price=Price(10**12, 10**12))
    async with serving(*members) as served:
        wish = Policy(max_cost_nano_usd=1000)
        error = await refused(served.completion.Complete(unary(routing=wish)))

    assert Status.INVALID_ARGUMENT == error.code()
    found = details(error)
    assert "NO_CAPABLE_PROVIDER" == found.error.reason
    assert {"cost"} == {c.ineligible_reason for c in found.failure.route.candidates}


async def test_aliases_and_fallbacks_of_the_operator() -> None:
    """An alias stands for several models; a configured fallback helps where they all fail."""
    names = Names(aliases={"fast": ("m", "n")}, fallbacks={"fast": ("big",)})
    failing = ScriptedProvider(DOWN)
    members = (
        member(failing, "a", "m"),
        member(failing, "b", "n"),
        member(ScriptedProvider(), "c", "big"),
    )
    async with serving(*members, names=names) as served:
        answer = await served.completion.Complete(unary(model="fast"))

    assert ["m", "n", "big"] == [a.target.model for a in answer.route.attempts]
    assert [0, 0, 1] == [c.tier for c in answer.route.candidates]


async def test_rules_for_tenants() -> None:
    """A rule for the caller's tenant decides the policy, and who may be asked at all."""
    nobody = Rule(Bounds(providers=frozenset({"other"})), tenants=frozenset({"anonymous"}))
    forbids = Rule(
        Bounds(POLICIES[PolicyName.PRIORITY], excluded_providers=frozenset({"a"})),
        models=("m*",),
    )
    members = serves("a"), serves("b", priority=20)
    async with serving(*members, rules=[forbids]) as served:
        answer = await served.completion.Complete(unary())
    async with serving(*members, rules=[nobody]) as served:
        error = await refused(served.completion.Complete(unary()))

    assert "b" == answer.served_by.provider
    assert Status.PERMISSION_DENIED == error.code()
    assert "MODEL_NOT_ALLOWED" == details(error).error.reason


async def test_deployments_are_candidates_of_their_own() -> None:
    """Two keys of one provider fail, and are spared, apart from each other."""
    first, second = ScriptedProvider(BUSY), ScriptedProvider()
    members = serves("a", first), serves("a", second, priority=20, deployment="eu")
    async with serving(*members) as served:
        answers = [await served.completion.Complete(unary()) for _ in range(3)]

    assert [("a", "eu")] * 3 == [(x.served_by.provider, x.served_by.deployment) for x in answers]
    assert 1 == len(first.calls)


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
async def test_a_lost_connection_is_asked_again(stream: bool) -> None:
    """A connection lost before any byte is no reason to leave: the same one is asked once more."""
    first = ScriptedProvider(scripts=[(LOST,), HELLO])
    async with serving(serves("a", first), serves("b", priority=20)) as served:
        if stream:
            events = await events_of(served.completion.StreamComplete(streaming()))
            route = events[-1].finished.route
        else:
            route = (await served.completion.Complete(unary())).route

    assert ["a", "a"] == [attempt.target.provider for attempt in route.attempts]


async def test_another_round() -> None:
    """With nobody else to ask, one whose fault may pass is asked again, after a moment."""
    provider = ScriptedProvider(scripts=[(DOWN,), (DOWN,), HELLO])
    async with serving(serves("a", provider)) as served:
        answer = await served.completion.Complete(unary())

    assert 3 == len(answer.route.attempts)


async def test_no_other_round_for_what_stays() -> None:
    """A fault that will not pass is not tried on the same provider again."""
    wrong = ProviderFailure(ErrorReason.PROVIDER_RESPONSE_INVALID, "nonsense")
    provider = ScriptedProvider(wrong)
    async with serving(serves("a", provider)) as served:
        await refused(served.completion.Complete(unary()))

    assert 1 == len(provider.calls)


async def test_a_whole_answer_is_listened_to() -> None:
    """Where another could take over, silence within a whole answer is not waited out."""
    silent = ScriptedProvider(60.0)
    async with serving(serves("a", silent), serves("b", priority=20)) as served:
        wish = Policy(first_token_timeout={"nanos": 200_000_000})
        answer = await served.completion.Complete(unary(routing=wish), timeout=10)

    assert "b" == answer.served_by.provider
    assert "PROVIDER_TIMEOUT" == answer.route.attempts[0].reason
    assert 0 == silent.open_count


async def test_a_whole_answer_that_breaks_off_comes_from_elsewhere() -> None:
    """What was heard of a broken answer is not told: the caller of a whole one gets a whole one."""
    broken = ScriptedProvider(TextDelta("Hel"), DOWN)
    async with serving(serves("a", broken), serves("b", priority=20)) as served:
        answer = await served.completion.Complete(unary())

    assert "Hello there" == "".join(part.text for part in answer.message.parts)
    assert ["a", "b"] == [a.target.provider for a in answer.route.attempts]


async def test_restart() -> None:
    """Who asked for it is told that the answer begins again; the parts before it are void."""
    broken = ScriptedProvider(TextDelta("Hel"), DOWN)
    async with serving(serves("a", broken), serves("b", priority=20)) as served:
        request = streaming(stream_options={"restart_on_interruption": True})
        events = await events_of(served.completion.StreamComplete(request))

    kinds = [event.WhichOneof("event") for event in events]
    assert ["started", "text", "restarted", "text", "text", "finished"] == kinds
    assert "b" == events[2].restarted.served_by.provider
    assert "PROVIDER_UNAVAILABLE" == events[2].restarted.attempt.reason
    assert list(range(1, 7)) == [event.sequence for event in events]


async def test_no_restart_unasked() -> None:
    """Without the wish a broken stream is an interruption, though another could answer."""
    broken = ScriptedProvider(TextDelta("Hel"), DOWN)
    async with serving(serves("a", broken), serves("b", priority=20)) as served:
        error = await refused(events_of(served.completion.StreamComplete(streaming())))

    assert "STREAM_INTERRUPTED" == details(error).error.reason


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
async def test_hedge(stream: bool) -> None:
    """The sooner of two wins, the other is ended at once, and the trace tells of both."""
    slow = ScriptedProvider(5.0, *HELLO)
    async with serving(serves("a", slow), serves("b", priority=20)) as served:
        wish = Policy(hedge_delay={"nanos": 50_000_000})
        if stream:
            call = served.completion.StreamComplete(streaming(routing=wish))
            route = (await events_of(call))[-1].finished.route
        else:
            route = (await served.completion.Complete(unary(routing=wish))).route

    attempts = route.attempts
    assert ["a", "b"] == [attempt.target.provider for attempt in attempts]
    assert [False, True] == [attempt.hedge for attempt in attempts]
    outcomes = routing_pb2.Attempt
    assert [outcomes.OUTCOME_CANCELLED, outcomes.OUTCOME_OK] == [a.outcome for a in attempts]
    assert 1 == slow.cancelled_count
    assert 0 == slow.open_count


async def test_hedges_are_few() -> None:
    """At most one request in twenty is hedged, however many ask for it."""
    slow, other = ScriptedProvider(0.05, *HELLO), ScriptedProvider()
    async with serving(serves("a", slow), serves("b", other, priority=20)) as served:
        wish = Policy(hedge_delay={"nanos": 1_000_000})
        for _ in range(40):
            await served.completion.Complete(unary(routing=wish))

    assert 1 <= len(other.calls) <= 3


OVERLOADED = ProviderFailure(ErrorReason.PROVIDER_UNAVAILABLE, "overloaded", http_status=529)


def crowded() -> ScriptedProvider:
    """Bears three at once: the fourth is pushed back, once."""
    slow = (0.3, *HELLO)
    return ScriptedProvider(scripts=[slow, slow, slow, (OVERLOADED,), HELLO])


async def test_a_learned_limit_makes_callers_wait() -> None:
    """After a pushback no more is in flight than was borne: the next one waits for its turn."""
    provider = crowded()
    async with serving(serves("a", provider)) as served:
        calls = [served.completion.Complete(unary()) for _ in range(4)]
        answers = await asyncio.gather(*calls)

    assert 5 == len(provider.calls)
    assert max(a.timing.queue_duration.ToMilliseconds() for a in answers) > 100


async def test_too_many_wait() -> None:
    """When as many wait as may, the next is told to go elsewhere, and when to come back."""
    async with serving(serves("a", crowded()), waiting_max=0) as served:
        calls = [served.completion.Complete(unary()) for _ in range(4)]
        results = await asyncio.gather(*calls, return_exceptions=True)

    errors = [one for one in results if isinstance(one, grpc.aio.AioRpcError)]
    assert [Status.UNAVAILABLE] == [error.code() for error in errors]
    found = details(errors[0])
    assert "SERVER_OVERLOADED" == found.error.reason
    assert "1000" == found.trailers["grpc-retry-pushback-ms"]
    assert 1 == len(found.failure.attempts)


async def test_open_circuits_are_told() -> None:
    """When every circuit is open the caller is told at once when the first may close."""
    provider = ScriptedProvider(DOWN)
    async with serving(serves("a", provider), attempts_max=1) as served:
        for _ in range(5):
            await refused(served.completion.Complete(unary()))
        error = await refused(served.completion.Complete(unary()))

    found = details(error)
    assert "NO_HEALTHY_PROVIDER" == found.error.reason
    assert 4 <= found.retry.retry_delay.seconds <= 6
    assert 5 == len(provider.calls)
    candidate = found.failure.route.candidates[0]
    assert "circuit_open" == candidate.ineligible_reason
    assert candidate.cooldown_until_time.seconds > 0


async def test_counting_tokens_tells_nothing_of_speed() -> None:
    """Side calls show that a provider lives; an answer's expected time is not learned from them."""
    async with serving(serves("a")) as served:
        for _ in range(5):
            await served.completion.CountTokens(pb.CountTokensRequest(spec=spec()))
        before = await served.completion.ExplainRoute(pb.ExplainRouteRequest(spec=spec()))
        await served.completion.Complete(unary())
        after = await served.completion.ExplainRoute(pb.ExplainRouteRequest(spec=spec()))

    prior_s = 0.6 + 256 * 0.015
    told = before.candidates[0].expected_duration.ToMicroseconds() / 1e6
    assert prior_s == pytest.approx(told, rel=0.01)
    assert before.candidates[0].quality > 0.9
    assert after.candidates[0].expected_duration.ToMilliseconds() < 1000


async def test_every_miss_is_told() -> None:
    """A stream tells each failed attempt once, a hedge's too."""
    slow_down = ScriptedProvider(0.1, DOWN)
    members = serves("a", slow_down), serves("b", slow_down, 20), serves("c", priority=30)
    async with serving(*members) as served:
        wish = Policy(hedge_delay={"nanos": 10_000_000})
        options = {"include_route_events": True}
        request = streaming(routing=wish, stream_options=options)
        events = await events_of(served.completion.StreamComplete(request))

    missed = [e.route.attempt.target.provider for e in events if e.HasField("route")]
    assert ["a", "b"] == sorted(missed)


async def test_the_broken_attempt_is_named() -> None:
    """A restart tells which attempt broke off, though a hedge beside it started later."""
    broken = ScriptedProvider(0.1, TextDelta("Hel"), DOWN)
    silent = ScriptedProvider(60.0)
    members = serves("a", broken), serves("b", silent, 20), serves("c", priority=30)
    async with serving(*members, attempts_max=4) as served:
        wish = Policy(hedge_delay={"nanos": 10_000_000})
        options = {"restart_on_interruption": True}
        request = streaming(routing=wish, stream_options=options)
        events = await events_of(served.completion.StreamComplete(request))

    restarted = next(e.restarted for e in events if e.HasField("restarted"))
    assert ("a", "c") == (restarted.attempt.target.provider, restarted.served_by.provider)


async def test_no_restart_where_it_broke() -> None:
    """With nobody else to ask, a broken stream is an interruption: it never begins there again."""
    broken = ScriptedProvider(scripts=[(TextDelta("Hel"), DOWN), HELLO])
    async with serving(serves("a", broken)) as served:
        request = streaming(stream_options={"restart_on_interruption": True})
        error = await refused(events_of(served.completion.StreamComplete(request)))

    assert "STREAM_INTERRUPTED" == details(error).error.reason
    assert 1 == len(broken.calls)
