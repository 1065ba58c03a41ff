"""Events fold into the answer of which they are the events."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.completion import (
    Blob,
    Completion,
    Ending,
    FinishReason,
    Part,
    Reasoning,
    Refusal,
    Text,
    TokenLogprob,
    ToolCall,
)
from service.domain.events import IncompleteStreamError, TextDelta, fold, replay

words = st.text(min_size=1, max_size=20)
signatures = st.sampled_from([b"", b"sig"])
parts: st.SearchStrategy[Part] = st.one_of(
    st.builds(Text, words, signature=signatures),
    st.builds(Reasoning, words, st.sampled_from([b"", b"enc"]), signature=signatures),
    st.builds(ToolCall, words, words, words, signature=signatures),
    st.builds(Refusal, words),
    st.builds(Blob, st.just("image/png"), st.binary(min_size=1, max_size=9)),
)
ENDING = Ending(FinishReason.STOP)


@given(st.lists(parts, max_size=5))
def test_fold_of_replay(some: list[Part]) -> None:
    """Replaying an answer and folding the events gives the answer back."""
    logprobs = (TokenLogprob("a", -0.5),) if any(isinstance(p, Text) for p in some) else ()
    completion = Completion(tuple(some), ENDING, logprobs)

    assert completion == fold(replay(completion))


@given(st.lists(parts, max_size=5), st.data())
def test_a_cut_stream_is_refused(some: list[Part], data: st.DataObject) -> None:
    """Events without the Ending never fold into an answer."""
    events = list(replay(Completion(tuple(some), ENDING)))
    cut = data.draw(st.integers(0, len(events) - 1))

    with pytest.raises(IncompleteStreamError):
        fold(events[:cut])


def test_nothing_follows_the_ending() -> None:
    """An event after the Ending is a mistake, not part of the answer."""
    with pytest.raises(IncompleteStreamError):
        fold([ENDING, TextDelta("more")])
