"""Answers in each family's format: what they hold, how they are framed, what is left out."""

from __future__ import annotations

import pytest

from service.adversary.answers import Answer, family_of
from tests.kit import asking
from tests.kit.asking import answered, families, streams

OPENAI_MARKS = {"usage": b'"usage":{', "finish": b'"finish_reason":"', "done": b"data: [DONE]"}
MARKS: dict[str, dict[str, bytes]] = {
    "openai": OPENAI_MARKS,
    "deepseek": OPENAI_MARKS,
    "anthropic": {
        "usage": b'"usage":{',
        "finish": b'"stop_reason":"',
        "done": b'"type":"message_stop"',
    },
    "gemini": {"usage": b'"usageMetadata":', "finish": b'"finishReason":"', "done": b"[DONE]"},
}
REASONS = {
    "openai": {"stop": "stop", "length": "length", "content_filter": "content_filter"},
    "anthropic": {"stop": "end_turn", "length": "max_tokens", "content_filter": "refusal"},
    "gemini": {"stop": "STOP", "length": "MAX_TOKENS", "content_filter": "SAFETY"},
}
REASONS["deepseek"] = REASONS["openai"]
CACHED = {
    "openai": b'"cached_tokens":60',
    "deepseek": b'"prompt_cache_hit_tokens":60',
    "anthropic": b'"cache_read_input_tokens":60',
    "gemini": b'"cachedContentTokenCount":60',
}


def counts(family: str, told: Answer) -> dict[str, int]:
    """How often an answer tells its usage, its finish reason, and that it is done."""
    whole = b"".join(told.pieces)
    return {name: whole.count(mark) for name, mark in MARKS[family].items()}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/openai/v1/chat/completions", ("openai", "/v1/chat/completions")),
        ("/deepseek/v1/chat/completions", ("deepseek", "/v1/chat/completions")),
        ("/v1/messages/count_tokens", ("anthropic", "/v1/messages/count_tokens")),
        ("/v1beta/models/g:countTokens", ("gemini", "/v1beta/models/g:countTokens")),
        ("/v1/chat/completions", ("openai", "/v1/chat/completions")),
    ],
)
def test_family_of(path: str, expected: tuple[str, str]) -> None:
    """A family is known by the prefix that `url` gives, or by its own path."""
    assert expected == family_of(path)


@families
@streams
@pytest.mark.parametrize("directives", ["", "+reasoning", "+unknown-fields"])
def test_the_text(family: str, stream: bool, directives: str) -> None:
    """Whole or streamed, with more around it or not, the text is the same."""
    told = answered(family, directives, stream=stream)

    assert f"Hello from {family}: you said 'hi'." == asking.text_of(family, told)
    assert ("reasoning" in directives) == (b"think." in b"".join(told.pieces))
    assert ("unknown" in directives) == (b"nknown" in b"".join(told.pieces))
    assert 200 == told.status


@families
@streams
def test_rich_usage(family: str, stream: bool) -> None:
    """Rich usage tells of tokens that came from a cache, in the family's field."""
    told = answered(family, "+usage=rich", stream=stream)

    assert CACHED[family] in b"".join(told.pieces)


@families
def test_a_stream_is_events(family: str) -> None:
    """Each piece of a stream is one event; its end of line and its name are the family's."""
    told = answered(family, "+reasoning+tokens=3", stream=True)
    end = b"\r\n\r\n" if family == "gemini" else b"\n\n"

    assert "text/event-stream" == told.content_type
    assert all(piece.endswith(end) and 1 == piece.count(end) for piece in told.pieces)
    if family == "anthropic":
        named = [piece.split(b"\n")[0].decode() for piece in told.pieces]
        assert [f"event: {data['type']}" for data in asking.payloads(told)] == named


@families
@streams
@pytest.mark.parametrize("gone", ["usage", "finish", "done"])
def test_missing(family: str, stream: bool, gone: str) -> None:
    """What is missing is not there, and the rest is."""
    fine = counts(family, answered(family, stream=stream))
    told = answered(family, f"+missing={gone}", stream=stream)

    assert {**fine, gone: 0} == counts(family, told)
    assert 1 == fine["finish"] <= fine["usage"]


