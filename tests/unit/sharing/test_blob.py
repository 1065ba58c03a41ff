"""What a replica tells, as bytes: whole, bounded, and nothing else is taken for it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.breaker import Circuit, Trip
from service.domain.peers import Word
from service.domain.provider import ModelRef
from service.domain.reasons import ErrorReason
from service.sharing.blob import BYTES_MAX, WORDS_MAX, decode, encode

FULL = Word(
    ModelRef("openai", "gpt-4o", "eu"),
    12.345678,
    1.5,
    0.1234567,
    0.015,
    Circuit.OPEN,
    Trip.IN_A_ROW,
    4.2,
    0.8,
    30.0,
    ErrorReason.PROVIDER_RATE_LIMITED,
)
names = st.text(max_size=200)
words = st.builds(
    Word,
    st.builds(ModelRef, names, names, names),
    st.floats(0, 1e9),
    st.floats(0, 1e9),
    st.none() | st.floats(0, 1e5),
    st.none() | st.floats(0, 1e5),
    st.sampled_from(Circuit),
    st.none() | st.sampled_from(Trip),
    st.floats(0, 72),
    st.none() | st.floats(0, 72),
    st.floats(0, 4320),
    st.none() | st.sampled_from(ErrorReason),
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=14) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=40,
)


@given(number=st.integers(0, 2**53), told=st.lists(words, unique_by=lambda one: one.target))
def test_what_is_told_is_understood(number: int, told: list[Word]) -> None:
    """Every word that is told can be read, with four digits of each number."""
    heard_number, heard = decode(encode(number, told))

    assert number == heard_number
    assert [one.target for one in heard] == [one.target for one in told][: len(heard)]
    for said, understood in zip(told, heard, strict=False):
        assert said.circuit is understood.circuit
        assert said.trip is understood.trip
        assert said.quota_reason is understood.quota_reason
        assert pytest.approx(said.open_s, rel=1e-3) == understood.open_s
        assert pytest.approx(min(said.faults, 1e6), rel=1e-3) == understood.faults


def test_a_word_is_short() -> None:
    """A word takes about a hundred bytes."""
    blob = encode(7, [FULL])

    assert (7, (replace(FULL, successes=12.35, first_token_s=0.1235),)) == decode(blob)
    assert len(blob) < 120


def test_the_first_of_many() -> None:
    """Of too many candidates the first are told of; all of usual names fit."""
    many = [replace(FULL, target=ModelRef("openai", f"gpt-{n}")) for n in range(1000)]
    blob = encode(1, many)

    assert tuple(one.target for one in many[:WORDS_MAX]) == tuple(
        one.target for one in decode(blob)[1]
    )
    assert len(blob) <= BYTES_MAX


def test_long_names() -> None:
    """Names that callers made up are left out where too long, and make others fall away."""
    endless = replace(FULL, target=ModelRef("openai", "x" * 201))
    long = [replace(FULL, target=ModelRef("openai", f"{n:0200}")) for n in range(WORDS_MAX)]
    blob = encode(1, [endless, *long])
    told = decode(blob)[1]

    assert long[0].target == told[0].target
    assert WORDS_MAX // 4 <= len(told) < WORDS_MAX
    assert len(blob) <= BYTES_MAX


@given(blob=st.binary(max_size=200) | anything.map(lambda it: json.dumps(it).encode()))
def test_nothing_else_is_taken_for_a_word(blob: bytes) -> None:
    """Whatever is read is a number and words, or a ValueError."""
    try:
        number, told = decode(blob)
    except ValueError:
        return

    assert encode(number, told) == encode(*decode(encode(number, told)))


def _row(**changed: Any) -> bytes:
    row = orjson.loads(encode(1, [FULL]))[1][0]
    for place, value in changed.items():
        row[int(place.removeprefix("at_"))] = value
    return orjson.dumps([1, [row]])


@pytest.mark.parametrize(
    "blob",
    [
        b"",
        b"[1]",
        b"[-1,[]]",
        b"[1.5,[]]",
        b'[1,{"a":1}]',
        b"[1,[[]]]",
        b"[1,[1]]",
        _row(at_0=1),
        _row(at_1="x" * 201),
        _row(at_3=-1.0),
        _row(at_3=1e7),
        _row(at_3=True),
        _row(at_3="1"),
        _row(at_5=3601),
        _row(at_7="ajar"),
        _row(at_8="whim"),
        _row(at_9=73.0),
        _row(at_11=4321),
        _row(at_12="BORED"),
        encode(1, [FULL, FULL]),
        b"[1,[" + b" " * BYTES_MAX + b"]]",
    ],
)
def test_malformed(blob: bytes) -> None:
    """One wrong field makes the whole of it no word: nobody tells how much of it is meant."""
    with pytest.raises(ValueError, match=r"."):
        decode(blob)
