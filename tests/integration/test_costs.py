"""What a request costs, over real HTTP: every attempt that was made for it, and nothing twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc.aio
import pytest
from aiprovider.v1 import completion_service_pb2 as pb
from aiprovider.v1 import model_service_pb2, routing_pb2, usage_pb2
from google.protobuf import duration_pb2

from service.domain.attempt import Outcome
from service.domain.call_record import AttemptRecord, Record
from service.domain.cost import FREE, Provenance
from tests.kit.serving import details, spec
from tests.kit.stack import ENGINES, FAMILIES, MODELS, Stack, running

PRICES = """
prices:
  - {models: ['gpt-*'], input: 2.5, output: 10, cache_read: 1.25}
  - {models: ['claude-*'], input: 3, output: 15, cache_read: 0.3, cache_write: 3.75}
  - {models: ['gemini-*'], input: 0.3, output: 2.5, cache_read: 0.03, audio_input: 1}
  - {models: ['deepseek-*'], input: 0.28, output: 0.42, cache_read: 0.028}
  - {models: ['text-embedding-*'], input: 0.02, output: 0}
"""
REPORTED = usage_pb2.COST_PROVENANCE_PROVIDER_REPORTED
COMPUTED = usage_pb2.COST_PROVENANCE_COMPUTED
ESTIMATED = usage_pb2.COST_PROVENANCE_ESTIMATED
UNKNOWN = usage_pb2.COST_PROVENANCE_UNKNOWN
ELSEWHERE = routing_pb2.RoutingPolicy(fallback_models=["claude-sonnet-4-5"])


class Costly:
    """A running service and what its journal was told of attempts."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self._records: list[AttemptRecord] = []
        stack.app.journal.sinks += (self._keep,)

    def _keep(self, batch: Iterable[Record]) -> None:
        self._records += [record for record in batch if isinstance(record, AttemptRecord)]

    async def records(self, count: int) -> list[AttemptRecord]:
        for _ in range(100):
            await asyncio.to_thread(self.stack.app.journal.flush)
            if len(self._records) >= count:
                break
            await asyncio.sleep(0.02)
        return self._records

    async def complete(self, model: str, **more: Any) -> pb.CompleteResponse:
        return await self.stack.completion.Complete(
            pb.CompleteRequest(spec=spec(model=model), **more)
        )

    async def stream(self, model: str, **more: Any) -> list[pb.StreamCompleteResponse]:
        asked = pb.StreamCompleteRequest(spec=spec(model=model), **more)
        return [event async for event in self.stack.completion.StreamComplete(asked)]


@asynccontextmanager
async def costly(folder: Path, engine: str = "native", **more: str) -> AsyncGenerator[Costly, None]:
    (folder / "ai-provider.yml").write_text(PRICES)
    settings = {
        "AI_PROVIDER__LIMITS__ATTEMPTS_MAX": "3",
        "AI_PROVIDER__ROUTING__POLICY": "priority",
        **more,
    }
    async with running(folder, engine, None, None, **settings) as stack:
        yield Costly(stack)


def total(attempts: Sequence[routing_pb2.Attempt]) -> int:
    return sum(attempt.cost.total_nano_usd for attempt in attempts)


async def failed(call: Any) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("provider", FAMILIES)
async def test_an_answer_and_a_stream(tmp_path: Path, provider: str, engine: str) -> None:
    """All four providers' answers cost what their tokens do, whole or as a stream."""
    async with costly(tmp_path, engine) as served:
        whole = await served.complete(MODELS[provider] + "+usage=rich")
        events = await served.stream(MODELS[provider] + "+usage=rich")
        records = await served.records(2)

    finished = events[-1].finished
    assert whole.cost == finished.cost
    assert _by_hand(provider, whole.usage) == whole.cost.total_nano_usd > 0
    assert COMPUTED == whole.cost.provenance
    assert whole.cost.price_version.startswith("config.")
    assert not whole.cost.unpriced
    assert [whole.cost] == [attempt.cost for attempt in whole.route.attempts]
    assert [whole.usage] == [attempt.usage for attempt in whole.route.attempts]
    told = [record.attempt.cost.total for record in records if record.attempt.cost]
    assert [whole.cost.total_nano_usd] * 2 == told


