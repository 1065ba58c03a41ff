"""What the edge knows about the call that is being served: one value, set by the guard."""

from __future__ import annotations

import contextvars
from dataclasses import dataclass
from typing import Any, TypeAlias

import grpc.aio

from service.domain.call_record import CallRecord
from service.domain.errors import ServiceFailure
from service.domain.permission import Permission
from service.domain.reasons import ErrorReason

# Quoted: generic in the stubs only.
Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


@dataclass(frozen=True, slots=True)
class Identity:
    """On whose behalf a call is made."""

    caller: str
    tenant: str
    permissions: frozenset[Permission] = frozenset()


NOBODY = Identity("", "")


@dataclass(slots=True)
class Call:
    """`deadline` is in the event loop's time and always finite."""

    deadline: float
    record: CallRecord
    """What will be remembered of it: servicers fill in what they learn."""
    identity: Identity = NOBODY


_current: contextvars.ContextVar[Call] = contextvars.ContextVar("call")


def current() -> Call:
    return _current.get()


def require(permission: Permission) -> None:
    """Raises ServiceFailure MODEL_NOT_ALLOWED unless the present caller has it."""
    identity = current().identity
    if permission not in identity.permissions:
        raise ServiceFailure(
            ErrorReason.MODEL_NOT_ALLOWED,
            f"{identity.caller or 'this caller'} lacks the permission `{permission.value}`:"
            " the configuration gives it to an API key or a client certificate",
        )


def enter(call: Call) -> None:
    _current.set(call)
