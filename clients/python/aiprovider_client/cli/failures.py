"""A failed call on standard error, and as an exit code."""

from __future__ import annotations

import json
from time import time

from google.protobuf import json_format

from aiprovider_client.cli import routes
from aiprovider_client.cli.output import note
from aiprovider_client.errors import (
    AIProviderError,
    AuthenticationError,
    CacheMissError,
    DeadlineError,
    IncompleteStreamError,
    InvalidRequestError,
    LedgerError,
    NotFoundError,
    NotImplementedByServiceError,
    OverloadedError,
    PermissionDeniedError,
    ProviderError,
    RateLimitedError,
    SharedCacheError,
    StreamInterruptedError,
    UnreachableError,
)

_EXIT_CODES: tuple[tuple[type[AIProviderError], int], ...] = (
    (InvalidRequestError, 2),
    (NotImplementedByServiceError, 2),
    (UnreachableError, 3),
    (OverloadedError, 3),
    (SharedCacheError, 3),
    (LedgerError, 3),
    (AuthenticationError, 4),
    (PermissionDeniedError, 4),
    (CacheMissError, 1),
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


def print_failure(error: AIProviderError, *, as_json: bool, with_route: bool) -> None:
    """What was wrong, where, and what to do."""
    if as_json:
        note(_as_json(error))
        return
    note(f"aip: {error}")
    for violation in error.violations:
        told = f"{violation.field}: {violation.description}"
        if told not in error.message:
            note(f"  {told}")
    for attempt in error.attempts:
        note(f"  tried {routes.attempt(attempt)}")
    if error.retry_after_s is not None:
        note(f"  try again in {error.retry_after_s:g} s")
    if isinstance(error, UnreachableError):
        note("  is the service running? --server HOST:PORT or AIP_SERVER says where")
    if isinstance(error, AuthenticationError):
        note("  --api-key KEY or AIP_API_KEY says who you are")
    if error.request_id:
        note(f"  request id {error.request_id}")
    if with_route and error.route is not None:
        note(routes.routed(error.route, time()))


def _as_json(error: AIProviderError) -> str:
    return json.dumps(
        {
            "reason": error.reason,
            "code": error.code.name,
            "message": error.message,
            "request_id": error.request_id,
            "retry_after_s": error.retry_after_s,
            "violations": [[v.field, v.description] for v in error.violations],
            "attempts": [json_format.MessageToDict(attempt) for attempt in error.attempts],
            "route": json_format.MessageToDict(error.route) if error.route else None,
        }
    )
