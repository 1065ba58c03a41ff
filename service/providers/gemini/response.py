"""Values of Gemini's answers into the domain: endings, usage, log probabilities, embeddings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from service.domain.completion import Ending, FinishReason, JsonObject, TokenLogprob, Usage
from service.domain.provider import EmbeddingCall, Embeddings, ProviderCall, TokenCount
from service.providers.wire import invalid_answer

NAME = "gemini"
OWN_ID_PREFIX = "gemini-call-"
"""Ids that are ours, for calls that Gemini gave none; they never go back to it."""
# What a wrongly shaped answer makes ordinary code raise.
SHAPE_ERRORS = (KeyError, TypeError, ValueError, IndexError, AttributeError)

_FINISH_REASONS = {
    "STOP": FinishReason.STOP,
    "MAX_TOKENS": FinishReason.MAX_TOKENS,
    "SAFETY": FinishReason.CONTENT_FILTER,
    "RECITATION": FinishReason.CONTENT_FILTER,
    "BLOCKLIST": FinishReason.CONTENT_FILTER,
    "PROHIBITED_CONTENT": FinishReason.CONTENT_FILTER,
    "SPII": FinishReason.CONTENT_FILTER,
    "IMAGE_SAFETY": FinishReason.CONTENT_FILTER,
    "IMAGE_PROHIBITED_CONTENT": FinishReason.CONTENT_FILTER,
}
KNOWN_FIELDS = frozenset({"candidates", "usageMetadata", "promptFeedback", "responseId", "error"})
KNOWN_CANDIDATE_FIELDS = frozenset({"content", "finishReason", "index", "logprobsResult"})


def ending(word: str, usage: Any, response_id: str, extra: JsonObject, *, called: bool) -> Ending:
    """`called` says whether the answer holds tool calls: Gemini calls that a STOP."""
    reason = _FINISH_REASONS.get(word, FinishReason.OTHER)
    if called and reason is FinishReason.STOP:
        reason = FinishReason.TOOL_CALLS
    return Ending(reason, word, usage_of(usage), response_id, extra)


def usage_of(usage: Any) -> Usage | None:
    """None when Gemini did not say. Its candidates' tokens leave out what was thought."""
    if not usage:
        return None
    prompt = _by_modality(usage.get("promptTokensDetails"))
    answer = _by_modality(usage.get("candidatesTokensDetails"))
    thoughts = count(usage.get("thoughtsTokenCount"))
    return Usage(
        input_tokens=count(usage.get("promptTokenCount"))
        + count(usage.get("toolUsePromptTokenCount")),
        output_tokens=count(usage.get("candidatesTokenCount")) + thoughts,
        cache_read_input_tokens=count(usage.get("cachedContentTokenCount")),
        reasoning_output_tokens=thoughts,
        audio_input_tokens=prompt.get("AUDIO", 0),
        audio_output_tokens=answer.get("AUDIO", 0),
        image_input_tokens=prompt.get("IMAGE", 0),
    )


def logprobs(told: Any) -> tuple[TokenLogprob, ...]:
    if not told:
        return ()
    tops = told.get("topCandidates") or []
    tokens: list[TokenLogprob] = []
    for index, chosen in enumerate(told.get("chosenCandidates") or []):
        others = tops[index].get("candidates") or [] if index < len(tops) else []
        tokens.append(_token(chosen, tuple(_token(other, ()) for other in others)))
    return tuple(tokens)


def embeddings(body: bytes, call: EmbeddingCall) -> Embeddings:
    """Raises ProviderFailure unless there is one vector for each input."""
    try:
        vectors = tuple(row["values"] for row in orjson.loads(body)["embeddings"])
        if len(vectors) != len(call.inputs):
            raise ValueError(f"{len(vectors)} vectors for {len(call.inputs)} inputs")
        for vector in vectors:
            if not vector or not all(isinstance(number, float | int) for number in vector):
                raise TypeError("a vector is not a list of numbers")
    except SHAPE_ERRORS as error:
        raise invalid_answer(NAME, f"its embeddings have a wrong shape ({error})") from error
    return Embeddings(vectors)


def token_count(body: bytes, call: ProviderCall) -> TokenCount:
    try:
        tokens = count(orjson.loads(body)["totalTokens"])
    except SHAPE_ERRORS as error:
        raise invalid_answer(NAME, f"its token count has a wrong shape ({error})") from error
    return TokenCount(tokens, exact=True, tokenizer=f"{NAME}:{call.model}")


def text(value: Any) -> str:
    """`value` if it is a string. Raises TypeError."""
    if not isinstance(value, str):
        raise TypeError(f"{type(value).__name__} where a string belongs")
    return value


def count(value: Any) -> int:
    """`value` if it is a number of tokens; missing ones count as 0. Raises TypeError."""
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise TypeError("a token count is not a number of tokens")
    return value


def _by_modality(details: Any) -> Mapping[str, int]:
    return {text(row["modality"]): count(row.get("tokenCount")) for row in details or ()}


def _token(entry: Any, top: tuple[TokenLogprob, ...]) -> TokenLogprob:
    return TokenLogprob(text(entry["token"]), float(entry["logProbability"]), top=top)