def _by_hand(provider: str, usage: usage_pb2.Usage) -> int:
    """The rich usage of the adversary, at the prices above: they make no fractions here."""
    plain, read, written, out, audio = {
        "openai": (2500, 1250, 2500, 10_000, 2500),
        "anthropic": (3000, 300, 3750, 15_000, 3000),
        "google": (300, 30, 300, 2500, 1000),
        "deepseek": (280, 28, 280, 420, 280),
    }[provider]
    fresh = usage.input_tokens - usage.cache_read_input_tokens - usage.cache_write_input_tokens
    return (
        (fresh - usage.audio_input_tokens) * plain
        + usage.audio_input_tokens * audio
        + usage.cache_read_input_tokens * read
        + usage.cache_write_input_tokens * written
        + usage.output_tokens * out
    )


async def test_a_refused_attempt_is_free(tmp_path: Path) -> None:
    """Who answers 503 consumed nothing: the request costs what the next one took."""
    async with costly(tmp_path) as served:
        answer = await served.complete("gpt-4o+status=503", routing=ELSEWHERE)

    refused, answered = answer.route.attempts
    assert (0, False) == (refused.cost.total_nano_usd, refused.cost.unpriced)
    assert refused.HasField("usage")
    assert 0 == refused.usage.input_tokens
    assert answer.cost.total_nano_usd == answered.cost.total_nano_usd > 0
    assert COMPUTED == answer.cost.provenance


@pytest.mark.parametrize("broken", ["hang=headers", "truncate_json"])
async def test_a_failed_attempt_is_estimated(tmp_path: Path, broken: str) -> None:
    """Who took the prompt and gave no answer may charge for it: that is a part of the cost."""
    policy = routing_pb2.RoutingPolicy(attempt_timeout=duration_pb2.Duration(nanos=300_000_000))
    policy.MergeFrom(ELSEWHERE)
    async with costly(tmp_path, AI_PROVIDER__ROUTING__LISTEN="false") as served:
        answer = await served.complete(f"gpt-4o+{broken}", routing=policy)

    lost, answered = answer.route.attempts
    assert lost.usage.estimated
    assert lost.usage.input_tokens * 2500 == lost.cost.total_nano_usd > 0
    assert total([lost, answered]) == answer.cost.total_nano_usd
    assert ESTIMATED == answer.cost.provenance


async def test_a_hedge_is_paid_for_twice(tmp_path: Path) -> None:
    """The loser of two attempts is charged for its prompt, to the request that caused it."""
    policy = routing_pb2.RoutingPolicy(hedge_delay=duration_pb2.Duration(nanos=50_000_000))
    policy.MergeFrom(ELSEWHERE)
    async with costly(tmp_path) as served:
        answer = await served.complete("gpt-4o+latency=3s", routing=policy)
        records = await served.records(2)

    lost, won = answer.route.attempts
    assert [False, True] == [one.hedge for one in (lost, won)]
    assert routing_pb2.Attempt.OUTCOME_CANCELLED == lost.outcome
    assert lost.usage.input_tokens * 2500 == lost.cost.total_nano_usd > 0
    assert total([lost, won]) == answer.cost.total_nano_usd
    assert {answer.id} == {record.request_id for record in records}
    assert answer.cost.total_nano_usd == sum(
        record.attempt.cost.total for record in records if record.attempt.cost
    )


async def test_a_broken_stream(tmp_path: Path) -> None:
    """A failure tells what was heard until then, and what that cost."""
    async with costly(tmp_path) as served:
        error = await failed(served.stream("gpt-4o+tokens=60+cut_event=20"))

    detail = details(error).failure
    heard = detail.partial_usage
    assert heard.estimated
    assert 0 < heard.output_tokens <= 60
    expected = heard.input_tokens * 2500 + heard.output_tokens * 10_000
    assert expected == detail.partial_cost.total_nano_usd == total(detail.attempts)
    assert ESTIMATED == detail.partial_cost.provenance


async def test_a_cancelled_stream(tmp_path: Path) -> None:
    """Who leaves in the middle is charged for the prompt and for what came until then."""
    async with costly(tmp_path) as served:
        asked = pb.StreamCompleteRequest(spec=spec(model="gpt-4o+tokens=200+rate=50"))
        call = served.stack.completion.StreamComplete(asked)
        spoken = 0
        async for event in call:
            spoken += event.HasField("text")
            if spoken == 10:
                call.cancel()
                break
        (record,) = await served.records(1)

    attempt = record.attempt
    assert Outcome.CANCELLED is attempt.outcome
    assert attempt.usage is not None
    assert attempt.cost is not None
    assert 5 <= attempt.usage.output_tokens < 100
    by_hand = attempt.usage.input_tokens * 2500 + attempt.usage.output_tokens * 10_000
    assert (by_hand, Provenance.ESTIMATED) == (attempt.cost.total, attempt.cost.provenance)