@pytest.mark.parametrize(
    ("family", "twice", "expected"),
    [
        ("openai", "done", {"done": 1}),
        ("openai", "finish", {"finish": 1}),
        ("anthropic", "done", {"done": 1}),
        ("anthropic", "finish", {"finish": 1, "usage": 1}),
        # Gemini has no end but its last chunk.
        ("gemini", "done", {"finish": 1, "usage": 1}),
        ("gemini", "finish", {"finish": 1, "usage": 1}),
    ],
)
def test_duplicate(family: str, twice: str, expected: dict[str, int]) -> None:
    """What is said twice is one more event, the same to the byte."""
    fine = answered(family, stream=True)
    told = answered(family, f"+duplicate={twice}", stream=True)
    more = {
        name: count - counts(family, fine)[name] for name, count in counts(family, told).items()
    }

    assert {"usage": 0, "finish": 0, "done": 0, **expected} == more
    assert len(fine.pieces) + 1 == len(told.pieces)
    assert set(fine.pieces) == set(told.pieces)


@families
@streams
@pytest.mark.parametrize("reason", ["stop", "length", "content_filter", "odd"])
def test_finish(family: str, stream: bool, reason: str) -> None:
    """`finish` is told in the family's word; a word that it does not know is told as it is."""
    told = b"".join(answered(family, f"+finish={reason}", stream=stream).pieces)
    mark = MARKS[family]["finish"]

    assert 1 == told.count(mark + REASONS[family].get(reason, reason).encode() + b'"')


@families
@streams
def test_tools(family: str, stream: bool) -> None:
    """`tools=N` calls the request's tools so often, and says nothing."""
    told = answered(family, "+tools=2", stream=stream, **asking.TOOLS[family])

    assert [("f", {"city": "text"})] * 2 == asking.calls_of(family, told)
    assert "" == asking.text_of(family, told)


@streams
def test_redacted_thinking(stream: bool) -> None:
    """Anthropic's thoughts may come redacted, as a block of their own."""
    told = b"".join(answered("anthropic", "+redacted-thinking", stream=stream).pieces)

    assert 1 == told.count(b'{"type":"redacted_thinking","data":"b3BhcXVl"}')


@families
@streams
def test_refusal(family: str, stream: bool) -> None:
    """A refusal is told in the family's way: a field, a stop reason, or plain text."""
    told = answered(family, "+refusal", stream=stream)
    heard = asking.text_of(family, told)
    field = b'"refusal":"' in b"".join(told.pieces)
    stop_reason = b'"stop_reason":"refusal"' in b"".join(told.pieces)

    assert (family in ("openai", "deepseek")) == field == (not heard)
    assert (family == "anthropic") == stop_reason
    assert heard in ("", "I cannot help with that.")


@families
@streams
@pytest.mark.parametrize(
    ("directives", "holds"),
    [
        ("malformed=sse", b"this is no event"),
        ("malformed=json", b'{"choices": [}'),
        ("malformed=utf8", b'"\xff\xfe'),
        ("truncate-json", b""),
        ("shape=wrong", b'"choices": 7'),
    ],
)
def test_broken_bytes(family: str, stream: bool, directives: str, holds: bytes) -> None:
    """A broken body cannot be read as the family's, and a stream breaks after a good beginning."""
    fine = answered(family, stream=stream)
    told = answered(family, f"+{directives}", stream=stream)

    assert holds in b"".join(told.pieces)
    with pytest.raises((ValueError, KeyError, TypeError, AttributeError)):
        asking.text_of(family, told)
    if stream and not directives.startswith("shape"):
        assert fine.pieces[:3] == told.pieces[:3]


@families
def test_error_midstream(family: str) -> None:
    """The family's error event comes after a few deltas, and nothing follows it."""
    fine = answered(family, stream=True)
    told = answered(family, "+error-midstream", stream=True)

    assert fine.pieces[:5] == told.pieces[:-1]
    assert "error" in asking.payloads(told)[-1]
