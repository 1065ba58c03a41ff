"""The answer cache as callers see it: when an answer is taken, when kept, and for whom."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import grpc.aio
import pytest
from aiprovider.v1 import completion_service_pb2 as pb
from aiprovider.v1 import content_pb2, error_details_pb2, routing_pb2
from google.protobuf import duration_pb2

from service.domain.cache_use import CacheConduct, CacheRule, CacheTerms, KeepPolicy
from service.domain.completion import FinishReason, Refusal
from service.domain.errors import ProviderFailure
from service.domain.events import PartDone, TextDelta, ToolCallDelta
from service.domain.reasons import ErrorReason
from service.rpc.call import Identity
from service.rpc.interceptors.identity import Directory
from tests.kit.scripted import ENDING, HELLO, ScriptedProvider, member
from tests.kit.serving import Served, Status, details, serving, streaming, unary
from tests.kit.virtual import Clock

CACHED = CacheConduct()
Mode = routing_pb2.CachePolicy
Info = routing_pb2.CacheInfo


def policy(mode: Any = Mode.MODE_UNSPECIFIED, **fields: Any) -> routing_pb2.CachePolicy:
    return routing_pb2.CachePolicy(mode=mode, **fields)


async def asked(served: Served, *requests: Any) -> list[Any]:
    """The statuses of the answers, one after the other."""
    return [(await served.completion.Complete(one)).cache.status for one in requests]


async def failure_of(call: Any) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value


async def test_the_second_is_a_hit() -> None:
    """An equal request is answered from memory: the same answer, flagged, with its age and key."""
    provider, clock = ScriptedProvider(), Clock()
    async with serving(member(provider), conduct=CACHED, cache_clock=clock) as served:
        first = await served.completion.Complete(unary())
        clock.now += 7.5
        second = await served.completion.Complete(unary())

    assert [Info.STATUS_MISS, Info.STATUS_HIT_LOCAL] == [first.cache.status, second.cache.status]
    assert 1 == len(provider.calls)
    assert first.message == second.message
    assert (first.usage, first.served_by, first.finish_reason, first.create_time) == (
        second.usage,
        second.served_by,
        second.finish_reason,
        second.create_time,
    )
    assert 7.5 == second.cache.age.ToMilliseconds() / 1000
    assert first.cache.key == second.cache.key != ""
    assert first.id != second.id
    assert first.route.attempts
    assert not second.route.attempts
    assert second.timing.total_duration.ToMicroseconds() > 0


async def test_the_modes() -> None:
    """Each mode opens the directions that the contract says."""
    provider = ScriptedProvider()
    async with serving(member(provider), conduct=CACHED) as served:
        told = await asked(
            served,
            unary(cache=policy(Mode.MODE_READ_ONLY)),
            unary(cache=policy(Mode.MODE_READ_ONLY)),
            unary(cache=policy(Mode.MODE_OFF)),
            unary(cache=policy(Mode.MODE_READ_WRITE)),
            unary(cache=policy(Mode.MODE_READ_ONLY)),
            unary(cache=policy(Mode.MODE_OFF)),
            unary(cache=policy(Mode.MODE_REFRESH)),
            unary(cache=policy(Mode.MODE_ONLY_IF_CACHED)),
            unary(),
        )

    assert [
        Info.STATUS_MISS,
        Info.STATUS_MISS,
        Info.STATUS_BYPASSED,
        Info.STATUS_MISS,
        Info.STATUS_HIT_LOCAL,
        Info.STATUS_BYPASSED,
        Info.STATUS_REFRESHED,
        Info.STATUS_HIT_LOCAL,
        Info.STATUS_HIT_LOCAL,
    ] == told
    assert 6 == len(provider.calls)


async def test_refresh_replaces() -> None:
    """After MODE_REFRESH others get the new answer."""
    provider = ScriptedProvider(scripts=[HELLO, (TextDelta("New"), ENDING)])
    async with serving(member(provider), conduct=CACHED) as served:
        await served.completion.Complete(unary())
        await served.completion.Complete(unary(cache=policy(Mode.MODE_REFRESH)))
        answer = await served.completion.Complete(unary())

    assert "New" == answer.message.parts[0].text


async def test_only_if_cached_asks_nobody() -> None:
    """MODE_ONLY_IF_CACHED is answered from the cache or fails with CACHE_MISS, also by policy."""
    provider = ScriptedProvider()
    only = unary(cache=policy(Mode.MODE_ONLY_IF_CACHED))
    async with serving(member(provider), conduct=CACHED) as served:
        missed = await failure_of(served.completion.Complete(only))
        served.caching.answers.conduct = CacheConduct(CacheTerms(KeepPolicy.OFF))
        forbidden = await failure_of(served.completion.Complete(only))
        misses = served.caching.counters.total().misses

    assert 2 == misses
    assert [Status.NOT_FOUND] * 2 == [missed.code(), forbidden.code()]
    assert ["CACHE_MISS"] * 2 == [details(one).error.reason for one in (missed, forbidden)]
    assert [] == provider.calls


async def test_how_long() -> None:
    """An answer lives for the configured time, or the caller's up to a maximum; 0 keeps nothing."""
    clock = Clock()
    conduct = CacheConduct(CacheTerms(ttl_s=300.0, ttl_max_s=1000.0), early_refresh=0.0)

    async def lives_s(*, ttl_s: float | None) -> float:
        namespace = f"ttl {ttl_s}"
        ttl = None if ttl_s is None else duration_pb2.Duration(seconds=int(ttl_s))
        one = unary(cache=policy(ttl=ttl, namespace=namespace))
        await served.completion.Complete(one)
        began = clock.now
        while True:
            only = policy(Mode.MODE_ONLY_IF_CACHED, namespace=namespace)
            try:
                await served.completion.Complete(unary(cache=only))
            except grpc.aio.AioRpcError:
                return clock.now - began
            clock.now += 50.0

    async with serving(member(ScriptedProvider()), conduct=conduct, cache_clock=clock) as served:
        assert 300.0 == await lives_s(ttl_s=None)
        assert 600.0 == await lives_s(ttl_s=600.0)
        assert 1000.0 == await lives_s(ttl_s=5000.0)
        assert 0.0 == await lives_s(ttl_s=0.0)


