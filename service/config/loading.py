"""Reads the layers, lets pydantic-settings merge them, and tells every mistake at once."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from service.config import names
from service.config.documents import Document, read
from service.config.endpoints import standing
from service.config.origins import (
    DEFAULT,
    ConfigurationError,
    KeyPath,
    Origin,
    OriginKind,
    Problem,
    dotted,
)
from service.config.providers import BUILT_IN
from service.config.settings import Settings, built_in_source
from service.config.shape import hint_for, leaves, nearest
from service.config.sources import (
    Layer,
    built_in_layer,
    entries,
    environment_variables,
    file_layer,
    secret_variables,
    variables_layer,
)
from service.config.values import ENVIRONMENT_PATTERN
from service.config.watch import Stamp, stamp

FILE_NAME = "ai-provider.yml"
SECRETS_DIRECTORY = Path("/run/secrets")
_ENVIRONMENT = re.compile(ENVIRONMENT_PATTERN)
_DEFAULT_ENVIRONMENT = "development"
_PROVIDER_DEPTH = 2

_MESSAGES = {
    "extra_forbidden": "unknown key",
    "missing": "is required",
    "tuple_type": "must be a list",
    "dict_type": "must be a mapping",
    "model_type": "must be a mapping",
    "model_attributes_type": "must be a mapping",
    "path_not_file": "no such file",
    "date_type": "must be a day such as 2026-01-31",
    "date_parsing": "must be a day such as 2026-01-31",
    "date_from_datetime_parsing": "must be a day such as 2026-01-31",
    "date_from_datetime_inexact": "must be a day such as 2026-01-31, without a time",
}
_SHOULD = re.compile(r"(Decimal input|Input|String|Value) should")


@dataclass(frozen=True, slots=True)
class Places:
    """Where the configuration is looked for."""

    service_file: Path
    environment_file: Path
    secrets_directory: Path


@dataclass(frozen=True, slots=True)
class Loaded:
    """The settings in force. `origins` has the dotted path of every value that is no default.

    `stamps` has every file that was read or would be read if it were there, as it was before that.
    `warnings` are sentences for the log; they hold no secret.
    """

    settings: Settings
    origins: Mapping[str, Origin]
    stamps: Mapping[Path, Stamp | None]
    places: Places
    warnings: tuple[str, ...] = ()

    @property
    def files(self) -> tuple[Path, ...]:
        """The files to watch."""
        return tuple(self.stamps)

    def origin(self, path: str) -> Origin:
        """Where the value at the dotted `path` came from."""
        return self.origins.get(path, DEFAULT)


def load(
    environ: Mapping[str, str] | None = None,
    *,
    directory: Path | None = None,
    secrets_dir: Path | None = None,
) -> Loaded:
    """Reads `ai-provider.yml` and `<environment>.yml` in `directory`, and the rest of the layers.

    None means: the process's environment, `AI_PROVIDER_CONFIG_DIR` or the current directory, and
    `AI_PROVIDER_SECRETS_DIR` or `/run/secrets`. Raises ConfigurationError.
    """
    environ = os.environ if environ is None else environ
    problems = list(_missing(environ))
    service_file = _service_file(environ, directory)
    stamps = {service_file: stamp(service_file)}
    service_document = read(service_file, problems)
    environment = _environment(environ, service_document)
    places = Places(
        service_file,
        service_file.parent / f"{environment}.yml",
        secrets_dir or Path(environ.get(names.SECRETS_DIRECTORY) or SECRETS_DIRECTORY),
    )
    stamps[places.environment_file] = stamp(places.environment_file)
    documents = (service_document, read(places.environment_file, problems))
    providers = _providers(environ, places, documents)
    variables = environment_variables(environ, providers)
    secret = secret_variables(places.secrets_directory, providers)
    layers = (
        variables_layer(OriginKind.ENVIRONMENT, variables.values),
        variables_layer(OriginKind.SECRET, secret.values),
        *(file_layer(document) for document in documents),
    )
    problems += (*variables.problems, *secret.problems)
    settings = _settings(layers, problems)
    origins = {dotted(path): origin for path, origin in _origins(settings, layers)}
    for name in sorted({name for name, _ in secret.values.values()}):
        stamps[places.secrets_directory / name] = stamp(places.secrets_directory / name)
    warnings = (
        *variables.warnings,
        *secret.warnings,
        *_keyless(settings),
        *_idle_prices(settings),
    )
    return Loaded(settings, origins, stamps, places, warnings)


def _service_file(environ: Mapping[str, str], directory: Path | None) -> Path:
    if directory is None and environ.get(names.CONFIG_FILE):
        return Path(environ[names.CONFIG_FILE])
    return (directory or Path(environ.get(names.CONFIG_DIRECTORY) or ".")) / FILE_NAME


def _missing(environ: Mapping[str, str]) -> Iterator[Problem]:
    """A place that a variable names has to be there; the usual places need not."""
    for name in names.PLACES:
        named = environ.get(name)
        if named and stamp(Path(named)) is None:
            yield Problem(f"environment {name}", "", f"{named}: not there, or not accessible")


def _environment(environ: Mapping[str, str], document: Document) -> str:
    """The environment's own variable, else what `ai-provider.yml` says, else development."""
    section = document.data.get("service")
    written = section.get("environment") if isinstance(section, Mapping) else None
    spelled = environ.get(names.variable(("service", "environment")))
    name = str(spelled or environ.get(names.ENVIRONMENT) or written or _DEFAULT_ENVIRONMENT)
    # Validation tells what is wrong with another name; here it must only not be a path.
    return name if _ENVIRONMENT.match(name) else _DEFAULT_ENVIRONMENT


