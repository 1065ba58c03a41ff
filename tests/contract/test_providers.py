"""One contract for every provider on both engines, through the whole service."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc.aio
import pytest
import pytest_asyncio
from aiprovider.v1 import completion_service_pb2 as pb
from aiprovider.v1 import content_pb2, model_service_pb2
from aiprovider_client import Answer, AnswerStream

from service.domain.call_record import AttemptRecord, Record
from service.domain.completion import FinishReason
from tests.kit.serving import details
from tests.kit.stack import ENGINES, MODELS, Stack, running

SCHEMA = '{"type":"object","properties":{"city":{"type":"string"},"days":{"type":"integer"}}}'
EMBEDDING_MODELS = {"openai": "text-embedding-3-small", "google": "gemini-embedding-001"}
PNG = b"\x89PNG\r\n\x1a\n" + bytes(24)


@dataclass
class Asked:
    """One provider on one engine."""

    stack: Stack
    provider: str
    engine: str

    async def __call__(self, spec: pb.CompletionSpec, stream: bool, directive: str = "") -> Answer:
        spec.model = MODELS[self.provider] + directive
        if not stream:
            request = pb.CompleteRequest(spec=spec)
            return Answer(await self.stack.completion.Complete(request, timeout=20))
        call = self.stack.completion.StreamComplete(pb.StreamCompleteRequest(spec=spec), timeout=20)
        async with AnswerStream(call, "the service") as events:
            async for _ in events:
                pass
            return events.answer

    @property
    def body(self) -> Any:
        """What reached the provider last."""
        return self.stack.adversary.requests[-1].json


@pytest_asyncio.fixture(params=[(e, p) for e in ENGINES for p in MODELS], ids="-".join)
async def ask(request: Any, tmp_path: Path) -> AsyncGenerator[Asked, None]:
    engine, provider = request.param
    async with running(tmp_path, engine) as stack:
        yield Asked(stack, provider, engine)


async def refusal(call: Any) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value


both = pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])


def user(*parts: content_pb2.Part) -> content_pb2.Message:
    return content_pb2.Message(role=content_pb2.ROLE_USER, parts=parts)


def text(words: str) -> content_pb2.Part:
    return content_pb2.Part(text=words)


def weather() -> content_pb2.Tool:
    function = content_pb2.FunctionTool(
        name="weather", description="Tells it.", parameters_json_schema=SCHEMA
    )
    return content_pb2.Tool(function=function)


@both
async def test_text(ask: Asked, stream: bool) -> None:
    """A question is answered with text, a finish reason, and who answered."""
    answer = await ask(pb.CompletionSpec(messages=[user(text("Hi."))]), stream)

    assert answer.text.startswith("Hello from ")
    assert "you said 'Hi.'" in answer.text
    assert "STOP" == answer.finish_reason
    assert ask.provider == answer.served_by.provider
    assert answer.usage.input_tokens > 0
    assert 6 == answer.usage.output_tokens
    assert not answer.usage.estimated


@both
async def test_roles(ask: Asked, stream: bool) -> None:
    """System, developer, user and assistant messages all reach the provider."""
    messages = [
        content_pb2.Message(role=content_pb2.ROLE_SYSTEM, parts=[text("rule-one")]),
        content_pb2.Message(role=content_pb2.ROLE_DEVELOPER, parts=[text("rule-two")]),
        user(text("first question")),
        content_pb2.Message(role=content_pb2.ROLE_ASSISTANT, parts=[text("first answer")]),
        user(text("second question")),
    ]
    answer = await ask(pb.CompletionSpec(messages=messages), stream)

    sent = str(ask.body)
    order = ["rule-one", "rule-two", "first question", "first answer", "second question"]
    places = [sent.index(words) for words in order]
    assert places[2:] == sorted(places[2:])
    assert "second question" in answer.text


@both
async def test_sampling(ask: Asked, stream: bool) -> None:
    """Sampling reaches the provider in full precision, and the configured defaults do too."""
    spec = pb.CompletionSpec(messages=[user(text("Hi."))])
    await ask(spec, stream)
    defaults = str(ask.body)
    spec.sampling.MergeFrom(pb.SamplingParams(temperature=0.123456789, max_output_tokens=2))
    answer = await ask(spec, stream)

    assert "0.7" in defaults
    assert "4000" in defaults
    assert "0.123456789" in str(ask.body)
    assert "MAX_TOKENS" == answer.finish_reason


@both
async def test_parallel_tool_calls(ask: Asked, stream: bool) -> None:
    """Parallel tool calls arrive with ids, names and whole arguments."""
    spec = pb.CompletionSpec(messages=[user(text("Weather?"))], tools=[weather()])
    answer = await ask(spec, stream, "+tools=2")

    assert "TOOL_CALLS" == answer.finish_reason
    assert ["weather", "weather"] == [call.name for call in answer.tool_calls]
    assert 2 == len({call.id for call in answer.tool_calls})
    for call in answer.tool_calls:
        assert '{"city":"text","days":1}' == call.arguments_json.replace(" ", "")


@both
async def test_forced_tool(ask: Asked, stream: bool) -> None:
    """A function that is demanded by name is called."""
    spec = pb.CompletionSpec(
        messages=[user(text("Weather?"))],
        tools=[weather()],
        tool_choice=content_pb2.ToolChoice(function_name="weather"),
    )
    answer = await ask(spec, stream)

    assert ["weather"] == [call.name for call in answer.tool_calls]


@both
async def test_tool_results(ask: Asked, stream: bool) -> None:
    """The turn after a tool call: the call goes back as it came, with its result."""
    spec = pb.CompletionSpec(messages=[user(text("Weather?"))], tools=[weather()])
    called = await ask(spec, stream, "+tools=2")
    results = [
        content_pb2.Part(
            tool_result=content_pb2.ToolResult(tool_call_id=call.id, parts=[text(f"sunny {n}")])
        )
        for n, call in enumerate(called.tool_calls)
    ]
    spec.messages.append(called.message)
    spec.messages.append(content_pb2.Message(role=content_pb2.ROLE_TOOL, parts=results))
    answer = await ask(spec, stream)

    sent = str(ask.body)
    assert "sunny 0" in sent
    assert "sunny 1" in sent
    assert answer.text


@both
async def test_json_schema(ask: Asked, stream: bool) -> None:
    """An answer that must fit a schema fits it, where the provider knows schemas."""
    spec = pb.CompletionSpec(messages=[user(text("Where?"))])
    if ask.provider == "deepseek":
        spec.output_format.json_object.SetInParent()
        expected = '{"answer":"yes"}'
    else:
        spec.output_format.json_schema.schema_json = SCHEMA
        expected = '{"city":"text","days":1}'
    answer = await ask(spec, stream)

    assert expected == answer.text


@both
async def test_images(ask: Asked, stream: bool) -> None:
    """An image reaches the provider; one that reads text only says so, with the field."""
    image = content_pb2.Part(blob=content_pb2.Blob(mime_type="image/png", data=PNG))
    spec = pb.CompletionSpec(messages=[user(text("What is it?"), image)])
    if ask.provider == "deepseek":
        spec.model = MODELS[ask.provider]
        call = ask.stack.completion.Complete(pb.CompleteRequest(spec=spec), timeout=20)
        found = details(await refusal(call))
        assert "UNSUPPORTED_PARAMETER" == found.error.reason
        assert "spec.messages[0].parts[1]" in found.bad.field_violations[0].field
    else:
        await ask(spec, stream)
        assert "iVBORw0KGgo" in str(ask.body)


@both
async def test_reasoning(ask: Asked, stream: bool) -> None:
    """Reasoning is told apart from the answer, and counted."""
    spec = pb.CompletionSpec(messages=[user(text("Think."))])
    answer = await ask(spec, stream, "+reasoning")

    assert "Let me think." == answer.reasoning
    assert answer.text.startswith("Hello from ")


@both
async def test_signatures(ask: Asked, stream: bool) -> None:
    """A provider's proofs come through, and go back unchanged with the next turn."""
    spec = pb.CompletionSpec(messages=[user(text("Think."))], tools=[weather()])
    answer = await ask(spec, stream, "+tools=1+reasoning")
    result = content_pb2.ToolResult(tool_call_id=answer.tool_calls[0].id, parts=[text("sunny")])
    spec.messages.append(answer.message)
    tool = content_pb2.Message(role=content_pb2.ROLE_TOOL)
    tool.parts.add().tool_result.CopyFrom(result)
    spec.messages.append(tool)
    await ask(spec, stream)

    signs = ask.provider in ("anthropic", "google")
    assert signs == any(part.signature for part in answer.message.parts)
    assert signs == ("c2lnbmF0dXJl" in str(ask.body))


