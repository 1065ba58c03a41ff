"""What of a spec counts in the cache key: every field but those that the contract marks."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiprovider.v1 import completion_service_pb2 as pb
from aiprovider.v1 import content_pb2, options_pb2
from google.protobuf import json_format, struct_pb2
from google.protobuf.descriptor import FieldDescriptor

from service.rpc.decode.content_key import content_of

_OUTSIDE: Any = options_pb2.outside_cache_key
_DEEPEST = 7
Told = tuple[tuple[str, ...], bool]


def paths(
    descriptor: Any, prefix: tuple[str, ...] = (), *, outside: bool = False
) -> Iterator[Told]:
    """Every field below a message, by path, and whether it or one above it is marked.

    Messages that hold themselves are followed a little way.
    """
    for one in descriptor.fields:
        marked = outside or one.GetOptions().Extensions[_OUTSIDE]
        path = (*prefix, one.name)
        yield path, marked
        message = one.message_type
        is_map = message is not None and message.GetOptions().map_entry
        if message is not None and not is_map and len(path) < _DEEPEST:
            if message.full_name in ("google.protobuf.Struct", "google.protobuf.Value"):
                continue
            if prefix.count(one.name) > 1:
                continue
            yield from paths(message, path, outside=marked)


def with_field(path: tuple[str, ...]) -> tuple[pb.CompletionSpec, pb.CompletionSpec]:
    """Two specs that differ in that field alone: unset, or set to something."""
    unset, changed = pb.CompletionSpec(), pb.CompletionSpec()
    for spec in (unset, changed):
        spec.model = "m"
        message: Any = spec
        for name in path[:-1]:
            field = message.DESCRIPTOR.fields_by_name[name]
            if field.is_repeated:
                message = getattr(message, name).add()
            else:
                message = getattr(message, name)
                message.SetInParent()
        if spec is changed:
            change(message, path[-1])
    return unset, changed


def change(message: Any, name: str) -> None:
    field: Any = message.DESCRIPTOR.fields_by_name[name]
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        getattr(message, name)["openai"].update({"x": 1})
    elif field.message_type is not None:
        inner = getattr(message, name)
        inner.add() if field.is_repeated else inner.SetInParent()
    elif field.is_repeated:
        getattr(message, name).append(_value(field))
    else:
        setattr(message, name, _value(field, getattr(message, name)))


def _value(field: Any, old: Any = None) -> Any:
    match field.cpp_type:
        case FieldDescriptor.CPPTYPE_STRING:
            return b"other" if field.type == FieldDescriptor.TYPE_BYTES else "other"
        case FieldDescriptor.CPPTYPE_BOOL:
            return not old
        case FieldDescriptor.CPPTYPE_ENUM:
            return 1 if old != 1 else 2
        case FieldDescriptor.CPPTYPE_DOUBLE | FieldDescriptor.CPPTYPE_FLOAT:
            return 0.5
        case _:
            return 7


_PATHS = sorted(set(paths(pb.CompletionSpec.DESCRIPTOR)))


@pytest.mark.parametrize(("path", "outside"), _PATHS, ids=[".".join(p) for p, _ in _PATHS])
def test_every_field(path: tuple[str, ...], outside: bool) -> None:
    """A change of any field is another question, unless the field is marked."""
    unset, changed = with_field(path)

    assert unset != changed
    assert outside == (content_of(unset) == content_of(changed))


def test_that_there_are_many() -> None:
    """The walk over the contract found what it should: deep fields, and marked ones."""
    known = {".".join(path): outside for path, outside in _PATHS}

    assert len(known) > 80
    assert not known["sampling.seed"]
    assert not known["tools.function.has_side_effects"]
    assert not known["messages.parts.tool_result.parts.text"]
    assert known["messages.parts.cache_hint"]
    assert known["messages.parts.tool_result.parts.cache_hint.ttl_seconds"]


def rich() -> pb.CompletionSpec:
    spec = pb.CompletionSpec(model="gpt-4o", sampling=pb.SamplingParams(temperature=0.7, seed=3))
    text = content_pb2.Part(text="Grüße, 世界")
    spec.messages.append(content_pb2.Message(role=content_pb2.ROLE_USER, parts=[text]))
    for name in ("openai", "anthropic", "gemini", "local"):
        struct = struct_pb2.Struct()
        struct.update({"b": [1, 2.5, None], "a": {"y": True, "x": "ß"}, name: 1})
        spec.provider_options[name].CopyFrom(struct)
    return spec


def test_the_order_of_maps() -> None:
    """Maps that were filled in another order ask the same."""
    spec, other = rich(), pb.CompletionSpec()
    other.CopyFrom(spec)
    other.ClearField("provider_options")
    for name in reversed(list(spec.provider_options)):
        value = json_format.MessageToDict(spec.provider_options[name])
        struct = struct_pb2.Struct()
        struct.update(dict(reversed(list(value.items()))))
        other.provider_options[name].CopyFrom(struct)

    assert content_of(spec) == content_of(other)


def test_hints_are_left_out_and_nothing_else() -> None:
    """A spec with hints at every depth asks the same as one without; the caller's is untouched."""
    bare, hinted = pb.CompletionSpec(model="m"), pb.CompletionSpec(model="m")
    for spec in (bare, hinted):
        inner = content_pb2.Part(text="in")
        result = content_pb2.ToolResult(tool_call_id="1", parts=[inner])
        parts = [content_pb2.Part(text="a"), content_pb2.Part(tool_result=result)]
        spec.messages.append(content_pb2.Message(role=content_pb2.ROLE_USER, parts=parts))
    message = hinted.messages[0]
    message.parts[0].cache_hint.ttl_seconds = 60
    message.parts[1].tool_result.parts[0].cache_hint.SetInParent()
    before = hinted.SerializeToString(deterministic=True)

    assert content_of(bare) == content_of(hinted)
    assert before == hinted.SerializeToString(deterministic=True)


def test_unknown_fields_count() -> None:
    """What a newer contract adds is another question, though this release does not know it."""
    spec = rich()
    newer = pb.CompletionSpec.FromString(spec.SerializeToString() + b"\xc2\x3e\x03new")

    assert content_of(spec) != content_of(newer)


def test_other_processes() -> None:
    """The same in every process, whatever its hash seed."""
    root = Path(__file__).parents[3]
    program = (
        "import sys; sys.path[:0] = ['.', 'generated']\n"
        "from tests.unit.rpc.test_content_key import rich\n"
        "from service.rpc.decode.content_key import content_of\n"
        "print(content_of(rich()).hex())"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=root,
            env={"PYTHONHASHSEED": seed, "PATH": "/usr/bin:/bin"},
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
        for seed in ("1", "2")
    }

    assert {content_of(rich()).hex()} == told
