"""What an error of the library means to us. Reads kinds only: a text may quote a password."""

from __future__ import annotations

from enum import Enum

from redis.exceptions import AskError, ClusterDownError, ResponseError, TryAgainError


class UnreachableError(Exception):
    """There is nobody to connect to. The cause is what the library says."""


class Fault(Enum):
    """From the server's own refusal of one command to there being no server."""

    REFUSED_COMMAND = "refused command"
    """It answers, and says no: full, a replica, another kind of key, no permission."""
    MOVED = "moved"
    """Another node of the cluster has the key, or will have it."""
    LOST = "lost"
    """It broke off, was late, or answered what is no answer."""
    UNREACHABLE = "unreachable"


def kind(error: BaseException) -> str:
    """All that a log may tell of an error."""
    if isinstance(error, UnreachableError) and error.__cause__ is not None:
        return kind(error.__cause__)
    return type(error).__name__


def fault(error: BaseException) -> Fault:
    match error:
        case UnreachableError():
            return Fault.UNREACHABLE
        case AskError() | TryAgainError():
            return Fault.MOVED
        case ClusterDownError():
            return Fault.LOST
        case ResponseError():
            return Fault.REFUSED_COMMAND
        case _:
            return Fault.LOST
