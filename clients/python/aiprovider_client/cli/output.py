"""What is printed: answers on standard output, all else on standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

from aiprovider.v1 import model_service_pb2, routing_pb2
from google.protobuf import json_format

from aiprovider_client.answers import Answer
from aiprovider_client.errors import (
    AIProviderError,
    AuthenticationError,
    DeadlineError,
    IncompleteStreamError,
    InvalidRequestError,
    NotFoundError,
    NotImplementedByServiceError,
    OverloadedError,
    PermissionDeniedError,
    ProviderError,
    RateLimitedError,
    StreamInterruptedError,
    UnreachableError,
)

_EXIT_CODES: tuple[tuple[type[AIProviderError], int], ...] = (
    (InvalidRequestError, 2),
    (NotImplementedByServiceError, 2),
    (UnreachableError, 3),
    (OverloadedError, 3),
    (AuthenticationError, 4),
    (PermissionDeniedError, 4),
    (NotFoundError, 5),
    (RateLimitedError, 6),
    (DeadlineError, 7),
    (ProviderError, 8),
    (StreamInterruptedError, 8),
    (IncompleteStreamError, 8),
)
_OTHERWISE = 70


def exit_code(error: AIProviderError) -> int:
    return next((code for kind, code in _EXIT_CODES if isinstance(error, kind)), _OTHERWISE)


def print_json(message: Any) -> None:
    print(json_format.MessageToJson(message))


def print_json_line(message: Any) -> None:
    print(json.dumps(json_format.MessageToDict(message)), flush=True)


def print_answer(answer: Answer) -> None:
    if answer.text:
        print(answer.text)
    print_rest(answer)


def print_rest(answer: Answer) -> None:
    """What is not text, and on standard error how the answer came to be."""
    if answer.refusal:
        print(f"[refused] {answer.refusal}")
    for call in answer.tool_calls:
        print(f"[tool call] {call.name}({call.arguments_json}) id={call.id}")
    usage, served = answer.usage, answer.served_by
    about = " (estimated)" if usage.estimated else ""
    took_ms = answer.raw.timing.total_duration.ToMicroseconds() / 1000
    _note(
        f"{served.provider}/{served.model}: {answer.finish_reason.lower()},"
        f" {usage.input_tokens} + {usage.output_tokens} tokens{about}, {took_ms:.1f} ms"
    )
    failed = list(answer.raw.route.attempts)[:-1]
    if failed:
        _note("before it: " + "; ".join(_attempt(attempt) for attempt in failed))
    if answer.raw.dropped_parameters:
        _note("left out: " + ", ".join(answer.raw.dropped_parameters))


def print_models(models: Sequence[model_service_pb2.Model]) -> None:
    width = max((len(model.name) for model in models), default=0)
    for model in models:
        providers = ", ".join(dict.fromkeys(target.provider for target in model.targets))
        window = f"{model.context_window_tokens:>10,}" if model.context_window_tokens else " " * 10
        print(f"{model.name:<{width}}  {window}  {providers}  {' '.join(model.capabilities)}")
    _note(f"{len(models)} models")


def print_health(service: str, status: str, *, as_json: bool) -> None:
    text = json.dumps({"service": service, "status": status}) if as_json else f"{service}: {status}"
    print(text, flush=True)


def explain(error: AIProviderError, *, as_json: bool) -> None:
    """On standard error: what was wrong, where, and what to do."""
    if as_json:
        told = {
            "reason": error.reason,
            "code": error.code.name,
            "message": error.message,
            "request_id": error.request_id,
            "retry_after_s": error.retry_after_s,
            "violations": [[v.field, v.description] for v in error.violations],
            "attempts": [json_format.MessageToDict(attempt) for attempt in error.attempts],
        }
        _note(json.dumps(told))
        return
    _note(f"aip: {error}")
    for violation in error.violations:
        _note(f"  {violation.field}: {violation.description}")
    for attempt in error.attempts:
        _note(f"  tried {_attempt(attempt)}")
    if error.retry_after_s is not None:
        _note(f"  try again in {error.retry_after_s:g} s")
    if isinstance(error, UnreachableError):
        _note("  is the service running? --server HOST:PORT or AIP_SERVER says where")
    if isinstance(error, AuthenticationError):
        _note("  --api-key KEY or AIP_API_KEY says who you are")
    if error.request_id:
        _note(f"  request id {error.request_id}")


def _attempt(attempt: routing_pb2.Attempt) -> str:
    took_ms = attempt.duration.ToMicroseconds() / 1000
    status = f" (HTTP {attempt.http_status})" if attempt.http_status else ""
    why = attempt.reason or "ok"
    return f"{attempt.target.provider}/{attempt.target.model}: {why}{status}, {took_ms:.0f} ms"


def _note(text: str) -> None:
    sys.stderr.write(text + "\n")
