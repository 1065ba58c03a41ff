"""Values of Gemini's answers into the domain: endings, usage, log probabilities, embeddings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from service.domain.completion import Ending, FinishReason, JsonObject, TokenLogprob, Usage
from service.domain.errors import ProviderFailure
from service.domain.provider import EmbeddingCall, Embeddings, ProviderCall, TokenCount
from service.providers.charges import tier_of
from service.providers.shape import (
    ShapeError,
    beyond,
    count,
    number,
    record,
    records,
    text,
    told_name,
)
from service.providers.wire import invalid_answer

NAME = "gemini"
OWN_ID_PREFIX = "gemini-call-"
"""Ids that are ours, for calls that Gemini gave none; they never go back to it."""
# What a wrongly shaped answer makes ordinary code raise.
SHAPE_ERRORS = (KeyError, TypeError, ValueError, AttributeError)

# The others (LANGUAGE, OTHER, MALFORMED_FUNCTION_CALL, UNEXPECTED_TOOL_CALL, TOO_MANY_TOOL_CALLS,
# MISSING_THOUGHT_SIGNATURE, NO_IMAGE, IMAGE_OTHER, and what comes after them) have no word here.
_FINISH_REASONS = {
    "STOP": FinishReason.STOP,
    "MAX_TOKENS": FinishReason.MAX_TOKENS,
    **dict.fromkeys(
        (
            "SAFETY",
            "RECITATION",
            "BLOCKLIST",
            "PROHIBITED_CONTENT",
            "SPII",
            "MODEL_ARMOR",
            "IMAGE_SAFETY",
            "IMAGE_PROHIBITED_CONTENT",
            "IMAGE_RECITATION",
        ),
        FinishReason.CONTENT_FILTER,
    ),
}
KNOWN_FIELDS = frozenset({"candidates", "usageMetadata", "responseId"})
KNOWN_CANDIDATE_FIELDS = frozenset({"content", "finishReason", "index", "logprobsResult"})
_KNOWN_USAGE = frozenset(
    {
        "promptTokenCount",
        "candidatesTokenCount",
        "totalTokenCount",
        "thoughtsTokenCount",
        "cachedContentTokenCount",
        "toolUsePromptTokenCount",
        "promptTokensDetails",
        "candidatesTokensDetails",
    }
)


def misshapen(what: str, error: Exception) -> ProviderFailure:
    """The failure for an answer that made ordinary code raise `error`."""
    why = f"{type(error).__name__}: {error!s:.120}"
    return invalid_answer(NAME, f"{what} has a wrong shape ({why})")


def ending(
    word: str, usage: Any, response_id: str, metadata: JsonObject, *, called: bool
) -> Ending:
    """`called` says whether the answer holds tool calls: Gemini calls that a STOP."""
    reason = _FINISH_REASONS.get(word, FinishReason.OTHER)
    if called and reason is FinishReason.STOP:
        reason = FinishReason.TOOL_CALLS
    fields = record(usage, "usageMetadata")
    told = {name: value for name, value in beyond(fields, _KNOWN_USAGE).items() if value != 0}
    metadata = {**metadata, "usageMetadata": told} if told else metadata
    return Ending(
        reason,
        word,
        usage_of(fields),
        response_id,
        metadata,
        provider_model=told_name(metadata.get("modelVersion")),
    )


def usage_of(usage: dict[str, Any]) -> Usage | None:
    """None when Gemini did not say. Its candidates' tokens leave out what was thought."""
    if not usage:
        return None
    prompt = _by_modality(usage, "promptTokensDetails")
    for_tools = _by_modality(usage, "toolUsePromptTokensDetails")
    cached = _by_modality(usage, "cacheTokensDetails")
    answer = _by_modality(usage, "candidatesTokensDetails")
    thoughts = _count(usage, "thoughtsTokenCount")
    return Usage(
        input_tokens=_count(usage, "promptTokenCount") + _count(usage, "toolUsePromptTokenCount"),
        output_tokens=_count(usage, "candidatesTokenCount") + thoughts,
        cache_read_input_tokens=_count(usage, "cachedContentTokenCount"),
        reasoning_output_tokens=thoughts,
        audio_input_tokens=prompt.get("AUDIO", 0) + for_tools.get("AUDIO", 0),
        audio_output_tokens=answer.get("AUDIO", 0),
        image_input_tokens=prompt.get("IMAGE", 0) + for_tools.get("IMAGE", 0),
        cache_read_audio_input_tokens=cached.get("AUDIO", 0),
        service_tier=_tier(usage),
    )


def _tier(usage: dict[str, Any]) -> str:
    """From `ON_DEMAND_PRIORITY` and its like."""
    word = text(usage.get("trafficType"), "trafficType").removeprefix("ON_DEMAND").lstrip("_")
    return tier_of(word or usage.get("serviceTier"))


def logprobs(told: Any) -> tuple[TokenLogprob, ...]:
    """Those of the tokens that were chosen, each with the likeliest in its place."""
    if not told:
        return ()
    fields = record(told, "logprobsResult")
    tops = records(fields.get("topCandidates"), "topCandidates")
    tokens: list[TokenLogprob] = []
    for index, chosen in enumerate(records(fields.get("chosenCandidates"), "chosenCandidates")):
        others = records(tops[index].get("candidates"), "candidates") if index < len(tops) else []
        tokens.append(_token(chosen, tuple(_token(other, ()) for other in others)))
    return tuple(tokens)


def embeddings(body: bytes, call: EmbeddingCall) -> Embeddings:
    """Raises ProviderFailure unless there is one vector for each input."""
    try:
        answer = record(orjson.loads(body), "the answer")
        rows = records(answer["embeddings"], "embeddings")
        if len(rows) != len(call.inputs):
            raise ShapeError(f"{len(rows)} vectors for {len(call.inputs)} inputs")
        usage = usage_of(record(answer.get("usageMetadata"), "usageMetadata"))
        return Embeddings(tuple(_vector(row["values"]) for row in rows), usage)
    except SHAPE_ERRORS as error:
        raise misshapen("its embeddings", error) from None


def token_count(body: bytes, call: ProviderCall) -> TokenCount:
    try:
        tokens = record(orjson.loads(body), "the answer").get("totalTokens")
        if tokens is None:
            raise ShapeError("it has no totalTokens")
        return TokenCount(
            count(tokens, "totalTokens"), exact=True, tokenizer=f"{NAME}:{call.model}"
        )
    except SHAPE_ERRORS as error:
        raise misshapen("its token count", error) from None


def _vector(values: Any) -> list[float]:
    if not isinstance(values, list) or not values:
        raise ShapeError("a vector is no list")
    if not all(type(value) is float or type(value) is int for value in values):
        raise ShapeError("a vector is not made of numbers")
    return values


def _by_modality(usage: dict[str, Any], name: str) -> Mapping[str, int]:
    rows = records(usage.get(name), name)
    return {text(row.get("modality"), "modality"): _count(row, "tokenCount") for row in rows}


def _count(fields: dict[str, Any], name: str) -> int:
    return count(fields.get(name), name)


def _token(entry: dict[str, Any], top: tuple[TokenLogprob, ...]) -> TokenLogprob:
    # Its JSON leaves out what is 0, and writes what is no JSON number as a word.
    told = entry.get("logProbability") or 0.0
    logprob = float("-inf") if told == "-Infinity" else number(told, "logProbability")
    return TokenLogprob(text(entry.get("token"), "token"), logprob, top=top)
