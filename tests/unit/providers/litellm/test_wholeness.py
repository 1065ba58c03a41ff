"""Whether an answer in a format that is not ours is whole."""

from __future__ import annotations

import base64
import zlib

import orjson
import pytest

from service.domain.errors import ProviderFailure
from service.domain.reasons import ErrorReason as Reason
from service.providers.litellm.wholeness import AWS_EVENT_STREAM, EVENT_STREAM, Scan, scan_of

NDJSON = "application/x-ndjson"
OPENAI = (
    b'data: {"choices":[{"delta":{"content":"a"},"finish_reason":null}]}\n\n',
    b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\n',
    b"data: [DONE]\n\n",
)
COHERE = (
    b'event: content-delta\ndata: {"type":"content-delta","delta":{"message":{"content":{}}}}\n\n',
    b'event: message-end\ndata: {"type":"message-end","delta":{"finish_reason":"COMPLETE"}}\n\n',
)
CLOUDFLARE = (b'data: {"response":"a"}\n\n', b"data: [DONE]\n\n")
REPLICATE = (b"event: output\ndata: a\n\n", b"event: done\ndata: {}\n\n")
OLLAMA = (
    b'{"message":{"content":"a"},"done":false}\n',
    b'{"message":{"content":""},"done":true,"done_reason":"stop"}\n',
)


def frame(payload: bytes, headers: bytes = b"\x05:type\x07\x00\x01x") -> bytes:
    """A message as Amazon lays it out."""
    total = 16 + len(headers) + len(payload)
    lengths = total.to_bytes(4, "big") + len(headers).to_bytes(4, "big")
    prelude = lengths + zlib.crc32(lengths).to_bytes(4, "big")
    body = prelude + headers + payload
    return body + zlib.crc32(body).to_bytes(4, "big")


def packed(value: object) -> bytes:
    """A payload as a model speaks it that Amazon only hosts."""
    return frame(orjson.dumps({"bytes": base64.b64encode(orjson.dumps(value)).decode()}))


CONVERSE = (
    frame(b'{"contentBlockIndex":0,"delta":{"text":"a"}}'),
    frame(b'{"stopReason":"end_turn"}'),
)
INVOKE = (packed({"generation": "a", "stop_reason": None}), packed({"stop_reason": "length"}))

FORMATS = {
    "openai": (EVENT_STREAM, OPENAI),
    "cohere": (EVENT_STREAM, COHERE),
    "cloudflare": (EVENT_STREAM, CLOUDFLARE),
    "replicate": (EVENT_STREAM, REPLICATE),
    "ollama": (NDJSON, OLLAMA),
    "ollama, typed as JSON": ("application/json", OLLAMA),
    "bedrock converse": (AWS_EVENT_STREAM, CONVERSE),
    "bedrock invoke": (AWS_EVENT_STREAM, INVOKE),
}


def scan(content_type: str, *, stream: bool = True) -> Scan:
    return scan_of("acme", content_type, stream=stream, event_bytes_max=1000)


def whole_after(content_type: str, body: bytes, *, stream: bool = True) -> bool:
    seen = scan(content_type, stream=stream)
    seen.feed(body)
    seen.close()
    return seen.whole


@pytest.mark.parametrize("name", FORMATS)
def test_ends_are_seen(name: str) -> None:
    """A stream is whole with its closing event, before the body ends, and not without it."""
    content_type, pieces = FORMATS[name]
    seen = scan(content_type)
    for byte in b"".join(pieces):
        seen.feed(bytes([byte]))

    assert seen.whole
    assert not whole_after(content_type, pieces[0])


@pytest.mark.parametrize("name", FORMATS)
def test_cuts_are_seen(name: str) -> None:
    """A body that stops before its last event is whole at no byte."""
    content_type, pieces = FORMATS[name]
    until = len(b"".join(pieces[:-1])) if name != "openai" else len(pieces[0])
    body = b"".join(pieces)
    passed: list[int] = []
    for size in range(until):
        try:
            if whole_after(content_type, body[:size]):
                passed.append(size)
        except ProviderFailure as failure:
            assert Reason.PROVIDER_RESPONSE_INVALID is failure.reason  # noqa: PT017

    assert [] == passed


def test_a_terminator_alone_is_no_end() -> None:
    """Where events have a field for the reason, `[DONE]` without one is a gateway's, and no end."""
    assert not whole_after(EVENT_STREAM, OPENAI[0] + OPENAI[2])


def test_what_a_model_says_is_no_end() -> None:
    """A model's own words and arguments are never taken for the provider's."""
    words = orjson.dumps({"message": {"content": '{"done":true}', "tool_calls": [{"done": True}]}})
    arguments = orjson.dumps({"candidates": [{"content": {"parts": [{"finishReason": "STOP"}]}}]})

    assert not whole_after(NDJSON, words + b"\n" + words)
    assert not whole_after(EVENT_STREAM, b"data: " + arguments + b"\n\n")


def test_documents() -> None:
    """One JSON document is whole by its grammar, over several lines too; a cut one never is."""
    assert whole_after("application/json", b'{"a":\n 1}', stream=False)
    assert whole_after("application/json", b'[{"a":\n 1}]\n')
    assert not whole_after("application/json", b'{"finish_reason": null}', stream=False)
    for cut in (b'{"a":', b'[{"a":\n 1}'):
        with pytest.raises(ProviderFailure, match="not JSON"):
            whole_after("application/json", cut)


@pytest.mark.parametrize(
    ("content_type", "body", "words"),
    [
        (EVENT_STREAM, OPENAI[0] + b"data: {oops\n\n", "not JSON"),
        (EVENT_STREAM, b"data: " + b"x" * 2000, "more than 1000 bytes"),
        (AWS_EVENT_STREAM, b"\x00" * 12, "checksum"),
        (AWS_EVENT_STREAM, frame(b"x" * 2000), "more than 1000 bytes"),
        (AWS_EVENT_STREAM, CONVERSE[0][:-1], "cut short"),
    ],
)
def test_broken_framing(content_type: str, body: bytes, words: str) -> None:
    """What a library would skip is a failure."""
    with pytest.raises(ProviderFailure, match=words) as caught:
        whole_after(content_type, body)

    assert Reason.PROVIDER_RESPONSE_INVALID is caught.value.reason


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (b'{"error":{"code":429,"message":"slow down"}}', Reason.PROVIDER_RATE_LIMITED),
        (b'{"error":{"code":"oops","message":"slow down"}}', Reason.PROVIDER_UNAVAILABLE),
        (b'{"error":"slow down"}', Reason.PROVIDER_UNAVAILABLE),
        (b'{"type":"error","error":{"message":"slow down"}}', Reason.PROVIDER_UNAVAILABLE),
    ],
)
def test_errors_within_an_answer(error: bytes, reason: Reason) -> None:
    """An error that comes after a status of success is a failure, by its own code if it has one."""
    for body in (b"data: " + error + b"\n\n", error + b"\n"):
        with pytest.raises(ProviderFailure, match="slow down") as caught:
            whole_after(EVENT_STREAM if body.startswith(b"data") else NDJSON, body)

        assert reason is caught.value.reason


def test_a_page_is_no_answer() -> None:
    """What proxies say in HTML is refused by its type."""
    with pytest.raises(ProviderFailure, match="text/html"):
        scan("text/html")
