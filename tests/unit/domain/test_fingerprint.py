"""Keys of answers: whoever differs in anything has another one."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from service.domain.fingerprint import (
    KEY_BYTES,
    answer_key,
    answer_scope,
    answering,
    repeat_key,
)

texts = st.text(max_size=20)
Asked = tuple[str, str, bytes, bytes]
questions = st.tuples(texts, texts, st.binary(max_size=8), st.binary(max_size=20))


def key(tenant: str, namespace: str, who: bytes, content: bytes) -> bytes:
    return answer_key(answer_scope(tenant, namespace, who), content)


@given(questions, questions)
def test_equal_only_if_equal(one: Asked, other: Asked) -> None:
    """Keys are equal where all is equal, and nowhere else."""
    assert (one == other) == (key(*one) == key(*other))


@given(texts, texts, texts)
def test_borders(one: str, two: str, three: str) -> None:
    """No text can reach into the one beside it."""
    moved = key(one + two, three, b"", b"") == key(one, two + three, b"", b"")

    assert moved == (not two)


def test_golden_keys() -> None:
    """Keys are the same in every release and on every Python: a change makes all caches cold."""
    who = answering("composite", [("openai", "", "gpt-4o"), ("anthropic", "", "claude")])

    assert (
        "d26db29ee74c73ccdee729bf3b918511fb60c536d0ec755bb95e462c72296684"
        == key("acme", "n", who, b"content").hex()
    )
    assert (
        "0462828aefe79eda9b9e0533aea768b79f230d801d5bcdbc49470065dd88e1b2"
        == repeat_key("acme", "k").hex()
    )
    assert KEY_BYTES == len(repeat_key("acme", "k"))


def test_who_may_answer() -> None:
    """The order in which they are told does not matter; everything else does."""
    one, two = ("openai", "", "gpt-4o"), ("anthropic", "", "claude")

    assert answering("composite", [one, two]) == answering("composite", [two, one])
    assert answering("composite", [one]) != answering("composite", [one, two])
    assert answering("composite", [one]) != answering("cost", [one])
    assert answering("p", [("ab", "c")]) != answering("p", [("a", "bc")])


def test_a_hundred_thousand_keys_of_other_tenants() -> None:
    """Nobody can hit upon another tenant's key: what callers choose never collides with it."""
    draw = random.Random(1)
    letters = "ab\0/:|,"
    victim = {
        key("victim", namespace, b"w", content)
        for namespace in ("", "n")
        for content in (b"", b"x", b"secret")
    } | {repeat_key("victim", text) for text in ("", "k", "n")}

    def text() -> str:
        return "".join(draw.choice(letters) for _ in range(draw.randrange(6)))

    tenants = ["", "victi", "victimn", "victim\0", "Victim", "m", "evil"]
    for _ in range(50_000):
        tenant = draw.choice(tenants) + draw.choice(["", text()])
        if tenant == "victim":
            continue
        content = draw.choice([b"", b"x", b"secret", text().encode()])
        namespace = draw.choice(["", "n", text(), "victim" + text()])

        assert key(tenant, namespace, b"w", content) not in victim
        assert repeat_key(tenant, draw.choice(["k", "n", text()])) not in victim


def test_repeats_are_no_answers() -> None:
    """A key of the one kind is never one of the other."""
    assert repeat_key("t", "k") != key("t", "k", b"", b"")
