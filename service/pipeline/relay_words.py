"""What replicas tell each other of an answer that is on its way, as bytes with a checksum. Pure."""

from __future__ import annotations

import zlib
from typing import NamedTuple, TypeAlias

import orjson

from service.domain.provider import ModelRef


class ItBegan(NamedTuple):
    """`content` is the digest of what is asked."""

    target: ModelRef
    content: bytes


class ItSpoke(NamedTuple):
    frame: bytes


class ItLanded(NamedTuple):
    """`parcel` is the whole answer. `keepable` says whether it may be told to those who come."""

    parcel: bytes
    keepable: bool


class ItLives(NamedTuple):
    """Nothing has happened, and somebody is still there."""


Word: TypeAlias = ItBegan | ItSpoke | ItLanded | ItLives
_BEGAN, _SPOKE, _LANDED, _LIVES = b"bslh"


def write(word: Word) -> bytes:
    match word:
        case ItBegan(target, content):
            who = orjson.dumps((target.provider, target.model, target.deployment))
            told = bytes([_BEGAN]) + content + who
        case ItSpoke(frame):
            told = bytes([_SPOKE]) + frame
        case ItLanded(parcel, keepable):
            told = bytes([_LANDED, keepable]) + parcel
        case ItLives():
            told = bytes([_LIVES])
    return zlib.crc32(told).to_bytes(4, "big") + told


def read(piece: bytes) -> Word:
    """Raises ValueError for what `write` did not write."""
    told = piece[4:]
    if not told or zlib.crc32(told).to_bytes(4, "big") != piece[:4]:
        raise ValueError("no word of a replica")
    kind, rest = told[0], told[1:]
    if kind == _SPOKE:
        return ItSpoke(rest)
    if kind == _BEGAN:
        provider, model, deployment = orjson.loads(rest[_CONTENT_BYTES:])
        return ItBegan(ModelRef(provider, model, deployment), rest[:_CONTENT_BYTES])
    if kind == _LANDED and rest:
        return ItLanded(rest[1:], bool(rest[0]))
    if kind == _LIVES:
        return ItLives()
    raise ValueError("a word that is not known")


_CONTENT_BYTES = 32