@both
async def test_rich_usage(ask: Asked, stream: bool) -> None:
    """Usage tells what the provider's prompt cache served, inside the total."""
    spec = pb.CompletionSpec(messages=[user(text("Hi."))])
    answer = await ask(spec, stream, "+usage=rich")

    assert answer.usage.input_tokens > 100
    assert 60 == answer.usage.cache_read_input_tokens
    assert (20 if ask.provider == "anthropic" else 0) == answer.usage.cache_write_input_tokens


@both
async def test_log_probabilities(ask: Asked, stream: bool) -> None:
    """Log probabilities come for every token, where the provider tells them."""
    spec = pb.CompletionSpec(messages=[user(text("Hi."))])
    spec.sampling.top_logprobs = 1
    if ask.provider == "anthropic":
        spec.model = MODELS[ask.provider]
        call = ask.stack.completion.Complete(pb.CompleteRequest(spec=spec), timeout=20)
        found = details(await refusal(call))
        assert "spec.sampling.top_logprobs" == found.bad.field_violations[0].field
        return
    if ask.provider == "google" and ask.engine == "litellm":
        # The library does not know that these models tell them: it says so itself.
        spec.model = MODELS[ask.provider]
        call = ask.stack.completion.Complete(pb.CompleteRequest(spec=spec), timeout=20)
        assert "UNSUPPORTED_PARAMETER" == details(await refusal(call)).error.reason
        return
    answer = await ask(spec, stream)

    assert answer.text == "".join(token.token for token in answer.raw.logprobs)
    assert {-0.25} == {token.logprob for token in answer.raw.logprobs}