def _providers(
    environ: Mapping[str, str], places: Places, documents: Sequence[Document]
) -> tuple[str, ...]:
    """Every provider that anything speaks of: only these have short names."""
    found = dict.fromkeys(BUILT_IN)
    for document in documents:
        section = document.data.get("providers")
        if isinstance(section, Mapping):
            found |= dict.fromkeys(str(name) for name in section)
    secret_names = [path.name.upper() for path in entries(places.secrets_directory, [])]
    spelled = {name.replace("-", "_") for name in found}
    nested = names.nested_providers((*environ, *secret_names))
    found |= dict.fromkeys(name for name in nested if name not in spelled)
    return tuple(found)


def _settings(layers: Sequence[Layer], problems: list[Problem]) -> Settings:
    """Each layer is checked alone too, so that a stronger one does not hide a mistake in it."""
    built_in = built_in_layer(built_in_source(Settings))
    for layer in layers:
        _, errors = _validated((layer, built_in))
        problems += (_problem(e, (layer,)) for e in errors if _own(e, layer))
    settings, errors = _validated((*layers, built_in))
    problems += (_problem(error, (*layers, built_in)) for error in errors)
    if problems or settings is None:
        raise ConfigurationError(problems)
    return settings


def _validated(layers: Sequence[Layer]) -> tuple[Settings | None, Sequence[Mapping[str, Any]]]:
    # A parameter of BaseSettings that its synthesized signature hides from type checkers.
    sources: dict[str, Any] = {"_build_sources": (tuple(layer.source for layer in layers), {})}
    try:
        return Settings(**sources), ()
    except ValidationError as error:
        # Never its text, and never its input: both may hold a secret.
        return None, error.errors(include_url=False, include_input=False, include_context=False)


def _path(error: Mapping[str, Any]) -> KeyPath:
    return tuple(str(key) for key in error["loc"] if key != "[key]")


def _own(error: Mapping[str, Any], layer: Layer) -> bool:
    """Whether the mistake is in what `layer` says, not in what it leaves to others."""
    path = _path(error)
    if error["type"] == "missing":
        return layer.holds(path[:-1]) and layer.sets(path)
    return layer.sets(path) or (error["type"] == "extra_forbidden" and layer.holds(path))


def _problem(error: Mapping[str, Any], layers: Sequence[Layer]) -> Problem:
    path = _path(error)
    origin = next((layer.origin(path) for layer in layers if layer.holds(path)), None)
    if origin is None:
        origin = next((found for layer in layers if (found := layer.origin(path))), DEFAULT)
    message = _MESSAGES.get(error["type"]) or _SHOULD.sub("must", str(error["msg"]), count=1)
    hint = ""
    if error["type"] == "extra_forbidden":
        hint = hint_for(Settings, path)
    elif path[:1] == ("providers",) and len(path) == _PROVIDER_DEPTH:
        near = nearest(path[1], BUILT_IN) if path[1] not in BUILT_IN else ""
        hint = f"did you mean '{near}'?" if near else ""
    return Problem(str(origin), dotted(path), message.removeprefix("Value error, "), hint)


def _origins(settings: Settings, layers: Sequence[Layer]) -> Iterator[tuple[KeyPath, Origin]]:
    for path, _ in leaves(settings):
        holder = next((layer for layer in layers if layer.holds(path)), None)
        origin = holder.origin(path) if holder else None
        if origin is not None:
            yield path, origin


def _keyless(settings: Settings) -> Iterator[str]:
    for name, provider in settings.providers.items():
        if provider.enabled and not standing(name, provider)[0]:
            yield f"providers.{name} is enabled but has no API key; it is not asked"


def _idle_prices(settings: Settings) -> Iterator[str]:
    for place, rule in enumerate(settings.prices):
        if rule.provider and rule.provider not in settings.providers:
            near = nearest(rule.provider, settings.providers)
            hint = f"; did you mean '{near}'?" if near else ""
            yield f"prices[{place}].provider names no provider, and holds for nobody{hint}"