async def test_max_age() -> None:
    """Who wants no older answer than it says gets none, and replaces it."""
    provider, clock = ScriptedProvider(), Clock()
    async with serving(member(provider), conduct=CACHED, cache_clock=clock) as served:
        await served.completion.Complete(unary())
        clock.now += 60.0
        young = unary(cache=policy(max_age=duration_pb2.Duration(seconds=59)))
        old = unary(cache=policy(max_age=duration_pb2.Duration(seconds=60)))
        told = await asked(served, old, young, young)

    assert [Info.STATUS_HIT_LOCAL, Info.STATUS_MISS, Info.STATUS_HIT_LOCAL] == told


async def test_what_keeps_answers_apart() -> None:
    """Namespace, tenant, model set, policy and spec: whoever differs in one gets an own answer."""
    provider = ScriptedProvider()
    directory = Directory(
        {_digest("one"): Identity("a", "one"), _digest("two"): Identity("b", "two")},
    )
    only_one = routing_pb2.RoutingPolicy(providers=["one"])
    by_cost = routing_pb2.RoutingPolicy(objective=routing_pb2.RoutingPolicy.OBJECTIVE_COST)
    requests = [
        unary(),
        unary(cache=policy(namespace="n")),
        unary(routing=only_one),
        unary(routing=by_cost),
        unary("Ho"),
        unary(model="n"),
    ]
    members = (member(provider, "one", "m", "n"), member(provider, "two", "m"))
    async with serving(*members, directory=directory, conduct=CACHED) as served:
        told = [
            await served.completion.Complete(one, metadata=(("authorization", f"Bearer {key}"),))
            for key in ("one", "two")
            for one in requests
        ]

    assert [Info.STATUS_MISS] * len(told) == [one.cache.status for one in told]
    assert len(told) == len({one.cache.key for one in told})


async def test_labels_and_limits_do_not() -> None:
    """What decides neither the answer nor who may give it makes no difference."""
    limits = routing_pb2.RoutingPolicy(max_attempts=2, max_cost_nano_usd=10**12)
    request = unary(labels={"team": "a"}, routing=limits)
    hinted = unary()
    hinted.spec.messages[0].parts[0].cache_hint.ttl_seconds = 60
    async with serving(member(ScriptedProvider()), conduct=CACHED) as served:
        told = await asked(served, unary(), request, hinted)

    # A ceiling leaves out candidates of unknown price, but no answer that is there already.
    assert [Info.STATUS_MISS, Info.STATUS_HIT_LOCAL, Info.STATUS_HIT_LOCAL] == told


@pytest.mark.parametrize(
    ("kept", "sampling"),
    [
        (False, {}),
        (False, {"temperature": 0.7}),
        (True, {"temperature": 0.0}),
        (True, {"temperature": 0.7, "seed": 7}),
    ],
)
async def test_deterministic_only(kept: bool, sampling: dict[str, Any]) -> None:
    """Under `deterministic` only answers to temperature 0 or a seed are kept."""
    conduct = CacheConduct(CacheTerms(KeepPolicy.DETERMINISTIC))
    request = unary()
    request.spec.sampling.CopyFrom(pb.SamplingParams(**sampling))
    async with serving(member(ScriptedProvider()), conduct=conduct) as served:
        told = await asked(served, request, request)

    assert (Info.STATUS_HIT_LOCAL if kept else Info.STATUS_BYPASSED) == told[1]


