"""Lists of models, as each family tells them: what a client asks that wants to know, unbilled,
whether a provider is there and knows its key.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from service.adversary.openai import CREATED

_PAGE_SIZE = 20
_PAGE_SIZE_MAX = 1000
_MODELS = {
    "openai": ("gpt-4o", "gpt-4o-mini", "o3", "text-embedding-3-small"),
    "deepseek": ("deepseek-chat", "deepseek-reasoner"),
    "anthropic": ("claude-opus-4-1", "claude-sonnet-4-5"),
    "gemini": ("gemini-2.5-flash", "gemini-2.5-pro", "gemini-embedding-001"),
}
_WHERE = {
    "openai": ("/v1/models", "/models"),
    "deepseek": ("/v1/models", "/models"),
    "anthropic": ("/v1/models",),
    "gemini": ("/v1beta/models", "/models"),
}


def listing(family: str, path: str) -> Any:
    """The models of a page; None if nothing is listed at `path`. Raises ValueError if the page's
    size is not one.
    """
    where, _, query = path.partition("?")
    if where not in _WHERE[family]:
        return None
    asked = {name: values[-1] for name, values in parse_qs(query).items()}
    names = _MODELS[family]
    match family:
        case "anthropic":
            size = _number(asked, "limit")
            if not 1 <= size <= _PAGE_SIZE_MAX:
                raise ValueError(f"limit: Input should be between 1 and {_PAGE_SIZE_MAX}")
            return _anthropic(names, size)
        case "gemini":
            # What is too large is as large as can be there.
            return _gemini(names, _number(asked, "pageSize") or _PAGE_SIZE)
        case _:
            return {"object": "list", "data": [_openai(family, name) for name in names]}


def _number(asked: Mapping[str, str], name: str) -> int:
    text = asked.get(name, str(_PAGE_SIZE))
    if not text.isdecimal():
        raise ValueError(f"{name}: Input should be a valid integer, unable to parse {text!r}")
    return int(text)


def _openai(family: str, name: str) -> Any:
    model: dict[str, Any] = {"id": name, "object": "model", "owned_by": family}
    return model if family == "deepseek" else {**model, "created": CREATED}


def _anthropic(names: tuple[str, ...], size: int) -> Any:
    page = names[:size]
    models = [
        {
            "type": "model",
            "id": name,
            "display_name": name.replace("-", " ").title(),
            "created_at": "2025-09-29T00:00:00Z",
        }
        for name in page
    ]
    more = size < len(names)
    return {"data": models, "has_more": more, "first_id": page[0], "last_id": page[-1]}


def _gemini(names: tuple[str, ...], size: int) -> Any:
    models = [
        {
            "name": f"models/{name}",
            "version": "001",
            "displayName": name.replace("-", " ").title(),
            "inputTokenLimit": 1_048_576,
            "outputTokenLimit": 65_536,
            "supportedGenerationMethods": ["generateContent", "countTokens"],
        }
        for name in names[:size]
    ]
    more = {"nextPageToken": "Ch5tb2RlbHM="} if size < len(names) else {}
    return {"models": models, **more}