@both
async def test_refusals(ask: Asked, stream: bool) -> None:
    """A model's refusal is an answer that says so, in its finish reason or in its part."""
    answer = await ask(pb.CompletionSpec(messages=[user(text("Hi."))]), stream, "+refusal")

    assert "I cannot help with that." == (answer.refusal or answer.text)
    assert ("STOP" if ask.provider == "google" else "REFUSAL") == answer.finish_reason


@both
async def test_stop_sequences_and_seed(ask: Asked, stream: bool) -> None:
    """Stop sequences reach every provider; a seed those that have one."""
    spec = pb.CompletionSpec(messages=[user(text("Hi."))])
    spec.sampling.stop.extend(["END", "STOP"])
    if ask.provider in ("openai", "google"):
        spec.sampling.seed = 424242
    await ask(spec, stream)

    assert "'END', 'STOP'" in str(ask.body)
    assert (ask.provider in ("openai", "google")) == ("424242" in str(ask.body))


@both
async def test_metadata(ask: Asked, stream: bool) -> None:
    """What the provider says beyond the contract is kept, in its own words."""
    spec = pb.CompletionSpec(messages=[user(text("Hi."))])
    answer = await ask(spec, stream, "+unknown-fields")

    kept = answer.raw.provider_metadata[ask.provider]
    assert {"x_unknown", "xUnknown"} & set(kept.fields)


@both
async def test_the_model_that_answered(ask: Asked, stream: bool) -> None:
    """What is remembered of an attempt, and told in its span, is what the caller is told."""
    records: list[Record] = []
    ask.stack.app.journal.sinks += (records.extend,)
    spec = pb.CompletionSpec(messages=[user(text("Hi."))])
    answer = await ask(spec, stream, "+tokens=3")
    await asyncio.to_thread(ask.stack.app.journal.flush)
    (attempt,) = (one.attempt for one in records if isinstance(one, AttemptRecord))

    # The adversary's directives are no part of the name by which it answers.
    assert spec.model != MODELS[ask.provider] == attempt.provider_model
    assert FinishReason.STOP is attempt.finish_reason
    told = answer.raw.provider_metadata[ask.provider]
    field = "modelVersion" if ask.provider == "google" else "model"
    assert attempt.provider_model == told.fields[field].string_value


async def test_dropped_parameters(tmp_path: Path) -> None:
    """By configuration a parameter that the provider lacks is left out, and the answer says so."""
    drop = {"AI_PROVIDER__PROVIDERS__ANTHROPIC__ON_UNSUPPORTED": "drop"}
    async with running(tmp_path, **drop) as stack:
        ask = Asked(stack, "anthropic", "native")
        spec = pb.CompletionSpec(messages=[user(text("Hi."))])
        spec.sampling.seed = 1
        answer = await ask(spec, stream=False)
        spoken = await ask(spec, stream=True)

    assert ["spec.sampling.seed"] == list(answer.raw.dropped_parameters)
    assert ["spec.sampling.seed"] == list(spoken.raw.dropped_parameters)


@both
async def test_equal_requests_are_equal_bytes(ask: Asked, stream: bool) -> None:
    """Equal requests reach the provider as equal bytes: its prompt cache depends on that."""
    spec = pb.CompletionSpec(messages=[user(text("Hi."))], tools=[weather()])
    spec.provider_options["openai"].update({"user": "u", "metadata": {"b": "1", "a": "2"}})
    bodies: set[bytes] = set()
    for _ in range(3):
        again = pb.CompletionSpec.FromString(spec.SerializeToString())
        await ask(again, stream)
        bodies.add(ask.stack.adversary.requests[-1].body)

    assert 1 == len(bodies)


async def test_count_tokens(ask: Asked) -> None:
    """A prompt can be counted, and the answer says whether the count is exact."""
    spec = pb.CompletionSpec(model=MODELS[ask.provider], messages=[user(text("Hi there."))])
    counted = await ask.stack.completion.CountTokens(pb.CountTokensRequest(spec=spec), timeout=20)

    exact = ask.engine == "native" and ask.provider in ("anthropic", "google")
    assert counted.input_tokens > 0
    assert exact == counted.exact
    assert counted.tokenizer


async def test_embeddings(ask: Asked) -> None:
    """Texts become vectors, one each, in order; a provider without embeddings says so."""
    model = EMBEDDING_MODELS.get(ask.provider, MODELS[ask.provider])
    request = model_service_pb2.EmbedRequest(model=model, inputs=["a", "b"], dimensions=4)
    if ask.provider not in EMBEDDING_MODELS:
        error = await refusal(ask.stack.model.Embed(request, timeout=20))
        assert "UNSUPPORTED_PARAMETER" == details(error).error.reason
        return
    answer = await ask.stack.model.Embed(request, timeout=20)

    assert [4, 4] == [len(embedding.values) for embedding in answer.embeddings]
    assert answer.embeddings[0].values != answer.embeddings[1].values
