"""Server-sent events out of bytes."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.errors import ProviderFailure
from service.providers.sse import SseReader
from service.providers.wire import SseEvent

BODY = (
    "\ufeff: a comment\n\n"
    "data: one\n\n"
    "event: named\ndata: two\ndata: lines\nid: 7\nretry: 5\n\n"
    "data:no space\n\n\n\n"
    "event: nothing said\n\n"
    "data: é\n\n"
).encode()
EVENTS = [
    SseEvent("", b"one"),
    SseEvent("named", b"two\nlines"),
    SseEvent("", b"no space"),
    SseEvent("", "é".encode()),
]


def read(
    pieces: list[bytes], *, framed: bool = True, event_bytes_max: int = 1000
) -> list[SseEvent]:
    reader = SseReader("test", event_bytes_max)
    events = [event for piece in pieces for event in reader.feed(piece)]
    return events + reader.finish(framed=framed)


@given(
    cuts=st.lists(st.integers(0, len(BODY)), max_size=12),
    line_end=st.sampled_from([b"\n", b"\r\n", b"\r"]),
)
def test_the_chunking_changes_nothing(cuts: list[int], line_end: bytes) -> None:
    """However the bytes are cut, and however lines end, the events are the same."""
    body = BODY.replace(b"\n", line_end)
    edges = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    pieces = [body[a:b] for a, b in itertools.pairwise(edges)]

    assert EVENTS == read(pieces)


def test_every_single_byte() -> None:
    """A body that drips byte by byte with CRLF gives the same events."""
    body = BODY.replace(b"\n", b"\r\n")

    assert EVENTS == read([body[i : i + 1] for i in range(len(body))])


@pytest.mark.parametrize(("framed", "expected"), [(True, [SseEvent("", b"x")]), (False, [])])
def test_an_unfinished_event(framed: bool, expected: list[SseEvent]) -> None:
    """An event without its blank line counts only if the body is known to be whole."""
    assert expected == read([b"data: x"], framed=framed)


@pytest.mark.parametrize(
    "pieces",
    [
        [b"data: " + b"x" * 2000 + b"\n\n"],
        [b"data: " + b"x" * 600, b"x" * 600],
        [b"data: x\n"] * 200,
    ],
)
def test_an_event_is_bounded(pieces: list[bytes]) -> None:
    """An event beyond the bound is a typed failure, whether it comes at once or never ends."""
    with pytest.raises(ProviderFailure, match="more than 1000 bytes"):
        read(pieces)
