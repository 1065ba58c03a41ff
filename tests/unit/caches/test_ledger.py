"""What Redis tells of invalidations goes on from what it told before, or has lost something."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.caches.ledger import Entry, Ledger, field_of, ledger
from service.domain.kept import Kept, Selector
from service.domain.provider import ModelRef
from service.domain.voids import Voids, stamp

T, N, M = Selector(tenant="t"), Selector(namespace="n"), Selector(model="m")
EVERYTHING = Selector()
texts = st.none() | st.text(max_size=5)
BEFORE = {T: Entry(2, 20, 900), N: Entry(3, 30, 900)}


def told_as(entries: Mapping[Selector, Entry]) -> dict[bytes, bytes]:
    return {
        field_of(selector): b"%d:%d:%d" % (entry.number, entry.nonce, entry.until)
        for selector, entry in entries.items()
    }


KNOWN = Ledger(b"9:3:30:100", 9, 3, 100, told_as(BEFORE))


@given(
    st.builds(Selector, texts, texts, texts)
    | st.builds(Selector, key=st.binary(min_size=32, max_size=32))
)
def test_a_selector_and_its_field(selector: Selector) -> None:
    """A selector that is told is the one that is heard."""
    heard = ledger(b"\n".join([b"state", b"9:3:1:100", field_of(selector), b"3:1:900"]))

    expected = Voids(9, 3)
    expected.add(selector, stamp(9, 3))
    assert heard is not None
    assert vars(expected) == vars(heard.voids())


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {b"state": b""},
        {b"state": b"9:3:1"},
        {b"state": b"9:3:1:100", b"": b"3:1:900"},
        {b"state": b"9:3:1:100", b'["t"]': b"3:1:900"},
        {b"state": b"9:3:1:100", b"[1,null,null,null]": b"3:1:900"},
        {b"state": b"9:3:1:100", b'[null,null,null,"x"]': b"3:1:900"},
        {b"state": b"9:3:1:100", b"[null,null,null,1]": b"3:1:900"},
        {b"state": b"9:3:1:100", b"[null,null,null,null]": b"3:1"},
        {b"state": b"9:3:1:100", b"{}": b"3:1:900"},
        {b"state": b"9:3:1:100", b"4": b"3:1:900"},
        {b"state": b"9:3:1:100", b"\xff": b"3:1:900"},
    ],
)
def test_what_nobody_can_read(fields: dict[bytes, bytes]) -> None:
    """What is no such hash is none."""
    told = b"\n".join(word for pair in fields.items() for word in pair)

    assert ledger(told) is None


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (KNOWN, True),
        # One more, of a selector that is new or was there.
        ({M: Entry(4, 40, 950)}, True),
        ({T: Entry(4, 40, 950)}, True),
        # Everything: what was there is among it.
        ({T: None, N: None, EVERYTHING: Entry(4, 40, 950)}, True),
        # What no answer can be older than was dropped.
        ({T: None, M: Entry(4, 40, 1900)}, True),
        # A failover took 3 back, and gave its number to another.
        ({N: None, M: Entry(3, 31, 950)}, False),
        ({N: Entry(3, 31, 950)}, False),
        ({N: None, M: Entry(3, 31, 950), T: Entry(4, 40, 950)}, False),
        ({N: Entry(4, 40, 950), M: Entry(3, 31, 950)}, False),
        ({N: None, M: Entry(4, 40, 850)}, False),
        ({T: Entry(1, 10, 900), M: Entry(4, 40, 950)}, False),
        ({T: None, N: None, EVERYTHING: Entry(3, 31, 950), M: Entry(4, 40, 950)}, False),
    ],
)
def test_what_goes_on(told: Ledger | dict[Selector, Entry | None], expected: bool) -> None:
    """Newer numbers may be added, nothing known be taken back, no number be given twice."""
    if not isinstance(told, Ledger):
        entries = {s: e for s, e in {**BEFORE, **told}.items() if e is not None}
        newest = max(entries.values(), key=lambda entry: entry.number)
        at = newest.until - 800
        state = b"9:%d:%d:%d" % (newest.number, newest.nonce, at)
        told = Ledger(state, 9, newest.number, at, told_as(entries))

    assert expected == told.goes_on_from(KNOWN)


ANSWERS = {
    T: Kept("t", "", "x", ModelRef("p", "x"), b"", 0.0, 9.0, 1.0, 0, None),
    N: Kept("x", "n", "x", ModelRef("p", "x"), b"", 0.0, 9.0, 1.0, 0, None),
    M: Kept("x", "", "m", ModelRef("p", "x"), b"", 0.0, 9.0, 1.0, 0, None),
    EVERYTHING: Kept("x", "", "x", ModelRef("p", "x"), b"", 0.0, 9.0, 1.0, 0, None),
}
written = st.lists(st.sampled_from(list(ANSWERS)), max_size=6)


def write(told: Ledger, selector: Selector, nonce: int) -> Ledger:
    """As Redis does it, where nothing is old enough to be dropped."""
    number = told.number + 1
    entries = {} if selector == EVERYTHING else told.entries
    entries = {**entries, **told_as({selector: Entry(number, nonce, 900)})}
    return Ledger(b"9:%d:%d:0" % (number, nonce), 9, number, 0, entries)


@given(written, written, st.data())
def test_a_failover(before: list[Selector], after: list[Selector], data: st.DataObject) -> None:
    """A copy that lags takes over: that is noticed, or every answer that is void is known to be."""
    copied = data.draw(st.integers(0, len(before)))
    known = copy = Ledger(b"9:0:0:0", 9, 0, 0)
    for count, selector in enumerate(before, 1):
        known = write(known, selector, count)
        copy = known if count <= copied else copy
    for count, selector in enumerate(after, 1):
        copy = write(copy, selector, 100 + count)

    goes_on = copy.goes_on_from(known)

    assert goes_on or copied < len(before)
    voids = copy.voids()
    for number in range(len(before) + 1) if goes_on else ():
        for selector in before[number:] + after:
            kept = replace(ANSWERS[selector], generation=stamp(9, number))
            assert voids.is_void(b"", kept)


@given(written, written)
def test_what_is_used_again(before: list[Selector], after: list[Selector]) -> None:
    """Adding what is new to what was known gives the same as reading it all."""
    known = Ledger(b"9:0:0:0", 9, 0, 0)
    for count, selector in enumerate(before, 1):
        known = write(known, selector, count)
    told = known
    for count, selector in enumerate(after, 100):
        told = write(told, selector, count)

    again = told.voids(known, known.voids())

    for number in range(told.number + 1):
        for kept in ANSWERS.values():
            one = replace(kept, generation=stamp(9, number))
            assert told.voids().is_void(b"", one) == again.is_void(b"", one)
    assert told.voids().generation == again.generation


def test_what_was_dropped() -> None:
    """What is no longer told takes no room here either."""
    told = write(replace(KNOWN, entries=told_as({N: BEFORE[N]})), M, 40)

    assert 2 == len(told.voids(KNOWN, KNOWN.voids()))
