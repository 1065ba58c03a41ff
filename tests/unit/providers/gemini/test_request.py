"""What surrounds the messages: tools, formats, options, other endpoints."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from service.domain.completion import (
    FunctionTool,
    JsonObjectFormat,
    JsonSchemaFormat,
    ProviderTool,
    Sampling,
    ToolChoice,
    ToolMode,
)
from service.domain.errors import ProviderFailure
from service.domain.provider import EmbeddingCall, Embeddings, TokenCount
from service.domain.reasons import ErrorReason as Reason
from service.providers.gemini import Gemini
from tests.unit.providers.gemini.asking import body, call, config, refused

TOOLS = (FunctionTool("f"),)


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (ToolChoice(), {"mode": "AUTO"}),
        (ToolChoice(ToolMode.NONE), {"mode": "NONE"}),
        (ToolChoice(ToolMode.REQUIRED), {"mode": "ANY"}),
        (ToolChoice(function_name="f"), {"mode": "ANY", "allowedFunctionNames": ["f"]}),
    ],
)
def test_tool_choice(choice: ToolChoice, expected: Any) -> None:
    """Each mode has its word."""
    sent = body(tools=TOOLS, tool_choice=choice)

    assert {"functionCallingConfig": expected} == sent["toolConfig"]


@pytest.mark.parametrize("tools", [(), (ProviderTool("gemini", {"googleSearch": {}}),)])
def test_tool_choice_without_functions(tools: Any) -> None:
    """A choice that means nothing is left out."""
    assert "toolConfig" not in body(tools=tools, tool_choice=ToolChoice())


@pytest.mark.parametrize(
    ("fields", "reason", "field"),
    [
        (
            {"tools": (FunctionTool("f", parameters_json_schema="{"),)},
            Reason.INVALID_REQUEST,
            "spec.tools[0].function.parameters_json_schema",
        ),
        (
            {"tools": (FunctionTool("f", strict=True),)},
            Reason.UNSUPPORTED_PARAMETER,
            "spec.tools[0].function.strict",
        ),
        (
            {"tools": (*TOOLS, ProviderTool("openai", {}))},
            Reason.UNSUPPORTED_PARAMETER,
            "spec.tools[1].provider_tool",
        ),
        (
            {"tools": TOOLS, "tool_choice": ToolChoice(disable_parallel=True)},
            Reason.UNSUPPORTED_PARAMETER,
            "spec.tool_choice.disable_parallel",
        ),
        (
            {"output_format": JsonSchemaFormat("[]")},
            Reason.INVALID_REQUEST,
            "spec.output_format.json_schema.schema_json",
        ),
        (
            {"sampling": Sampling(top_p=float("nan"))},
            Reason.INVALID_REQUEST,
            "spec.sampling.top_p",
        ),
        (
            {"provider_options": {"gemini": {"a": {"b": float("inf")}}}},
            Reason.INVALID_REQUEST,
            "spec.provider_options['gemini'].a.b",
        ),
    ],
)
def test_refused_fields(fields: Any, reason: Reason, field: str) -> None:
    """What cannot be sent is refused by its path."""
    failure = refused(**fields)

    assert (reason, field) == (failure.reason, failure.field)


def test_json_without_a_schema() -> None:
    """Any JSON object is a media type alone."""
    assert {"responseMimeType": "application/json"} == config(output_format=JsonObjectFormat())


def test_provider_options() -> None:
    """Options are laid over the body last; objects are merged, all else is replaced."""
    options = {"generationConfig": {"candidateCount": 1, "topK": 2}, "cachedContent": "c"}
    sent = body(sampling=Sampling(top_p=0.5, top_k=9), provider_options={"gemini": options})

    assert {"topP": 0.5, "topK": 2, "candidateCount": 1} == sent["generationConfig"]
    assert "c" == sent["cachedContent"]


@pytest.mark.parametrize(
    ("model", "stream", "path"),
    [
        ("gemini-x", False, "/models/gemini-x:generateContent"),
        ("models/gemini-x", True, "/models/gemini-x:streamGenerateContent?alt=sse"),
        ("tunedModels/mine", False, "/tunedModels/mine:generateContent"),
        ("a/../b?c", False, "/models/a%2F..%2Fb%3Fc:generateContent"),
    ],
)
def test_paths(model: str, stream: bool, path: str) -> None:
    """The model stands in the path, and cannot leave its place."""
    assert path == Gemini().completion_request(call(model=model), stream=stream).path


def test_counting() -> None:
    """The endpoint that counts takes the whole request and the model's full name."""
    asked = call(tools=TOOLS, model="gemini-x")
    sent = Gemini().count_request(asked)

    assert sent is not None
    counted = orjson.loads(sent.body)["generateContentRequest"]
    assert ("/models/gemini-x:countTokens", "models/gemini-x") == (sent.path, counted["model"])
    assert ["model", "contents", "tools"] == list(counted)
    assert TokenCount(31, exact=True, tokenizer="gemini:gemini-x") == Gemini().token_count(
        b'{"totalTokens":31,"promptTokensDetails":[]}', asked
    )


def test_embedding() -> None:
    """Each input becomes one request of a batch; each answer one vector."""
    asked = EmbeddingCall("gemini-embedding-001", ("a", "b"), 2)
    sent = Gemini().embedding_request(asked)
    answer = b'{"embeddings":[{"values":[1,0.5]},{"values":[0,-1]}],"usageMetadata":%b}'

    one = {"model": "models/gemini-embedding-001", "outputDimensionality": 2}
    assert "/models/gemini-embedding-001:batchEmbedContents" == sent.path
    assert [{**one, "content": {"parts": [{"text": text}]}} for text in ("a", "b")] == orjson.loads(
        sent.body
    )["requests"]
    assert Embeddings(([1, 0.5], [0, -1])) == Gemini().embeddings(answer % b"null", asked)
    told = Gemini().embeddings(answer % b'{"promptTokenCount":4}', asked).usage
    assert told is not None
    assert 4 == told.input_tokens


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"embeddings":[]}',
        b'{"embeddings":[{"values":[]},{"values":[1]}]}',
        b'{"embeddings":[{"values":[1]},{"values":["1"]}]}',
        b'{"embeddings":[{"values":[1]},{"values":[true]}]}',
        b'{"embeddings":[{"values":[1]},5]}',
    ],
)
def test_wrong_vectors(body: bytes) -> None:
    """One vector of numbers for each input, or a failure."""
    with pytest.raises(ProviderFailure) as caught:
        Gemini().embeddings(body, EmbeddingCall("m", ("a", "b")))

    assert Reason.PROVIDER_RESPONSE_INVALID is caught.value.reason


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"totalTokens":-1}', b"\xff"])
def test_miscounts(body: bytes) -> None:
    """An answer that does not count is a failure."""
    with pytest.raises(ProviderFailure) as caught:
        Gemini().token_count(body, call())

    assert Reason.PROVIDER_RESPONSE_INVALID is caught.value.reason


def test_credentials() -> None:
    """The key travels in a header, never in the path."""
    assert {"x-goog-api-key": "k"} == Gemini().auth_headers("k")
