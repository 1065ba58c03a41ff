"""Finds out how a node of Redis is, when nobody waits for it, and what time it has there."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from service.caches.clock import SharedClock
from service.caches.lane import Lane
from service.caches.replies import NonsenseError, to_set
from service.caches.wait import Wait
from service.redis_door import Fault, Words, fault

_PROBE = b"1"
_PROBE_MS = 10_000


async def visit(lane: Lane, clock: SharedClock | None = None) -> None:
    """To be called at the lane's pace. Sets the clock, if there is one. Raises nothing."""
    if await _has_new_master(lane):
        lane.breaker.hurry()
    # Of the visits the one that comes closest.
    if lane.breaker.trial_is_due(asyncio.get_running_loop().time() + lane.pace_s / 2.0):
        await _try(lane)
    elif lane.is_open():
        await _greet(lane, clock)


async def _has_new_master(lane: Lane) -> bool:
    try:
        return await lane.line.follow_master()
    except Exception:  # noqa: BLE001 - as long as the master answers, sentinels may be gone
        return False


async def _greet(lane: Lane, clock: SharedClock | None) -> None:
    """Keeps a connection warm, and notices what befalls a server that nobody asks."""
    # Where writes are refused somebody must notice when they no longer are.
    commands: list[Words] = [("TIME",), *([_store(lane)] if lane.write_problem else [])]
    began_at = asyncio.get_running_loop().time()
    wait: Wait | None = None
    before = 0.0

    def sent() -> None:
        # Nobody waits for a connection to be made.
        nonlocal wait, before
        wait = Wait(lane.wait_s, partial(lane.late, began_at))
        wait.sent()
        before = clock.read() if clock else 0.0

    try:
        told, *written = await lane.line.exchange(commands, sent)
        # Whoever may not ask for the time may still do all else.
        moment = None if _is_refusal(told) else _moment(_good(told))
    except NonsenseError:
        lane.nonsense(began_at)
        return
    except Exception as error:  # noqa: BLE001 - whatever a broken server makes of the library
        lane.failed(began_at, error)
        return
    finally:
        in_time = wait is not None and wait.end()
    if in_time:
        lane.in_time()
    if clock and moment is not None:
        clock.heard(moment, before, clock.read())
    for reply in written:
        lane.written(to_set(reply))


async def _try(lane: Lane) -> None:
    """Asks and tells it something: as if all were well, and nobody waits for it."""
    lane.breaker.trial_begins()
    try:
        # With a connection to begin with: to make one may take its time.
        await lane.line.exchange([("PING",)])
        value, soon = await _timed(lane, ("GET", lane.probe))
        reply, soon_too = await _timed(lane, _store(lane))
        _require_probe(_good(value))
        reply = to_set(reply)
        if not _is_refusal(reply):
            _good(reply)
    except Exception as error:  # noqa: BLE001 - whatever a broken server makes of the library
        lane.tried_in_vain(error)
        return
    lane.tried(in_time=soon and soon_too)
    lane.written(reply)


async def _timed(lane: Lane, words: Words) -> tuple[Any, bool]:
    """The reply, and whether a lookup would have waited for it."""
    wait = Wait(lane.wait_s, _nothing)
    try:
        (reply,) = await lane.line.exchange([words], wait.sent)
    finally:
        in_time = wait.end()
    return reply, in_time


def _store(lane: Lane) -> Words:
    return ("SET", lane.probe, _PROBE, "PX", _PROBE_MS)


def _is_refusal(reply: Any) -> bool:
    return isinstance(reply, Exception) and fault(reply) is Fault.REFUSED_COMMAND


def _good(reply: Any) -> Any:
    if isinstance(reply, Exception):
        raise reply
    return reply


def _require_probe(value: Any) -> None:
    if value not in (None, _PROBE):
        raise NonsenseError("this is not what was stored")


def _moment(told: Any) -> float:
    """Raises NonsenseError for what is no reply to TIME."""
    try:
        seconds, microseconds = told
        return int(seconds) + int(microseconds) / 1e6
    except (TypeError, ValueError):
        raise NonsenseError("this is no time") from None


def _nothing() -> None: ...
