"""What an error of the library means to us. Reads kinds only: a text may quote a password."""

from __future__ import annotations

from enum import Enum

from redis.exceptions import AskError, ClusterDownError, RedisError, ResponseError, TryAgainError

_BROKEN_OFF = (ConnectionResetError, ConnectionAbortedError, BrokenPipeError, TimeoutError)


class Fault(Enum):
    """From the server's own refusal of one command to there being no server."""

    REFUSED_COMMAND = "refused command"
    """It answers, and says no: full, a replica, another kind of key, no permission."""
    MOVED = "moved"
    """Another node of the cluster has the key, or will have it."""
    LOST = "lost"
    """It broke off, was late, or answered what is no answer."""
    UNREACHABLE = "unreachable"
    """There is nobody to connect to."""


def kind(error: BaseException) -> str:
    """All that a log may tell of an error."""
    return type(error).__name__


def fault(error: BaseException) -> Fault:
    if isinstance(error, AskError | TryAgainError):
        return Fault.MOVED
    if isinstance(error, ClusterDownError):
        return Fault.LOST
    if isinstance(error, ResponseError):
        return Fault.REFUSED_COMMAND
    if _no_connection(error):
        return Fault.UNREACHABLE
    return Fault.LOST


def _no_connection(error: BaseException) -> bool:
    # The library wraps what the system says of a connection, and names Sentinel's answer.
    if kind(error) == "MasterNotFoundError":
        return True
    cause = error.__cause__ or error.__context__
    return (
        isinstance(error, RedisError)
        and isinstance(cause, OSError)
        and not isinstance(cause, _BROKEN_OFF)
    )
