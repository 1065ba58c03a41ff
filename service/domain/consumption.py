"""What an attempt consumed, whatever became of it; and what several did together. Pure.

    it answered              what the provider says; else an estimate
    found without asking     nothing is known, for there was nothing
    refused, or never there  nothing
    broke off, too late,     what the provider says; else an estimate: the whole prompt, and of the
    given up, cancelled      answer what was heard

A connection that was lost before any byte of an answer counts as one that was never there. What a
model thought without saying it is in no estimate.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce

from service.domain.attempt import Attempt
from service.domain.completion import Usage
from service.domain.cost import FREE, Cost
from service.domain.errors import ProviderFailure
from service.domain.reasons import ErrorReason
from service.domain.tokens import estimated_tokens

NOTHING = Usage()
_REDIRECTED = 300
# With no status of a refusal, the provider had the request and worked on it.
_AT_WORK = frozenset({ErrorReason.PROVIDER_TIMEOUT, ErrorReason.PROVIDER_RESPONSE_INVALID})


def estimate(prompt_tokens: int, heard_bytes: int) -> Usage:
    """`prompt_tokens` are an estimate already."""
    return Usage(prompt_tokens, estimated_tokens(heard_bytes), estimated=True)


def consumed_by_failure(
    failure: ProviderFailure, prompt_tokens: int, heard_bytes: int
) -> Usage | None:
    """None where nobody was asked."""
    if failure.local:
        return None
    if failure.usage is not None:
        return failure.usage
    if heard_bytes or _was_served(failure):
        return estimate(prompt_tokens, heard_bytes)
    return NOTHING


def _was_served(failure: ProviderFailure) -> bool:
    status = failure.http_status
    return 0 < status < _REDIRECTED or (not status and failure.reason in _AT_WORK)


def usage_of_all(attempts: Iterable[Attempt]) -> Usage | None:
    """What they consumed together; None where no provider was asked."""
    told = [attempt.usage for attempt in attempts if attempt.usage is not None]
    return reduce(Usage.__add__, told) if told else None


def cost_of_all(attempts: Iterable[Attempt]) -> Cost | None:
    """What they cost together; None where no provider was asked."""
    told = [attempt.cost for attempt in attempts if attempt.cost is not None]
    return sum(told, FREE) if told else None
