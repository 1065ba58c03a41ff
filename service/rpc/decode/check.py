"""Collects the mistakes of one request, so that a caller learns of all of them at once."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import orjson
from google.protobuf import duration_pb2, struct_pb2

from service.domain.errors import FieldViolation, ServiceFailure
from service.domain.reasons import ErrorReason

_VIOLATIONS_MAX = 20
_DURATION_MAX_S = 86_400.0
_FUNCTION_NAME = re.compile(r"[A-Za-z0-9_.:\-]{1,128}\Z")


class Check:
    """Every method notes a mistake at `field` and goes on."""

    def __init__(self) -> None:
        self.violations: list[FieldViolation] = []

    def refuse(self, field: str, description: str) -> None:
        if len(self.violations) < _VIOLATIONS_MAX:
            self.violations.append(FieldViolation(field, description))

    def finish(self) -> None:
        """Raises ServiceFailure INVALID_REQUEST if there was a mistake."""
        if not self.violations:
            return
        first = self.violations[0]
        more = len(self.violations) - 1
        rest = f" (and {more} more, see the details)" if more else ""
        raise ServiceFailure(
            ErrorReason.INVALID_REQUEST,
            f"{first.field}: {first.description}{rest}",
            violations=tuple(self.violations),
        )

    def text(self, field: str, value: str, max_chars: int = 0) -> str:
        if not value:
            self.refuse(field, "must not be empty")
        elif max_chars and len(value) > max_chars:
            self.refuse(field, f"must have at most {max_chars} characters, has {len(value)}")
        return value

    def within(self, field: str, value: float, low: float, high: float) -> None:
        if not low <= value <= high:
            self.refuse(field, f"must be between {low:g} and {high:g}, is {value:g}")

    def at_least(self, field: str, value: int, low: int) -> None:
        if value < low:
            self.refuse(field, f"must be at least {low}, is {value}")

    def function_name(self, field: str, value: str) -> str:
        if not _FUNCTION_NAME.match(value):
            self.refuse(field, "must be 1 to 128 of the characters A-Z a-z 0-9 _ . : -")
        return value

    def json_object(self, field: str, value: str) -> str:
        try:
            parsed = orjson.loads(value)
        except orjson.JSONDecodeError as error:
            self.refuse(field, f"is not JSON: {error}")
            return value
        if not isinstance(parsed, dict):
            self.refuse(field, "must be a JSON object")
        return value

    def duration_s(
        self, field: str, value: duration_pb2.Duration, max_s: float = _DURATION_MAX_S
    ) -> float:
        seconds = value.seconds + value.nanos / 1e9
        if not 0 <= seconds <= max_s:
            self.refuse(field, f"must be between 0 and {max_s:g} s, is {seconds:g} s")
        return seconds

    def struct(self, field: str, value: struct_pb2.Struct) -> Mapping[str, Any]:
        """`value` as JSON. Keys are sorted: a Struct has no order, and equal ones must be equal."""
        try:
            return _json_object(value)
        except ValueError as error:
            self.refuse(field, str(error))
            return {}


def _json_object(value: struct_pb2.Struct) -> dict[str, Any]:
    return {name: _json(value.fields[name]) for name in sorted(value.fields)}


def _json(value: struct_pb2.Value) -> Any:
    match value.WhichOneof("kind"):
        case "string_value":
            return value.string_value
        case "number_value":
            return _number(value.number_value)
        case "bool_value":
            return value.bool_value
        case "struct_value":
            return _json_object(value.struct_value)
        case "list_value":
            return [_json(item) for item in value.list_value.values]
        case _:
            return None


def _number(value: float) -> float | int:
    if not math.isfinite(value):
        raise ValueError("holds a number that JSON cannot hold")
    # A Struct has doubles only; providers want their integers as integers.
    return int(value) if value.is_integer() else value
