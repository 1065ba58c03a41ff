"""The schema as a tree of keys: for hints, documentation, and effective values. Decides nothing."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from service.config.origins import KeyPath, dotted

_CLOSE = 0.7
_HINTS_MAX = 2
ANY = "*"
"""Stands in a path for the key of a mapping or the place in a list."""


def key_of(name: str, info: FieldInfo) -> str:
    """The key in a file; it differs from the attribute where the attribute carries a unit."""
    return info.alias or name


def alternatives(annotation: Any) -> tuple[Any, ...]:
    """`(int, None)` for `int | None`; what is only annotated is stripped."""
    if hasattr(annotation, "__metadata__"):
        return alternatives(annotation.__origin__)
    arguments = get_args(annotation)
    if arguments and type(None) in arguments:
        return tuple(found for item in arguments for found in alternatives(item))
    return (annotation,)


def inside(annotation: Any) -> tuple[Any, bool]:
    """What a mapping or a list holds, and True; for another type itself, and False."""
    kind = next((found for found in alternatives(annotation) if found is not type(None)), None)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is dict:
        return arguments[1], True
    if origin in (tuple, frozenset):
        return arguments[0], True
    return kind, False


def model_of(annotation: Any) -> type[BaseModel] | None:
    """The section that `annotation` stands for, if it does."""
    kind, nested = inside(annotation)
    if not nested and isinstance(kind, type) and issubclass(kind, BaseModel):
        return kind
    return None


def fields(
    model: type[BaseModel], path: KeyPath = ()
) -> Iterator[tuple[KeyPath, FieldInfo, type[BaseModel] | None]]:
    """Every key below `model`, with the section it opens if it opens one."""
    for name, info in model.model_fields.items():
        here = (*path, key_of(name, info))
        item, nested = inside(info.annotation)
        section = model_of(item)
        yield here, info, section
        if section is not None:
            yield from fields(section, (*here, ANY) if nested else here)


def known_keys(root: type[BaseModel], path: KeyPath) -> tuple[str, ...]:
    """The keys that the section at `path` takes; empty where there is no section."""
    annotation: Any = root
    for key in path:
        model = model_of(annotation)
        if model is None:
            annotation, nested = inside(annotation)
            if not nested:
                return ()
            continue
        annotation = {
            key_of(n, info): info.annotation for n, info in model.model_fields.items()
        }.get(key)
        if annotation is None:
            return ()
    model = model_of(annotation)
    return tuple(key_of(n, info) for n, info in model.model_fields.items()) if model else ()


def nearest(word: str, known: Iterable[str], *, close: float = _CLOSE) -> str:
    """The name that was probably meant, "" if none is near."""
    return next(iter(difflib.get_close_matches(word, tuple(known), n=1, cutoff=close)), "")


def hint_for(root: type[BaseModel], path: KeyPath) -> str:
    """What was probably meant by the unknown key at the end of `path`."""
    known = known_keys(root, path[:-1])
    near = nearest(path[-1], known)
    if near:
        return f"did you mean '{near}'?"
    elsewhere = [found for found, _, _ in fields(root) if found[-1] == path[-1]]
    # Those that stand highest, if they are few.
    highest = min(map(len, elsewhere), default=0)
    highest_ones = [dotted(found) for found in elsewhere if len(found) == highest]
    if 1 <= len(highest_ones) <= _HINTS_MAX:
        meant = (f"'{one.replace(f'.{ANY}', '.NAME')}'" for one in highest_ones)
        return f"did you mean {' or '.join(meant)}?"
    return f"known keys: {', '.join(known)}" if known else ""


def leaves(model: BaseModel, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Any]]:
    """Every effective value, in the order of the schema. A section in a list is one value."""
    for name, info in type(model).model_fields.items():
        yield from _opened(getattr(model, name), (*path, key_of(name, info)))


def _opened(value: Any, path: KeyPath) -> Iterator[tuple[KeyPath, Any]]:
    if isinstance(value, BaseModel):
        yield from leaves(value, path)
    elif isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from _opened(item, (*path, str(key)))
    elif isinstance(value, tuple) and value and isinstance(value[0], BaseModel):
        for index, item in enumerate(value):
            yield (*path, str(index)), item
    else:
        yield path, value
