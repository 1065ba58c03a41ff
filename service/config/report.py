"""The configuration in words: the values in force, and what was looked for. Masks every secret."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Secret, SecretStr

from service.config import names
from service.config.endpoints import standing
from service.config.loading import Loaded
from service.config.origins import Origin, OriginKind, dotted
from service.config.shape import key_of, leaves
from service.config.values import MASK
from service.config.watch import stamp

_VALUE_WIDTH_MAX = 48


def describe(loaded: Loaded) -> str:
    """Every value in force with its origin, a line each, in the order of the schema."""
    rows = [(path, _text(value), _note(loaded, path)) for path, value in values(loaded)]
    path_width = max(len(path) for path, _, _ in rows)
    value_width = min(_VALUE_WIDTH_MAX, max(len(value) for _, value, _ in rows))
    return "\n".join(
        f"{path:<{path_width}}  {value:<{value_width}}  {note}" for path, value, note in rows
    )


def describe_json(loaded: Loaded) -> str:
    """The same for machines."""
    report = {
        "values": {
            path: {"value": value, **_origin_fields(loaded.origin(path))}
            for path, value in values(loaded)
        },
        "active_providers": list(loaded.settings.active_providers),
        "files": {str(path): found is not None for path, found in loaded.stamps.items()},
        "warnings": list(loaded.warnings),
    }
    return json.dumps(report, indent=2)


def values(loaded: Loaded) -> Iterator[tuple[str, Any]]:
    """Dotted path and masked JSON value of everything in force."""
    for path, value in leaves(loaded.settings):
        yield dotted(path), masked(value)


def masked(value: Any) -> Any:
    """`value` as JSON, without secrets."""
    match value:
        case SecretStr():
            return MASK
        case Secret():
            return str(value)
        case Enum():
            return value.value
        case Path() | date():
            return str(value)
        case Decimal():
            return f"{value:f}"
        case BaseModel():
            said = (
                (n, i) for n, i in type(value).model_fields.items() if n in value.model_fields_set
            )
            return {key_of(name, info): masked(getattr(value, name)) for name, info in said}
        case Mapping():
            return {str(key): masked(item) for key, item in value.items()}
        case frozenset():
            return sorted(value)
        case tuple():
            return [masked(item) for item in value]
        case _:
            return value


def looked_for(loaded: Loaded) -> str:
    """Why no provider is asked: a line for each, and where its key was looked for."""
    places = loaded.places
    lines: list[str] = []
    for name, provider in loaded.settings.providers.items():
        active, why = standing(name, provider)
        if active or provider.enabled is False:
            origin = loaded.origin(f"providers.{name}.enabled")
            lines.append(f"{name}: {why}" + ("" if active else f" by {origin}"))
            continue
        variables = [f"{prefix}_API_KEY" for prefix in reversed(names.prefixes(name))]
        secret = " or ".join(f"{places.secrets_directory}/{v.lower()}" for v in variables)
        lines.append(
            f"{name}: {why}; looked for the variable {' or '.join(variables)}, the secret {secret},"
            f" and the key providers.{name}.api_key"
        )
    files = (places.service_file, places.environment_file)
    lines += (f"{path}: {'read' if loaded.stamps.get(path) else 'not there'}" for path in files)
    if stamp(places.secrets_directory) is None:
        lines.append(f"{places.secrets_directory}: not there")
    example = names.variable(("providers", "local", "base_url"))
    lines.append(f"an OpenAI-compatible server of your own: {example}=http://127.0.0.1:8000/v1")
    return "\n".join(lines)


def summary(loaded: Loaded) -> str:
    """One line for a configuration that is valid."""
    read = [path.name for path, found in loaded.stamps.items() if found is not None]
    return (
        f"OK: read {', '.join(read) or 'no file'};"
        f" providers: {', '.join(loaded.settings.active_providers) or 'none'}"
    )


def _note(loaded: Loaded, path: str) -> str:
    origin = str(loaded.origin(path))
    match path.split("."):
        case ["providers", name, "enabled"]:
            active, why = standing(name, loaded.settings.providers[name])
            return f"{origin} ({'asked' if active else 'not asked'}: {why})"
        case _:
            return origin


def _text(value: Any) -> str:
    if value in (None, "", [], {}):
        return "-"
    match value:
        case bool():
            return str(value).lower()
        case str():
            return value
        case float():
            return f"{value:g}"
        case [*items] if all(isinstance(item, str) for item in items):
            return ", ".join(items)
        case {"name": str(name)} if len(value) == 1:
            return name
        case _:
            return json.dumps(value)


def _origin_fields(origin: Origin) -> dict[str, Any]:
    fields: dict[str, Any] = {"origin": str(origin), "kind": origin.kind.value}
    if origin.kind is OriginKind.FILE:
        fields |= {"file": origin.name, "line": origin.line}
    return fields
