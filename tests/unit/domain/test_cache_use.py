"""What the configuration and a caller's wishes come to, and which answers may be kept."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.cache_use import (
    CacheConduct,
    CacheMode,
    CacheRule,
    CacheTerms,
    CacheWish,
    Gist,
    KeepPolicy,
    cache_use,
    gist_of,
    is_keepable,
    refresh_is_due,
)
from service.domain.completion import (
    Completion,
    CompletionSpec,
    Ending,
    FinishReason,
    FunctionTool,
    Refusal,
    Text,
    ToolCall,
)
from service.domain.events import replay

modes = st.sampled_from(CacheMode)
policies = st.sampled_from(KeepPolicy)
wishes = st.builds(CacheWish, modes, st.none() | st.floats(0, 10_000))
terms = st.builds(CacheTerms, policies, st.floats(0, 1000), st.floats(0, 1000))


@given(wishes, terms, st.booleans())
def test_a_wish_opens_nothing(wish: CacheWish, laid_down: CacheTerms, same: bool) -> None:
    """No caller keeps longer than the maximum, nor anything where the policy is off."""
    use = cache_use(wish, laid_down, deterministic=same)

    assert 0 <= use.keep_s <= laid_down.ttl_max_s or math.isclose(use.keep_s, 0.0)
    if laid_down.policy is KeepPolicy.OFF or wish.mode is CacheMode.OFF:
        assert (False, 0.0, False) == (use.read, use.keep_s, use.share)
    if wish.mode in (CacheMode.READ_ONLY, CacheMode.ONLY_IF_CACHED):
        assert 0.0 == use.keep_s
    assert use.only == (wish.mode is CacheMode.ONLY_IF_CACHED)


@given(terms, st.booleans())
def test_the_usual(laid_down: CacheTerms, same: bool) -> None:
    """What is known beforehand for a caller without wishes is what would come out."""
    assert cache_use(CacheWish(), laid_down, deterministic=same) == laid_down.usual[same]


def test_rules() -> None:
    """The first rule that holds decides, by model or pattern and by tenant."""
    rules = (
        CacheRule(CacheTerms(ttl_s=1.0), ("gpt-*",), frozenset({"a"})),
        CacheRule(CacheTerms(ttl_s=2.0), ("gpt-4o",)),
    )
    conduct = CacheConduct(CacheTerms(ttl_s=9.0), rules)
    asked = [("gpt-4o", "a"), ("gpt-4o", "b"), ("gpt-5", "a"), ("gpt-5", "b"), ("gpt-4o", "a")]

    assert [1.0, 2.0, 1.0, 9.0, 1.0] == [conduct.terms_for(*one).ttl_s for one in asked]


@pytest.mark.parametrize("reason", FinishReason)
@pytest.mark.parametrize("refused", [False, True])
@pytest.mark.parametrize("keep_refusals", [False, True])
def test_what_is_kept(reason: FinishReason, refused: bool, keep_refusals: bool) -> None:
    """Complete answers are; refusals and filtered ones where configured; others never."""
    complete = reason in (FinishReason.STOP, FinishReason.MAX_TOKENS, FinishReason.TOOL_CALLS)
    declined = reason in (FinishReason.REFUSAL, FinishReason.CONTENT_FILTER)
    expected = (complete and (keep_refusals or not refused)) or (declined and keep_refusals)
    spec = CompletionSpec("m", ())

    assert expected == is_keepable(spec, Gist(refused), reason, keep_refusals=keep_refusals)


def test_the_gist_of_a_stream() -> None:
    """What is gathered from events is what the whole answer says."""
    parts = (Text("a"), ToolCall("1", "f", "{}"), Refusal("no"), ToolCall("2", "g", "{}"))
    completion = Completion(parts, Ending(FinishReason.STOP))
    gist = Gist()
    for event in replay(completion):
        gist.hear(event)

    assert gist_of(completion) == gist == Gist(True, {"f", "g"})


def test_a_deed() -> None:
    """An answer that calls a marked function is not kept; one that calls another is."""
    tools = (FunctionTool("book", has_side_effects=True), FunctionTool("look"))
    spec = CompletionSpec("m", (), tools=tools)
    kept = [
        is_keepable(spec, Gist(called=set(called)), FinishReason.TOOL_CALLS, keep_refusals=True)
        for called in (("look",), ("book",), ("look", "book"))
    ]

    assert [True, False, False] == kept


@given(st.floats(0, 1), st.floats(0, 1e6), st.floats(0, 1000), st.floats(0.01, 10))
def test_a_refresh_is_never_late(draw: float, left_s: float, took_s: float, eager: float) -> None:
    """What has expired is due whatever is drawn; the nearer the end, the likelier it is."""
    draw = min(draw, 1.0 - 1e-12)
    due = refresh_is_due(0.0, left_s, took_s, eager, draw)

    assert refresh_is_due(left_s, left_s, took_s, eager, draw)
    assert not refresh_is_due(0.0, left_s + 1.0, 0.0, eager, draw)
    assert not refresh_is_due(0.0, left_s + 1.0, took_s, 0.0, draw)
    if due:
        assert refresh_is_due(left_s / 2, left_s, took_s, eager, draw)


def test_how_often_a_refresh_is_due() -> None:
    """With t seconds left an answer that takes d is due with probability exp(-t/d)."""
    draws = random.Random(7)
    count = 20_000
    for left_s in (0.5, 1.0, 3.0):
        due = sum(refresh_is_due(0.0, left_s, 1.0, 1.0, draws.random()) for _ in range(count))

        assert abs(due / count - math.exp(-left_s)) < 0.012
