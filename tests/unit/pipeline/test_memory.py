"""What earlier requests tell: the length of answers, and who knows a conversation."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.completion import Blob, CompletionSpec, Message, Role, Sampling, Text
from service.pipeline import memory
from service.pipeline.memory import Conversations, Lengths, conversation_key
from tests.unit.pipeline.boards import A, B


def said(role: Role, *texts: str) -> Message:
    return Message(role, tuple(Text(text) for text in texts))


SYSTEM, FIRST = said(Role.SYSTEM, "Be brief."), said(Role.USER, "Hi")
TURNS = (SYSTEM, FIRST, said(Role.ASSISTANT, "Hello"), said(Role.USER, "And now?"))


def key(*messages: Message, model: str = "m", tenant: str = "t", **fields: Any) -> bytes:
    return conversation_key(CompletionSpec(model, messages, **fields), tenant)


def test_lengths() -> None:
    """Nothing known, 256 tokens are typical; then the first answer counts, later ones a tenth."""
    lengths = Lengths()
    before = lengths.expected("m", None)
    lengths.observe("m", 100)
    first = lengths.expected("m", None)
    lengths.observe("m", 200)

    assert (256, 100, 110) == (before, first, lengths.expected("m", None))
    assert 256 == lengths.expected("other", None)


def test_lengths_are_bounded_by_the_wish() -> None:
    """No answer is expected to be longer than was asked for."""
    lengths = Lengths()
    lengths.observe("m", 1000)

    assert (10, 10, 1000) == (
        lengths.expected("m", 10),
        lengths.expected("other", 10),
        lengths.expected("m", 5000),
    )


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=50))
def test_lengths_are_between_what_was_seen(seen: list[int]) -> None:
    """An expectation never leaves the range of the answers."""
    lengths = Lengths()
    for output_tokens in seen:
        lengths.observe("m", output_tokens)

    assert min(seen) - 1 <= lengths.expected("m", None) <= max(seen)


def test_names_are_bounded() -> None:
    """Callers who make up names do not fill the memory; a name of late is remembered."""
    lengths = Lengths()
    for number in range(4096):
        lengths.observe(str(number), 7)
    full = lengths.expected("0", None)
    lengths.observe("4095", 7)
    still = lengths.expected("0", None)
    lengths.observe("one more", 7)

    assert (7, 7, 256) == (full, still, lengths.expected("0", None))
    assert 7 == lengths.expected("one more", None)


@pytest.mark.parametrize(
    ("later_s", "expected"), [(0.0, (B, 2000)), (300.0, (B, 2000)), (300.1, None)]
)
def test_a_conversation(later_s: float, expected: object) -> None:
    """Who answered last is remembered for five minutes, with the length of the prompt."""
    conversations = Conversations()
    conversations.remember(b"k", A, 1500, 0.0)
    conversations.remember(b"k", B, 2000, 100.0)

    assert expected == conversations.find(b"k", 100.0 + later_s)
    assert conversations.find(b"other", 100.0) is None


def test_conversations_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that was silent for longest is forgotten first."""
    monkeypatch.setattr(memory, "_CONVERSATIONS_MAX", 3)
    conversations = Conversations()
    for name in (b"1", b"2", b"3", b"1", b"4"):
        conversations.remember(name, A, 1500, 0.0)

    assert "<Conversations 3>" == repr(conversations)
    assert conversations.find(b"2", 0.0) is None
    assert conversations.find(b"1", 0.0) is not None


def test_turns_of_one_conversation() -> None:
    """Whatever follows the first words of the user, it is the same conversation."""
    assert key(*TURNS[:2]) == key(*TURNS) == key(*TURNS, sampling=Sampling(temperature=1.0))
    assert key(FIRST) == key(*TURNS[1:])
    assert 16 == len(key(*TURNS))


@pytest.mark.parametrize(
    "other",
    [
        key(FIRST),
        key(said(Role.SYSTEM, "Be long."), FIRST),
        key(SYSTEM, said(Role.USER, "Ho")),
        key(said(Role.DEVELOPER, "Be brief."), FIRST),
        key(*TURNS, model="n"),
        key(*TURNS, tenant="u"),
        key(*TURNS, model="", tenant="t\0m"),
    ],
)
def test_other_conversations(other: bytes) -> None:
    """Other instructions, first words, models and tenants are other conversations."""
    assert key(*TURNS) != other


def test_pictures_are_not_looked_at() -> None:
    """Only words are hashed: a guess may be wrong, and must be cheap."""
    pictured = Message(Role.USER, (Blob("image/png", b"x" * 1000), Text("Hi")))

    assert key(FIRST) == key(pictured)
