"""Small values of the domain on the wire, shared by answers and failures. Pure."""

from __future__ import annotations

from aiprovider.v1 import routing_pb2, usage_pb2
from google.protobuf import duration_pb2, timestamp_pb2

from service.domain.completion import Usage
from service.domain.cost import Cost, Provenance
from service.domain.provider import ModelRef

PROVENANCES = {
    Provenance.PROVIDER_REPORTED: usage_pb2.COST_PROVENANCE_PROVIDER_REPORTED,
    Provenance.COMPUTED: usage_pb2.COST_PROVENANCE_COMPUTED,
    Provenance.ESTIMATED: usage_pb2.COST_PROVENANCE_ESTIMATED,
    Provenance.UNKNOWN: usage_pb2.COST_PROVENANCE_UNKNOWN,
}


def model_ref(target: ModelRef) -> routing_pb2.ModelRef:
    return routing_pb2.ModelRef(
        provider=target.provider, model=target.model, deployment=target.deployment
    )


def usage_pb(usage: Usage) -> usage_pb2.Usage:
    return usage_pb2.Usage(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_input_tokens=usage.cache_read_input_tokens,
        cache_write_input_tokens=usage.cache_write_input_tokens,
        reasoning_output_tokens=usage.reasoning_output_tokens,
        audio_input_tokens=usage.audio_input_tokens,
        audio_output_tokens=usage.audio_output_tokens,
        image_input_tokens=usage.image_input_tokens,
        estimated=usage.estimated,
        cache_write_1h_input_tokens=usage.cache_write_1h_input_tokens,
        cache_read_audio_input_tokens=usage.cache_read_audio_input_tokens,
        web_search_count=usage.web_search_count,
        service_tier=usage.service_tier,
    )


def cost_pb(cost: Cost) -> usage_pb2.Cost:
    return usage_pb2.Cost(
        total_nano_usd=cost.total,
        input_nano_usd=cost.input,
        output_nano_usd=cost.output,
        cache_read_nano_usd=cost.cache_read,
        cache_write_nano_usd=cost.cache_write,
        price_version=cost.price_version,
        unpriced=not cost.is_known,
        provenance=PROVENANCES[cost.provenance],
        other_nano_usd=cost.other,
    )


def duration(seconds: float) -> duration_pb2.Duration:
    nanos = round(seconds * 1e9)
    if 0 <= nanos < 10**9:
        return duration_pb2.Duration(nanos=nanos)
    return duration_pb2.Duration(seconds=nanos // 10**9, nanos=nanos % 10**9)


def timestamp(now: float) -> timestamp_pb2.Timestamp:
    """`now` is in seconds since the epoch."""
    nanos = int(now * 1e9)
    return timestamp_pb2.Timestamp(seconds=nanos // 10**9, nanos=nanos % 10**9)
