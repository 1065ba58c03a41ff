"""W3C Trace Context: what is taken from a caller, and what is handed on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.span_context import Sampling, SpanContext, remote

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.mark.parametrize(
    ("header", "sampled"),
    [
        (f"00-{TRACE}-{SPAN}-01", True),
        (f"00-{TRACE}-{SPAN}-00", False),
        # Flags that are not known yet say nothing about sampling.
        (f"00-{TRACE}-{SPAN}-02", False),
        # A later version may add to it.
        (f"cc-{TRACE}-{SPAN}-01-what-the-future-will-be-like", True),
    ],
)
def test_a_caller_s_span(header: str, sampled: bool) -> None:
    """Ids and the sampled flag are read, whatever the version."""
    assert SpanContext(TRACE, SPAN, "", sampled, "a=1") == remote(header, "a=1")


@pytest.mark.parametrize(
    "header",
    [
        "",
        "nonsense",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE}-{SPAN}-01\n",
        f"00-{TRACE}-{SPAN}",
    ],
)
def test_what_is_no_span(header: str) -> None:
    """What breaks the standard is ignored: the trace begins here."""
    assert remote(header, "") is None


@pytest.mark.parametrize("state", ["a=\u00e9", "a=1\r\nx-evil: 1", "a" * 513])
def test_a_state_that_is_no_header(state: str) -> None:
    """A state that is not visible ASCII, or too long, is left out; the span counts nevertheless."""
    found = remote(f"00-{TRACE}-{SPAN}-01", state)

    assert found is not None
    assert found.state == ""


def test_what_is_handed_on() -> None:
    """A provider is told the trace, the attempt's span, the decision and the state."""
    place = SpanContext(TRACE, "1" * 16, SPAN, sampled=True, state="a=1,b=2")

    told = place.headers("2" * 16)

    assert {"traceparent": f"00-{TRACE}-{'2' * 16}-01", "tracestate": "a=1,b=2"} == told
    assert remote(told["traceparent"], told["tracestate"]) == SpanContext(
        TRACE, "2" * 16, "", sampled=True, state="a=1,b=2"
    )


@pytest.mark.parametrize("sampled", [True, False])
def test_the_caller_s_decision_counts(sampled: bool) -> None:
    """With a parent its decision is taken, unless the sampler is told not to."""
    parent = SpanContext(TRACE, SPAN, "", sampled, "a=1")
    share = 0.0 if sampled else 1.0

    assert SpanContext(TRACE, "3" * 16, SPAN, sampled, "a=1") == Sampling(share).begin(
        parent, "", "3" * 16
    )
    assert sampled is not Sampling(share, by_parent=False).begin(parent, "", "3" * 16).sampled


@given(st.integers(1, 2**128 - 1), st.floats(0, 1), st.floats(0, 1))
def test_a_larger_share_has_all_of_a_smaller(number: int, one: float, other: float) -> None:
    """Who samples more has every trace of whoever samples less; all and none are exact."""
    trace_id = f"{number:032x}"

    assert Sampling(max(one, other)).picks(trace_id) >= Sampling(min(one, other)).picks(trace_id)
    assert Sampling(1.0).picks(trace_id)
    assert not Sampling(0.0).picks(trace_id)


def test_the_share_is_a_share() -> None:
    """Of many traces about so many are picked."""
    picked = sum(Sampling(0.1).picks(f"{n * 0x9E3779B97F4A7C15:032x}") for n in range(1, 20_001))

    assert 1900 < picked < 2100
