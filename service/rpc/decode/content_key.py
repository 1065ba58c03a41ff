"""The digest of what is asked: of every field of a CompletionSpec but for those that are marked.

Descriptor-driven: a field that is added to the contract counts from then on, unless its author
marks it with `outside_cache_key`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
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


def content_digest(spec: pb.CompletionSpec) -> bytes:
    """32 bytes, equal for equal questions: in every process, whatever the order of maps.

    Fields that this release does not know count, too.
    """
    if _has_marked(spec, _MARKS):
        bare = pb.CompletionSpec()
        bare.CopyFrom(spec)
        _clear(bare, _MARKS)
        spec = bare
    return hashlib.sha256(_SCHEMA + spec.SerializeToString(deterministic=True)).digest()


def _has_marked(message: Any, marks: _Marks) -> bool:
    for name in marks.marked:
        if message.HasField(name):
            return True
    for name, repeated, below in marks.inside:
        if repeated:
            for inner in getattr(message, name):
                if _has_marked(inner, below):
                    return True
        elif message.HasField(name) and _has_marked(getattr(message, name), below):
            return True
    return False


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
