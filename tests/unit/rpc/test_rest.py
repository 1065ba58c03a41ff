"""What is written by hand is what protobuf makes of the same."""

from __future__ import annotations

import string

from aiprovider.v1 import completion_service_pb2 as pb
from hypothesis import given
from hypothesis import strategies as st

from service.domain.cache_note import ASKED, CacheNote, CacheStatus
from service.domain.provider import ModelRef
from service.pipeline.told import Whole
from service.rpc import encode
from service.rpc.rest import hit_rest, varint
from service.rpc.values import duration

seconds = st.floats(0.0, 1e6) | st.just(0.0)
notes = st.builds(
    CacheNote,
    st.sampled_from([status for status in CacheStatus if status not in ASKED]),
    st.binary(min_size=32, max_size=32) | st.just(b""),
    seconds,
)


@given(
    st.text(string.printable, max_size=128),
    notes,
    st.none() | st.integers(0, 2**62),
    seconds,
    seconds,
)
def test_the_rest_of_a_hit(
    request_id: str, note: CacheNote, saved: int | None, cache_s: float, edge_s: float
) -> None:
    """The bytes are those of the message, and the two parts of the time are the whole of it."""
    answer = Whole(b"", ModelRef("p", "m"), note, None, saved)
    total_s = cache_s + edge_s
    written = hit_rest(request_id, note, saved, total_s, cache_s)
    told = pb.CompleteResponse.FromString(written)
    timing = pb.Timing(
        total_duration=duration(total_s),
        cache_duration=duration(cache_s),
        serialise_duration=told.timing.serialise_duration,
    )
    expected = encode.whole_rest(answer, request_id, timing, 0.0)

    assert pb.CompleteResponse.FromString(expected) == told
    parts = (told.timing.cache_duration, told.timing.serialise_duration)
    assert told.timing.total_duration.ToNanoseconds() == sum(p.ToNanoseconds() for p in parts)

    assert pb.CompleteResponse.FromString(expected) == pb.CompleteResponse.FromString(written)


@given(st.integers(0, 2**62))
def test_numbers(value: int) -> None:
    """A number is written as protobuf writes it."""
    event = pb.StreamCompleteResponse(sequence=value)

    assert event.SerializeToString() == (b"\x78" + varint(value) if value else b"")
