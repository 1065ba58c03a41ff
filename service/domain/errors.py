"""Why things fail: the one list of reasons, and what a failure carries.

Two kinds of failure: a ProviderFailure is what one attempt met; a ServiceFailure is what the
caller is told. How a reason becomes a gRPC status stands in `service/rpc/status.py`; whether
another provider is tried stands in `service/domain/failover.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

from service.domain.attempt import Attempt
from service.domain.completion import Usage
from service.domain.reasons import ErrorReason
from service.domain.routing import Plan


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """One mistake in a request. `field` is a path such as `spec.messages[2].parts[0].blob.data`."""

    field: str
    description: str


class ProviderFailure(Exception):  # noqa: N818 - "failure" is the domain's word; an error is a bug
    """One attempt at one provider failed.

    `message` is for the caller: it never holds a credential. `retry_after_s` is the provider's
    own wish.
    `local` is True when the provider was never asked (a parameter that it lacks).
    `unheard` is True when the connection was lost before any byte of an answer, as a pooled one is
    whose other end closed it: the provider hardly saw the request.
    `usage` is what the attempt consumed, if the provider said. `field` is the spec path at fault,
    if one is.
    """

    def __init__(
        self,
        reason: ErrorReason,
        message: str,
        *,
        http_status: int = 0,
        retry_after_s: float | None = None,
        local: bool = False,
        unheard: bool = False,
        usage: Usage | None = None,
        field: str = "",
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.http_status = http_status
        self.retry_after_s = retry_after_s
        self.local = local
        self.unheard = unheard
        self.usage = usage
        self.field = field

    def __repr__(self) -> str:
        status = f" http={self.http_status}" if self.http_status else ""
        return f"<ProviderFailure {self.reason.name}{status}: {self.message}>"


class ServiceFailure(Exception):  # noqa: N818 - as above
    """A request failed: what the caller is told.

    `violations` name the fields at fault. `retry_after_s` is when a retry may help, None if it is
    not known. `attempts` are all that were made; `usage` is what they consumed; `last_sequence`
    is that of the last stream event sent, 0 if none was. `plan` is None when none was made.
    `known_for_s` is how long ago an equal request failed so, where nobody was asked again.
    """

    def __init__(
        self,
        reason: ErrorReason,
        message: str,
        *,
        violations: tuple[FieldViolation, ...] = (),
        retry_after_s: float | None = None,
        attempts: tuple[Attempt, ...] = (),
        usage: Usage | None = None,
        last_sequence: int = 0,
        plan: Plan | None = None,
        known_for_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.violations = violations
        self.retry_after_s = retry_after_s
        self.attempts = attempts
        self.usage = usage
        self.last_sequence = last_sequence
        self.plan = plan
        self.known_for_s = known_for_s
        self.joined = False
        """Whether the attempts were made for an equal request in flight, which they count for."""

    def again(self) -> ServiceFailure:
        """The same for another caller: what one is told may be completed, and traced, for it."""
        return ServiceFailure(
            self.reason,
            self.message,
            violations=self.violations,
            retry_after_s=self.retry_after_s,
            attempts=self.attempts,
            usage=self.usage,
            last_sequence=self.last_sequence,
            plan=self.plan,
            known_for_s=self.known_for_s,
        )

    def __repr__(self) -> str:
        tried = len(self.attempts)
        return f"<ServiceFailure {self.reason.name} after {tried} attempts: {self.message}>"
