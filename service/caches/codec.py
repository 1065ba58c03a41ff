"""An answer as the bytes that lie in the shared cache, and back. Pure.

    magic, version, flags | key, 32 bytes | numbers | size of the body | body | CRC-32 of all that

The body is the lengths of its parts and then the parts, compressed if that makes it smaller. What
`encode` has not made for this very key is refused: replicas share nothing half understood.
"""

from __future__ import annotations

import struct
import zlib
from itertools import accumulate, pairwise

from service.domain.kept import Kept
from service.domain.provider import ModelRef

VERSION = 1
KEY_BYTES = 32
_MAGIC = b"aip\xa1"
_COMPRESSED, _WHOLE, _FINISHED, _COST = 1, 2, 4, 8
_ALL_FLAGS = 15
_HEAD = struct.Struct(f"<4sBB{KEY_BYTES}sdddqqI")
_KEY_AT = len(_MAGIC) + 2
_LENGTHS = struct.Struct("<I")
_CHECK = struct.Struct("<I")
_TEXTS_COUNT = 6
_FIXED_COUNT = _TEXTS_COUNT + 3
"""Six texts, the digest, the whole answer, the last event. Frames follow."""
_LEVEL = 1


class OtherVersion(ValueError):  # noqa: N818 - what it is: nothing is wrong with it
    """Another version of the service wrote it, and may read it."""


def encode(key: bytes, kept: Kept, compress_bytes_min: int) -> bytes:
    """Raises ValueError for what no answer holds: a key of another length, numbers out of range."""
    texts = (
        kept.tenant,
        kept.namespace,
        kept.model,
        kept.target.provider,
        kept.target.model,
        kept.target.deployment,
    )
    parts = [text.encode() for text in texts]
    parts += [kept.content, kept.whole or b"", kept.finished or b"", *kept.frames]
    lengths = struct.pack(f"<I{len(parts)}I", len(parts), *map(len, parts))
    body = b"".join((lengths, *parts))
    size_bytes = len(body)
    flags = 0
    if size_bytes >= compress_bytes_min:
        smaller = zlib.compress(body, _LEVEL)
        if len(smaller) < size_bytes:
            flags, body = _COMPRESSED, smaller
    flags |= _WHOLE * (kept.whole is not None) | _FINISHED * (kept.finished is not None)
    flags |= _COST * (kept.cost_nano_usd is not None)
    if len(key) != KEY_BYTES:
        raise ValueError(f"a key has {KEY_BYTES} bytes")
    try:
        head = _HEAD.pack(
            _MAGIC,
            VERSION,
            flags,
            key,
            kept.made_at,
            kept.expires_at,
            kept.took_s,
            kept.generation,
            kept.cost_nano_usd or 0,
            size_bytes,
        )
    except struct.error as error:
        raise ValueError(str(error)) from None
    return b"".join((head, body, _CHECK.pack(zlib.crc32(body, zlib.crc32(head)))))


def decode(key: bytes, blob: bytes, bytes_max: int) -> Kept:
    """`bytes_max` bounds what a body unpacks to. Raises ValueError, and nothing else."""
    if len(blob) < _HEAD.size + _CHECK.size or not blob.startswith(_MAGIC):
        raise ValueError("this is no answer")
    if blob[len(_MAGIC)] != VERSION:
        raise OtherVersion(f"version {blob[len(_MAGIC)]}")
    view = memoryview(blob)
    (check,) = _CHECK.unpack(view[-_CHECK.size :])
    if zlib.crc32(view[: -_CHECK.size]) != check:
        raise ValueError("the checksum is another")
    _, _, flags, for_key, made_at, expires_at, took_s, generation, cost, size = _HEAD.unpack_from(
        blob
    )
    if flags > _ALL_FLAGS:
        raise ValueError("it has marks that nobody knows")
    if for_key != key:
        raise ValueError("this is another key's answer")
    body = _body(view[_HEAD.size : -_CHECK.size], flags, size, bytes_max)
    texts, (content, whole, finished), frames = _parts(body)
    tenant, namespace, model, by, by_model, by_deployment = texts
    return Kept(
        tenant=tenant,
        namespace=namespace,
        model=model,
        target=ModelRef(by, by_model, by_deployment),
        content=content,
        made_at=made_at,
        expires_at=expires_at,
        took_s=took_s,
        generation=generation,
        cost_nano_usd=cost if flags & _COST else None,
        whole=whole if flags & _WHOLE else None,
        frames=frames,
        finished=finished if flags & _FINISHED else None,
    )


def may_be_under(name: bytes, blob: bytes) -> bool:
    """Whether we may have written it under that name, which ends with a key in hex."""
    if not blob.startswith(_MAGIC) or len(blob) < _HEAD.size:
        return False
    if blob[len(_MAGIC)] != VERSION:
        return True
    return name.endswith(blob[_KEY_AT : _KEY_AT + KEY_BYTES].hex().encode())


def unpacked_bytes(blob: bytes) -> int:
    """What there is to unpack, as far as it can be known beforehand; 0 where nothing is packed."""
    if len(blob) < _HEAD.size or not blob[len(_MAGIC) + 1] & _COMPRESSED:
        return 0
    return int(_HEAD.unpack_from(blob)[-1])


def _body(packed: memoryview, flags: int, size_bytes: int, bytes_max: int) -> bytes:
    if size_bytes > bytes_max:
        raise ValueError("it is too large")
    if not flags & _COMPRESSED:
        body = bytes(packed)
    else:
        unpacking = zlib.decompressobj()
        try:
            # One byte more would show that it does not end where it should.
            body = unpacking.decompress(packed, size_bytes + 1)
        except zlib.error as error:
            raise ValueError(str(error)) from None
        if not unpacking.eof or unpacking.unused_data:
            raise ValueError("it does not end where it should")
    if len(body) != size_bytes:
        raise ValueError("it has another size than it says")
    return body


def _parts(body: bytes) -> tuple[list[str], list[bytes], tuple[bytes, ...]]:
    if len(body) < _LENGTHS.size:
        raise ValueError("it has no parts")
    (count,) = _LENGTHS.unpack_from(body)
    start = _LENGTHS.size * (1 + count)
    if count < _FIXED_COUNT or start > len(body):
        raise ValueError("it has another number of parts than it says")
    lengths = struct.unpack_from(f"<{count}I", body, _LENGTHS.size)
    ends = list(accumulate(lengths, initial=start))
    if ends[-1] != len(body):
        raise ValueError("its parts have other lengths than they say")
    parts = [body[begin:end] for begin, end in pairwise(ends)]
    texts = [str(part, "utf-8") for part in parts[:_TEXTS_COUNT]]
    return texts, parts[_TEXTS_COUNT:_FIXED_COUNT], tuple(parts[_FIXED_COUNT:])
