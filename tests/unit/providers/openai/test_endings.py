"""How streams of the family end, and how they fail."""

from __future__ import annotations

import pytest

from service.domain.completion import (
    Ending,
    FinishReason,
    Usage,
)
from service.domain.errors import ProviderFailure
from service.domain.events import (
    PartDone,
    TextDelta,
)
from service.domain.reasons import ErrorReason
from service.providers.openai import OpenAI
from service.providers.wire import SseEvent
from tests.unit.providers.openai.answering import (
    DONE,
    USAGE,
    chunk,
    events,
    sse,
    stream_failure,
)


def test_done_without_a_finish_reason() -> None:
    """[DONE] alone does not make an answer whole."""
    assert ErrorReason.PROVIDER_RESPONSE_INVALID is stream_failure(chunk({"content": "x"})).reason


def test_answer_broken_off() -> None:
    """An answer that the provider broke off is a failure with what it cost."""
    broken = stream_failure(
        chunk({"content": "x"}, "insufficient_system_resource"), {"choices": [], "usage": USAGE}
    )

    assert (ErrorReason.PROVIDER_UNAVAILABLE, Usage(3, 2)) == (broken.reason, broken.usage)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ({"error": {"message": "no", "code": 429}}, ErrorReason.PROVIDER_RATE_LIMITED),
        ({"error": {"type": "server_error"}}, ErrorReason.PROVIDER_UNAVAILABLE),
        (
            {"error": {"code": "context_length_exceeded"}, "choices": []},
            ErrorReason.CONTEXT_WINDOW_EXCEEDED,
        ),
        ({"object": "error", "message": "no", "code": 400}, ErrorReason.INVALID_REQUEST),
        ({"error": "oops"}, ErrorReason.PROVIDER_UNAVAILABLE),
    ],
)
def test_error_inside_a_stream(error: object, reason: ErrorReason) -> None:
    """An error in the stream is that error, not a malformed event."""
    assert reason is stream_failure(chunk({"content": "x"}), error).reason


def test_error_by_the_events_name() -> None:
    """An event named `error` is one, whatever its body looks like."""
    with pytest.raises(ProviderFailure) as caught:
        OpenAI().stream_decoder().feed(SseEvent("error", b'{"message": "no", "code": "529"}'))

    assert (ErrorReason.PROVIDER_UNAVAILABLE, 529) == (
        caught.value.reason,
        caught.value.http_status,
    )


@pytest.mark.parametrize(
    "bad",
    [
        b"{",
        b"5",
        b"[]",
        b'{"choices": 5}',
        b'{"choices": [5]}',
        b'{"choices": [{"delta": 5}]}',
        b'{"choices": [{"delta": {"content": 5}}]}',
        b'{"choices": [{"delta": {"tool_calls": [{"index": "0"}]}}]}',
        b'{"choices": [{"delta": {"tool_calls": [{"index": 0}]}}]}',
        b'{"choices": [{"delta": {}, "finish_reason": 5}]}',
        b"\xff",
    ],
)
def test_malformed_events(bad: bytes) -> None:
    """An event that breaks the format is PROVIDER_RESPONSE_INVALID."""
    decoder = OpenAI().stream_decoder()
    decoder.feed(sse(chunk({"content": "x"})))

    with pytest.raises(ProviderFailure) as caught:
        decoder.feed(SseEvent("", bad))

    assert ErrorReason.PROVIDER_RESPONSE_INVALID is caught.value.reason


def test_close_of_a_framed_body() -> None:
    """Without [DONE] an answer is whole if its finish reason came and its framing is intact."""
    decoder = OpenAI().stream_decoder()
    decoder.feed(sse(chunk({"content": "x"}, "stop")))

    assert [PartDone(0), Ending(FinishReason.STOP, "stop", None, "r1")] == list(
        decoder.close(framed=True)
    )
    assert () == decoder.close(framed=True)


@pytest.mark.parametrize(
    ("finish_reason", "framed"), [("stop", False), (None, True), (None, False)]
)
def test_close_of_a_cut_body(finish_reason: str | None, *, framed: bool) -> None:
    """A body that may have been cut never ends clean."""
    decoder = OpenAI().stream_decoder()
    decoder.feed(sse(chunk({"content": "x"}, finish_reason)))

    with pytest.raises(ProviderFailure) as caught:
        decoder.close(framed=framed)

    assert ErrorReason.PROVIDER_RESPONSE_INVALID is caught.value.reason


def test_second_terminator_says_nothing() -> None:
    """What follows the ending is not part of the answer."""
    decoder = OpenAI().stream_decoder()
    decoder.feed(sse(chunk({"content": "x"}, "stop")))
    decoder.feed(DONE)

    assert () == decoder.feed(DONE)
    assert () == decoder.feed(sse(chunk({"content": "x"})))


def test_nothing_ends_before_done() -> None:
    """A finish reason alone is no ending: usage and the terminator are still to come."""
    assert [TextDelta("x")] == events(chunk({"content": "x"}), chunk({}, "stop"), done=False)
