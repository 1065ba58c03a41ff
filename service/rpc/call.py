"""What the edge knows about the call that is being served: one value, set by the interceptors."""

from __future__ import annotations

import contextvars
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Identity:
    """On whose behalf a call is made."""

    caller: str
    tenant: str


@dataclass(slots=True)
class Call:
    """`deadline` is in the event loop's time and always finite; `started` is monotonic time."""

    method: str
    request_id: str
    identity: Identity
    deadline: float
    started: float
    trace_id: str = ""


_current: contextvars.ContextVar[Call] = contextvars.ContextVar("call")


def current() -> Call:
    return _current.get()


def enter(call: Call) -> None:
    _current.set(call)
