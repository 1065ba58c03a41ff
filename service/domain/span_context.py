"""Where a call stands among the spans of a trace, as W3C Trace Context writes it. Pure values.

https://www.w3.org/TR/trace-context/
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

_TRACEPARENT = re.compile(
    r"(?!ff)(?P<version>[0-9a-f]{2})-(?!0{32})(?P<trace>[0-9a-f]{32})"
    r"-(?!0{16})(?P<span>[0-9a-f]{16})-(?P<flags>[0-9a-f]{2})(?P<rest>-.*)?\Z"
)
_TRACESTATE = re.compile(r"[\x20-\x7e]{0,512}\Z")
_SAMPLED = 0x01
_RANDOM_BITS = 56
"""Of a trace id so many are random, by the standard: the last ones."""


class SpanContext(NamedTuple):
    """Ids are lower-case hex. `parent_id` is "" where the trace begins here."""

    trace_id: str
    span_id: str
    parent_id: str = ""
    sampled: bool = False
    state: str = ""
    """The header `tracestate`, handed on as it came."""

    def headers(self, span_id: str) -> Mapping[str, str]:
        """What a server is sent that is called within this trace, in the span `span_id`."""
        parent = f"00-{self.trace_id}-{span_id}-{'01' if self.sampled else '00'}"
        return {"traceparent": parent, **({"tracestate": self.state} if self.state else {})}


def remote(traceparent: str, tracestate: str) -> SpanContext | None:
    """The caller's span; None where it names none that can be understood."""
    found = _TRACEPARENT.match(traceparent)
    if found is None or (found["version"] == "00" and found["rest"]):
        return None
    state = tracestate if _TRACESTATE.match(tracestate) else ""
    sampled = bool(int(found["flags"], 16) & _SAMPLED)
    return SpanContext(found["trace"], found["span"], "", sampled, state)


class Sampling(NamedTuple):
    """Which traces are told: the caller's decision if `by_parent`, else this share of them."""

    share: float
    by_parent: bool = True

    def begin(self, parent: SpanContext | None, trace_id: str, span_id: str) -> SpanContext:
        """The span of a call. `trace_id` is for a trace that begins here."""
        if parent is None:
            return SpanContext(trace_id, span_id, "", self.picks(trace_id))
        sampled = parent.sampled if self.by_parent else self.picks(parent.trace_id)
        return SpanContext(parent.trace_id, span_id, parent.span_id, sampled, parent.state)

    def picks(self, trace_id: str) -> bool:
        """By the id, so that whoever sees the trace decides the same."""
        mask = (1 << _RANDOM_BITS) - 1
        return int(trace_id, 16) & mask < self.share * (1 << _RANDOM_BITS)
