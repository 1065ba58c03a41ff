"""What is asked, as the cache knows it: every field of a CompletionSpec that is not marked.

Descriptor-driven: a field that is added to the contract counts from then on, unless its author
marks it with `outside_cache_key`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import reduce
from operator import attrgetter
from typing import Any

from aiprovider.v1 import completion_service_pb2 as pb
from aiprovider.v1 import options_pb2
from google.protobuf import descriptor_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor


@dataclass(slots=True)
class _Marks:
    """The marked fields of one kind of message, and the fields below which there are some."""

    marked: list[str] = field(default_factory=list[str])
    inside: list[tuple[str, bool, _Marks]] = field(default_factory=list[tuple[str, bool, "_Marks"]])
    """Name, whether it is repeated, marks."""
    are_in: Callable[[Any], bool] = field(default=lambda _: False)
    """Whether a message of that kind has a field that is marked."""


def content_of(spec: pb.CompletionSpec) -> bytes:
    """Equal for equal questions: in every process, whatever the order of maps.

    Fields that this release does not know count, too.
    """
    if _MARKS.are_in(spec):
        bare = pb.CompletionSpec()
        bare.CopyFrom(spec)
        _clear(bare, _MARKS)
        spec = bare
    return _SCHEMA + spec.SerializeToString(deterministic=True)


def _finding(marks: _Marks) -> Callable[[Any], bool]:
    """Every request goes through this: for each field one small function, made once."""
    tests: list[Callable[[Any], bool]] = [_set(name) for name in marks.marked]
    tests += [
        _among(name, below) if repeated else _below(name, below)
        for name, repeated, below in marks.inside
    ]
    return reduce(_either, tests)


def _either(one: Callable[[Any], bool], other: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda message: one(message) or other(message)


def _set(name: str) -> Callable[[Any], bool]:
    return lambda message: message.HasField(name)


def _among(name: str, below: _Marks) -> Callable[[Any], bool]:
    many = attrgetter(name)

    def test(message: Any) -> bool:
        for inner in many(message):  # noqa: SIM110 - a generator would cost more than all else
            if below.are_in(inner):
                return True
        return False

    return test


def _below(name: str, below: _Marks) -> Callable[[Any], bool]:
    one = attrgetter(name)
    return lambda message: message.HasField(name) and below.are_in(one(message))


def _clear(message: Any, marks: _Marks) -> None:
    for name in marks.marked:
        message.ClearField(name)
    for name, repeated, below in marks.inside:
        if repeated:
            for inner in getattr(message, name):
                _clear(inner, below)
        elif message.HasField(name):
            _clear(getattr(message, name), below)


def _marks(descriptor: Descriptor, known: dict[str, _Marks]) -> _Marks:
    if descriptor.full_name in known:
        return known[descriptor.full_name]
    marks = known[descriptor.full_name] = _Marks()
    for one in descriptor.fields:
        if one.GetOptions().Extensions[_OUTSIDE]:
            if not one.has_presence:
                raise AssertionError(f"{one.full_name}: only fields with presence can be marked")
            marks.marked.append(one.name)
        elif one.message_type is not None and not _is_map(one):
            marks.inside.append((one.name, one.is_repeated, _marks(one.message_type, known)))
    return marks


def _pruned(marks: _Marks) -> _Marks:
    """Without the branches that lead to no mark. Messages may hold themselves."""
    seen: dict[int, _Marks] = {}
    useful: set[int] = set()
    _collect(marks, seen)
    while True:
        found = {
            one
            for one, value in seen.items()
            if one not in useful
            and (value.marked or any(id(below) in useful for _, _, below in value.inside))
        }
        if not found:
            break
        useful |= found
    for value in seen.values():
        value.inside = [inner for inner in value.inside if id(inner[2]) in useful]
        if value.inside or value.marked:
            value.are_in = _finding(value)
    return marks


def _collect(marks: _Marks, seen: dict[int, _Marks]) -> None:
    if id(marks) in seen:
        return
    seen[id(marks)] = marks
    for _, _, below in marks.inside:
        _collect(below, seen)


def _is_map(one: FieldDescriptor) -> bool:
    return one.message_type is not None and one.message_type.GetOptions().map_entry


def _schema(descriptor: Descriptor) -> bytes:
    """A digest of the messages that a spec is made of: another contract has other keys."""
    known: dict[str, Descriptor] = {}

    def visit(message: Descriptor) -> None:
        if message.full_name not in known:
            known[message.full_name] = message
            for one in message.fields:
                if one.message_type is not None:
                    visit(one.message_type)

    visit(descriptor)
    digest = hashlib.sha256()
    for name in sorted(known):
        told = descriptor_pb2.DescriptorProto()
        known[name].CopyToProto(told)
        # Nested messages are visited by themselves, or do not matter.
        del told.nested_type[:]
        digest.update(name.encode() + b"\0" + told.SerializeToString(deterministic=True))
    return digest.digest()


# The stubs of protobuf and those that are generated differ in what they call a descriptor.
_OUTSIDE: Any = options_pb2.outside_cache_key
_SPEC: Any = pb.CompletionSpec.DESCRIPTOR
_MARKS = _pruned(_marks(_SPEC, {}))
_SCHEMA = _schema(_SPEC)
