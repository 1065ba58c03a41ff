"""One YAML file as plain values, with the line of every key. Knows no setting.

A key without a value says nothing, as if it were not there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from service.config.origins import KeyPath, Problem, dotted

_SIZE_MAX_BYTES = 1024 * 1024
_MERGE_TAG = "tag:yaml.org,2002:merge"
_DEPTH_MAX = 32

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Document:
    """`lines` has the line of every key and every list item, counted from 1."""

    name: str
    data: dict[str, Any] = field(default_factory=dict[str, Any], repr=False)
    lines: dict[KeyPath, int] = field(default_factory=dict[KeyPath, int], repr=False)


def read(path: Path, problems: list[Problem]) -> Document:
    """The file at `path`; an empty document if there is none, or if `problems` tells why not."""
    try:
        size_bytes = path.stat().st_size
        text = path.read_text(encoding="utf-8") if size_bytes <= _SIZE_MAX_BYTES else ""
    except (FileNotFoundError, NotADirectoryError):
        return Document(path.name)
    except OSError as error:
        reason = (error.strerror or "it is not readable").lower()
        problems.append(Problem(str(path), "", f"cannot be read: {reason}"))
        return Document(path.name)
    except UnicodeDecodeError as error:
        problems.append(Problem(str(path), "", f"is not UTF-8 text at byte {error.start}"))
        return Document(path.name)
    if size_bytes > _SIZE_MAX_BYTES:
        problems.append(Problem(str(path), "", f"is larger than {_SIZE_MAX_BYTES} bytes"))
    return parse(text, path.name, problems)


def parse(text: str, name: str, problems: list[Problem]) -> Document:
    """`text` as a document; what is wrong with it is added to `problems`."""
    loader = _Loader(text)
    try:
        root = loader.get_single_node()
        if root is None:
            return Document(name)
        if not isinstance(root, yaml.MappingNode):
            problems.append(Problem(f"{name}:1", "", "must be a mapping of sections"))
            return Document(name)
        problems.extend(_bad_keys(root, name, (), 0))
        # Before construction, which resolves merge keys in place.
        lines = dict(_lines(root, (), 0))
        data = loader.construct_document(root)
    except yaml.MarkedYAMLError as error:
        problems.append(Problem(_place(name, error), "", f"is not YAML: {error.problem}"))
        return Document(name)
    except yaml.reader.ReaderError as error:
        problems.append(Problem(name, "", f"is not YAML: {error.reason} at {error.position}"))
        return Document(name)
    except (RecursionError, ValueError):
        problems.append(
            Problem(name, "", "is nested too deeply, or holds a value YAML cannot read")
        )
        return Document(name)
    finally:
        loader.dispose()
    return Document(name, _said(data), lines)


def _place(name: str, error: yaml.MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    return f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name


def _line(node: yaml.Node) -> int:
    return node.start_mark.line + 1


def _bad_keys(node: yaml.Node, name: str, path: KeyPath, depth: int) -> Iterator[Problem]:
    """Keys that stand twice, of which YAML would silently take the last, and keys not of text."""
    if depth > _DEPTH_MAX:
        raise RecursionError
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _bad_keys(item, name, (*path, str(index)), depth + 1)
    if not isinstance(node, yaml.MappingNode):
        return
    first: dict[str, int] = {}
    for key, value in node.value:
        if key.tag == _MERGE_TAG:
            continue
        here = (*path, str(key.value))
        source = f"{name}:{_line(key)}"
        if key.tag != "tag:yaml.org,2002:str":
            yield Problem(source, dotted(path), "a key must be text", "put it into quotes")
        elif key.value in first:
            message = f"stands there twice; it is on line {first[key.value]} already"
            yield Problem(source, dotted(here), message)
        else:
            first[key.value] = _line(key)
            yield from _bad_keys(value, name, here, depth + 1)


def _lines(node: yaml.Node, path: KeyPath, depth: int) -> Iterator[tuple[KeyPath, int]]:
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield (*path, str(index)), _line(item)
            yield from _lines(item, (*path, str(index)), depth + 1)
    if not isinstance(node, yaml.MappingNode):
        return
    # What is merged in comes first, so that a key's own line wins over it.
    for key, value in sorted(node.value, key=lambda pair: pair[0].tag != _MERGE_TAG):
        if key.tag == _MERGE_TAG:
            sources = value.value if isinstance(value, yaml.SequenceNode) else [value]
            for source in reversed(sources):
                yield from _lines(source, path, depth + 1)
        else:
            yield (*path, str(key.value)), _line(key)
            yield from _lines(value, (*path, str(key.value)), depth + 1)


def _said(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _said(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_said(item) for item in value]
    return value