async def test_opt_in_and_rules() -> None:
    """Under `opt_in` a caller names a mode; rules hold for their models and tenants."""
    rules = (CacheRule(CacheTerms(KeepPolicy.ALL), ("n",)),)
    conduct = CacheConduct(CacheTerms(KeepPolicy.OPT_IN), rules)
    async with serving(member(ScriptedProvider(), "one", "m", "n"), conduct=conduct) as served:
        wanting = unary(cache=policy(Mode.MODE_READ_WRITE))
        told = await asked(served, unary(), wanting, wanting, unary(), unary(model="n"))
        ruled = await asked(served, unary(model="n"))

    assert [
        Info.STATUS_BYPASSED,
        Info.STATUS_MISS,
        Info.STATUS_HIT_LOCAL,
        Info.STATUS_BYPASSED,
        Info.STATUS_MISS,
    ] == told
    assert [Info.STATUS_HIT_LOCAL] == ruled


_FILTERED = replace(ENDING, finish_reason=FinishReason.CONTENT_FILTER)
_PAUSED = replace(ENDING, finish_reason=FinishReason.PAUSED)
_REFUSED = replace(ENDING, finish_reason=FinishReason.REFUSAL)


@pytest.mark.parametrize(
    ("steps", "default", "configured"),
    [
        ((TextDelta("cut"), _FILTERED), False, True),
        ((PartDone(0, Refusal("No.")), _REFUSED), False, True),
        ((PartDone(0, Refusal("No.")), ENDING), False, True),
        ((TextDelta("wait"), _PAUSED), False, False),
        ((TextDelta("much"), replace(ENDING, finish_reason=FinishReason.MAX_TOKENS)), True, True),
    ],
    ids=["filtered", "refused", "refusal", "paused", "max-tokens"],
)
@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
async def test_what_is_no_whole_answer(
    steps: Any, default: bool, configured: bool, stream: bool
) -> None:
    """Refusals and filtered answers are kept only where configured; unfinished ones never are."""

    async def kept(conduct: CacheConduct) -> bool:
        async with serving(member(ScriptedProvider(*steps)), conduct=conduct) as served:
            if stream:
                async for _ in served.completion.StreamComplete(streaming()):
                    pass
            else:
                await served.completion.Complete(unary())
            return [Info.STATUS_HIT_LOCAL] == await asked(served, unary())

    assert default == await kept(CACHED)
    assert configured == await kept(CacheConduct(CacheTerms(keep_refusals=True)))


def _tool(*, has_side_effects: bool) -> content_pb2.Tool:
    function = content_pb2.FunctionTool(name="book", has_side_effects=has_side_effects)
    return content_pb2.Tool(function=function)


def _after_a_call(tool: content_pb2.Tool) -> Any:
    call = content_pb2.ToolCall(id="1", name="book", arguments_json="{}")
    result = content_pb2.ToolResult(tool_call_id="1", parts=[content_pb2.Part(text="done")])
    request = unary(model="m")
    request.spec.tools.append(tool)
    request.spec.messages.add(role="ROLE_ASSISTANT", parts=[content_pb2.Part(tool_call=call)])
    request.spec.messages.add(role="ROLE_TOOL", parts=[content_pb2.Part(tool_result=result)])
    return request


@pytest.mark.parametrize("marked", [False, True], ids=["harmless", "marked"])
async def test_tools_with_side_effects(marked: bool) -> None:
    """No answer that calls a marked tool is kept, and none to a conversation with its results."""
    calling = ScriptedProvider(ToolCallDelta(0, "1", "book", "{}"), ENDING)
    asking = unary()
    asking.spec.tools.append(_tool(has_side_effects=marked))
    async with serving(member(calling), conduct=CACHED) as served:
        called = await asked(served, asking, asking)
    async with serving(member(ScriptedProvider()), conduct=CACHED) as served:
        after = _after_a_call(_tool(has_side_effects=marked))
        resulted = await asked(served, after, after)
        after.idempotency_key = "k"
        await asked(served, after)
        after.idempotency_key = ""
        resulted += await asked(served, after)

    hit = Info.STATUS_HIT_LOCAL
    assert (Info.STATUS_MISS if marked else hit) == called[1]
    assert [Info.STATUS_BYPASSED if marked else hit] * 2 == resulted[1:]


