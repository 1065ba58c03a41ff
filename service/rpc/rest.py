"""What one request adds to an answer from memory, in the words of the wire.

Written by hand: most requests end here, and a message for each part of it costs as much as all the
rest of a hit. The tests hold it against what protobuf itself makes of the same.
"""

from __future__ import annotations

from aiprovider.v1 import completion_service_pb2 as pb
from aiprovider.v1 import routing_pb2, usage_pb2
from google.protobuf import duration_pb2

from service.domain.cache_note import CacheNote
from service.rpc.encode import STATUSES

_VARINT, _BYTES = 0, 2
_Response, _Info, _Cost = pb.CompleteResponse, routing_pb2.CacheInfo, usage_pb2.Cost


def varint(value: int) -> bytes:
    if value < 0x80:
        return _SHORT[value]
    if value < 0x4000:
        return bytes((value & 0x7F | 0x80, value >> 7))
    if value < 0x200000:
        return bytes((value & 0x7F | 0x80, value >> 7 & 0x7F | 0x80, value >> 14))
    digits = bytearray()
    while value > 0x7F:
        digits.append(value & 0x7F | 0x80)
        value >>= 7
    digits.append(value)
    return bytes(digits)


def tag(number: int, kind: int) -> bytes:
    return varint(number << 3 | kind)


def _inner(number: int) -> tuple[bytes, ...]:
    """What stands before an inner message, by its length of less than 128."""
    return tuple(tag(number, _BYTES) + varint(length) for length in range(0x80))


_SHORT = tuple(bytes([value]) for value in range(0x80))
_ID = tag(_Response.ID_FIELD_NUMBER, _BYTES)
_CACHE = _inner(_Response.CACHE_FIELD_NUMBER)
_TIMING = _inner(_Response.TIMING_FIELD_NUMBER)
_COST = _inner(_Response.COST_FIELD_NUMBER)
_TOTAL = _inner(pb.Timing.TOTAL_DURATION_FIELD_NUMBER)
_CACHED = _inner(pb.Timing.CACHE_DURATION_FIELD_NUMBER)
_EDGE = _inner(pb.Timing.SERIALISE_DURATION_FIELD_NUMBER)
_AGE = _inner(_Info.AGE_FIELD_NUMBER)
_KEY = _inner(_Info.KEY_FIELD_NUMBER)
_SAVED = tag(_Cost.SAVED_NANO_USD_FIELD_NUMBER, _VARINT)
_SECONDS = tag(duration_pb2.Duration.SECONDS_FIELD_NUMBER, _VARINT)
_NANOS = tag(duration_pb2.Duration.NANOS_FIELD_NUMBER, _VARINT)
_STATUS_TAG = tag(_Info.STATUS_FIELD_NUMBER, _VARINT)
_STATUS = {status: _STATUS_TAG + varint(number) for status, number in STATUSES.items()}
_UNPRICED_FIELD = b"".join(
    (
        tag(_Cost.UNPRICED_FIELD_NUMBER, _VARINT),
        b"\x01",
        tag(_Cost.PROVENANCE_FIELD_NUMBER, _VARINT),
        varint(usage_pb2.COST_PROVENANCE_UNKNOWN),
    )
)
_UNPRICED = _COST[len(_UNPRICED_FIELD)] + _UNPRICED_FIELD


def hit_rest(
    request_id: str, note: CacheNote, saved_nano_usd: int | None, total_s: float, cache_s: float
) -> bytes:
    """Id, cost, cache info and timing of an answer that was there already.

    All the time that the cache did not take went to the edge.
    """
    told_id = request_id.encode()
    cost = _UNPRICED
    if saved_nano_usd is not None:
        saved = _SAVED + varint(saved_nano_usd) if saved_nano_usd else b""
        cost = _COST[len(saved)] + saved
    status, key, age_s = note
    info = _STATUS[status]
    if age_s:
        age = _nanos(round(age_s * 1e9))
        info += _AGE[len(age)] + age
    if key:
        info += _KEY[2 * len(key)] + key.hex().encode()
    # In whole nanoseconds, so that the parts are the whole.
    total_ns = round(total_s * 1e9)
    cache_ns = min(round(cache_s * 1e9), total_ns)
    total, cached, edge = _nanos(total_ns), _nanos(cache_ns), _nanos(total_ns - cache_ns)
    timing = _TOTAL[len(total)] + total + _CACHED[len(cached)] + cached + _EDGE[len(edge)] + edge
    length = varint(len(told_id))
    return b"".join(
        (_ID, length, told_id, cost, _CACHE[len(info)], info, _TIMING[len(timing)], timing)
    )


def _nanos(nanoseconds: int) -> bytes:
    """A Duration of at least 0."""
    if nanoseconds < 1_000_000_000:
        return _NANOS + varint(nanoseconds) if nanoseconds else b""
    whole, nanos = divmod(nanoseconds, 1_000_000_000)
    told = _SECONDS + varint(whole)
    return told + _NANOS + varint(nanos) if nanos else told
