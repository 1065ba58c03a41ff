"""Which replies a Redis gives, and which it cannot give."""

from __future__ import annotations

import pytest
from redis.exceptions import ResponseError

from service.caches import replies
from service.caches.codec import encode, may_be_under
from tests.kit.shared_cache import KEPT, key, name


@pytest.mark.parametrize("reply", [None, b"hello", 1, [], [b"OK"]])
def test_no_reply_to_set(reply: object) -> None:
    """What is stored is acknowledged by OK, and by nothing else."""
    assert isinstance(replies.to_set(reply), replies.NonsenseError)


def test_replies_to_set() -> None:
    """OK, and a refusal, are passed on as they are."""
    refusal = ResponseError("OOM")

    assert b"OK" == replies.to_set(b"OK")
    assert refusal is replies.to_set(refusal)


def test_values() -> None:
    """A value, none, and one of another type, which stands for a value that nobody wrote."""
    other = ResponseError("WRONGTYPE Operation against a key")

    assert [b"x", None, replies.OTHER_TYPE] == replies.values([b"x", None, other], 3)


@pytest.mark.parametrize("reply", [None, b"hello", 1, [b"x"], [b"x", 5], [b"x", [b"y"]]])
def test_no_values(reply: object) -> None:
    """Another number of values than keys, or another type, is nonsense."""
    with pytest.raises(replies.NonsenseError):
        replies.values(reply, 2)


def test_a_refusal_in_place_of_a_value() -> None:
    """It is raised as it is: the server says what is wrong."""
    with pytest.raises(ResponseError):
        replies.values([b"x", ResponseError("NOPERM")], 2)


def test_what_may_be_ours() -> None:
    """An answer to that key, or whatever another version of us makes of one; nothing else."""
    ours = encode(key(1), KEPT, 0)
    later = bytearray(ours)
    later[4] += 1

    assert may_be_under(name(1), ours)
    assert may_be_under(name(1), bytes(later))
    assert not may_be_under(name(2), ours)
    assert not may_be_under(name(1), b"hello")
    assert not may_be_under(name(1), ours[:20])
