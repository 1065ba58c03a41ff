"""JSON that callers wrote, on its way into a request's body.

What they wrote as text goes in as it stands: reformatting loses large numbers. Never lets anything
through that is not JSON.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, cast

import orjson

from service.domain.errors import ProviderFailure
from service.domain.reasons import ErrorReason


def json_object(provider: str, path: str, text: str) -> orjson.Fragment:
    """`text`, verbatim, for a body. Raises INVALID_REQUEST unless it is a JSON object."""
    try:
        parsed: Any = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise invalid(provider, path, f"is not JSON: {error}") from None
    if not isinstance(parsed, dict):
        raise invalid(provider, path, "must be a JSON object")
    return orjson.Fragment(text)


def finite(provider: str, path: str, value: Any) -> Any:
    """`value` itself. Raises INVALID_REQUEST if a number in it is one that JSON lacks."""
    match value:
        case float() if not math.isfinite(value):
            raise invalid(provider, path, "must be a finite number")
        case Mapping():
            for name, item in cast("Mapping[str, Any]", value).items():
                finite(provider, f"{path}.{name}", item)
        case list() | tuple():
            for index, item in enumerate(cast("Sequence[Any]", value)):
                finite(provider, f"{path}[{index}]", item)
        case _:
            pass
    return value


def body_bytes(provider: str, body: Mapping[str, Any]) -> bytes:
    """Raises INVALID_REQUEST for what JSON cannot say, such as too deep a nesting."""
    try:
        return orjson.dumps(body)
    except orjson.JSONEncodeError as error:
        message = f"{provider}: the request cannot be written as JSON ({error})"
        raise ProviderFailure(ErrorReason.INVALID_REQUEST, message, local=True) from None


def invalid(provider: str, path: str, what: str) -> ProviderFailure:
    """A failure for a field that no provider could understand."""
    return ProviderFailure(
        ErrorReason.INVALID_REQUEST, f"{provider}: {path} {what}", local=True, field=path
    )