async def test_a_known_failure() -> None:
    """What a provider refuses for the request itself is not asked for again soon."""
    broken = ProviderFailure(ErrorReason.CONTEXT_WINDOW_EXCEEDED, "too long", http_status=400)
    provider, clock = ScriptedProvider(broken), Clock()
    async with serving(member(provider), conduct=CACHED, cache_clock=clock) as served:
        first = await failure_of(served.completion.Complete(unary()))
        clock.now += 10.0
        second = await failure_of(served.completion.Complete(unary()))
        anew = await failure_of(served.completion.Complete(unary(cache=policy(Mode.MODE_REFRESH))))
        clock.now += 31.0
        later = await failure_of(served.completion.Complete(unary()))

    told = [details(one) for one in (first, second, anew, later)]
    assert ["CONTEXT_WINDOW_EXCEEDED"] * 4 == [one.error.reason for one in told]
    assert [1, 0, 1, 1] == [len(one.failure.attempts) for one in told]
    assert 3 == len(provider.calls)
    assert 10 == told[1].failure.cache.age.ToSeconds()
    assert first.details() == second.details()
    assert error_details_pb2.FailureDetail().cache == told[0].failure.cache


async def test_a_known_failure_is_not_everybodys() -> None:
    """Who lets others be asked is not told of the failure of one who did not."""
    long = ProviderFailure(ErrorReason.CONTEXT_WINDOW_EXCEEDED, "too long", http_status=400)
    small, large = ScriptedProvider(long), ScriptedProvider()
    alone = routing_pb2.RoutingPolicy(fallback_models=["n"], disable_failover=True)
    open_ = routing_pb2.RoutingPolicy(fallback_models=["n"])
    members = (member(small, "one", "m"), member(large, "two", "n"))
    async with serving(*members, conduct=CACHED) as served:
        await failure_of(served.completion.Complete(unary(routing=alone)))
        again = await failure_of(served.completion.Complete(unary(routing=alone)))
        answer = await served.completion.Complete(unary(routing=open_))

    assert "two" == answer.served_by.provider
    # One was never asked: another time it may be.
    assert 1 == len(details(again).failure.attempts)


@pytest.mark.parametrize(
    "reason", [ErrorReason.PROVIDER_UNAVAILABLE, ErrorReason.PROVIDER_CREDENTIALS_REJECTED]
)
async def test_failures_that_pass(reason: ErrorReason) -> None:
    """What is not the request's fault is asked again."""
    provider = ScriptedProvider(scripts=[(ProviderFailure(reason, "no"),), HELLO])
    async with serving(member(provider), conduct=CACHED, attempts_max=1) as served:
        await failure_of(served.completion.Complete(unary()))
        answer = await served.completion.Complete(unary())

    assert Info.STATUS_MISS == answer.cache.status


async def test_a_bad_request_is_told_though_cached() -> None:
    """Wishes about the cache are validated with the path of each field."""
    bad = [
        unary(cache=policy(namespace="n" * 129)),
        unary(cache=policy(ttl=duration_pb2.Duration(seconds=-1))),
        unary(cache=policy(max_age=duration_pb2.Duration(seconds=10**9))),
        unary(cache=policy(17)),
        unary(idempotency_key="k" * 129),
    ]
    async with serving(member(ScriptedProvider()), conduct=CACHED) as served:
        told = [await failure_of(served.completion.Complete(one)) for one in bad]

    fields = [details(one).bad.field_violations[0].field for one in told]
    wishes = ["cache.namespace", "cache.ttl", "cache.max_age", "cache.mode"]
    assert [*wishes, "idempotency_key"] == fields


async def test_an_explanation_tells_the_key() -> None:
    """ExplainRoute tells the key, and whether memory would answer; it asks nobody."""
    provider = ScriptedProvider()
    async with serving(member(provider), conduct=CACHED) as served:
        before = await served.completion.ExplainRoute(pb.ExplainRouteRequest(spec=unary().spec))
        answer = await served.completion.Complete(unary())
        after = await served.completion.ExplainRoute(pb.ExplainRouteRequest(spec=unary().spec))
        served.caching.answers.conduct = CacheConduct(CacheTerms(KeepPolicy.OFF))
        off = await served.completion.ExplainRoute(pb.ExplainRouteRequest(spec=unary().spec))

    assert answer.cache.key == before.cache_key == after.cache_key
    assert [False, True] == [before.would_hit_cache, after.would_hit_cache]
    assert ("", False) == (off.cache_key, off.would_hit_cache)


async def test_hits_need_no_place() -> None:
    """A replica with no place left still answers what it knows."""
    provider = ScriptedProvider(scripts=[HELLO, (5.0, *HELLO)])
    async with serving(member(provider), conduct=CACHED, in_flight_max=1) as served:
        await served.completion.Complete(unary())
        slow = served.completion.Complete(unary("Slow"))
        while served.admission.in_flight_count < 1:
            await served.completion.Complete(unary())
        hit = await served.completion.Complete(unary())
        refused = await failure_of(served.completion.Complete(unary("Other")))
        slow.cancel()

    assert Info.STATUS_HIT_LOCAL == hit.cache.status
    assert "SERVER_OVERLOADED" == details(refused).error.reason


def _digest(key: str) -> bytes:
    import hashlib

    return hashlib.sha256(key.encode()).digest()
