"""The layers of the configuration, as sources of pydantic-settings, which merges them.

A layer says of each of its values where it is written. None of them validates.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_settings import EnvSettingsSource, InitSettingsSource, PydanticBaseSettingsSource

from service.config import names
from service.config.documents import Document
from service.config.origins import KeyPath, Origin, OriginKind, Problem
from service.config.settings import Settings
from service.config.shape import nearest

_SECRET_SIZE_MAX_BYTES = 64 * 1024
_MISSPELLED = 0.88
_SECTIONS = tuple(Settings.model_fields)


class VariablesSource(EnvSettingsSource):
    """EnvSettingsSource over names that are paths already (`cache__ttl`).

    A list may be written with commas, everything nested as JSON.
    """

    def __init__(self, values: Mapping[KeyPath, str]) -> None:
        super().__init__(Settings)
        # The shorter path first: JSON for a section, then what is said of a key in it.
        ordered = sorted(values.items(), key=lambda item: len(item[0]))
        self.env_vars = {names.DELIMITER.join(path): value for path, value in ordered}

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        """Leaves what is not JSON to validation, which knows where it stood."""
        _ = field_name, field
        text = str(value).strip()
        if text[:1] in ("[", "{"):
            try:
                return json.loads(text)
            except ValueError:
                return text
        pieces = (piece.strip() for line in text.splitlines() for piece in line.split(","))
        return [piece for piece in pieces if piece]


@dataclass(frozen=True, slots=True)
class Layer:
    """One source and where its values are written. `marks` has keys on the way to a value too."""

    source: PydanticBaseSettingsSource
    marks: Mapping[KeyPath, Origin]
    data: Mapping[str, Any] = field(repr=False)

    def holds(self, path: KeyPath) -> bool:
        """Whether this layer says what stands at `path`."""
        value: Any = self.data
        for key in path:
            if not isinstance(value, Mapping):
                return True
            if key not in value:
                return False
            value = value[key]
        return True

    def sets(self, path: KeyPath) -> bool:
        """Whether the value at `path` is this layer's alone: not a section that others add to."""
        value: Any = self.data
        for key in path:
            if not isinstance(value, Mapping):
                return True
            value = value.get(key)
        return value is not None and not isinstance(value, Mapping)

    def origin(self, path: KeyPath) -> Origin | None:
        """The closest place: of `path`, of what holds it, or else of the first thing in it."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.marks:
                return self.marks[path[:length]]
        return next((o for p, o in self.marks.items() if p[: len(path)] == path), None)


def built_in_layer(source: PydanticBaseSettingsSource) -> Layer:
    return Layer(source, {}, source())


def file_layer(document: Document) -> Layer:
    marks = {
        path: Origin(OriginKind.FILE, document.name, line) for path, line in document.lines.items()
    }
    return Layer(InitSettingsSource(Settings, document.data), marks, document.data)


def variables_layer(kind: OriginKind, values: Mapping[KeyPath, tuple[str, str]]) -> Layer:
    """`values` has the name and the text of each variable."""
    source = VariablesSource({path: text for path, (_, text) in values.items()})
    marks = {path: Origin(kind, name) for path, (name, _) in values.items()}
    return Layer(source, marks, source())


@dataclass(slots=True)
class Variables:
    """The variables that concern us, by the setting each means."""

    values: dict[KeyPath, tuple[str, str]] = field(default_factory=dict[KeyPath, tuple[str, str]])
    problems: list[Problem] = field(default_factory=list[Problem])
    warnings: list[str] = field(default_factory=list[str])


def environment_variables(environ: Mapping[str, str], providers: tuple[str, ...]) -> Variables:
    """An unknown name is a mistake if it begins with `AI_PROVIDER_`; empty values say nothing."""
    said = {
        name: value
        for name, value in environ.items()
        if value.strip() and name not in names.PLACES and not names.of_kubernetes(name, value)
    }
    found = _variables(said, providers, OriginKind.ENVIRONMENT)
    known = (*names.short_names(providers), *names.PLACES)
    for name in sorted(said):
        path = names.nested_path(name, providers)
        if not name.startswith(names.PREFIX) or name in known or (path and path[0] in _SECTIONS):
            continue
        if path:
            near = nearest(path[0], _SECTIONS)
            near = near and name.replace(path[0].upper(), near.upper(), 1)
        else:
            near = nearest(name, known)
        hint = f"did you mean {near}?" if near else "see docs/configuration.md"
        found.problems.append(Problem(f"environment {name}", "", "unknown variable", hint))
    return found


def secret_variables(directory: Path, providers: tuple[str, ...]) -> Variables:
    """Files that mean no setting are others' and ignored: they may be certificates."""
    problems: list[Problem] = []
    found = _variables(_secret_files(directory, providers, problems), providers, OriginKind.SECRET)
    found.problems += problems
    return found


def entries(directory: Path, problems: list[Problem]) -> list[Path]:
    """What is in `directory`; nothing if it is not there, or if `problems` tells why not."""
    try:
        return sorted(directory.iterdir())
    except FileNotFoundError:
        return []
    except OSError as error:
        reason = (error.strerror or "it is not readable").lower()
        problems.append(Problem(str(directory), "", f"cannot be read: {reason}"))
        return []


def _secret_files(
    directory: Path, providers: tuple[str, ...], problems: list[Problem]
) -> dict[str, str]:
    known = names.short_names(providers)
    texts: dict[str, str] = {}
    for path in entries(directory, problems):
        name = path.name.upper()
        if name not in known and names.nested_path(name, providers) is None:
            continue
        try:
            if not path.is_file():
                continue
            if path.stat().st_size > _SECRET_SIZE_MAX_BYTES:
                problems.append(Problem(f"secret {path.name}", "", "is too large"))
                continue
            text = path.read_text(encoding="utf-8").strip()
        except UnicodeDecodeError:
            problems.append(Problem(f"secret {path.name}", "", "is not UTF-8 text"))
        except OSError as error:
            reason = (error.strerror or "it is not readable").lower()
            problems.append(Problem(f"secret {path.name}", "", f"cannot be read: {reason}"))
        else:
            if text:
                texts[path.name] = text
    return texts


def _variables(said: Mapping[str, str], providers: tuple[str, ...], kind: OriginKind) -> Variables:
    """The nested form is the most explicit and wins; see `short_names` for the rest."""
    found = Variables()
    by_name = {name.upper() if kind is OriginKind.SECRET else name: name for name in said}
    short = names.short_names(providers)
    spelled = [(name, path) for name, path in short.items() if name in by_name]
    for name in sorted(by_name):
        path = names.nested_path(name, providers)
        if path is not None:
            spelled.append((name, path))
    for name, path in spelled:
        original = by_name[name]
        if path in found.values and found.values[path][1] != said[original]:
            found.warnings.append(
                f"{kind.value} {found.values[path][0]} and {original} differ; {original} is used"
            )
        found.values[path] = (original, said[original])
    families = tuple(f"{prefix}_" for p in providers for prefix in names.prefixes(p))
    for name in sorted(by_name):
        if name.startswith(families) and name not in short:
            near = nearest(name, short, close=_MISSPELLED)
            if near:
                found.warnings.append(f"{kind.value} {by_name[name]} is ignored; {near} is known")
    return found
