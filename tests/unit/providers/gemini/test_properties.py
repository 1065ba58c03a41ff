"""What holds for every answer of the family, and for every damage done to one."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from service.domain.errors import ProviderFailure
from service.domain.events import fold
from service.providers.gemini import Gemini
from service.providers.wire import SseEvent
from tests.unit.providers.gemini.answering import chunk, completion, events, golden_events

SIGNATURES = st.sampled_from(["", "/w==", "AQI="])
PARTS = st.lists(
    st.one_of(
        st.fixed_dictionaries(
            {"text": st.text(max_size=9)},
            optional={"thought": st.booleans(), "thoughtSignature": SIGNATURES},
        ),
        st.fixed_dictionaries(
            {
                "functionCall": st.fixed_dictionaries(
                    {"name": st.text(min_size=1, max_size=5)},
                    optional={"args": st.dictionaries(st.text(max_size=3), st.integers(-9, 9))},
                )
            },
            optional={"thoughtSignature": SIGNATURES},
        ),
        st.fixed_dictionaries({"executableCode": st.dictionaries(st.text(max_size=3), st.none())}),
    ),
    max_size=6,
)


@given(PARTS, st.sampled_from(["STOP", "MAX_TOKENS", "NEW"]))
def test_a_stream_folds_into_the_whole_answer(parts: list[Any], word: str) -> None:
    """The same answer, in one chunk or in one for each part, is the same value."""
    streamed = events(*(chunk(part) for part in parts), chunk(finish=word))

    assert completion(chunk(*parts, finish=word)) == fold(streamed)


@given(st.data())
def test_any_damage(data: st.DataObject) -> None:
    """Whatever bytes arrive, wherever, it is an answer or a ProviderFailure."""
    told = list(golden_events(data.draw(st.sampled_from(["text", "tools", "media"]))))
    place = data.draw(st.integers(0, len(told) - 1))
    written = told[place].data
    cut = data.draw(st.integers(0, len(written)))
    damage = data.draw(st.binary(max_size=9))
    told[place] = SseEvent("", written[:cut] + damage + written[cut + 1 :])
    decoder = Gemini().stream_decoder()
    with suppress(ProviderFailure):
        for one in told:
            decoder.feed(one)
        decoder.close(framed=True)


JSON = st.recursive(
    st.sampled_from([None, True, 0, -1, 0.5, "", "x"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["text", "type", "parts"]), inner, max_size=2)
    ),
    max_leaves=4,
)
FIELDS = ("candidates", "usageMetadata", "promptFeedback", "responseId", "error", "text", "parts")


@given(
    st.dictionaries(st.sampled_from(FIELDS), JSON),
    st.dictionaries(st.sampled_from(["content", "finishReason", "index", "logprobsResult"]), JSON),
    st.dictionaries(
        st.sampled_from(["text", "thought", "thoughtSignature", "functionCall", "inlineData"]), JSON
    ),
)
def test_any_json(top: dict[str, Any], candidate: dict[str, Any], part: dict[str, Any]) -> None:
    """Whatever the fields hold, it is an answer or a ProviderFailure."""
    told = [chunk({"text": "a"}), chunk(part, **candidate), {**chunk({"text": "b"}), **top}]
    with suppress(ProviderFailure):
        events(*told, chunk(finish="STOP"))


@given(st.binary(max_size=40))
def test_any_bytes(body: bytes) -> None:
    """No bytes make anything but a ProviderFailure."""
    with suppress(ProviderFailure):
        Gemini().completion(body)


@given(st.integers(300, 599), st.binary(max_size=30) | JSON.map(orjson.dumps))
def test_any_error_body(status: int, body: bytes) -> None:
    """Whatever the body of an error is, it is told as a failure."""
    assert status == Gemini().failure(status, body).http_status


@given(
    st.dictionaries(st.sampled_from(["code", "status", "message", "details", "reason"]), JSON),
    st.lists(st.dictionaries(st.sampled_from(["violations", "metadata", "retryDelay"]), JSON)),
)
def test_any_error(error: dict[str, Any], details: list[Any]) -> None:
    """Whatever an error holds, it is told as a failure with a message."""
    body = orjson.dumps([{"error": {"details": details, **error}}])

    assert Gemini().failure(429, body).message.startswith("gemini: ")
