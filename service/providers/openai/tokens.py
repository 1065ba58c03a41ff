"""What an answer consumed and how likely its tokens were, in the domain's meaning."""

from __future__ import annotations

from typing import Any, cast

from service.domain.completion import JsonObject, TokenLogprob, Usage
from service.providers.charges import nano_of_usd, tier_of, usd
from service.providers.shape import (
    ShapeError,
    beyond,
    count,
    items,
    number,
    record,
    records,
    text,
)

_KNOWN_USAGE = frozenset(
    {
        "prompt_tokens",
        "completion_tokens",
        "total_tokens",
        "prompt_tokens_details",
        "completion_tokens_details",
        "prompt_cache_hit_tokens",
        "prompt_cache_miss_tokens",
    }
)
_KNOWN_DETAILS = frozenset(
    {
        "cached_tokens",
        "cache_write_tokens",
        "cache_creation_tokens",
        "audio_tokens",
        "image_tokens",
        "reasoning_tokens",
        "text_tokens",
    }
)
_TICKS = 10**10
# A token in a list of alternatives has none of its own.
_NO_TOKENS: tuple[TokenLogprob, ...] = ()


def usage_of(told: Any, service_tier: Any = None) -> Usage | None:
    """None when the provider did not say. Details that are missing count as 0.

    `service_tier` is what the answer calls it. Raises ShapeError.
    """
    usage = record(told, "usage")
    if usage.get("prompt_tokens") is None:
        return None
    prompt = record(usage.get("prompt_tokens_details"), "prompt_tokens_details")
    answer = record(usage.get("completion_tokens_details"), "completion_tokens_details")
    input_tokens = count(usage["prompt_tokens"], "prompt_tokens")
    output_tokens = count(usage.get("completion_tokens"), "completion_tokens")
    reasoning = count(answer.get("reasoning_tokens"), "reasoning_tokens")
    total = count(usage.get("total_tokens"), "total_tokens")
    if reasoning and total == input_tokens + output_tokens + reasoning:
        # Some servers (xAI's) count reasoning beside the answer; the contract counts it inside.
        output_tokens += reasoning
    cached = prompt.get("cached_tokens")
    if cached is None:
        # DeepSeek's word for it.
        cached = usage.get("prompt_cache_hit_tokens")
    written = prompt.get("cache_write_tokens")
    if written is None:
        written = prompt.get("cache_creation_tokens")
    return Usage(
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        cache_read_input_tokens=min(count(cached, "cached_tokens"), input_tokens),
        cache_write_input_tokens=min(count(written, "cache_write_tokens"), input_tokens),
        reasoning_output_tokens=min(reasoning, output_tokens),
        audio_input_tokens=count(prompt.get("audio_tokens"), "audio_tokens"),
        audio_output_tokens=count(answer.get("audio_tokens"), "audio_tokens"),
        image_input_tokens=count(prompt.get("image_tokens"), "image_tokens"),
        service_tier=tier_of(service_tier),
        reported_nano_usd=_reported(usage),
    )


def _reported(usage: dict[str, Any]) -> int | None:
    """What a compatible server says that it charges.

    OpenRouter and LiteLLM's proxy say it in USD, xAI in ticks of 10**-10 USD. With a key of one's
    own at the provider behind OpenRouter (`is_byok`) that one charges beside it.
    """
    told = usd(usage.get("cost_in_usd_ticks"), _TICKS)
    if told is not None:
        return nano_of_usd(told)
    cost = usage.get("cost")
    if isinstance(cost, dict):
        # Perplexity tells the parts, too.
        cost = _within(cost, "total_cost")
    told = usd(cost)
    if told is not None and usage.get("is_byok"):
        upstream = usd(_within(usage.get("cost_details"), "upstream_inference_cost"))
        told = None if upstream is None else told + upstream
    return None if told is None else nano_of_usd(told)


def _within(told: Any, name: str) -> Any:
    return cast("dict[str, Any]", told).get(name) if isinstance(told, dict) else None


def usage_beyond(told: Any) -> JsonObject:
    """What a usage says that the contract has no field for."""
    usage = record(told, "usage")
    extra = beyond(usage, _KNOWN_USAGE)
    for name in ("prompt_tokens_details", "completion_tokens_details"):
        details = beyond(record(usage.get(name), name), _KNOWN_DETAILS)
        told_details = {key: value for key, value in details.items() if value != 0}
        if told_details:
            extra[name] = told_details
    return extra


def logprobs(told: Any) -> tuple[TokenLogprob, ...]:
    """Those of the text, then those of a refusal. Raises ShapeError."""
    if not told:
        return _NO_TOKENS
    fields = record(told, "logprobs")
    return tuple(
        _token(entry, tuple(_token(top, _NO_TOKENS) for top in _alternatives(entry)))
        for name in ("content", "refusal")
        for entry in records(fields.get(name), f"logprobs.{name}")
    )


def _alternatives(entry: dict[str, Any]) -> list[dict[str, Any]]:
    return records(entry.get("top_logprobs"), "top_logprobs")


def _token(entry: dict[str, Any], top: tuple[TokenLogprob, ...]) -> TokenLogprob:
    token = text(entry.get("token"), "a token")
    token_bytes = _bytes(entry.get("bytes"))
    if token_bytes == token.encode():
        token_bytes = b""
    return TokenLogprob(token, number(entry.get("logprob"), "a logprob"), token_bytes, top)


def _bytes(told: Any) -> bytes:
    try:
        return bytes(items(told, "a token's bytes"))
    except (TypeError, ValueError):
        raise ShapeError("a token's bytes are no bytes") from None