@pytest.mark.parametrize("engine", ENGINES)
async def test_a_reported_cost(tmp_path: Path, engine: str) -> None:
    """What a server says that it charges holds, to the nano-USD, whatever the table says."""
    async with costly(tmp_path, engine) as served:
        whole = await served.complete("gpt-4o+usage=priced")
        events = await served.stream("gpt-4o+usage=priced")

    assert 123_457 == whole.cost.total_nano_usd == whole.cost.other_nano_usd
    assert REPORTED == whole.cost.provenance
    assert whole.cost == events[-1].finished.cost


async def test_without_usage(tmp_path: Path) -> None:
    """Where the provider does not say what it took, the cost is an estimate, and says so."""
    async with costly(tmp_path) as served:
        answer = await served.complete("gpt-4o+missing=usage")

    usage = answer.usage
    assert usage.estimated
    by_hand = usage.input_tokens * 2500 + usage.output_tokens * 10_000
    assert by_hand == answer.cost.total_nano_usd > 0
    assert ESTIMATED == answer.cost.provenance


async def test_without_price(tmp_path: Path) -> None:
    """A model that nobody knows a price of costs something unknown, never nothing."""
    async with costly(tmp_path) as served:
        answer = await served.complete("o3-of-tomorrow")

    assert answer.cost.unpriced
    assert UNKNOWN == answer.cost.provenance


async def test_a_hit_costs_nothing_and_tells_what_it_saved(tmp_path: Path) -> None:
    """What the first answer cost the second one saves; joined callers pay once, too."""
    async with costly(tmp_path, AI_PROVIDER__CACHE__ENABLED="true") as served:
        first = await served.complete("gpt-4o")
        hit = await served.complete("gpt-4o")
        events = await served.stream("gpt-4o")
        joined = await asyncio.gather(*(served.complete("gpt-4o+latency=0.3s") for _ in range(5)))

    saved = first.cost.total_nano_usd
    assert (0, saved) == (hit.cost.total_nano_usd, hit.cost.saved_nano_usd)
    assert saved > 0
    assert saved == events[-1].finished.cost.saved_nano_usd
    assert [0] * 4 + [saved] == sorted(answer.cost.total_nano_usd for answer in joined)
    assert [0] + [saved] * 4 == sorted(answer.cost.saved_nano_usd for answer in joined)


async def test_embeddings_and_counts(tmp_path: Path) -> None:
    """Embeddings cost their input; counting costs nothing, and tells what the prompt would."""
    async with costly(tmp_path) as served:
        asked = model_service_pb2.EmbedRequest(model="text-embedding-3-small", inputs=["a" * 4000])
        embedded = await served.stack.model.Embed(asked)
        counted = await served.stack.completion.CountTokens(
            pb.CountTokensRequest(spec=spec(model="claude-sonnet-4-5"))
        )
        _, count = await served.records(2)

    assert embedded.usage.input_tokens * 20 == embedded.cost.total_nano_usd > 0
    assert COMPUTED == embedded.cost.provenance
    assert total(embedded.route.attempts) == embedded.cost.total_nano_usd
    assert FREE == count.attempt.cost
    assert counted.input_tokens * 3000 == counted.estimated_input_cost.total_nano_usd > 0


async def test_an_estimated_count_is_no_attempt(tmp_path: Path) -> None:
    """Nobody is asked where a provider cannot count: the journal is told of nothing."""
    async with costly(tmp_path) as served:
        counted = await served.stack.completion.CountTokens(
            pb.CountTokensRequest(spec=spec(model="gpt-4o"))
        )
        await served.complete("gpt-4o", labels={"team": "blue"})
        (record,) = await served.records(1)

    assert not counted.exact
    assert ESTIMATED == counted.estimated_input_cost.provenance
    assert ("gpt-4o", {"team": "blue"}) == (record.model, dict(record.labels))
    assert "anonymous" == record.tenant
    assert record.method


async def test_prices_of_models(tmp_path: Path) -> None:
    """Models are listed with what they cost, and by which price table."""
    async with costly(tmp_path) as served:
        listed = await served.stack.model.ListModels(model_service_pb2.ListModelsRequest())

    price = {model.name: model.price for model in listed.models}["gpt-4o"]
    assert (2_500_000_000, 10_000_000_000) == (
        price.input_nano_usd_per_million_tokens,
        price.output_nano_usd_per_million_tokens,
    )
    assert price.version.startswith("config.")
