"""What lies in Redis is an answer for one key, exactly as it was written, or it is refused."""

from __future__ import annotations

import zlib
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from service.caches.codec import VERSION, OtherVersion, decode, encode
from service.domain.kept import Kept
from service.domain.provider import ModelRef

KEY = bytes(range(32))
KEPT = Kept(
    tenant="t",
    namespace="n",
    model="fast",
    target=ModelRef("openai", "gpt-5", "west"),
    content=b"c" * 32,
    made_at=1000.5,
    expires_at=1300.5,
    took_s=2.25,
    generation=2**62 + 7,
    cost_nano_usd=12_345,
    whole=b"a whole answer, " * 40,
    frames=(b"one ", b"", b"two"),
    finished=b"the end",
)
PLENTY = 1 << 20

_moments = st.floats(allow_nan=False, allow_infinity=False)
_numbers = st.integers(-(2**63), 2**63 - 1)
_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_answers = st.builds(
    Kept,
    tenant=_texts,
    namespace=_texts,
    model=_texts,
    target=st.builds(ModelRef, _texts, _texts, _texts),
    content=st.binary(max_size=32),
    made_at=_moments,
    expires_at=_moments,
    took_s=_moments,
    generation=_numbers,
    cost_nano_usd=st.none() | _numbers,
    whole=st.none() | st.binary(max_size=200),
    frames=st.lists(st.binary(max_size=50), max_size=20).map(tuple),
    finished=st.none() | st.binary(max_size=50),
)
_keys = st.binary(min_size=32, max_size=32)


@given(_keys, _answers, st.sampled_from([0, 100, PLENTY]))
def test_what_was_written_is_read(key: bytes, kept: Kept, compress_bytes_min: int) -> None:
    """An answer comes back as it was, compressed or not."""
    blob = encode(key, kept, compress_bytes_min)

    assert kept == decode(key, blob, PLENTY)


@pytest.mark.parametrize("compress_bytes_min", [0, PLENTY])
def test_each_byte_counts(compress_bytes_min: int) -> None:
    """A flip of any bits of any one byte is noticed."""
    blob = encode(KEY, KEPT, compress_bytes_min)
    for place in range(len(blob)):
        for flip in (1, 0x80, 0xFF):
            flipped = bytearray(blob)
            flipped[place] ^= flip
            with pytest.raises(ValueError):  # noqa: PT011 - any of them
                decode(KEY, bytes(flipped), PLENTY)


@pytest.mark.parametrize("compress_bytes_min", [0, PLENTY])
def test_a_part_is_not_the_whole(compress_bytes_min: int) -> None:
    """An answer that was cut off anywhere, or to which anything was added, is refused."""
    blob = encode(KEY, KEPT, compress_bytes_min)
    for other in [blob[:size] for size in range(len(blob))] + [blob + b"\0", blob + blob]:
        with pytest.raises(ValueError):  # noqa: PT011 - any of them
            decode(KEY, other, PLENTY)


@given(_keys)
def test_another_keys_answer(other: bytes) -> None:
    """Under another key than it was written for an answer is refused."""
    assume(other != KEY)
    with pytest.raises(ValueError, match="another key"):
        decode(other, encode(KEY, KEPT, PLENTY), PLENTY)


@given(st.binary(max_size=400), st.integers(0, 200), st.booleans())
def test_garbage(noise: bytes, begins_at: int, checked: bool) -> None:
    """Noise raises ValueError and nothing else, even where its start and its checksum are right."""
    whole = encode(KEY, KEPT, PLENTY)
    blob = whole[:begins_at] + noise
    assume(blob != whole)
    if checked:
        blob += zlib.crc32(blob).to_bytes(4, "little")
    with pytest.raises(ValueError):  # noqa: PT011 - any of them
        decode(KEY, blob, PLENTY)


def test_another_version_is_told_apart() -> None:
    """What a later service wrote is no garbage: it says that it is of another version."""
    blob = bytearray(encode(KEY, KEPT, PLENTY))
    blob[4] = VERSION + 1
    with pytest.raises(OtherVersion):
        decode(KEY, bytes(blob), PLENTY)


def test_compression_where_it_helps() -> None:
    """A body of at least the size is compressed, unless that makes it larger."""
    plain = encode(KEY, KEPT, PLENTY)
    smaller = encode(KEY, KEPT, 100)
    noise = replace(KEPT, whole=zlib.compress(bytes(range(256)) * 9, 9))
    bare = replace(KEPT, whole=b"", frames=(), finished=None)

    assert len(smaller) < len(plain)
    assert len(encode(KEY, noise, 0)) <= len(encode(KEY, noise, PLENTY))
    assert encode(KEY, bare, 1000) == encode(KEY, bare, PLENTY)


@pytest.mark.parametrize("compress_bytes_min", [0, PLENTY])
def test_a_bomb(compress_bytes_min: int) -> None:
    """What would unpack to more than the bound is refused."""
    large = replace(KEPT, whole=bytes(200_000))
    blob = encode(KEY, large, compress_bytes_min)

    assert large == decode(KEY, blob, 201_000)
    with pytest.raises(ValueError, match="too large"):
        decode(KEY, blob, 199_000)


def test_a_bomb_that_lies() -> None:
    """A body that unpacks to more than it says is refused before it is unpacked."""
    blob = encode(KEY, replace(KEPT, whole=bytes(200_000)), 0)
    size_at = blob.index(zlib.compress(b"", 1)[:2]) - 4
    lie = blob[:size_at] + (1000).to_bytes(4, "little") + blob[size_at + 4 : -4]
    with pytest.raises(ValueError, match="does not end"):
        decode(KEY, lie + zlib.crc32(lie).to_bytes(4, "little"), 10_000)


@pytest.mark.parametrize(
    ("key", "kept"),
    [
        (b"short", KEPT),
        (KEY, replace(KEPT, generation=2**63)),
        (KEY, replace(KEPT, cost_nano_usd=-(2**63) - 1)),
        (KEY, replace(KEPT, tenant="\ud800")),
    ],
)
def test_what_is_no_answer(key: bytes, kept: Kept) -> None:
    """What cannot be written raises ValueError."""
    with pytest.raises(ValueError):  # noqa: PT011 - any of them
        encode(key, kept, PLENTY)
